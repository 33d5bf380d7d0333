"""Malformed and hostile files of the packed kinds: offices', books, mail, archives, each following
from the numbers drawn.
"""

import io
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from functools import cache
from pathlib import Path

import openpyxl
import pptx

from tests.office_files import book, opendocument, packed

from .malformed_files import (
    HTML,
    LARGE,
    TABLE,
    WORDS,
    Write,
    mutated,
    spliced,
    with_entities,
    written,
)

FAR = ["XFD1048576", "A1048576", "XFD1", "ZZZ999999999", "A0", "A99999999999999999999", "1A"]


# What each mutation starts from.


@cache
def _xlsx() -> bytes:
    made, file = openpyxl.Workbook(), io.BytesIO()
    for row in (["Name", "Lit"], ["Old lamp", 1872], ["New lamp", 1950.5], ["Sum", "=B2+B3"]):
        made.active.append(row)
    made.active.merge_cells("A2:A3")
    made.create_sheet("Other").append([WORDS.decode()])
    made.save(file)
    return file.getvalue()


@cache
def _pptx() -> bytes:
    made, file = pptx.Presentation(), io.BytesIO()
    for _ in range(3):
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text = "Lamps", WORDS.decode()
        slide.notes_slide.notes_text_frame.text = WORDS.decode()
    made.save(file)
    return file.getvalue()


def _rows(*rows: str) -> str:
    return "".join(
        f"<table:table-row><table:table-cell><text:p>{row}</text:p></table:table-cell>"
        "</table:table-row>"
        for row in rows
    )


TABLE_XML = f"<table:table table:name='a'>{_rows('Lamp', 'Bell', WORDS.decode())}</table:table>"
ODT = opendocument(
    "text",
    f"<text:h>Lamps</text:h><text:p>{WORDS.decode() * 3}<text:note><text:note-body><text:p>x"
    f"</text:p></text:note-body></text:note></text:p>{TABLE_XML}",
)
ODS = opendocument("spreadsheet", TABLE_XML)
ODP = opendocument(
    "presentation",
    "<draw:page><draw:frame presentation:class='title'><draw:text-box><text:p>Lamps</text:p>"
    f"</draw:text-box></draw:frame><draw:g>{TABLE_XML}</draw:g></draw:page>" * 3,
)
EPUB = book(
    {
        "a.xhtml": f"<h1>Lamps</h1><p>{WORDS.decode() * 5}</p>",
        "b.xhtml": f"<p>{WORDS.decode()}</p>",
    },
    names={"b.xhtml": "Bells"},
)
ZIP = packed({"a/lamp.txt": WORDS * 3, "lamps.csv": TABLE, "a/lamp.html": HTML, "inner.odt": ODT})


@cache
def _tar() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, data in {"lamp.txt": WORDS * 3, "a/lamps.csv": TABLE}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return made.getvalue()


def _message() -> EmailMessage:
    made = EmailMessage()
    made["From"], made["Subject"], made["Message-ID"] = "a@b", "Lamps", "<1@b>"
    made.set_content(WORDS.decode())
    made.add_alternative(f"<p>{WORDS.decode()}</p>", subtype="html")
    return made


@cache
def _mail() -> bytes:
    made = _message()
    made.add_attachment(TABLE, maintype="text", subtype="csv", filename="lamps.csv")
    made.add_attachment(ZIP, maintype="application", subtype="zip", filename="a.zip")
    made.add_attachment(_message())
    return made.as_bytes()


@cache
def _mbox() -> bytes:
    return b"\n".join(b"From a@b Tue Mar  3 09:15:00 2026\n" + _mail() for _ in range(3))


WHOLE: dict[str, Callable[[], bytes]] = {
    ".xlsx": _xlsx,
    ".pptx": _pptx,
    ".odt": lambda: ODT,
    ".ods": lambda: ODS,
    ".odp": lambda: ODP,
    ".epub": lambda: EPUB,
    ".zip": lambda: ZIP,
    ".tar": _tar,
    ".eml": _mail,
    ".mbox": _mbox,
}
PARTS = {  # whose XML is mutated, in a sound archive
    ".xlsx": ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels",
              "xl/styles.xml", "xl/sharedStrings.xml", "[Content_Types].xml"],
    ".pptx": ["ppt/slides/slide1.xml", "ppt/presentation.xml", "ppt/_rels/presentation.xml.rels",
              "ppt/slides/_rels/slide1.xml.rels", "ppt/notesSlides/notesSlide1.xml"],
    ".odt": ["content.xml", "META-INF/manifest.xml", "mimetype"],
    ".ods": ["content.xml", "META-INF/manifest.xml", "mimetype"],
    ".odp": ["content.xml"],
    ".epub": ["OEBPS/book.opf", "OEBPS/nav.xhtml", "META-INF/container.xml", "OEBPS/text/a.xhtml"],
}  # fmt: skip


def _any(draw: random.Random, of: dict[str, list[str]] | None = None) -> str:
    return draw.choice(sorted(of or WHOLE))


def _repacked(data: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return packed({name: change(name, archive.read(name)) for name in archive.namelist()})


# Ways to break them.


def _broken(place: Path, draw: random.Random) -> None:
    """One of each, mostly mutated, now and then gone on with the bytes of another."""
    for suffix, whole in WHOLE.items():
        other = WHOLE[_any(draw)]()
        content = mutated(whole(), draw) if draw.random() < 0.85 else spliced(whole(), other, draw)
        (place / f"file{suffix}").write_bytes(content)


def _broken_parts(place: Path, draw: random.Random) -> None:
    for suffix, parts in PARTS.items():
        chosen = draw.choice(parts)
        content = _repacked(
            WHOLE[suffix](),
            lambda name, part: mutated(part, draw) if name == chosen else part,  # noqa: B023
        )
        (place / f"file{suffix}").write_bytes(content)


def _misnamed(place: Path, draw: random.Random) -> None:
    """Each kind with the name of another, or of none, and what is only called so."""
    for number, suffix in enumerate([*sorted(WHOLE), ".docx", ".pdf", ".txt", ".xls", ""]):
        others = [WHOLE[_any(draw)](), HTML, TABLE, WORDS, draw.randbytes(600), b"\0" * 600]
        (place / f"{number}{suffix}").write_bytes(draw.choice(others))


def _entities(place: Path, draw: random.Random) -> None:
    for suffix, parts in PARTS.items():
        content = _repacked(
            WHOLE[suffix](),
            lambda name, part: with_entities(part, draw) if name in parts else part,  # noqa: B023
        )
        (place / f"file{suffix}").write_bytes(content)


def _far_cells(draw: random.Random) -> bytes:
    """A sheet whose cells, or what it says of them, go on for ever."""
    far = draw.choice(FAR).encode()
    lie = draw.randrange(4)

    def change(name: str, part: bytes) -> bytes:
        if name != "xl/worksheets/sheet1.xml":
            return part
        if lie == 0:
            return part.replace(b'ref="A1:B4"', b'ref="A1:' + far + b'"')
        if lie == 1:
            return part.replace(b'r="B4"', b'r="' + far + b'"')
        if lie == 2:
            return part.replace(b'<row r="4"', b'<row r="' + far.lstrip(b"AXFDZ") + b'"')
        return part.replace(b'ref="A2:A3"', b'ref="A1:' + far + b'"')

    return _repacked(_xlsx(), change)


def _repeated_cells(draw: random.Random) -> bytes:
    """Cells and rows that stand for others, a billion of them."""
    count = draw.choice([1_048_576, 10**9, 2**31, 2**64, -1])
    which = draw.choice(["table:number-columns-repeated", "table:number-rows-repeated",
                         "table:number-columns-spanned", "table:number-rows-spanned"])  # fmt: skip
    where = "table:table-row" if "rows-repeated" in which else "table:table-cell"
    kind = draw.choice(["text", "spreadsheet", "presentation"])
    body = TABLE_XML.replace(f"<{where}>", f'<{where} {which}="{count}">')
    return opendocument(kind, f"<draw:page>{body}</draw:page>" if kind == "presentation" else body)


def _deep_parts(place: Path, draw: random.Random) -> None:
    depth = draw.choice([150, 250, 3000, 50_000])
    for tag in ("text:section", "text:span", "draw:g", "table:table"):
        inner = "<table:table-row><table:table-cell>" if tag == "table:table" else ""
        nest = f"<{tag}>{inner}" * depth + "<text:p>lamp</text:p>"
        closing = "</table:table-cell></table:table-row>" if inner else ""
        kind = draw.choice(["text", "presentation"])
        body = nest + f"{closing}</{tag}>" * depth
        name = f"{tag.partition(':')[2]}.{kind}"
        (place / name).write_bytes(opendocument(kind, f"<draw:page>{body}</draw:page>"))

    def change(name: str, part: bytes) -> bytes:
        group = b"<p:grpSp>" * depth + b"</p:grpSp>" * depth
        is_slide = name == "ppt/slides/slide1.xml"
        return part.replace(b"</p:spTree>", group + b"</p:spTree>") if is_slide else part

    (place / "deep.pptx").write_bytes(_repacked(_pptx(), change))
    (place / "deep.epub").write_bytes(book({"a.xhtml": "<div>" * depth + WORDS.decode()}))


def _outside(place: Path, draw: random.Random) -> None:
    """What would bring in a file of the system, or lead out of the archive."""
    there = draw.choice(["/etc/passwd", "file:///etc/passwd", "../../../../../../etc/passwd"])
    frame = f'<draw:frame><draw:object xlink:href="{there}"/></draw:frame>'
    (place / "a.odt").write_bytes(opendocument("text", f"<text:p>Here {frame}</text:p>"))
    chapters = book({"a.xhtml": f"<p>{WORDS.decode()}</p><iframe src='{there}'></iframe>"})
    (place / "a.epub").write_bytes(chapters.replace(b"text/a.xhtml", b"../../passwd"))
    target, link = f'href="{there}"'.encode(), f'Target="{there}"'.encode()
    changed = _repacked(EPUB, lambda _, part: part.replace(b'href="text/b.xhtml"', target))
    (place / "b.epub").write_bytes(changed)
    linked = _repacked(_pptx(), lambda _, p: p.replace(b'Target="slides/slide1.xml"', link))
    (place / "a.pptx").write_bytes(linked)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, there)
        for name in ("../out.txt", "/tmp/out.txt", "..\\out.txt", "C:\\out.txt", "a/../../out.txt"):
            archive.writestr(name, WORDS)
    (place / "a.zip").write_bytes(made.getvalue())
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            entry = tarfile.TarInfo(draw.choice(["link.txt", "../../out.txt", "/etc/out.txt"]))
            entry.type, entry.linkname = kind, there
            tar.addfile(entry)
    (place / "a.tar").write_bytes(made.getvalue())


# Bombs.


@cache
def _zeros(size: int) -> bytes:
    return b" " * size


@cache
def _bomb(kind: int) -> bytes:
    if kind == 0:
        return packed({f"{n}.txt": _zeros(LARGE) for n in range(3)})
    if kind == 1:  # bombs in bombs
        inner = packed({"a.txt": _zeros(LARGE)})
        for _ in range(3):
            inner = packed({f"{n}.zip": inner for n in range(10)})
        return inner
    if kind == 2:  # a member that claims to be small
        data = packed({"a.txt": _zeros(LARGE), "b.txt": WORDS})
        return data.replace(struct.pack("<I", LARGE), struct.pack("<I", 99))
    if kind == 3:
        return packed({f"{n}/a.txt": b"" for n in range(30_000)})
    if kind == 4:  # members that lie over each other
        made = io.BytesIO(packed({"a.txt": _zeros(9_000_000)}))
        with zipfile.ZipFile(made, "a") as archive:
            (first,) = archive.infolist()
            archive.filelist += [first] * 3000
            archive._didModify = True  # type: ignore[attr-defined]
        return made.getvalue()
    data = packed({"a.zip": b""})
    for _ in range(200):
        data = packed({"a.zip": data})
    return data


@cache
def _tar_bomb(kind: int) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        entry = tarfile.TarInfo("a.txt")
        if kind == 0:
            entry.size = LARGE * 4
            archive.addfile(entry, io.BytesIO(_zeros(LARGE * 4)))
        elif kind == 1:  # a name without an end
            entry.name = "a" * (LARGE // 20)
            archive.addfile(entry)
        else:
            for number in range(30_000):
                entry.name = str(number)
                archive.addfile(entry)
    return made.getvalue()


def _unpacking_office(place: Path, draw: random.Random) -> None:
    for suffix, parts in PARTS.items():
        chosen = parts[0]
        content = _repacked(
            WHOLE[suffix](),
            lambda name, part: part + _zeros(LARGE) if name == chosen else part,  # noqa: B023
        )
        if draw.random() < 0.5:  # and claims not to
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                size = archive.getinfo(chosen).file_size
            content = content.replace(struct.pack("<I", size), struct.pack("<I", 2000))
        (place / f"file{suffix}").write_bytes(content)


def _encrypted(place: Path, draw: random.Random) -> None:
    for suffix, whole in WHOLE.items():
        content = bytearray(whole())
        at = content.find(b"PK\x01\x02")
        while at >= 0:
            content[at + 8] |= 1  # what says so of a member
            at = content.find(b"PK\x01\x02", at + 1)
        (place / f"flagged{suffix}").write_bytes(content)
        ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + draw.randbytes(1000)
        (place / f"ole{suffix}").write_bytes(ole + "EncryptedPackage".encode("utf-16-le"))
    (place / "book.xls").write_bytes(ole + "Workbook".encode("utf-16-le") + bytes(2000))


def _odd_mail(draw: random.Random) -> bytes:
    head = b"From: a@b\nMessage-ID: <1@b>\nSubject: x\nMIME-Version: 1.0\n"
    depth = draw.choice([50, 500, 5000])
    nest = b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(depth)
    )
    multipart = b'Content-Type: multipart/mixed; boundary="x"\n\n'
    named = b'--x\nContent-Disposition: attachment; filename="%s"\n\n' + WORDS + b"\n"
    return head + draw.choice(
        [
            nest + WORDS,
            b"Content-Type: message/rfc822\n\n" * depth + head + b"\n" + WORDS,
            multipart + (named % b"a.txt") * 20_000,
            multipart + b"".join(named % (b"../" * n + b"a\0.txt") for n in range(50)),
            multipart + named % (b"n" * 1_000_000),
            b"To: " + b"a@b, " * 200_000 + b"\n\n" + WORDS,
            b"Subject: " + b"=?utf-8?q?=FF=ZZ?= " * 50_000 + b"\n\n" + WORDS,
            b"Content-Type: text/plain; charset=" + b"x" * 9000 + b"\n\n" + WORDS,
            b"Content-Transfer-Encoding: base64\n\n" + b"====" * 9000 + WORDS,
            b"Content-Type: multipart/mixed\n\n--\n" + WORDS,
            b"Date: \xff\xfe\nFrom: <<<>>>\nCc: @\n\n" + WORDS,
        ]
    )


def _odd_mbox(draw: random.Random) -> bytes:
    return draw.choice(
        [
            b"From a\n" * 100_000 + _mail(),
            b"\n".join(b"From a@b\n" + mutated(_mail(), draw) for _ in range(20)),
            b"From a@b\n" + (b"\nFrom a@b\n" * 30_000),
        ]
    )


PACKED: dict[str, Write] = {
    "packed": _broken,
    "packed parts": _broken_parts,
    "packed, misnamed": _misnamed,
    "packed entities": _entities,
    "packed, deep": _deep_parts,
    "packed, from outside": _outside,
    "packed bombs": _unpacking_office,
    "packed, encrypted": _encrypted,
    "far cells": written(".xlsx", _far_cells),
    "repeated cells": written(".ods", _repeated_cells),
    "zip bombs": written(".zip", lambda draw: _bomb(draw.randrange(6))),
    "tar bombs": written(".tar.gz", lambda draw: _tar_bomb(draw.randrange(3))),
    "odd mail": written(".eml", _odd_mail),
    "odd mailboxes": written(".mbox", _odd_mbox),
}
