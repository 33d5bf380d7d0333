"""The encoder cut at layer k (DeFormer: Cao et al., ACL 2020).

Convention of the paper, for the undecomposed network too: the question is `[CLS] q [SEP]` of
type 0, the passage `p [SEP]` of type 1, and positions restart at 0 in each (BERT, RoBERTa).

A relative family (XLNet) has no positions to restart: below the cut it sees distances within
each text, above it those of the pair laid end to end, question first, and the two texts as two
segments. That is its undecomposed network's own view. It takes `<cls>` as the question's first
piece like the others, where its pretraining had it last, in a segment of its own.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from engine.encoder.config import EncoderConfig
from engine.encoder.embeddings import Embeddings, PieceEmbeddings
from engine.encoder.layer import Layer
from engine.encoder.packing import Packing, join

QUESTION_TYPE = 0
PASSAGE_TYPE = 1


class SplitEncoder(nn.Module):
    """Embeddings, lower layers, upper layers and vector layers, to be run apart."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = (PieceEmbeddings if config.is_relative else Embeddings)(config)
        self.lower = nn.ModuleList(Layer(config) for _ in config.lower)
        self.upper = nn.ModuleList(Layer(config) for _ in config.upper)
        self.vector = nn.ModuleList(Layer(config) for _ in config.vector)

    def encode_alone(self, ids: Tensor, packing: Packing, type_id: int) -> Tensor:
        """Embeddings and lower layers over texts that don't see each other.

        Shape of `ids`: (tokens,), special pieces included. Returns states (tokens, width).
        """
        hidden: Tensor = self.embeddings(ids, packing, type_id)
        for layer in self.lower:
            hidden = layer(hidden, packing)
        return hidden

    def encode_joint(self, hidden: Tensor, packing: Packing) -> list[Tensor]:
        """Upper layers over joined states (tokens, width); the output of each upper layer."""
        outputs = []
        for layer in self.upper:
            hidden = layer(hidden, packing)
            outputs.append(hidden)
        return outputs

    def pool(self, states: Tensor, packing: Packing) -> Tensor:
        """Unit vectors (sequences, width): mean over the tokens behind the vector layers."""
        for layer in self.vector:
            states = layer(states, packing)
        sums = states.new_zeros(len(packing), states.shape[-1], dtype=torch.float32)
        sums = sums.index_add(0, packing.sequence, states.float())
        return nn.functional.normalize(sums / packing.lengths[:, None], dim=-1)


def join_states(
    questions: Tensor,
    question_packing: Packing,
    passages: Tensor,
    passage_packing: Packing,
    pairs: Tensor,
) -> tuple[Tensor, Packing]:
    """States of each pair (question, passage), question first, in one packed tensor."""
    packing, index = join(question_packing, passage_packing, pairs)
    return torch.cat([questions, passages])[index], packing


def with_special(
    sequences: Sequence[Sequence[int]], *, sep: int, cls: int | None = None
) -> tuple[Tensor, Packing]:
    """Packed ids (tokens,) of `[cls] sequence sep` each; `cls=None` leaves it out (passages)."""
    head = [] if cls is None else [cls]
    framed = [[*head, *sequence, sep] for sequence in sequences]
    ids = torch.tensor([piece for sequence in framed for piece in sequence], dtype=torch.long)
    return ids, Packing([len(sequence) for sequence in framed])
