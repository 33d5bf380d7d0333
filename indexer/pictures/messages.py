"""The messages between the process that draws pages and the one that uses it.

A line of JSON each, followed by the file's bytes or by the picture's.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import BinaryIO

from engine.schema import from_json, of_type
from indexer.pictures.wanted import Wanted

LARGEST = 4_000_000  # bytes of a picture


Mark = tuple[float, float, float, float]


@dataclass(frozen=True)
class Picture:
    """A page's picture, as WebP, in pixels, and how many pages its document has.

    `marks` are the boxes of words on it: left, top, right and bottom, from 0 to 1.
    """

    width: int
    height: int
    pages: int
    marks: tuple[Mark, ...]
    image: bytes


@dataclass(frozen=True)
class _Asked:
    number: int
    wanted: dict[int, Wanted]


@dataclass(frozen=True)
class _Told:
    """A picture but for its bytes; or why there is none, if `reason` says so."""

    width: int = 0
    height: int = 0
    pages: int = 0
    marks: tuple[Mark, ...] = ()
    reason: str = ""


def request(data: bytes, number: int, wanted: Mapping[int, Wanted]) -> bytes:
    return _line(asdict(_Asked(number, dict(wanted)))) + data


def receive_request(pipe: BinaryIO) -> tuple[bytes, int, dict[int, Wanted]]:
    said = from_json(pipe.readline().decode("ascii"))
    said["wanted"] = {int(page): one for page, one in said["wanted"].items()}
    asked = of_type(_Asked, said)
    return pipe.read(), asked.number, asked.wanted


def send_reply(pipe: BinaryIO, told: Picture | str) -> None:
    if isinstance(told, str):
        pipe.write(_line(asdict(_Told(reason=told))))
    else:
        said = _Told(told.width, told.height, told.pages, told.marks)
        pipe.write(_line(asdict(said)) + told.image)
    pipe.flush()


def reply(received: bytes) -> Picture | str:
    """Raises: ValueError if it isn't whole, or says what no picture has."""
    line, end, image = received.partition(b"\n")
    if not end:
        raise ValueError("the reply ends early")
    told = of_type(_Told, from_json(line.decode("ascii")))
    if told.reason:
        return told.reason
    if not (image.startswith(b"RIFF") and image[8:12] == b"WEBP" and len(image) <= LARGEST):
        raise ValueError("the picture isn't one")
    return Picture(told.width, told.height, told.pages, told.marks, image)


def _line(said: object) -> bytes:
    return json.dumps(said).encode("ascii") + b"\n"
