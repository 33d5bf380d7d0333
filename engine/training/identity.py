"""A hash of everything a run starts from, so that it continues only its own state."""

import hashlib

import torch
from torch import nn

from engine.training.examples import ExampleSet
from engine.training.task_examples import TaskSet


def identity(
    *,
    settings: str,
    examples: ExampleSet | TaskSet,
    networks: list[nn.Module],
    teacher: nn.Module | None = None,
) -> str:
    """Hexadecimal digest of settings, examples (in their order) and weights.

    A teacher's weights count as bf16, in which only some devices run it: so a run goes on on
    another.
    """
    digest = hashlib.blake2b(settings.encode(), digest_size=16)
    tensors = [tensor for network in networks for tensor in network.state_dict().values()]
    if teacher is not None:
        tensors += [tensor.to(torch.bfloat16) for tensor in teacher.state_dict().values()]
    for tensor in tensors:
        digest.update(tensor.cpu().contiguous().view(torch.uint8).numpy())
    for window in examples.windows:
        digest.update(window.ids.tobytes())
    for example in examples.examples:
        digest.update(example.as_bytes())
    return digest.hexdigest()
