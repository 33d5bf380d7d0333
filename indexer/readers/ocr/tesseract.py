"""Running Tesseract on a picture of a page, within the time that a file may take."""

import csv
import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from indexer.readers.limits import Limits
from indexer.readers.outcome import UnreadableError

VARIABLE: Final = "FOREREAD_OCR"  # Tesseract's languages, such as eng+deu, or `off`
INSTALL: Final = "install Tesseract to have it read (apt install tesseract-ocr)"
DPI: Final = 300  # at which letters have the size that Tesseract was trained with
MOST_PIXELS: Final = 30_000_000

_KEPT = 0.2  # of a file's time, for reading what was found
_MOST_LANGUAGES = 3  # that are all tried where none is named; each takes its time
_WORD = "5"  # the level of a word in Tesseract's table
_LEAST_SURE = 30.0  # percent
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_LIBC = ctypes.CDLL(None)


class OutOfTimeError(Exception):
    """A file's time for OCR is over."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word on a picture: its box in pixels, y downwards; words of a line have the same `line`."""

    text: str
    line: tuple[str, ...]
    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Tesseract:
    """The program, the languages it reads, and when its time for a file is over."""

    program: str
    languages: str
    until: float

    @classmethod
    def installed(cls, limits: Limits) -> Self | None:
        """None if the program isn't there, or the user turned OCR off."""
        program = shutil.which("tesseract")
        if program is None or is_off():
            return None
        languages = os.environ.get(VARIABLE) or _installed_languages(program)
        # In the reading process, what is left for the file, that this one may lie in.
        left = min(signal.getitimer(signal.ITIMER_REAL)[0] or limits.seconds, limits.seconds)
        return cls(program, languages, time.monotonic() + left - _KEPT * limits.seconds)

    def words(self, picture: NDArray[np.uint8]) -> list[Word]:
        """The words on a grey picture, shape (height, width).

        Raises: OutOfTimeError; UnreadableError if the program fails.
        """
        left = self.until - time.monotonic()
        if left <= 0:
            raise OutOfTimeError
        height, width = picture.shape
        told = ["--dpi", str(DPI), "-l", self.languages, "--psm", "3", "tsv"]
        try:
            done = subprocess.run(
                [self.program, "stdin", "stdout", *told],
                input=b"P5 %d %d 255\n" % (width, height) + picture.tobytes(),
                capture_output=True,
                timeout=left,
                env={**os.environ, "OMP_THREAD_LIMIT": "1"},
                preexec_fn=die_with_parent,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise OutOfTimeError from None
        if done.returncode:
            why = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
            raise UnreadableError(f"Tesseract failed: {why[-1]}")
        return list(_words(done.stdout.decode("utf-8", "replace")))


def is_off() -> bool:
    return os.environ.get(VARIABLE, "").lower() == "off"


def die_with_parent() -> None:
    """Ends the program with the reading process, which is killed when a file takes too long."""
    _LIBC.prctl(_DIE_WITH_PARENT, signal.SIGKILL)


@cache
def _installed_languages(program: str) -> str:
    listed = subprocess.run(
        [program, "--list-langs"], capture_output=True, text=True, timeout=30, check=False
    )
    found = sorted({*listed.stdout.splitlines()[1:]} - {"osd", "snum", ""})
    few = "eng" not in found or len(found) <= _MOST_LANGUAGES
    return "+".join(found[:_MOST_LANGUAGES] if few else ["eng"]) or "eng"


def _words(table: str) -> Iterator[Word]:
    rows = csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    for row in rows:
        text = (row["text"] or "").strip()
        if row["level"] == _WORD and text and float(row["conf"]) >= _LEAST_SURE:
            line = (row["block_num"], row["par_num"], row["line_num"])
            box = (int(row[name]) for name in ("left", "top", "width", "height"))
            yield Word(text, line, *box)
