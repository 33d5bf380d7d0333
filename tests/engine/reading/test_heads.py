"""A reader's other heads: kept in its checkpoint, absent from older ones, and read from [CLS]."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engine.checkpoint import Settings, load_checkpoint, save_checkpoint, save_settings
from engine.encoder.selection import reselect
from engine.errors import CheckpointError
from engine.reading.read import ReadingOptions, read_in_batches
from engine.reading.reader import Reader, ReaderOutput
from engine.reading.skipping import LastLayer, last_layer
from engine.text.tokenization import Tokenizer

TEXTS = ["the lamp was lit", "who lit the lamp of the north tower", "Anna Bell built the bridge"]


def read(reader: Reader, tokenizer: Tokenizer, skim: int = 0) -> ReaderOutput:
    """The first text as the question, on each of the others."""
    first, *others = [tokenizer.encode(text).ids for text in TEXTS]
    options = ReadingOptions(dtype=torch.float32, skipping=last_layer(skim))
    [output] = read_in_batches(reader, tokenizer, [first], others, options)
    return output


def test_a_reader_without_other_heads_gives_no_logits_of_theirs(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer
) -> None:
    reader = make_reader()
    assert reader.heads == ()
    output = read(reader, tokenizer)
    assert output.boolean is None
    assert output.choice is None


def test_other_heads_leave_what_is_read_as_it_was(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer
) -> None:
    reader = make_reader()
    before = read(reader, tokenizer)
    reader.add_head("boolean")
    reader.add_head("choice")
    after = read(reader, tokenizer)
    for name in ("start", "end", "null", "relevance"):
        assert torch.equal(getattr(before, name), getattr(after, name)), name
    assert after.boolean is not None
    assert after.boolean.shape == (2, 2)
    assert after.choice is not None
    assert after.choice.shape == (2,)


def test_heads_are_linear_in_the_last_state_of_cls(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer
) -> None:
    reader = make_reader()
    reader.add_head("choice")
    output = read(reader, tokenizer)
    head = reader.more["choice"]
    wanted = output.layers[-1][output.packing.starts] @ head.weight[0] + head.bias[0]
    torch.testing.assert_close(output.choice, wanted)


def test_skimming_leaves_heads_as_exact_as_relevance(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer
) -> None:
    reader = make_reader()
    reader.add_head("boolean")
    whole, skimmed = read(reader, tokenizer), read(reader, tokenizer, skim=2)
    torch.testing.assert_close(skimmed.boolean, whole.boolean, rtol=1e-5, atol=1e-5)


def test_a_new_yes_no_head_begins_near_relevance_and_is_added_once(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer
) -> None:
    reader = make_reader()
    torch.manual_seed(0)
    reader.add_head("boolean")
    head = reader.more["boolean"]
    away = head.weight - reader.pair.weight[1]
    assert away.abs().max() < 0.1, "apart from what parts yes from no"
    assert not torch.equal(head.weight[0], head.weight[1])
    reader.add_head("boolean")
    assert reader.more["boolean"] is head


def test_heads_come_back_with_their_checkpoint_and_are_named_in_it(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, tmp_path: Path
) -> None:
    reader = make_reader()
    reader.add_head("boolean")
    folder = tmp_path / "model"
    save_checkpoint(reader, tokenizer, Settings(), folder)
    config = json.loads((folder / "config.json").read_text())
    assert config["heads"] == ["boolean"]
    loaded = load_checkpoint(folder, dtype=torch.float32)
    assert loaded.reader.heads == ("boolean",)
    kept = reader.more["boolean"].weight.half().float()
    assert torch.equal(loaded.reader.more["boolean"].weight, kept)
    save_settings(loaded, Settings(skipping=LastLayer(4)))
    assert load_checkpoint(folder).reader.heads == ("boolean",)


def test_a_checkpoint_of_before_there_were_heads_loads_with_the_same_fingerprint(
    checkpoint_folder: Path,
) -> None:
    fingerprint = load_checkpoint(checkpoint_folder).fingerprint
    path = checkpoint_folder / "config.json"
    config = json.loads(path.read_text())
    assert config.pop("heads") == []
    path.write_text(json.dumps(config))
    loaded = load_checkpoint(checkpoint_folder)
    assert loaded.reader.heads == ()
    assert loaded.fingerprint == fingerprint


@pytest.mark.parametrize("heads", [["entailment"], "boolean", [1], {"boolean": 2}])
def test_heads_that_are_not_known_are_refused_in_one_line(
    checkpoint_folder: Path, heads: object
) -> None:
    path = checkpoint_folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "heads": heads}))
    with pytest.raises(CheckpointError, match="head") as refused:
        load_checkpoint(checkpoint_folder)
    assert "\n" not in str(refused.value)


def test_a_head_that_the_weights_lack_is_refused(checkpoint_folder: Path) -> None:
    path = checkpoint_folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "heads": ["choice"]}))
    with pytest.raises(CheckpointError, match="choice"):
        load_checkpoint(checkpoint_folder)


def test_heads_go_over_to_another_selection_of_layers(
    make_reader: Callable[..., Reader],
) -> None:
    reader = make_reader(lower=(), upper=(1, 2, 3, 4))
    reader.add_head("boolean")
    student = reader.with_encoder(reselect(reader.encoder, lower=(1, 2), upper=(3, 4)))
    assert student.heads == ("boolean",)
    for name in ("span.weight", "pair.bias", "more.boolean.weight"):
        assert torch.equal(student.state_dict()[name], reader.state_dict()[name]), name
