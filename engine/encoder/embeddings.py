"""What the first layer sees of each piece."""

from torch import Tensor, nn

from engine.encoder.config import EncoderConfig
from engine.encoder.packing import Packing


class Embeddings(nn.Module):
    """Sum of piece, position and type embeddings, normed (Devlin et al., 2019)."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.pieces = nn.Embedding(config.vocabulary, config.hidden_width)
        self.positions = nn.Embedding(config.positions, config.hidden_width)
        self.types = nn.Embedding(config.types, config.hidden_width)
        self.norm = nn.LayerNorm(config.hidden_width, eps=config.layer_norm_eps)

    def forward(self, ids: Tensor, packing: Packing, type_id: int) -> Tensor:
        """Shape of `ids`: (tokens,), special pieces included. Returns (tokens, hidden width)."""
        summed = self.pieces(ids) + self.types.weight[type_id] + self.positions(packing.position)
        normed: Tensor = self.norm(summed)
        return normed


class PieceEmbeddings(nn.Module):
    """Piece embeddings alone, where attention itself knows distances and segments (XLNet)."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.pieces = nn.Embedding(config.vocabulary, config.hidden_width)

    def forward(self, ids: Tensor, packing: Packing, type_id: int) -> Tensor:
        """As `Embeddings`; neither place nor type makes a difference."""
        embedded: Tensor = self.pieces(ids)
        return embedded
