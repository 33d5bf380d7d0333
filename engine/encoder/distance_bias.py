"""What attention adds for the distance of two tokens (Raffel et al., 2020; Song et al., 2020).

Distances are those of the packed sequence: of a text alone below the cut, and above it of the pair,
as it would stand undecomposed. A token keeps its place where only some are read on.
"""

import math
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.encoder.packing import Packing

BUCKETS = 32
"""Half of them for keys before the query: eight distances singly, then ever wider ranges."""
_FARTHEST = 128
"""All distances from here on share a bucket."""


class DistanceBias(nn.Module):
    """A number for each head and bucket of distances.

    Each layer has its own, though MPNet's begin equal: so layers can be chosen, pruned and trained
    one by one.
    """

    def __init__(self, n_heads: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_heads, BUCKETS))

    def forward(self, packing: Packing, wanted: Tensor | None = None) -> Tensor:
        """The bias of each query and key: (heads, longest, longest).

        With `wanted`, as in `Attention.forward`, or where the packing isn't whole, (sequences,
        heads, n, longest).
        """
        length = packing.longest if packing.is_whole else int(packing.position.max()) + 1
        buckets = torch.from_numpy(_buckets(length)).to(self.weight.device)
        by_distance = self.weight[:, buckets]  # from 1 - length to length - 1
        if not packing.is_whole:
            keys = packing.pad(packing.position[:, None])[..., 0]
            queries = keys if wanted is None else packing.position[wanted]
            places = keys[:, None, :] - queries[..., None] + length - 1
            return by_distance[:, places].transpose(0, 1)
        if wanted is None:
            # Window w begins at the distance of query length - 1 - w to the first key.
            return by_distance.unfold(1, length, 1).flip(1)
        keys = torch.arange(length, device=buckets.device)
        places = keys - packing.position[wanted][..., None] + length - 1
        return by_distance[:, places].transpose(0, 1)


@lru_cache(maxsize=64)
def _buckets(length: int) -> NDArray[np.int64]:
    """The bucket of each distance from `1 - length` to `length - 1`, key less query.

    They are kept as an array, since a tensor made in inference mode can't be trained on later.
    """
    side = BUCKETS // 2
    single = side // 2
    away = torch.arange(1 - length, length)
    far = away.abs().clamp_min(1)
    # In fp32 and rounded towards nought, as in `transformers`: bounds are where they are there.
    wider = torch.log(far.float() / single) / math.log(_FARTHEST / single) * (side - single)
    wider = (single + wider.long()).clamp_max(side - 1)
    bucket = torch.where(away.abs() < single, away.abs(), wider) + side * (away > 0)
    return bucket.numpy()
