"""Dropout is there while a reader learns, and nowhere else."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from engine.encoder.states import question_texts
from engine.reading.reader import Reader
from engine.text.tokenization import Tokenizer
from engine.training.dropout import dropout


def states(reader: Reader, tokenizer: Tokenizer) -> torch.Tensor:
    pieces = [np.array(ids, np.int32) for ids in ([7, 8, 9], [10, 11])]
    alone = reader.encoder.encode_alone(question_texts(pieces, tokenizer))
    return reader.encoder.encode_joint(alone)[-1]


def test_it_drops_where_gradients_are_recorded_and_only_meanwhile(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer
) -> None:
    reader = make_reader()
    before = states(reader, tokenizer)
    with dropout(reader, 0.5):
        assert not torch.allclose(states(reader, tokenizer), before)
        assert not torch.allclose(states(reader, tokenizer), states(reader, tokenizer))
        with torch.no_grad():
            assert torch.equal(states(reader, tokenizer), before), "what measures drops nothing"
    assert torch.equal(states(reader, tokenizer), before)


def test_what_is_left_is_made_larger_by_what_was_dropped(
    make_reader: Callable[..., Reader],
) -> None:
    reader = make_reader()
    layer = reader.encoder.upper[0].feed_forward
    hidden = torch.ones(500, 32)
    whole = layer(hidden)
    with dropout(reader, 0.25):
        dropped = layer(hidden)
    gone = dropped == 0
    assert 0.22 < gone.float().mean() < 0.28
    torch.testing.assert_close(dropped[~gone], whole[~gone] / 0.75)


def test_it_is_gone_when_a_training_breaks_off(make_reader: Callable[..., Reader]) -> None:
    reader = make_reader()
    with pytest.raises(KeyboardInterrupt), dropout(reader, 0.5):
        raise KeyboardInterrupt
    assert not any(module._forward_hooks for module in reader.modules())
