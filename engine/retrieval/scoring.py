"""What both backends score by: BM25's parameters, and vectors of unit length."""

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

K1 = 1.2
B = 0.75


def normalised(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """A copy of `vectors`, (n, dimension), each of unit length; zero vectors stay zero."""
    copy = np.array(vectors, np.float32, order="C")
    faiss.normalize_L2(copy)
    return copy
