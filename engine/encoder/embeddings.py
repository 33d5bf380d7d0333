"""The embeddings of pieces: the input of the first layer."""

from torch import Tensor, nn

from engine.encoder.config import DISTANCE, EncoderConfig
from engine.encoder.packing import Packing


class Embeddings(nn.Module):
    """Normed sum of piece, position and type embeddings (Devlin et al., 2019).

    Where attention itself knows distances and segments (XLNet), it is the piece embeddings alone.
    Embeddings narrower than the layers are projected to their width (Lan et al., 2020).
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        width = config.embedding_width or config.hidden_width
        self.pieces = nn.Embedding(config.vocabulary, width)
        self.has_positions = config.position_kind != DISTANCE
        if self.has_positions:
            self.positions = nn.Embedding(config.positions, width)
            self.types = nn.Embedding(config.types, width)
            self.norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.projection: nn.Module = nn.Identity()
        if config.embedding_width is not None:
            self.projection = nn.Linear(width, config.hidden_width)

    def forward(self, ids: Tensor, packing: Packing, type_id: int) -> Tensor:
        """Shape of `ids`: (tokens,), special pieces included. Returns (tokens, hidden width)."""
        embedded = self.pieces(ids)
        if self.has_positions:
            summed = embedded + self.types.weight[type_id] + self.positions(packing.position)
            embedded = self.norm(summed)
        projected: Tensor = self.projection(embedded)
        return projected
