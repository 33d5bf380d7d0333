"""Losses over entries that compete for an example, whichever windows they come from.

A passage may be read in several windows, or beside others. No window needs to be marked as the one
that tells: all right entries count together.
"""

import torch
from torch import Tensor


def segment_logsumexp(logits: Tensor, segments: Tensor, n: int) -> Tensor:
    """Log of the summed exponentials of each of `n` segments, none of them empty: (n,)."""
    highest = logits.new_full((n,), -torch.inf)
    highest = highest.scatter_reduce(0, segments, logits.detach(), "amax")
    total = logits.new_zeros(n).index_add(0, segments, (logits - highest[segments]).exp())
    return total.log() + highest


def entries_loss(logits: Tensor, group: Tensor, right: Tensor) -> Tensor:
    """Mean negative log of the probability that an example's right entries have together.

    Shapes: (entries,) each.
    """
    n = int(group.max()) + 1
    wanted = segment_logsumexp(logits[right], group[right], n)
    return (segment_logsumexp(logits, group, n) - wanted).mean()


def entries_distillation(
    student: Tensor, teacher: Tensor, group: Tensor, temperature: float
) -> Tensor:
    """Mean T² KL(teacher ‖ student) over the entries of an example (Hinton et al., 2015).

    Shapes: (entries,) each.
    """
    n = int(group.max()) + 1

    def log_p(logits: Tensor) -> Tensor:
        softer = logits / temperature
        return softer - segment_logsumexp(softer, group, n)[group]

    wanted = log_p(teacher)
    kl = (wanted.exp() * (wanted - log_p(student))).sum() / n
    return temperature**2 * kl
