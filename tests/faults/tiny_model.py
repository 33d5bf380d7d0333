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
from engine.encoder.config import EncoderConfig
from engine.reading.reader import Reader
from engine.text.tokenization import Tokenizer

PASSAGE_LIMIT = 60  # wordpieces


def tiny_checkpoint(folder: Path, seed: int) -> Checkpoint:
    """The checkpoint in `folder`, which is made if it isn't there. One thread is used."""
    torch.set_num_threads(1)
    if not folder.is_dir():
        _make(folder, seed)
    return load_checkpoint(folder, dtype=torch.float32)


def _make(folder: Path, seed: int) -> None:
    tokenizer = Tokenizer.load(shipped_checkpoint())
    config = EncoderConfig(
        family="bert",
        hidden_width=16,
        n_heads=2,
        inner_width=16,
        vocabulary=tokenizer.vocabulary_size,
        positions=PASSAGE_LIMIT + 8,
        types=2,
        activation="gelu",
        layer_norm_eps=1e-12,
        lower=(1,),
        upper=(2,),
        vector=(2,),
    )
    torch.manual_seed(seed)
    save_checkpoint(Reader.shaped(config), tokenizer, Settings(passage_limit=PASSAGE_LIMIT), folder)
