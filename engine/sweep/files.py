"""Figures in JSON files, and digests of what they were made from."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from engine.atomic_files import replace_file
from engine.errors import SourceError


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None if there's no file.

    Raises: SourceError if it isn't a JSON object.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} can't be read ({error}); remove it") from None
    if not isinstance(found, dict):
        raise SourceError(f"{path} should hold a JSON object; remove it")
    return found


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file, whole or not at all; its folder is made if needed.

    Raises: SourceError if it can't be written.
    """
    text = json.dumps(content, indent=2) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, lambda beside: beside.write_text(text, encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"{path} can't be written: {error.strerror}") from None


def digest_files(paths: Sequence[Path]) -> str:
    """Hexadecimal digest of the files' contents, in their order.

    Raises: SourceError if one can't be read.
    """
    digest = hashlib.blake2b(digest_size=8)
    for path in paths:
        try:
            digest.update(hashlib.blake2b(path.read_bytes()).digest())
        except OSError as error:
            raise SourceError(f"can't read {path}: {error.strerror}") from None
    return digest.hexdigest()


def digest_network(network: nn.Module) -> str:
    """Hexadecimal digest of a network's weights."""
    digest = hashlib.blake2b(digest_size=8)
    for tensor in network.state_dict().values():
        digest.update(tensor.contiguous().view(torch.uint8).numpy())
    return digest.hexdigest()
