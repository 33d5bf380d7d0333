"""The inputs and outputs of an encoder: texts and their states, packed."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.encoder.packing import Packing, join
from engine.text.tokenization import PieceIds, Tokenizer

QUESTION_TYPE = 0
PASSAGE_TYPE = 1


@dataclass(frozen=True)
class Texts:
    """Texts to be encoded alone: `ids` (tokens,), special pieces included, all of one type."""

    ids: Tensor
    packing: Packing
    type_id: int


@dataclass(frozen=True)
class States:
    """Hidden states (tokens, width), and which sequence each token belongs to."""

    hidden: Tensor
    packing: Packing

    @classmethod
    def of(cls, each: Sequence[Tensor], device: torch.device | None = None) -> "States":
        """The states of several sequences, (its tokens, width) each, laid end to end.

        They move to `device`, or stay where they are by default.
        """
        hidden = torch.cat(list(each)).to(device or each[0].device)
        return cls(hidden, Packing([len(s) for s in each], hidden.device))

    def one_by_one(self) -> list[Tensor]:
        """The states of each sequence, (its tokens, width)."""
        return list(self.hidden.split(self.packing.sizes))


def question_texts(
    pieces: Sequence[PieceIds], tokenizer: Tokenizer, device: torch.device | None = None
) -> Texts:
    """Questions as `[CLS] q [SEP]` of type 0."""
    return _framed(pieces, [tokenizer.cls], tokenizer.sep, QUESTION_TYPE, device)


def passage_texts(
    pieces: Sequence[PieceIds], tokenizer: Tokenizer, device: torch.device | None = None
) -> Texts:
    """Passages as `p [SEP]` of type 1."""
    return _framed(pieces, [], tokenizer.sep, PASSAGE_TYPE, device)


def join_states(questions: States, passages: States, pairs: Tensor) -> States:
    """States of each pair (question, passage), question first. Shape of `pairs`: (n, 2)."""
    packing, index = join(questions.packing, passages.packing, pairs)
    return States(torch.cat([questions.hidden, passages.hidden])[index], packing)


def _framed(
    pieces: Sequence[PieceIds], head: list[int], sep: int, type_id: int, device: torch.device | None
) -> Texts:
    framed = [[*head, *sequence.tolist(), sep] for sequence in pieces]
    ids = torch.tensor([piece for text in framed for piece in text], dtype=torch.long)
    return Texts(ids.to(device), Packing([len(text) for text in framed], device), type_id)
