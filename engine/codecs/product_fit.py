"""The tensors of a product codec, fitted to states."""

import faiss
import torch
from torch import Tensor

from engine.codecs.product import ENTRIES
from engine.errors import CheckpointError

FEWEST = 39 * ENTRIES
"""States to fit to: faiss asks for 39 to an entry of a codebook."""
MOST = 65_536
"""More change nothing that was measured."""

_ROUNDS = 10
"""Of fitting the rotation; each fits all codebooks anew."""


def fit_product(states: Tensor, parts: int, *, seed: int = 0) -> dict[str, Tensor]:
    """`rotation` and `codebooks` for `states` (n, width), of `parts` bytes a token.

    The rotation is that of optimised product quantisation, the codebooks are k-means centroids,
    both by faiss.

    Raises: CheckpointError if the width can't be divided so, or there are too few states.
    """
    n, width = states.shape
    if parts < 1 or width % parts:
        divisors = ", ".join(str(d) for d in range(1, width + 1) if width % d == 0)
        raise CheckpointError(f"{parts} bytes a token asked for; states of {width} take {divisors}")
    if n < FEWEST:
        raise CheckpointError(
            f"the text has {n} wordpieces, fitting a codec takes {FEWEST}; give more with --text"
        )
    generator = torch.Generator().manual_seed(seed)
    taken = states[torch.randperm(n, generator=generator)[:MOST]].float().contiguous().numpy()
    rotation = faiss.OPQMatrix(width, parts)
    rotation.niter = _ROUNDS
    rotation.train(taken)
    quantiser = faiss.ProductQuantizer(width, parts, 8)
    quantiser.train(rotation.apply(taken))
    return {
        "rotation": torch.from_numpy(
            faiss.vector_to_array(rotation.A).reshape(width, width)
        ).half(),
        "codebooks": torch.from_numpy(
            faiss.vector_to_array(quantiser.centroids).reshape(parts, ENTRIES, width // parts)
        ).half(),
    }
