"""Subtitles: what is said, cues joined to sentences, with a section for each stretch of time."""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pysubs2

from engine.documents import Document, Section
from indexer.readers.decoding import decode
from indexer.readers.identity import document_id
from indexer.readers.limits import Limits
from indexer.readers.outcome import Item, LeftOut, RawFile, UnreadableError

_VOICE = re.compile(r"<v(?:\.[\w.-]+)?[ \t]+([^<>\n]{1,100})>")
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]{0,200}>|<[\d:.]+>")
_TIMES = re.compile(r"^[^\n]*-->[^\n]*$", re.MULTILINE)
_TIME = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2})([.,])(\d{1,3})(?!\d)")
_ENDS = re.compile(r"[.!?…。！？♪][\"'”’»)\]]*\Z")
_SHORTEST = 30_000  # milliseconds of a section, unless there's a pause
_LONGEST = 90_000  # milliseconds, where no sentence ends
_PAUSE = 5_000  # milliseconds
_ROLLING = 100  # milliseconds between cues of which one goes on with the other's lines


@dataclass(frozen=True)
class _Cue:
    start: int
    end: int
    text: str


def read_srt(file: RawFile, limits: Limits) -> Iterator[Item]:
    """SubRip. As `read_vtt`."""
    yield from _read(file, "srt")


def read_vtt(file: RawFile, limits: Limits) -> Iterator[Item]:
    """WebVTT. The headings of sections are the times at which they start, in hours.

    A section ends with a sentence, after half a minute or so, or before a pause. Lines that a cue
    repeats from the one before are read once. Speakers' names are kept where they are given, and
    drawings and the author's remarks are left out.

    Raises: UnreadableError if the file isn't text or holds no cues.
    """
    yield from _read(file, "vtt")


def read_ass(file: RawFile, limits: Limits) -> Iterator[Item]:
    """SubStation Alpha. As `read_vtt`."""
    yield from _read(file, "ass")


def _read(file: RawFile, kind: str) -> Iterator[Item]:
    decoded = decode(file.data)
    yield from decoded.warnings(file.source)
    text = decoded.text.replace("\r\n", "\n").replace("\r", "\n")
    text = _TIMES.sub(lambda line: _TIME.sub(_padded, line[0]), text)
    try:
        found = pysubs2.SSAFile.from_string(_VOICE.sub(r"\1: ", text), format_=kind)
    except (pysubs2.Pysubs2Error, ValueError, KeyError, IndexError) as error:
        raise UnreadableError(f"broken subtitles: {error}") from error
    events = sorted(found, key=lambda event: event.start)
    said = [event for event in events if not event.is_comment and not event.is_drawing]
    cues = list(_once(said))
    if not cues:
        raise UnreadableError("no subtitles found in it")
    shown, sections = _joined(cues)
    yield Document(
        id=document_id(file.source),
        source=file.source,
        title=file.stem,
        text=shown,
        sections=sections,
        metadata={"format": kind, "encoding": decoded.encoding},
    )
    if len(said) < len(events):
        yield LeftOut(file.source, "remarks and drawings", len(events) - len(said))


def _padded(time: re.Match[str]) -> str:
    """A time in the usual number of digits, which some programs don't write."""
    hours, minutes, seconds, mark, part = time.groups()
    return f"{int(hours or 0):02}:{minutes:0>2}:{seconds:0>2}{mark}{part:0<3}"


def _once(events: Sequence[pysubs2.SSAEvent]) -> Iterator[_Cue]:
    """The cues without the lines that roll up from one to the next."""
    above: list[str] = []
    ended, speaker = 0, ""
    for event in events:
        plain = _TAG.sub("", html.unescape(_TAG.sub("", event.plaintext)))
        lines = [line for line in (" ".join(one.split()) for one in plain.split("\n")) if line]
        rolls = event.start <= ended + _ROLLING
        same = next((n for n in range(len(lines), 0, -1) if lines[:n] == above[-n:]), 0)
        new = lines[same:] if rolls else lines
        above, ended = lines or above, max(ended, event.end)
        if not new:
            continue
        name = " ".join(event.name.split())
        said = f"{name}: " if name and name != speaker else ""
        speaker = name
        yield _Cue(event.start, event.end, said + " ".join(new))


def _joined(cues: Sequence[_Cue]) -> tuple[str, tuple[Section, ...]]:
    """The cues as running text, and sections with the times at which they start."""
    parts: list[str] = []
    sections: list[Section] = []
    position, opening, first = 0, 0, cues[0]
    for cue, following in zip(cues, [*cues[1:], None], strict=True):
        parts.append(cue.text)
        position += len(cue.text)
        if following is None or _ends(first, cue, following):
            sections.append(Section(opening, position, heading=_time(first.start)))
            parts.append("\n\n")
            position += 2
            if following:
                opening, first = position, following
        else:
            parts.append(" ")
            position += 1
    return "".join(parts[:-1]), tuple(sections)


def _ends(first: _Cue, cue: _Cue, following: _Cue) -> bool:
    """Whether the section from `first` on ends with `cue`."""
    if following.start - cue.end >= _PAUSE:
        return True
    length = cue.end - first.start
    return length >= (_SHORTEST if _ENDS.search(cue.text) else _LONGEST)


def _time(milliseconds: int) -> str:
    seconds = max(0, milliseconds) // 1000
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
