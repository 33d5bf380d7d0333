"""Attention sequence by sequence gives what it gives over all of them, padded."""

import pytest
import torch

from engine.encoder.layer import Attention, BiasedAttention
from engine.encoder.packing import Packing


@pytest.mark.parametrize("kind", [Attention, BiasedAttention])
@pytest.mark.parametrize("lengths", [[1], [7, 7], [3, 12, 1, 5]])
@pytest.mark.parametrize("some", [False, True], ids=["every token", "some tokens"])
def test_one_by_one_is_as_padded(kind: type[Attention], lengths: list[int], some: bool) -> None:
    torch.manual_seed(0)
    attention = kind(hidden_width=24, n_heads=3, head_width=5)
    if isinstance(attention, BiasedAttention):
        torch.nn.init.normal_(attention.distance.weight)
    packing = Packing(lengths)
    hidden = torch.randn(packing.total, 24)
    wanted = (
        torch.stack([packing.starts, packing.starts + packing.lengths - 1], 1) if some else None
    )
    padded = attention(hidden, packing, wanted)  # it may be trained, so nothing is left out
    seen: list[torch.Tensor] = []
    with torch.inference_mode():
        alone = attention(hidden, packing, wanted)
        shown = attention(hidden, packing, wanted, see=seen.append)
    torch.testing.assert_close(alone, padded.detach())
    torch.testing.assert_close(shown, alone)
    assert seen[0].shape[0] == len(lengths)


@pytest.mark.parametrize("kind", [Attention, BiasedAttention])
def test_one_by_one_knows_where_tokens_stood_before_some_were_dropped(
    kind: type[Attention],
) -> None:
    torch.manual_seed(0)
    attention = kind(hidden_width=24, n_heads=3, head_width=5)
    if isinstance(attention, BiasedAttention):
        torch.nn.init.normal_(attention.distance.weight)
    packing = Packing([6, 9])
    kept = torch.ones(15, dtype=torch.bool)
    kept[[2, 3, 8]] = False
    fewer = packing.keep(kept)
    hidden = torch.randn(fewer.total, 24)
    padded = attention(hidden, fewer)
    with torch.inference_mode():
        torch.testing.assert_close(attention(hidden, fewer), padded.detach())
