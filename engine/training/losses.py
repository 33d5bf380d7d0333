"""Losses over all passages of a question at once.

One normalisation over a question's passages makes span scores comparable between them
(Clark & Gardner, ACL 2018); the null answer competes in the same softmax.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.encoder.states import States
from engine.reading.reader import ReaderOutput


@dataclass(frozen=True)
class Targets:
    """The right answers of a batch.

    `group`: (pairs,), the question that each pair belongs to. `start`, `end`: (questions,), packed
    token of the answer, or -1 for a question that none of its passages answers. `relevant`:
    (questions,), the pair that answers it, or -1.
    """

    group: Tensor
    start: Tensor
    end: Tensor
    relevant: Tensor

    @property
    def n_questions(self) -> int:
        return len(self.start)


def segment_log_softmax(logits: Tensor, segments: Tensor, none: Tensor) -> tuple[Tensor, Tensor]:
    """Log-softmax within each segment, with `none` competing as one more entry of each.

    Shapes: `logits`, `segments` (n,); `none` (segments,). Returns log-probabilities of the entries
    (n,) and of none (segments,).
    """
    highest = none.detach().scatter_reduce(0, segments, logits.detach(), "amax")
    total = (none - highest).exp().index_add(0, segments, (logits - highest[segments]).exp())
    norm = highest + total.log()
    return logits - norm[segments], none - norm


def question_null(output: ReaderOutput, targets: Targets) -> Tensor:
    """Null logit of each question (questions,): the lowest of its passages'.

    One passage that has an answer is enough for the question to have one.
    """
    lowest = output.null.new_full((targets.n_questions,), torch.inf)
    return lowest.scatter_reduce(0, targets.group, output.null, "amin")


def span_log_probabilities(
    output: ReaderOutput, targets: Targets, temperature: float = 1.0
) -> list[tuple[Tensor, Tensor]]:
    """(tokens,) and (questions,) log-probabilities for starts, then for ends."""
    segments = targets.group[output.packing.sequence]
    null = question_null(output, targets) / temperature
    return [
        segment_log_softmax(logits / temperature, segments, null)
        for logits in (output.start, output.end)
    ]


def span_loss(output: ReaderOutput, targets: Targets) -> Tensor:
    """Cross-entropy of start and end, averaged."""
    starts, ends = span_log_probabilities(output, targets)
    return (_nll(*starts, targets.start) + _nll(*ends, targets.end)) / 2


def relevance_loss(output: ReaderOutput, targets: Targets) -> Tensor:
    """Cross-entropy of the passage that answers, among the question's; none has logit 0."""
    none = output.relevance.new_zeros(targets.n_questions)
    log_p, log_none = segment_log_softmax(output.relevance, targets.group, none)
    return _nll(log_p, log_none, targets.relevant)


def distillation_loss(
    student: ReaderOutput, teacher: ReaderOutput, targets: Targets, temperature: float
) -> Tensor:
    """T² KL(teacher ‖ student) of start and end, averaged (Hinton et al., 2015; DeFormer).

    A question with a pair whose teacher's `null` is NaN, since it wasn't read, adds nothing.
    """
    losses = []
    with torch.no_grad():
        untold = torch.zeros_like(targets.start, dtype=torch.bool)
        untold[targets.group[teacher.null.isnan()]] = True
        teacher = replace(teacher, null=teacher.null.nan_to_num())
        wanted = span_log_probabilities(teacher, targets, temperature)
    got = span_log_probabilities(student, targets, temperature)
    for (t, t_none), (s, s_none) in zip(wanted, got, strict=True):
        no_share = (t < -30) | untold[targets.group][student.packing.sequence]
        tokens = (t.exp() * (t - s)).masked_fill(no_share, 0.0).sum()
        none = (t_none.exp() * (t_none - s_none)).masked_fill(untold, 0.0).sum()
        losses.append((tokens + none) / targets.n_questions)
    return temperature**2 * sum(losses, torch.zeros(())) / 2


def state_loss(student: ReaderOutput, teacher: ReaderOutput, matches: Sequence[int]) -> Tensor:
    """Mean squared difference between each upper layer's states and the teacher's.

    `matches[i]` is the index of the teacher's upper layer that the student's layer i is held to.
    This is DeFormer's layerwise representation similarity, without padding to leave out.
    """
    pairs = zip(student.layers, matches, strict=True)
    losses = [(mine.float() - teacher.layers[i].float()).pow(2).mean() for mine, i in pairs]
    return torch.stack(losses).mean()


def passage_state_loss(joint: States, teacher_states: Tensor, passage_start: Tensor) -> Tensor:
    """Mean squared difference of the passages' states at the cut from the teacher's.

    Shapes: `teacher_states` (tokens, width), of the same pairs as `joint`; `passage_start`
    (pairs,). The teacher's passages have seen their questions, so this holds a passage alone to the
    mean over its questions.
    """
    packing = joint.packing
    inside = packing.position >= passage_start[packing.sequence]
    return (joint.hidden[inside].float() - teacher_states[inside].float()).pow(2).mean()


def _nll(log_p: Tensor, log_none: Tensor, target: Tensor) -> Tensor:
    """Mean negative log-likelihood; a target of -1 means none."""
    chosen = torch.where(target >= 0, log_p[target.clamp(min=0)], log_none)
    return -chosen.mean()
