"""A checkpoint with another codec, fitted to what its lower layers make of some text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from engine.checkpoint import Checkpoint, Settings, save_checkpoint
from engine.codecs.names import CODECS, known_codecs
from engine.codecs.product import ProductCodec
from engine.codecs.product_fit import MOST, fit_product
from engine.codecs.registry import codec_of
from engine.datasets.records import open_text
from engine.datasets.squad import read_squad
from engine.errors import CheckpointError
from engine.text.windows import length_groups, window_bounds


@dataclass(frozen=True)
class Recoded:
    """The input of `save_checkpoint`; `error` is |decoded - exact| / |exact| of a fitted codec."""

    settings: Settings
    tensors: dict[str, Tensor]
    bytes_per_token: int
    error: float | None


def texts_of(files: Sequence[Path]) -> list[str]:
    """The paragraphs of files of SQuAD, and other files whole, as text.

    Raises: SourceError if a file can't be read.
    """
    texts = []
    for file in files:
        if file.name.endswith((".json", ".json.gz")):
            texts += [paragraph.context for paragraph in read_squad(file)]
        else:
            with open_text(file) as stream:
                texts.append(stream.read())
    return texts


def recode(
    checkpoint: Checkpoint,
    name: str,
    texts: Sequence[str],
    *,
    size: int,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Recoded:
    """The codec `name` for a checkpoint; one with tensors is fitted to `texts`.

    That takes `size` bytes a token.

    Raises: CheckpointError for an unknown codec, an impossible size, or too little text.
    """
    if name not in CODECS:
        raise CheckpointError(f"no codec is named {name!r}; expected one of {known_codecs()}")
    settings, width = replace(checkpoint.settings, codec=name), checkpoint.hidden_width
    if name != ProductCodec.name:
        return Recoded(settings, {}, codec_of(name).bytes_per_token(width), None)
    states = sample_states(checkpoint, texts, on_progress=on_progress)
    tensors = fit_product(states, size)
    codec = codec_of(name, tensors)
    decoded = codec.decode(codec.encode(states), len(states), width)
    error = float((decoded - states).norm() / states.norm())
    return Recoded(settings, tensors, codec.bytes_per_token(width), error)


def sample_states(
    checkpoint: Checkpoint,
    texts: Sequence[str],
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Tensor:
    """States of about as many wordpieces as a codec is fitted to, in fp32: (n, width).

    Of more text, windows are taken evenly.
    """
    windows = []
    for text in texts:
        pieces = checkpoint.tokenizer.encode(text).ids
        bounds = (
            window_bounds(len(pieces), checkpoint.settings.passage_limit) if len(pieces) else []
        )
        windows += [pieces[start:end] for start, end in bounds]
    every = -(-sum(map(len, windows)) // MOST)
    windows = windows[:: max(1, every)]
    found: list[Tensor] = []
    for numbers in length_groups([len(window) for window in windows]):
        states = checkpoint.encode_passages([windows[number] for number in numbers])
        found.append(states.hidden.float().cpu())
        on_progress(sum(map(len, found)), sum(map(len, windows)))
    return torch.cat(found) if found else torch.empty(0, checkpoint.hidden_width)


def save_recoded(checkpoint: Checkpoint, recoded: Recoded, folder: Path) -> None:
    """Write the checkpoint with its new codec."""
    save_checkpoint(
        checkpoint.reader, checkpoint.tokenizer, recoded.settings, folder, recoded.tensors
    )
