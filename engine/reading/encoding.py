"""Texts alone through the lower layers: states to be stored or joined, and the vector."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.checkpoint import Checkpoint
from engine.encoder.packing import Packing
from engine.encoder.split import PASSAGE_TYPE, QUESTION_TYPE, with_special


@dataclass(frozen=True)
class Encoded:
    """`states` (tokens, width), special tokens included; `vectors` (texts, width) fp32, unit.

    Where no vectors were asked for, `vectors` has no rows.
    """

    states: Tensor
    packing: Packing
    vectors: NDArray[np.float32]

    def one_by_one(self) -> list[Tensor]:
        """The states of each text, (its tokens, width)."""
        return list(self.states.split(self.packing.lengths.tolist()))


def encode_questions(
    checkpoint: Checkpoint, pieces: Sequence[NDArray[np.int32]], *, with_vectors: bool = True
) -> Encoded:
    """Questions as `[CLS] q [SEP]`."""
    cls = checkpoint.tokenizer.cls
    return _encode(checkpoint, pieces, QUESTION_TYPE, cls, with_vectors)


def encode_passages(
    checkpoint: Checkpoint, pieces: Sequence[NDArray[np.int32]], *, with_vectors: bool = True
) -> Encoded:
    """Passages as `p [SEP]`."""
    return _encode(checkpoint, pieces, PASSAGE_TYPE, None, with_vectors)


@torch.inference_mode()
def _encode(
    checkpoint: Checkpoint,
    pieces: Sequence[NDArray[np.int32]],
    type_id: int,
    cls: int | None,
    with_vectors: bool,
) -> Encoded:
    encoder = checkpoint.reader.encoder
    ids, packing = with_special(
        [sequence.tolist() for sequence in pieces], cls=cls, sep=checkpoint.tokenizer.sep
    )
    states = encoder.encode_alone(ids, packing, type_id)
    vectors = encoder.pool(states, packing) if with_vectors else torch.empty(0)
    return Encoded(states, packing, vectors.numpy())
