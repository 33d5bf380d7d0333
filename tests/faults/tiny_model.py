"""A checkpoint of random weights with the shipped tokenizer: encodes as a real one, but at once."""

from pathlib import Path

import torch

from engine.checkpoint import (
    Checkpoint,
    Settings,
    load_checkpoint,
    save_checkpoint,
    shipped_checkpoint,
)
from engine.text.tokenization import Tokenizer

from ..tiny_models import tiny_reader

PASSAGE_LIMIT = 60  # wordpieces


def tiny_checkpoint(folder: Path, seed: int) -> Checkpoint:
    """The checkpoint in `folder`, which is made if it isn't there. One thread is used."""
    torch.set_num_threads(1)
    if not folder.is_dir():
        _make(folder, seed)
    return load_checkpoint(folder, dtype=torch.float32)


def _make(folder: Path, seed: int) -> None:
    tokenizer = Tokenizer.load(shipped_checkpoint())
    reader = tiny_reader(
        tokenizer.vocabulary_size,
        lower=(1,),
        upper=(2,),
        vector=(2,),
        width=16,
        heads=2,
        inner=16,
        positions=PASSAGE_LIMIT + 8,
        seed=seed,
    )
    save_checkpoint(reader, tokenizer, Settings(passage_limit=PASSAGE_LIMIT), folder)
