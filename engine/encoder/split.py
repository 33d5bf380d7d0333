"""The encoder cut at layer k (DeFormer: Cao et al., ACL 2020).

As in the paper, and for the undecomposed network too, the question is `[CLS] q [SEP]` of type 0,
the passage is `p [SEP]` of type 1, and positions restart at 0 in each.

A network that attends by distance (XLNet) has no positions to restart. Below the cut it sees
distances within each text. Above the cut it sees those of the pair laid end to end, question first,
with the texts as two segments, as its undecomposed network does. `<cls>` is the question's first
piece; in XLNet's pretraining it was last, in a segment of its own. MPNet, which has both, takes its
positions as the others do and its distances as XLNet does.
"""

import torch
from torch import Tensor, nn

from engine.encoder.config import EncoderConfig
from engine.encoder.embeddings import Embeddings
from engine.encoder.layer import Layer
from engine.encoder.states import States, Texts


class SplitEncoder(nn.Module):
    """Embeddings, lower layers, upper layers and vector layers, which run separately."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        for part in ("lower", "upper", "vector"):
            shapes = config.layer_shapes(part)
            self.add_module(part, nn.ModuleList(Layer(config, shape) for shape in shapes))

    lower: nn.ModuleList
    upper: nn.ModuleList
    vector: nn.ModuleList

    def encode_alone(self, texts: Texts) -> States:
        """Embeddings and lower layers over texts that don't see each other."""
        hidden: Tensor = self.embeddings(texts.ids, texts.packing, texts.type_id)
        for layer in self.lower:
            hidden = layer(hidden, texts.packing)
        return States(hidden, texts.packing)

    def encode_joint(self, joint: States) -> list[Tensor]:
        """Upper layers over joined states; the output of each, (tokens, width)."""
        outputs, hidden = [], joint.hidden
        for layer in self.upper:
            hidden = layer(hidden, joint.packing)
            outputs.append(hidden)
        return outputs

    def pool(self, states: States) -> Tensor:
        """Unit vectors (sequences, width): the mean over the tokens after the vector layers."""
        hidden, packing = states.hidden, states.packing
        for layer in self.vector:
            hidden = layer(hidden, packing)
        sums = hidden.new_zeros(len(packing), hidden.shape[-1], dtype=torch.float32)
        sums = sums.index_add(0, packing.sequence, hidden.float())
        return nn.functional.normalize(sums / packing.lengths[:, None], dim=-1)
