"""The best spans of a reader's output."""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.reading.reader import ReaderOutput

MAX_PIECES = 30


@dataclass(frozen=True)
class Spans:
    """The best spans of each pair, best first.

    `score`: (pairs, k), start plus end logit. `first`, `last`: (pairs, k), pieces of the passage,
    from 0. A passage with fewer than k spans is filled up with scores of -inf.
    """

    score: Tensor
    first: Tensor
    last: Tensor

    def cpu(self) -> "Spans":
        """On the processor, once they are worked out."""
        return Spans(self.score.cpu(), self.first.cpu(), self.last.cpu())


def best_spans(output: ReaderOutput, k: int, max_pieces: int = MAX_PIECES) -> Spans:
    """The k highest sums of start and end logit with at most `max_pieces` pieces."""
    packing = output.packing
    start = packing.pad(output.start[:, None])[..., 0]
    end = packing.pad(output.end[:, None])[..., 0]
    columns = torch.arange(packing.longest, device=start.device)
    first = output.passage_start[:, None]
    outside = (columns < first) | (columns >= packing.lengths[:, None] - 1)
    start = start.masked_fill(outside, -torch.inf)
    end = end.masked_fill(outside, -torch.inf)
    beyond = end.new_full((len(packing), max_pieces - 1), -torch.inf)
    ends = torch.cat([end, beyond], dim=1).unfold(1, max_pieces, 1)  # (pairs, longest, pieces)
    scores = (start[:, :, None] + ends).flatten(1)
    if (missing := k - scores.shape[1]) > 0:
        scores = torch.nn.functional.pad(scores, (0, missing), value=-torch.inf)
    best = scores.topk(k, dim=1)
    begin = best.indices // max_pieces - first
    return Spans(best.values, begin, begin + best.indices % max_pieces)
