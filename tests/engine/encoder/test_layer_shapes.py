"""Layers have a shape each: pruned ones are read, selected, saved and loaded like others."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.checkpoint import Settings, load_checkpoint, save_checkpoint
from engine.encoder.config import EncoderConfig, LayerShape
from engine.encoder.selection import reselect, with_vector_layers
from engine.encoder.split import SplitEncoder
from engine.encoder.states import question_texts
from engine.errors import CheckpointError
from engine.reading.reader import Reader
from engine.text.tokenization import Tokenizer

SMALL = LayerShape(n_heads=2, head_width=8, inner_width=20)


@pytest.fixture
def pruned(make_reader: Callable[..., Reader]) -> Reader:
    """A reader whose second lower and first upper layer are smaller than the others."""
    config = make_reader(vector=(3,)).encoder.config
    shapes = {"lower.1": SMALL, "upper.0": LayerShape(1, 8, 64)}
    torch.manual_seed(0)
    return Reader.shaped(replace(config, shapes=shapes)).eval()


def states(encoder: SplitEncoder, tokenizer: Tokenizer) -> torch.Tensor:
    pieces = [tokenizer.encode(text).ids for text in ("the lamp was lit", "who built the bridge")]
    with torch.no_grad():
        alone = encoder.encode_alone(question_texts(pieces, tokenizer))
        return encoder.encode_joint(alone)[-1]


def test_a_layer_has_the_weights_of_its_shape(pruned: Reader) -> None:
    whole, small = pruned.encoder.lower
    assert whole.attention.qkv.weight.shape == (3 * 32, 32)
    assert small.attention.qkv.weight.shape == (3 * 16, 32)
    assert small.feed_forward.inner.weight.shape == (20, 32)
    assert pruned.encoder.upper[0].attention.output.weight.shape == (32, 8)


def test_heads_and_inner_units_without_weights_may_as_well_be_gone(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer
) -> None:
    """What pruning cuts away, worked out against a layer whose outputs of it are nought."""
    whole = make_reader().eval()
    layer = whole.encoder.lower[1]
    with torch.no_grad():
        layer.attention.output.weight[:, 16:] = 0  # the last two heads of four
        layer.feed_forward.output.weight[:, 20:] = 0
    config = whole.encoder.config
    cut = SplitEncoder(replace(config, shapes={"lower.1": SMALL})).eval()
    weights = dict(whole.encoder.state_dict())
    name = "lower.1.attention.qkv"
    for kind in ("weight", "bias"):
        thirds = weights[f"{name}.{kind}"].chunk(3)
        weights[f"{name}.{kind}"] = torch.cat([third[:16] for third in thirds])
        inner = f"lower.1.feed_forward.inner.{kind}"
        weights[inner] = weights[inner][:20]
    for part, kept in (("attention", 16), ("feed_forward", 20)):
        output = f"lower.1.{part}.output.weight"
        weights[output] = weights[output][:, :kept]
    cut.load_state_dict(weights)
    torch.testing.assert_close(states(cut, tokenizer), states(whole.encoder, tokenizer))


def test_shapes_go_with_their_layers_into_another_selection(pruned: Reader) -> None:
    chosen = reselect(pruned.encoder, lower=(2,), upper=(1, 3, 4))
    assert chosen.config.shapes == {"lower.0": SMALL, "upper.1": LayerShape(1, 8, 64)}
    for name, value in pruned.encoder.lower[1].state_dict().items():
        assert torch.equal(chosen.lower[0].state_dict()[name], value)
    base = reselect(pruned.encoder, lower=(), upper=(1, 2, 3, 4))
    carried = with_vector_layers(pruned.encoder, base, (2, 4))
    assert carried.config.shapes == {**pruned.encoder.config.shapes, "vector.0": SMALL}


def test_a_pruned_reader_comes_back_from_its_checkpoint(
    pruned: Reader, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    save_checkpoint(pruned, tokenizer, Settings(), tmp_path / "model")
    loaded = load_checkpoint(tmp_path / "model", dtype=torch.float32)
    assert loaded.reader.encoder.config == pruned.encoder.config
    kept = pruned.half().float().encoder
    torch.testing.assert_close(states(loaded.reader.encoder, tokenizer), states(kept, tokenizer))
    other = json.loads((tmp_path / "model" / "config.json").read_text())
    del other["encoder"]["shapes"]["lower.1"]
    (tmp_path / "model" / "config.json").write_text(json.dumps(other))
    with pytest.raises(CheckpointError, match=r"lower\.1\.attention"):
        load_checkpoint(tmp_path / "model")


def test_narrower_embeddings_are_projected_to_the_width_of_the_layers(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer
) -> None:
    config = replace(make_reader().encoder.config, embedding_width=12)
    encoder = SplitEncoder(config).eval()
    assert encoder.embeddings.pieces.weight.shape[1] == 12
    texts = question_texts([tokenizer.encode("the lamp").ids], tokenizer)
    with torch.no_grad():
        made = encoder.embeddings(texts.ids, texts.packing, 0)
        e = encoder.embeddings
        summed = e.pieces(texts.ids) + e.types.weight[0] + e.positions.weight[: len(texts.ids)]
        normed = torch.nn.functional.layer_norm(summed, (12,), e.norm.weight, e.norm.bias, 1e-12)
        wanted = normed @ e.projection.weight.T + e.projection.bias
    torch.testing.assert_close(made, wanted)


def test_what_is_as_it_was_before_there_were_shapes_is_written_as_before(
    make_reader: Callable[..., Reader],
) -> None:
    config = make_reader().encoder.config
    assert not config.to_dict().keys() & {"shapes", "embedding_width", "position_kind"}
    assert EncoderConfig.from_dict(config.to_dict()) == config
    xlnet = EncoderConfig.from_dict({**config.to_dict(), "family": "xlnet"})
    assert xlnet.position_kind == "distance"
    assert "position_kind" not in xlnet.to_dict()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"position_kind": "rotary"}, "positions of the kind 'rotary' aren't known, only learned"),
        ({"shapes": {"upper.9": vars(SMALL)}}, "a shape for 'upper.9', which is no layer's place"),
        ({"shapes": {"upper.0": {**vars(SMALL), "n_heads": 0}}}, "n_heads should be a whole"),
        ({"shapes": {"upper.0": {"rank": 3}}}, "unexpected keyword argument 'rank'"),
        ({"embedding_width": 0}, "embedding_width should be a whole number"),
    ],
)
def test_a_shape_that_is_not_known_is_refused_by_name(
    checkpoint_folder: Path, change: dict[str, object], told: str
) -> None:
    path = checkpoint_folder / "config.json"
    content = json.loads(path.read_text())
    content["encoder"].update(change)
    path.write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=told) as refused:
        load_checkpoint(checkpoint_folder)
    assert "config.json" in str(refused.value)
