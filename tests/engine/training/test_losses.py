"""Losses by hand, and against slow references."""

import math

import pytest
import torch
import torch.nn.functional as F

from engine.encoder.packing import Packing
from engine.encoder.states import States
from engine.reading.reader import ReaderOutput
from engine.training.losses import (
    Targets,
    distillation_loss,
    passage_state_loss,
    question_null,
    relevance_loss,
    segment_log_softmax,
    span_log_probabilities,
    span_loss,
    state_loss,
)

LOW = torch.finfo(torch.float32).min


def output(
    lengths: list[int],
    start: list[float],
    end: list[float],
    null: list[float],
    relevance: list[float] | None = None,
    layers: list[torch.Tensor] | None = None,
) -> ReaderOutput:
    leaf = [torch.tensor(v, requires_grad=True) for v in (start, end, null, relevance or null)]
    passage_start = torch.ones(len(lengths), dtype=torch.long)
    return ReaderOutput(*leaf, layers or [], Packing(lengths), passage_start)


def random_output(lengths: list[int], seed: int, scale: float = 3.0) -> ReaderOutput:
    """Question's first and closing token masked, as a reader does."""
    torch.manual_seed(seed)
    masked = torch.cat([torch.tensor([1, *[0] * (n - 2), 1]) for n in lengths]).bool()
    start, end = (
        (scale * torch.randn(sum(lengths))).masked_fill(masked, LOW).tolist() for _ in "se"
    )
    null, relevance = (scale * torch.randn(2, len(lengths))).tolist()
    return output(lengths, start, end, null, relevance)


def targets(
    group: list[int], start: list[int], end: list[int], relevant: list[int] | None = None
) -> Targets:
    return Targets(*map(torch.tensor, (group, start, end, relevant or start)))


@pytest.mark.parametrize("scale", [1.0, 50.0, 1e4])
def test_segment_log_softmax_is_log_softmax_over_each_segment_and_its_none(scale: float) -> None:
    torch.manual_seed(0)
    segments = torch.tensor([2, 0, 0, 2, 1, 2, 0])
    logits, none = scale * torch.randn(7), scale * torch.randn(4)  # the fourth has no entries
    log_p, log_none = segment_log_softmax(logits, segments, none)
    for segment in range(4):
        own = segments == segment
        wanted = torch.cat([logits[own], none[segment : segment + 1]]).log_softmax(0)
        torch.testing.assert_close(log_p[own], wanted[:-1])
        torch.testing.assert_close(log_none[segment], wanted[-1])
    assert log_none[3].item() == 0.0


def test_the_gradient_of_segment_log_softmax_is_that_of_log_softmax() -> None:
    torch.manual_seed(1)
    segments = torch.tensor([0, 1, 0, 0])
    logits = torch.randn(4, dtype=torch.float64, requires_grad=True)
    none = torch.randn(2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda a, b: segment_log_softmax(a, segments, b), (logits, none)
    )


def test_the_null_logit_of_a_question_is_the_lowest_of_its_passages() -> None:
    found = output([1] * 4, [0.0] * 4, [0.0] * 4, [3.0, -1.0, 2.0, 5.0])
    assert question_null(found, targets([0, 0, 1, 0], [0, 0], [0, 0])).tolist() == [-1.0, 2.0]


def two_passages() -> ReaderOutput:
    """One question read against passages of [question, a, b, closing] and [question, c, closing].

    e^start is 1, 2, 4 for a, b, c and 1 for null, 8 in all; e^end is 2, 3, 1 and 1, 7 in all. The
    second passage's null is higher, so the first one's counts.
    """
    starts = [LOW, math.log(1), math.log(2), LOW, LOW, math.log(4), LOW]
    ends = [LOW, math.log(2), math.log(3), LOW, LOW, math.log(1), LOW]
    return output([4, 3], starts, ends, [0.0, 2.0])


def test_span_loss_of_a_question_with_two_passages_by_hand() -> None:
    in_second = span_loss(two_passages(), targets([0, 0], [5], [5]))
    assert in_second.item() == pytest.approx((math.log(8 / 4) + math.log(7 / 1)) / 2)
    in_first = span_loss(two_passages(), targets([0, 0], [1], [2]))
    assert in_first.item() == pytest.approx((math.log(8 / 1) + math.log(7 / 3)) / 2)


def test_a_question_without_an_answer_is_trained_towards_null() -> None:
    loss = span_loss(two_passages(), targets([0, 0], [-1], [-1]))
    assert loss.item() == pytest.approx((math.log(8) + math.log(7)) / 2)


def test_questions_count_alike_and_do_not_mix() -> None:
    both = output(
        [4, 3, 3],
        [*two_passages().start.tolist(), LOW, 0.5, LOW],
        [*two_passages().end.tolist(), LOW, -0.5, LOW],
        [0.0, 2.0, 1.0],
    )
    loss = span_loss(both, targets([0, 0, 1], [5, 8], [5, 8]))
    first = (math.log(8 / 4) + math.log(7 / 1)) / 2
    second = (math.log(1 + math.exp(0.5)) + math.log(1 + math.exp(1.5))) / 2
    assert loss.item() == pytest.approx((first + second) / 2)


def test_relevance_loss_by_hand() -> None:
    found = output([1] * 3, [0.0] * 3, [0.0] * 3, [0.0] * 3, [math.log(2), math.log(3), 0.0])
    # Question 0: e^l 2, 3 and none 1; question 1: 1 and none 1.
    loss = relevance_loss(found, targets([0, 0, 1], [0, 0], [0, 0], [1, -1]))
    assert loss.item() == pytest.approx((math.log(6 / 3) + math.log(2)) / 2)


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
def test_distilling_from_oneself_costs_nothing(temperature: float) -> None:
    own = random_output([5, 4, 6], 0)
    loss = distillation_loss(own, own, targets([0, 0, 1], [1, 1], [1, 1]), temperature)
    assert loss.item() == pytest.approx(0.0, abs=1e-6)


def test_distillation_from_another_is_positive() -> None:
    student, teacher = random_output([5, 4, 6], 0), random_output([5, 4, 6], 1)
    aim = targets([0, 0, 1], [1, 1], [1, 1])
    assert distillation_loss(student, teacher, aim, 2.0).item() > 0.1


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_distillation_is_the_divergence_that_torch_computes(temperature: float) -> None:
    student, teacher = random_output([6, 5], 0), random_output([6, 5], 1)
    loss = distillation_loss(student, teacher, targets([0, 0], [1], [1]), temperature)
    wanted = 0.0
    for name in ("start", "end"):
        mine, theirs = (
            torch.cat([getattr(o, name), o.null.min()[None]]) / temperature
            for o in (student, teacher)
        )
        wanted += F.kl_div(
            mine.log_softmax(0), theirs.log_softmax(0), reduction="sum", log_target=True
        ).item()
    assert loss.item() == pytest.approx(temperature**2 * wanted / 2, rel=1e-5)


def test_state_loss_by_hand() -> None:
    zero, one = torch.zeros(3, 2), torch.ones(3, 2)
    student = output([3], [0.0] * 3, [0.0] * 3, [0.0], layers=[zero, one])
    teacher = output([3], [0.0] * 3, [0.0] * 3, [0.0], layers=[2 * one, 9 * one, 4 * one])
    # Layer 0 against the teacher's 0: 4; layer 1 against its 2: 9.
    assert state_loss(student, teacher, [0, 2]).item() == pytest.approx(6.5)
    with pytest.raises(ValueError, match="shorter"):
        state_loss(student, teacher, [0])


def test_states_in_half_precision_are_compared_in_full() -> None:
    half = torch.full((4, 4), 300.0, dtype=torch.float16)  # the square overflows fp16
    student = output([4], [0.0] * 4, [0.0] * 4, [0.0], layers=[half])
    teacher = output([4], [0.0] * 4, [0.0] * 4, [0.0], layers=[-half])
    assert state_loss(student, teacher, [0]).item() == 360_000.0


def test_states_at_the_cut_are_compared_within_passages_alone() -> None:
    # Pairs of one question token and two of the passage, and of two and one.
    joint = torch.tensor([[9.0, 9.0], [1.0, 1.0], [2.0, 2.0], [9.0, 9.0], [9.0, 9.0], [0.0, 4.0]])
    packing, passage_start = Packing([3, 3]), torch.tensor([1, 2])
    loss = passage_state_loss(States(joint, packing), torch.zeros(6, 2), passage_start)
    assert loss.item() == pytest.approx((1 + 1 + 4 + 4 + 0 + 16) / 6)


@pytest.mark.parametrize("scale", [1.0, 100.0])
@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_gradients_are_finite_beside_masked_logits(scale: float, temperature: float) -> None:
    student, teacher = random_output([5, 4, 6], 0, scale), random_output([5, 4, 6], 1, scale)
    # The answers: a token of each question's first passage, none for the second question.
    aim = targets([0, 0, 1], [2, -1], [3, -1], [0, -1])
    loss = span_loss(student, aim) + relevance_loss(student, aim)
    loss = loss + distillation_loss(student, teacher, aim, temperature)
    assert math.isfinite(loss.item())
    loss.backward()
    for name in ("start", "end", "null", "relevance"):
        gradient = getattr(student, name).grad
        assert torch.isfinite(gradient).all(), name
    assert student.start.grad[0] == 0.0, "a masked token learns nothing"
    assert teacher.start.grad is None, "the teacher doesn't learn"


def test_probabilities_of_each_question_sum_to_one() -> None:
    found = random_output([5, 4, 6], 3)
    aim = targets([0, 1, 0], [1, 1], [1, 1])
    segment = aim.group[found.packing.sequence]
    for log_p, log_none in span_log_probabilities(found, aim):
        for question in (0, 1):
            total = log_p[segment == question].exp().sum() + log_none[question].exp()
            assert total.item() == pytest.approx(1.0, abs=1e-5)
