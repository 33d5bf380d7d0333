"""From a text file's bytes to its text, without translating line ends."""

import codecs
import re
from dataclasses import dataclass

from indexer.readers.outcome import UnreadableError

# UTF-32 first: its little-endian mark starts with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_HIGH = re.compile(rb"[\x80-\xff]")
_HIGHEST_SHARE = 0.25  # accented letters in a western text; other scripts have far more


@dataclass(frozen=True)
class Decoded:
    text: str
    encoding: str


def decode(data: bytes, declared: str | None = None) -> Decoded:
    """Decode by byte-order mark, else as UTF-8, else as `declared`, else as Windows-1252.

    The text doesn't hold the byte-order mark. Windows-1252 is taken only where it is plausible: no
    control characters, and few bytes outside ASCII.

    Raises: UnreadableError if the bytes are binary or in an unknown encoding.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return Decoded(_strict(data[len(mark) :], encoding), encoding)
    if b"\0" in data:
        raise UnreadableError("binary, not text")
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError as error:
        first_bad = error.start
    if declared and (text := _declared(data, declared)) is not None:
        return Decoded(text, declared.lower())
    if _is_damaged_utf8(data):
        raise UnreadableError(
            f"not text that can be decoded: UTF-8 damaged at byte {first_bad}; save it as UTF-8"
        )
    if _is_plausible_western(data):
        try:
            return Decoded(data.decode("cp1252"), "cp1252")
        except UnicodeDecodeError:
            pass
    raise UnreadableError("not text that can be decoded; save it as UTF-8")


def _strict(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableError(
            f"not text that can be decoded: {encoding.upper()} damaged at byte {error.start}"
        ) from error


def _declared(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    # Codecs that aren't for text raise LookupError; some raise another ValueError.
    except (LookupError, ValueError):
        return None


def _is_damaged_utf8(data: bytes) -> bool:
    """Whether most of the high bytes form UTF-8 letters."""
    high = len(_HIGH.findall(data))
    sound = sum(len(c.encode()) for c in data.decode("utf-8", "ignore") if c > "\x7f")
    return sound > high - sound


def _is_plausible_western(data: bytes) -> bool:
    if _CONTROLS.search(data):
        return False
    visible = len(b"".join(data.split()))
    return len(_HIGH.findall(data)) <= _HIGHEST_SHARE * visible
