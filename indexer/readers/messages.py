"""The messages between the reading process and the one that uses it: a line of JSON each.

Nothing that comes out of a file is ever unpickled.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from typing import IO, Any

from engine.document_fields import field_values
from engine.documents import Document, Section
from indexer.readers.limits import Limits
from indexer.readers.outcome import Item, LeftOut, RawFile, Skipped, Warned

_NOTES: Mapping[str, type[Skipped | Warned | LeftOut]] = {
    kind.__name__: kind for kind in (Skipped, Warned, LeftOut)
}


def send_file(pipe: IO[bytes], file: RawFile, suffix: str) -> None:
    """Send a file to read: a line about it, then its bytes."""
    known = {one.name: getattr(file, one.name) for one in fields(file) if one.name != "data"}
    _send(pipe, {"file": known, "suffix": suffix, "size": len(file.data)})
    pipe.write(file.data)
    pipe.flush()


def receive_file(pipe: IO[bytes]) -> tuple[RawFile, str] | None:
    """The next file and its suffix; None if there are no more."""
    if not (line := pipe.readline()):
        return None
    said = json.loads(line)
    return RawFile(**said["file"], data=pipe.read(said["size"])), said["suffix"]


def send_item(pipe: IO[bytes], item: Item) -> None:
    _send(pipe, {type(item).__name__: asdict(item)})


def send_end(pipe: IO[bytes]) -> None:
    _send(pipe, {})
    pipe.flush()


def receive_items(pipe: IO[bytes]) -> Iterator[Item]:
    """The parts of a file, up to its end.

    Raises: EOFError if the reading process ends first.
    """
    while (line := pipe.readline()).endswith(b"\n"):
        said = json.loads(line)
        if not said:
            return
        ((kind, item),) = said.items()
        if kind == Document.__name__:
            document = item
            sections = tuple(Section(**section) for section in document.pop("sections"))
            columns = field_values(document.pop("columns"))
            yield Document(**document, sections=sections, columns=columns)
        else:
            yield _NOTES[kind](**item)
    raise EOFError


def limits_argument(limits: Limits) -> str:
    return json.dumps(asdict(limits))


def limits_of_argument(argument: str) -> Limits:
    return Limits(**json.loads(argument))


def _send(pipe: IO[bytes], said: dict[str, Any]) -> None:
    pipe.write(json.dumps(said).encode("ascii") + b"\n")
