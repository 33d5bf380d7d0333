"""Malformed files fed to the readers: each accepted, or named with a reason."""

import io
import json
import os
import random
import struct
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import docx
import fpdf

from engine.documents import Document
from engine.errors import ForereadError
from indexer.sources import read_sources

from .processes import done_apart

SECONDS = 120.0  # for one file, on a slow machine
WORDS = b"The lamp of the harbour was lit in 1872 by Dora Reed. "


@dataclass
class MalformedReport:
    """Files by what became of them; `crashed` and `hung` are what must not be."""

    files: int = 0
    accepted: int = 0
    named: int = 0
    crashed: int = 0
    hung: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not (self.crashed or self.hung)

    def to_dict(self) -> dict[str, Any]:
        return {"sound": self.sound, **asdict(self)}


def run_malformed(folder: Path, count: int, seed: int) -> MalformedReport:
    """Make `count` malformed files, of each kind in turn, and read each in a process of its own."""
    report = MalformedReport()
    kinds = sorted(MALFORMED)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        place = folder / f"{number}"
        place.mkdir()
        MALFORMED[kind](place, random.Random(seed * 1_000_003 + number))
        report.files += 1
        report.by_kind[kind] = report.by_kind.get(kind, 0) + 1
        ended = done_apart(lambda: _outcomes(place), seconds=SECONDS)  # noqa: B023
        if ended.result is None:
            report.hung += ended.signal == 9
            report.crashed += ended.signal != 9
            report.notes.append(f"{kind} {number}: {ended}")
            continue
        report.accepted += ended.result["accepted"] > 0
        report.named += ended.result["accepted"] == 0
        if ended.result["wrong"]:
            report.crashed += 1
            report.notes.append(f"{kind} {number}: {ended.result['wrong']}")
    return report


def _outcomes(place: Path) -> dict[str, Any]:
    """How many documents were read, and what a document or a reason has that it shouldn't."""
    accepted, wrong = 0, []
    try:
        for item in read_sources([place]):
            if isinstance(item, Document):
                accepted += 1
                item.text.encode()  # no half of a surrogate pair
                if any(not 0 <= s.start <= s.end <= len(item.text) for s in item.sections):
                    wrong.append("a section beyond the text")
            elif not item.reason or "\n" in item.reason or len(item.reason) > 200:
                wrong.append(f"a reason that is no line: {item.reason[:300]!r}")
    except ForereadError as error:
        if "\n" in str(error):
            wrong.append(f"an error that is no line: {str(error)[:300]!r}")
    return {"accepted": accepted, "wrong": wrong}


@cache
def _pdf() -> bytes:
    made = fpdf.FPDF()
    made.set_font("helvetica", size=12)
    for _ in range(3):
        made.add_page()
        made.multi_cell(0, 8, WORDS.decode() * 20)
    return bytes(made.output())


@cache
def _docx() -> bytes:
    made, file = docx.Document(), io.BytesIO()
    made.add_heading("Lamps", 1)
    made.add_paragraph(WORDS.decode() * 5)
    made.add_table(2, 2).cell(0, 0).text = "a cell"
    made.save(file)
    return file.getvalue()


def _mutated(content: bytes, draw: random.Random) -> bytes:
    """Some bytes changed, a piece cut out or doubled, the end gone."""
    broken = bytearray(content)
    for _ in range(draw.randrange(1, 30)):
        at = draw.randrange(len(broken))
        how = draw.randrange(4)
        if how == 0:
            broken[at] = draw.randrange(256)
        elif how == 1:
            del broken[at : at + draw.randrange(1, 200)]
        elif how == 2:
            broken[at:at] = broken[at : at + draw.randrange(1, 200)]
        else:
            broken[at : at + 8] = draw.randbytes(8)
        if len(broken) < 300:
            break
    return bytes(broken if draw.random() < 0.7 else broken[: draw.randrange(1, len(broken))])


def _written(suffix: str, content: Callable[[random.Random], bytes]) -> Any:
    def write(place: Path, draw: random.Random) -> None:
        (place / f"file{suffix}").write_bytes(content(draw))

    return write


def _unpacking_to(size: int, claimed: int | None) -> bytes:
    """A Word document whose text unpacks to `size` bytes, and which claims another size."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(_docx())) as whole,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for name in whole.namelist():
            content = whole.read(name)
            end = content.rindex(b"</w:body>") if name == "word/document.xml" else len(content)
            with bomb.open(name, "w") as member:
                member.write(content[:end])
                if end < len(content):
                    for _ in range(size >> 20):
                        member.write(b" " * (1 << 20))
                    member.write(content[end:])
        true_size = bomb.getinfo("word/document.xml").file_size
    archive = file.getvalue()
    if claimed is not None:
        archive = archive.replace(struct.pack("<I", true_size), struct.pack("<I", claimed))
    return archive


def _deep_html(draw: random.Random) -> bytes:
    tag = draw.choice(["div", "span", "ul><li", "table><tr><td", "b", "blockquote", "p"])
    closing = b"" if draw.random() < 0.5 else b"</div>" * 100_000
    return b"<html><body>" + f"<{tag}>".encode() * 100_000 + WORDS * 9 + closing


def _deep_json(draw: random.Random) -> bytes:
    opening, closing = draw.choice([(b"[", b"]"), (b'{"a":', b"}")])
    return opening * 100_000 + b"1" + (closing * 100_000 if draw.random() < 0.5 else b"")


def _lines_of_rubbish(draw: random.Random) -> bytes:
    good = json.dumps({"_id": "1", "title": "Lamps", "text": WORDS.decode()}).encode()
    bad = [b"{", b"[]", b"null", b'{"text": 7}', b'{"text": "\\ud800 half"}', b"\xff\xfe", b"1e999"]
    return b"\n".join(draw.choice([good, *bad]) for _ in range(50))


def _rubbish_table(draw: random.Random) -> bytes:
    cells = [b"title,text", b'"never closed', b"a,b,c,d,e", b"\x00,\x00", b",", WORDS, b'"a""b",c']
    return b"title,text\n" + b"\n".join(draw.choice(cells) for _ in range(60))


def _odd_text(draw: random.Random) -> bytes:
    odd = [b"\xff\xfe", b"\xc3\x28", b"\x00" * 50, b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\x1b[31m"]
    return b"".join(draw.choice([WORDS, *odd]) for _ in range(40))


def _links(place: Path, draw: random.Random) -> None:
    (place / "a").mkdir()
    (place / "a" / "up").symlink_to(place)
    (place / "loop").symlink_to("loop")
    (place / "nowhere").symlink_to("missing")
    (place / "null").symlink_to("/dev/null")
    os.mkfifo(place / "pipe")
    (place / "a" / "good.txt").write_bytes(WORDS)


def _names(place: Path, draw: random.Random) -> None:
    names = [
        b"\xff\xfe.txt",
        b"line\nbreak.txt",
        b" .txt",
        b"-rf.txt",
        b"..txt",
        b"a" * 250 + b".md",
    ]
    for name in [*names, "e\u0301\u202e.txt".encode()]:
        with open(os.path.join(os.fsencode(place), name), "wb") as file:
            file.write(WORDS)


MALFORMED: dict[str, Callable[[Path, random.Random], None]] = {
    "pdf": _written(".pdf", lambda draw: _mutated(_pdf(), draw)),
    "docx": _written(".docx", lambda draw: _mutated(_docx(), draw)),
    "docx bomb": _written(".docx", lambda draw: _unpacking_to(600 << 20, None)),
    "docx bomb that lies": _written(".docx", lambda draw: _unpacking_to(100 << 20, 2_000)),
    "deep html": _written(".html", _deep_html),
    "deep json": _written(".json", _deep_json),
    "json lines": _written(".jsonl", _lines_of_rubbish),
    "table": _written(".csv", _rubbish_table),
    "text": _written(".txt", _odd_text),
    "enormous line": _written(".txt", lambda draw: b"lamp" * (1 << 20) + b" " + WORDS),
    "unknown": _written("", lambda draw: draw.randbytes(draw.randrange(1, 5000))),
    "links": _links,
    "names": _names,
}
