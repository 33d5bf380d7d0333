"""The best spans of a reader's output."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.reading.reader import ReaderOutput
from engine.reading.wording import Wording
from engine.text.words import Says

MAX_PIECES = 30
SPANS_PER_PASSAGE = 8


@dataclass(frozen=True)
class Spans:
    """The best spans of each pair, best first.

    `score`: (pairs, k), start plus end logit. `first`, `last`: (pairs, k), pieces of the passage,
    from 0. A passage with fewer than k spans is filled up with scores of -inf. Of the k, the first
    `shown` may be shown; the others are there for their share of the probability.
    """

    score: Tensor
    first: Tensor
    last: Tensor
    shown: int

    def cpu(self) -> "Spans":
        """On the processor, once they are worked out."""
        return Spans(self.score.cpu(), self.first.cpu(), self.last.cpu(), self.shown)


@dataclass(frozen=True)
class ShownSpan:
    """A span as it's shown: its place in its passage's text, number among `Spans`, and score."""

    start: int
    end: int
    column: int
    score: float


def best_spans(output: ReaderOutput, k: int, max_pieces: int = MAX_PIECES) -> Spans:
    """The k highest sums of start and end logit with at most `max_pieces` pieces."""
    return _best(output, _scores(output, max_pieces), k)


def best_answers(
    output: ReaderOutput, wordings: Sequence[Wording], k: int, max_pieces: int = MAX_PIECES
) -> Spans:
    """The k best spans that may be shown, then those of the k best of all that may not.

    `wordings` are of the pairs' passages. A span that may not be shown keeps its score, so those
    that are shown don't become surer by it.
    """
    scores = _scores(output, max_pieces)
    may = _may_be_shown(output, wordings, max_pieces)
    shown = _best(output, scores.masked_fill(~may, -torch.inf), k)
    any_span = scores.flatten(1).topk(min(k, scores[0].numel()), dim=1)
    others = _as_spans(
        output,
        any_span.values.masked_fill(may.flatten(1).gather(1, any_span.indices), -torch.inf),
        any_span.indices,
        max_pieces,
    )
    return Spans(
        torch.cat([shown.score, others.score], dim=1),
        torch.cat([shown.first, others.first], dim=1),
        torch.cat([shown.last, others.last], dim=1),
        k,
    )


def shown_spans(spans: Spans, wordings: Sequence[Wording]) -> list[list[ShownSpan]]:
    """The spans of each passage that may be shown, as they are worded, the best first.

    `spans` are on the processor. Left out are those that can't be worded so that they say anything.
    """
    # Plain numbers, since reading a tensor's elements one by one is slow.
    scores, first, last = (
        of[:, : spans.shown].tolist() for of in (spans.score, spans.first, spans.last)
    )
    return [
        [
            ShownSpan(*place, column, score)
            for column, score in enumerate(scores[row])
            if score > -math.inf
            and (place := wording.place(first[row][column], last[row][column])) is not None
        ]
        for row, wording in enumerate(wordings)
    ]


def _scores(output: ReaderOutput, max_pieces: int) -> Tensor:
    """(pairs, longest, max_pieces): of the span from each token on, by its number of pieces."""
    packing = output.packing
    start = packing.pad(output.start[:, None])[..., 0]
    end = packing.pad(output.end[:, None])[..., 0]
    columns = torch.arange(packing.longest, device=start.device)
    first = output.passage_start[:, None]
    outside = (columns < first) | (columns >= packing.lengths[:, None] - 1)
    start = start.masked_fill(outside, -torch.inf)
    end = end.masked_fill(outside, -torch.inf)
    beyond = end.new_full((len(packing), max_pieces - 1), -torch.inf)
    ends = torch.cat([end, beyond], dim=1).unfold(1, max_pieces, 1)
    return start[:, :, None] + ends


def _may_be_shown(output: ReaderOutput, wordings: Sequence[Wording], max_pieces: int) -> Tensor:
    """As `_scores`: which spans their passages' wordings allow."""
    longest = output.packing.longest
    bounds = np.zeros((4, len(wordings), longest), np.int64)
    for row, (wording, first) in enumerate(
        zip(wordings, output.passage_start.tolist(), strict=True)
    ):
        pieces = slice(first, first + len(wording.offsets))
        bounds[:, row, pieces] = first + np.stack(
            [
                wording.reach,
                wording.next_of(Says.NEW),
                wording.next_of(Says.ASKED),
                wording.next_of(Says.FUNCTION, Says.ASKED, Says.NEW),
            ]
        )
    reach, new, asked, word = torch.from_numpy(bounds).to(output.start.device)[..., None]
    last = torch.arange(longest, device=reach.device)[:, None]
    last = last + torch.arange(max_pieces, device=reach.device)
    says = (last >= new) | ((last >= word) & (last < asked))
    may: Tensor = (last <= reach) & says
    return may


def _best(output: ReaderOutput, scores: Tensor, k: int) -> Spans:
    flat = scores.flatten(1)
    if (missing := k - flat.shape[1]) > 0:
        flat = torch.nn.functional.pad(flat, (0, missing), value=-torch.inf)
    best = flat.topk(k, dim=1)
    return _as_spans(output, best.values, best.indices, scores.shape[2])


def _as_spans(output: ReaderOutput, score: Tensor, places: Tensor, max_pieces: int) -> Spans:
    first = places // max_pieces - output.passage_start[:, None]
    return Spans(score, first, first + places % max_pieces, score.shape[1])
