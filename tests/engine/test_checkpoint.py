"""A checkpoint comes back as it was saved, or not at all and with its reason."""

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.calibration import Calibration
from engine.checkpoint import (
    FORMAT,
    Settings,
    load_checkpoint,
    save_checkpoint,
    save_settings,
)
from engine.codecs.names import CODECS, Bytes
from engine.errors import CheckpointError
from engine.reading.reader import Reader
from engine.text.tokenization import Tokenizer

FILES = ["config.json", "model.safetensors", "tokenizer.json"]
SETTINGS = Settings(
    codec="int8",
    passage_limit=99,
    question_limit=33,
    calibration=Calibration((0.1, 0.2, 0.3, 0.4), 0.5, 0.6, 0.7, -0.8),
    training={"reader": {"epochs": 1.5, "files": ["a.json"]}},
    quality={"f1": 71.25},
)


def change_config(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    path = folder / "config.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def test_weights_come_back_as_they_were_rounded_to_half_precision(
    tmp_path: Path, make_reader: Callable[..., Reader], tokenizer: Tokenizer
) -> None:
    reader = make_reader(vector=(3, 4))
    save_checkpoint(reader, tokenizer, SETTINGS, tmp_path / "a" / "b")
    loaded = load_checkpoint(tmp_path / "a" / "b", dtype=torch.float32)
    assert loaded.settings == SETTINGS
    assert loaded.reader.encoder.config == reader.encoder.config
    theirs = loaded.reader.state_dict()
    for name, value in reader.state_dict().items():
        assert torch.equal(theirs.pop(name), value.half().float()), name
    assert not theirs
    text = "Who lit the lamp?"
    assert loaded.tokenizer.encode(text).ids.tolist() == tokenizer.encode(text).ids.tolist()
    assert sorted(p.name for p in (tmp_path / "a" / "b").iterdir()) == FILES
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b"], "nothing partial is left"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_checkpoint_is_loaded_for_inference_in_the_type_asked(
    checkpoint_folder: Path, dtype: torch.dtype
) -> None:
    loaded = load_checkpoint(checkpoint_folder, dtype=dtype)
    assert loaded.dtype == dtype
    assert loaded.hidden_width == 32
    assert not loaded.reader.training
    assert not any(p.requires_grad for p in loaded.reader.parameters())
    assert {p.dtype for p in loaded.reader.parameters()} == {dtype}


def test_saving_over_a_checkpoint_replaces_it_and_leaves_other_files(
    checkpoint_folder: Path, make_reader: Callable[..., Reader], tokenizer: Tokenizer
) -> None:
    (checkpoint_folder / "README.md").write_text("a card")
    before = load_checkpoint(checkpoint_folder)
    save_checkpoint(make_reader(seed=1, lower=(1,)), tokenizer, SETTINGS, checkpoint_folder)
    after = load_checkpoint(checkpoint_folder)
    assert after.fingerprint != before.fingerprint
    assert after.settings == SETTINGS
    assert after.reader.encoder.config.lower == (1,)
    assert (checkpoint_folder / "README.md").read_text() == "a card"
    assert len(list(checkpoint_folder.parent.iterdir())) == 1


def test_a_checkpoint_that_does_not_fit_on_the_disk_leaves_the_one_before(
    checkpoint_folder: Path, make_reader: Callable[..., Reader], tokenizer: Tokenizer
) -> None:
    before = load_checkpoint(checkpoint_folder).fingerprint
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(CheckpointError, match=r"can't be written: .*[Ff]ile too large"):
            save_checkpoint(make_reader(seed=1), tokenizer, SETTINGS, checkpoint_folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert load_checkpoint(checkpoint_folder).fingerprint == before
    assert len(list(checkpoint_folder.parent.iterdir())) == 1


def test_the_fingerprint_is_of_the_content_not_of_the_place(
    tmp_path: Path, make_reader: Callable[..., Reader], tokenizer: Tokenizer
) -> None:
    for name in ("a", "b"):
        save_checkpoint(make_reader(), tokenizer, Settings(), tmp_path / name)
    first, second = (load_checkpoint(tmp_path / name).fingerprint for name in ("a", "b"))
    assert first == second
    assert load_checkpoint(tmp_path / "a", dtype=torch.float32).fingerprint == first


def in_planes(folder: Path) -> Path:
    """The folder with its weights as a wheel has them."""
    plain = folder / "model.safetensors"
    planes = plain.with_suffix(".safetensors.planes")
    content = plain.read_bytes()
    planes.write_bytes(content[0::2] + content[1::2])
    plain.unlink()
    return planes


def test_weights_in_planes_are_the_same_weights_of_the_same_fingerprint(
    checkpoint_folder: Path,
) -> None:
    plain = load_checkpoint(checkpoint_folder, dtype=torch.float32)
    in_planes(checkpoint_folder)
    packed = load_checkpoint(checkpoint_folder, dtype=torch.float32)
    assert packed.fingerprint == plain.fingerprint
    theirs = packed.reader.state_dict()
    assert theirs.keys() == plain.reader.state_dict().keys()
    for name, value in plain.reader.state_dict().items():
        assert torch.equal(theirs[name], value)


@pytest.mark.parametrize("kept", [0, 1, 101, -100])
def test_planes_cut_short_are_refused(checkpoint_folder: Path, kept: int) -> None:
    planes = in_planes(checkpoint_folder)
    planes.write_bytes(planes.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=r"model\.safetensors") as error:
        load_checkpoint(checkpoint_folder)
    assert "\n" not in str(error.value)


def test_the_fingerprint_changes_with_one_weight(checkpoint_folder: Path) -> None:
    before = load_checkpoint(checkpoint_folder).fingerprint
    path = checkpoint_folder / "model.safetensors"
    weights = {name: value.clone() for name, value in load_file(path).items()}
    weights["encoder.lower.0.feed_forward.inner.weight"][0, 0] += 1
    save_file(weights, path)
    assert load_checkpoint(checkpoint_folder).fingerprint != before


def test_the_fingerprint_changes_with_the_tokenizer(checkpoint_folder: Path) -> None:
    before = load_checkpoint(checkpoint_folder).fingerprint
    path = checkpoint_folder / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["model"]["vocab"][20][1] -= 0.5
    path.write_text(json.dumps(content), encoding="utf-8")
    assert load_checkpoint(checkpoint_folder).fingerprint != before


def test_the_fingerprint_changes_with_the_codec_and_not_with_calibration(
    checkpoint_folder: Path,
) -> None:
    before = load_checkpoint(checkpoint_folder)
    fitted = Calibration(rerank=(1.0, 0.5, 0.25, 2.0), null=-3.0)
    returned = save_settings(before, replace(before.settings, calibration=fitted))
    after = load_checkpoint(checkpoint_folder)
    assert after.settings.calibration == returned.settings.calibration == fitted
    assert after.fingerprint == returned.fingerprint == before.fingerprint
    save_settings(after, replace(after.settings, codec="int8"))
    assert load_checkpoint(checkpoint_folder).fingerprint != before.fingerprint


class Scaled:
    """A codec with a tensor of its own: states over `scale`, (width,), in a byte each."""

    name = "scaled"

    def __init__(self, scale: torch.Tensor) -> None:
        self.scale = scale

    def bytes_per_token(self, width: int) -> int:
        return width

    def encode(self, states: torch.Tensor) -> bytes:
        return (states / self.scale).round().to(torch.int8).numpy().tobytes()

    def decode(
        self, buffer: Bytes, n: int, width: int, dtype: torch.dtype = torch.float32
    ) -> torch.Tensor:
        values = torch.frombuffer(bytearray(buffer), dtype=torch.int8).view(n, width)
        return (values * self.scale).to(dtype)


def test_a_codec_has_the_tensors_of_its_checkpoint_and_the_fingerprint_covers_them(
    tmp_path: Path,
    make_reader: Callable[..., Reader],
    tokenizer: Tokenizer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(CODECS, "scaled", f"{__name__}:Scaled")
    reader, settings, made = make_reader(), Settings(codec="scaled"), []
    for step in (0.5, 0.125):
        folder = tmp_path / str(step)
        save_checkpoint(reader, tokenizer, settings, folder, {"scale": torch.full((32,), step)})
        made.append(load_checkpoint(folder, dtype=torch.float32))
    assert made[0].fingerprint != made[1].fingerprint
    assert made[0].bytes_per_token == 32
    pieces = [tokenizer.encode("The lamp was lit.").ids]
    fresh, errors = made[0].encode_passages(pieces), []
    for checkpoint in made:
        stored = [checkpoint.codec.encode(states) for states in fresh.one_by_one()]
        back = checkpoint.stored_states(stored, pieces)
        errors.append(float((back.hidden - fresh.hidden).abs().max()))
    # Rounded by up to half a step.
    assert errors[1] <= 0.0625 + 1e-6 < errors[0] <= 0.25 + 1e-6


def test_a_codec_without_its_tensors_is_refused_by_name(
    tmp_path: Path,
    make_reader: Callable[..., Reader],
    tokenizer: Tokenizer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(CODECS, "scaled", f"{__name__}:Scaled")
    with pytest.raises(CheckpointError, match=r"'scaled' doesn't fit its tensors.*scale"):
        save_checkpoint(make_reader(), tokenizer, Settings(codec="scaled"), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_codec_that_this_version_does_not_know_is_refused_by_name(
    checkpoint_folder: Path,
) -> None:
    change_config(checkpoint_folder, lambda c: c.update(codec="zip"))
    with pytest.raises(CheckpointError, match=r"config\.json doesn't fit.*'zip'.*float16, int8"):
        load_checkpoint(checkpoint_folder)


def test_the_fingerprint_changes_with_the_layers_selected(checkpoint_folder: Path) -> None:
    before = load_checkpoint(checkpoint_folder).fingerprint
    change_config(checkpoint_folder, lambda c: c["encoder"].update(lower=[1, 3]))
    assert load_checkpoint(checkpoint_folder).fingerprint != before


@pytest.mark.parametrize("name", FILES)
def test_each_missing_file_is_named(checkpoint_folder: Path, name: str) -> None:
    (checkpoint_folder / name).unlink()
    with pytest.raises(CheckpointError, match=f"has no {name}"):
        load_checkpoint(checkpoint_folder)


def test_loading_does_not_wait_for_torch_s_compiler(checkpoint_folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from engine.checkpoint import load_checkpoint; "
        "load_checkpoint(Path(sys.argv[1])); sys.exit('torch._dynamo' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(checkpoint_folder)], check=True)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nowhere isn't a checkpoint"):
        load_checkpoint(tmp_path / "nowhere")


@pytest.mark.parametrize("garbage", [b"", b"{", b"[]", b"null", b"7", b"{}", b"\xff\xfe\x00" * 50])
@pytest.mark.parametrize("name", FILES)
def test_each_garbled_file_is_named_in_one_line(
    checkpoint_folder: Path, name: str, garbage: bytes
) -> None:
    (checkpoint_folder / name).write_bytes(garbage)
    with pytest.raises(CheckpointError, match=name) as error:
        load_checkpoint(checkpoint_folder)
    assert "\n" not in str(error.value)


def test_weights_cut_short_are_refused(checkpoint_folder: Path) -> None:
    path = checkpoint_folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        load_checkpoint(checkpoint_folder)


def test_a_weight_of_another_shape_is_named(checkpoint_folder: Path) -> None:
    path = checkpoint_folder / "model.safetensors"
    weights = {name: value.clone() for name, value in load_file(path).items()}
    weights["span.weight"] = torch.zeros(3, 32)
    save_file(weights, path)
    with pytest.raises(CheckpointError, match=r"model\.safetensors.* span\.weight") as error:
        load_checkpoint(checkpoint_folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("change", ["missing", "unknown"])
def test_missing_and_unknown_weights_are_named(checkpoint_folder: Path, change: str) -> None:
    path = checkpoint_folder / "model.safetensors"
    weights = {name: value.clone() for name, value in load_file(path).items()}
    if change == "missing":
        del weights["pair.bias"]
    else:
        weights["pair.bias2"] = torch.zeros(2)
    save_file(weights, path)
    with pytest.raises(CheckpointError, match=r"pair\.bias"):
        load_checkpoint(checkpoint_folder)


@pytest.mark.parametrize("other", [FORMAT + 1, None, "1"])
def test_another_format_is_refused_with_both_numbers(checkpoint_folder: Path, other: Any) -> None:
    change_config(checkpoint_folder, lambda c: c.update(format=other))
    with pytest.raises(CheckpointError, match=f"format {other}; this is format {FORMAT}"):
        load_checkpoint(checkpoint_folder)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("hidden_width", 30),  # not a multiple of 4 heads
        ("hidden_width", "32"),
        ("hidden_width", 64),
        ("n_heads", 0),
        ("positions", -1),
        ("inner_width", 64.5),
        ("activation", "relu"),
        ("lower", 2),
        ("lower", [1]),
        ("upper", []),
        ("colour", "red"),
    ],
)
def test_encoder_settings_that_do_not_fit_are_refused_by_name(
    checkpoint_folder: Path, setting: str, value: Any
) -> None:
    change_config(checkpoint_folder, lambda c: c["encoder"].update({setting: value}))
    with pytest.raises(CheckpointError, match=r"config\.json") as error:
        load_checkpoint(checkpoint_folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("encoder", [None, 5, [], "bert", {}])
def test_an_encoder_that_is_no_table_of_settings_is_refused(
    checkpoint_folder: Path, encoder: Any
) -> None:
    change_config(checkpoint_folder, lambda c: c.update(encoder=encoder))
    with pytest.raises(CheckpointError, match=r"config\.json"):
        load_checkpoint(checkpoint_folder)


@pytest.mark.parametrize(
    "change",
    [
        {"codec": 8},
        {"passage_limit": "160"},
        {"passage_limit": None},
        {"skim": True},
        {"answers": 1},
        {"colour": "red"},
        {"training": []},
        {"calibration": None},
        {"calibration": [1]},
        {"calibration": {"rerank": [1.0, 2.0]}},
        {"calibration": {"rerank": ["a", 0, 0, 0]}},
        {"calibration": {"rerank": 1.0}},
        {"calibration": {"null": "low"}},
        {"calibration": {"null": True}},
        {"calibration": {"warmth": 1.0}},
    ],
)
def test_settings_that_do_not_fit_are_refused_by_name(
    checkpoint_folder: Path, change: dict[str, Any]
) -> None:
    change_config(checkpoint_folder, lambda c: c.update(change))
    with pytest.raises(CheckpointError, match=r"config\.json has settings that don't fit") as error:
        load_checkpoint(checkpoint_folder)
    assert "\n" not in str(error.value)


def test_settings_left_out_have_their_defaults(checkpoint_folder: Path) -> None:
    change_config(checkpoint_folder, lambda c: [c.pop("calibration"), c.pop("question_limit")])
    assert load_checkpoint(checkpoint_folder).settings == Settings()


def test_a_tokenizer_of_more_pieces_than_the_model_has_is_refused(checkpoint_folder: Path) -> None:
    path = checkpoint_folder / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["model"]["vocab"].append(["▁more", -9.0])
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"tokenizer\.json has \d+ pieces"):
        load_checkpoint(checkpoint_folder)
