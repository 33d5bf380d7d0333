"""What both backends score by: BM25's parameters, and vectors of length one."""

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

K1 = 1.2
B = 0.75


def normalised(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """A copy of `vectors`, (n, dimension), each of length one, those of zeros left alone."""
    copy = np.array(vectors, np.float32, order="C")
    faiss.normalize_L2(copy)
    return copy
