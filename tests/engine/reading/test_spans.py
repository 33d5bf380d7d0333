"""The best spans are those that trying all of them finds."""

import math

import pytest
import torch

from engine.encoder.packing import Packing
from engine.encoder.states import States
from engine.reading.reader import ReaderOutput
from engine.reading.skipping import EveryToken
from engine.reading.spans import MAX_PIECES, best_spans

LOW = torch.finfo(torch.float32).min


def output(
    start: torch.Tensor, end: torch.Tensor, lengths: list[int], passage_start: list[int]
) -> ReaderOutput:
    none = torch.zeros(len(lengths))
    places = torch.tensor(passage_start)
    return ReaderOutput(start, end, none, none, [], Packing(lengths), places)


def random_output(lengths: list[int], passage_start: list[int], seed: int) -> ReaderOutput:
    torch.manual_seed(seed)
    # The question's logits are the highest: whoever looks at them is found out.
    start, end = torch.randn(sum(lengths)), torch.randn(sum(lengths))
    at = 0
    for length, first in zip(lengths, passage_start, strict=True):
        for logits in (start, end):
            logits[at : at + first] += 100
            logits[at + length - 1] += 100
        at += length
    return output(start, end, lengths, passage_start)


def all_spans(found: ReaderOutput, row: int, max_pieces: int) -> list[tuple[float, int, int]]:
    """(score, first, last) of every span, best first, one by one."""
    at = int(found.packing.starts[row])
    length, first = int(found.packing.lengths[row]), int(found.passage_start[row])
    spans = [
        (float(found.start[at + i] + found.end[at + j]), i - first, j - first)
        for i in range(first, length - 1)
        for j in range(i, min(i + max_pieces, length - 1))
    ]
    return sorted(spans, reverse=True)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("max_pieces", [1, 3, MAX_PIECES])
def test_best_spans_are_those_of_trying_all(seed: int, max_pieces: int) -> None:
    lengths, firsts = [9, 60, 45, 5], [4, 7, 3, 2]
    found = random_output(lengths, firsts, seed)
    spans = best_spans(found, 8, max_pieces)
    for row in range(len(lengths)):
        wanted = all_spans(found, row, max_pieces)[:8]
        n = len(wanted)
        assert spans.score[row, :n].tolist() == pytest.approx([s for s, _, _ in wanted])
        assert spans.first[row, :n].tolist() == [i for _, i, _ in wanted]
        assert spans.last[row, :n].tolist() == [j for _, _, j in wanted]
        assert all(score == -math.inf for score in spans.score[row, n:].tolist())


def test_a_span_is_never_longer_than_the_limit() -> None:
    start, end = torch.zeros(50), torch.zeros(50)
    start[4], end[4 + MAX_PIECES] = 10.0, 10.0  # together 31 pieces
    spans = best_spans(output(start, end, [50], [3]), 40)
    pieces = spans.last - spans.first + 1
    assert int(pieces.max()) <= MAX_PIECES
    assert float(spans.score[0, 0]) == 10.0
    end[4 + MAX_PIECES], end[3 + MAX_PIECES] = 0.0, 10.0  # together 30
    spans = best_spans(output(start, end, [50], [3]), 1)
    assert (float(spans.score[0, 0]), int(spans.first[0, 0]), int(spans.last[0, 0])) == (20, 1, 30)


def test_the_end_never_stands_before_the_start() -> None:
    start = torch.tensor([0.0, 0, 0, 8, 0])
    end = torch.tensor([0.0, 9, 0, 0, 0])
    spans = best_spans(output(start, end, [5], [1]), 1)
    assert (int(spans.first[0, 0]), int(spans.last[0, 0])) == (0, 0)
    assert float(spans.score[0, 0]) == 9.0


@pytest.mark.parametrize("k", [3, 8, 500])
def test_a_passage_with_fewer_spans_than_asked_fills_up_with_minus_infinity(k: int) -> None:
    found = random_output([5, 4], [2, 2], 0)  # passages of 2 and 1 pieces: 3 spans and 1
    spans = best_spans(found, k)
    assert spans.score.shape == spans.first.shape == spans.last.shape == (2, k)
    assert torch.isfinite(spans.score).sum(1).tolist() == [3, 1]
    assert (spans.first[1, 0], spans.last[1, 0]) == (0, 0)


def test_an_empty_passage_has_no_span() -> None:
    spans = best_spans(random_output([3, 5], [2, 2], 0), 4)
    assert torch.isinf(spans.score[0]).all()
    assert torch.isfinite(spans.score[1, 0])


def test_logits_masked_by_the_reader_are_never_chosen(make_reader) -> None:
    reader = make_reader()
    questions = States(torch.randn(7, 32), Packing([3, 4]))
    passages = States(torch.randn(9, 32), Packing([5, 4]))
    pairs = torch.tensor([[0, 1], [1, 0], [0, 0]])
    with torch.no_grad():
        found = reader(questions, passages, pairs, EveryToken())
    assert found.passage_start.tolist() == [3, 4, 3]
    is_low = (found.start == LOW).tolist()
    assert is_low == (found.end == LOW).tolist()
    wanted = [*[1] * 3, 0, 0, 0, 1, *[1] * 4, *[0] * 4, 1, *[1] * 3, *[0] * 4, 1]
    assert is_low == [bool(low) for low in wanted]
