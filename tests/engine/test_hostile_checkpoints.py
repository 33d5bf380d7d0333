"""Checkpoints that were changed on purpose: they are loaded and read, or refused in one line."""

import json
import random
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mutations import changed_bytes, changed_json

from engine.checkpoint import load_checkpoint
from engine.errors import CheckpointError, ForereadError
from engine.reading.read import every_pair

CHANGES = 120


def change_config(folder: Path, draw: random.Random) -> None:
    path = folder / "config.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    for _ in range(draw.choice((1, 1, 3))):
        content = changed_json(content, draw)
    path.write_text(json.dumps(content), encoding="utf-8")


def change_encoder(folder: Path, draw: random.Random) -> None:
    path = folder / "config.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["encoder"] = changed_json(content["encoder"], draw)
    path.write_text(json.dumps(content), encoding="utf-8")


def change_tokenizer(folder: Path, draw: random.Random) -> None:
    path = folder / "tokenizer.json"
    content = changed_json(json.loads(path.read_text(encoding="utf-8")), draw)
    path.write_text(json.dumps(content), encoding="utf-8")


def change_header_of_weights(folder: Path, draw: random.Random) -> None:
    """The JSON at the start of the file, which tells the type, shape and place of each tensor."""
    path = folder / "model.safetensors"
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    name = draw.choice([name for name in header if name != "__metadata__"])
    if draw.random() < 0.5:
        header[name]["dtype"] = draw.choice(("I16", "U16", "BF16", "F32", "BOOL", "C64"))
    else:
        header = changed_json(header, draw)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


def change_bytes(folder: Path, draw: random.Random) -> None:
    path = folder / draw.choice(("config.json", "model.safetensors", "tokenizer.json"))
    path.write_bytes(changed_bytes(path.read_bytes(), draw))


HOW = (change_config, change_encoder, change_encoder, change_tokenizer, change_header_of_weights,
       change_bytes)  # fmt: skip


@pytest.mark.parametrize("part", range(6))
def test_a_changed_checkpoint_is_read_or_refused_in_one_line(
    part: int, checkpoint_folder: Path, tmp_path: Path
) -> None:
    refusals: list[str] = []
    for number in range(part * CHANGES // 6, (part + 1) * CHANGES // 6):
        folder = tmp_path / str(number)
        shutil.copytree(checkpoint_folder, folder)
        HOW[number % len(HOW)](folder, random.Random(number))
        with suppressed(refusals):
            read(folder)
    assert refusals
    assert [line for line in refusals if "\n" in line or len(line) > 2000] == []


def read(folder: Path) -> None:
    """Load a checkpoint and read a passage for a question."""
    checkpoint = load_checkpoint(folder)
    texts = ["Who lit the lamp?", "The keeper lit the lamp at dusk."]
    question, passage = ([checkpoint.tokenizer.encode(text).ids[:30]] for text in texts)
    states = checkpoint.encode_passages(passage)
    checkpoint.vectors(states)
    checkpoint.read(checkpoint.encode_questions(question), states, every_pair(1, 1))


@contextmanager
def suppressed(refusals: list[str]) -> Iterator[None]:
    """Errors of the engine's own are noted, and no others."""
    try:
        yield
    except ForereadError as error:
        refusals.append(str(error))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"hidden_width": 10**30}, "hidden_width should be at most"),
        ({"lower": [1] * 2000}, "at most 1000 layers"),
        ({"upper": ["3"]}, "each layer of upper should be a whole number"),
        ({"layer_norm_eps": []}, "layer_norm_eps should be between 0 and 1"),
        ({"activation": None}, "activation should be a name"),
        ({"positions": 40}, "passage_limit should be 1 to 39"),
    ],
)
def test_impossible_numbers_are_refused_by_name_before_anything_is_made_of_them(
    changed: dict[str, object], said: str, checkpoint_folder: Path
) -> None:
    path = checkpoint_folder / "config.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["encoder"] |= changed
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(CheckpointError, match=said):
        load_checkpoint(checkpoint_folder)
