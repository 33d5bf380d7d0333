"""Malformed and hostile files of each kind, each following from the numbers drawn."""

import io
import json
import os
import random
import socket
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import docx
import fpdf

Write = Callable[[Path, random.Random], None]
Content = Callable[[random.Random], bytes]

WORDS = b"The lamp of the harbour was lit in 1872 by Dora Reed. "
LARGE = 60_000_000  # bytes: over the limit on a file's size, where a file unpacks to them


# What each mutation starts from.


@cache
def _pdf() -> bytes:
    made = fpdf.FPDF()
    made.set_font("helvetica", size=12)
    for _ in range(3):
        made.add_page()
        made.multi_cell(0, 8, WORDS.decode() * 20)
    return bytes(made.output())


@cache
def _plain_pdf() -> bytes:
    """With its pages' streams not compressed, so that their operators are mutated."""
    made = fpdf.FPDF()
    made.set_compression(False)
    made.set_font("helvetica", size=12)
    made.add_page()
    made.multi_cell(0, 8, WORDS.decode() * 5)
    return bytes(made.output())


@cache
def _docx() -> bytes:
    made, file = docx.Document(), io.BytesIO()
    made.add_heading("Lamps", 1)
    made.add_paragraph(WORDS.decode() * 5)
    made.add_table(2, 2).cell(0, 0).text = "a cell"
    made.save(file)
    return file.getvalue()


HTML = (
    b'<!doctype html><html><head><title>Lamps</title><meta charset="utf-8"></head><body>'
    b"<h1>Lamps</h1><p>" + WORDS * 6 + b"</p><table><tr><td>1872</td><td>Reed</td></tr></table>"
    b"<ul><li>" + WORDS + b"</li></ul><script>var a = '<p>';</script></body></html>"
)
MARKDOWN = (
    b"---\ntitle: Lamps\n---\n# Lamps\n\n" + WORDS * 4 + b"\n\n## Oil\n\n- one\n- two\n\n> said\n"
    b"\n```\ncode\n```\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\nHead\n====\n\n[a](b) *c* `d`\n"
)
JSON = json.dumps(
    {"data": [{"title": "Lamps", "paragraphs": [{"context": WORDS.decode(), "qas": []}] * 3}]}
).encode()
LINES = b"\n".join(
    json.dumps({"_id": str(n), "title": "Lamps", "text": WORDS.decode()}).encode() for n in range(9)
)
TABLE = b"id,title,text\n" + b"\n".join(b'%d,"Lamps, old","' % n + WORDS + b'"' for n in range(9))
TEXT = WORDS * 20 + "Wärter schrieb. 灯台守は夕暮れに。 كتب الحارس".encode() + b"\r\n" + WORDS


# Ways to break what is whole.


def mutated(content: bytes, draw: random.Random) -> bytes:
    """Some bits and bytes changed, pieces cut out, doubled or moved, the end gone."""
    broken = bytearray(content)
    for _ in range(draw.choice([1, 1, 2, 5, 30])):
        at = draw.randrange(len(broken))
        how = draw.randrange(7)
        if how == 0:
            broken[at] ^= 1 << draw.randrange(8)
        elif how == 1:
            del broken[at : at + draw.randrange(1, 200)]
        elif how == 2:
            broken[at:at] = broken[at : at + draw.randrange(1, 200)]
        elif how == 3:
            broken[at : at + 8] = draw.randbytes(8)
        elif how == 4:
            broken[at:at] = draw.choice([b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"\x1b[2J", b"\r"])
        elif how == 5:
            other = draw.randrange(len(broken))
            broken[at:at] = broken[other : other + draw.randrange(1, 500)]
        else:  # numbers are counts, lengths and places
            broken[at:at] = draw.choice([b"-1", b"0", b"99999999999", b"1e999", b"4294967295"])
        if len(broken) < 50:
            break
    return bytes(broken if draw.random() < 0.8 else broken[: draw.randrange(1, len(broken))])


def spliced(one: bytes, other: bytes, draw: random.Random) -> bytes:
    """The beginning of one file and the end of another."""
    return one[: draw.randrange(len(one))] + other[draw.randrange(len(other)) :]


def written(suffix: str, content: Content) -> Write:
    def write(place: Path, draw: random.Random) -> None:
        (place / f"file{suffix}").write_bytes(content(draw))

    return write


def _of_each(suffix: str, whole: Callable[[], bytes]) -> Write:
    """Mostly mutated, now and then gone on with another format's bytes."""

    def content(draw: random.Random) -> bytes:
        if draw.random() < 0.15:
            others = [_pdf(), _docx(), HTML, JSON, TABLE, MARKDOWN]
            return spliced(whole(), draw.choice(others), draw)
        return mutated(whole(), draw)

    return written(suffix, content)


# PDF.


def _assembled(objects: dict[int, bytes]) -> bytes:
    """A PDF of numbered objects, of which 1 is the catalogue."""
    body, places = b"%PDF-1.7\n", {}
    for number, content in objects.items():
        places[number] = len(body)
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    rows = [b"%010d 00000 n \n" % places.get(n, 0) for n in range(1, max(objects) + 1)]
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(rows) + 1) + b"".join(rows)
    end = b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(rows) + 1, len(body))
    return body + table + end


def _stream(data: bytes, length: int | None = None, extra: bytes = b"") -> bytes:
    claimed = len(data) if length is None else length
    return b"<</Length %d%s>>\nstream\n%s\nendstream" % (claimed, extra, data)


SHOWN = b"BT /F1 12 Tf 9 9 Td (" + WORDS + b") Tj ET\n"
FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
PAGE = b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>"


def _lying_pdf(draw: random.Random) -> bytes:
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: PAGE,
        4: _stream(SHOWN),
        5: FONT,
    }
    lie = draw.randrange(12)
    if lie == 0:  # pages that are their own parents
        objects[2] = b"<</Type/Pages/Kids[2 0 R 3 0 R]/Count 2>>"
    elif lie == 1:
        objects[3] = b"<</Type/Pages/Kids[2 0 R]/Count 1/Parent 2 0 R>>"
    elif lie == 2:
        objects[2] = b"<</Type/Pages/Kids[3 0 R]/Count %d>>" % draw.choice(
            [-1, 10**6, 2**31, 10**18]
        )
    elif lie == 3:
        objects[4] = _stream(SHOWN, draw.choice([-5, 0, 1, 10**6, 2**40]))
    elif lie == 4:  # a stream that unpacks to a hundred times the page
        packed = zlib.compress(SHOWN * (20_000_000 // len(SHOWN)), 9)
        objects[4] = _stream(packed, extra=b"/Filter/FlateDecode")
    elif lie == 5:
        packed = zlib.compress(zlib.compress(b" " * LARGE, 9), 9)
        objects[4] = _stream(packed, extra=b"/Filter[/FlateDecode/FlateDecode]")
    elif lie == 6:  # the same page a hundred thousand times
        objects[2] = b"<</Type/Pages/Kids[" + b"3 0 R " * 100_000 + b"]/Count 100000>>"
    elif lie == 7:
        objects[4] = _stream(b"q " * 200_000 + SHOWN + b"[" * 50_000)
    elif lie == 8:
        objects[1] = b"<</Type/Catalog/Pages " + b"[" * 20_000 + b"2 0 R" + b"]" * 20_000 + b">>"
    elif lie == 9:  # forms that draw each other
        objects[4] = _stream(b"/X Do " * 50 + SHOWN)
        objects[3] = PAGE.replace(b"/Font", b"/XObject<</X 6 0 R>>/Font")
        objects[6] = _stream(
            b"/X Do /X Do", extra=b"/Type/XObject/Subtype/Form/Resources<</XObject<</X 6 0 R>>>>"
        )
    elif lie == 10:  # a tree of pages that doubles at each level
        for number in range(10, 40):
            below = number + 1 if number < 39 else 3
            objects[number] = b"<</Type/Pages/Kids[%d 0 R %d 0 R]/Count 2>>" % (below, below)
        objects[2] = b"<</Type/Pages/Kids[10 0 R]/Count 2>>"
    else:  # letters whose names the font maps to long strings
        pairs = b"\n".join(b"<%02x> <%s>" % (n, b"0041" * 120) for n in range(100))
        cmap = b"begincmap 100 beginbfchar\n" + pairs + b"\nendbfchar endcmap"
        objects[5] = FONT[:-2] + b"/ToUnicode 6 0 R>>"
        objects[6] = _stream(cmap)
        objects[4] = _stream(SHOWN * 500)
    made = _assembled(objects)
    if draw.random() < 0.3:  # the table of objects leads round in a circle
        made = made.replace(b"/Size", b"/Prev %d/Size" % made.rindex(b"xref\n0"))
    return made if draw.random() < 0.8 else mutated(made, draw)


# Word.


def _repacked(change: Callable[[str, bytes], bytes], more: dict[str, bytes] | None = None) -> bytes:
    """The Word document with its parts changed, and others put in."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(_docx())) as whole,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made,
    ):
        for name in whole.namelist():
            made.writestr(name, change(name, whole.read(name)))
        for name, content in (more or {}).items():
            made.writestr(name, content)
    return file.getvalue()


def _mutated_parts(draw: random.Random) -> bytes:
    """A sound archive of broken XML."""
    chosen = draw.choice(
        ["word/document.xml", "[Content_Types].xml", "_rels/.rels", "word/styles.xml",
         "word/_rels/document.xml.rels"]
    )  # fmt: skip
    return _repacked(lambda name, part: mutated(part, draw) if name == chosen else part)


def with_entities(part: bytes, draw: random.Random) -> bytes:
    """XML with entities that double a hundred times, that name a file, or themselves."""
    kinds = [
        b"".join(b'<!ENTITY a%d "&a%d;&a%d;">' % (n + 1, n, n) for n in range(100))
        + b'<!ENTITY a0 "lamp">',
        b'<!ENTITY a100 SYSTEM "file:///etc/passwd">',
        b'<!ENTITY a100 "&a100;">',
        b'<!ENTITY % p SYSTEM "file:///dev/zero"> %p; <!ENTITY a100 "x">',
        b'<!ENTITY a100 "' + b"lamp " * 20_000 + b'">',
    ]
    number = draw.randrange(len(kinds))
    uses = b"&a100;" * (2000 if number == 4 else 1)
    start = part.find(b"?>") + 2 if part.startswith(b"<?xml") else 0
    at = part.find(b"The lamp", start)
    at = part.rfind(b"</") if at < 0 else at
    body = part[start:at] + uses + part[at:]
    return part[:start] + b"<!DOCTYPE d [" + kinds[number] + b"]>" + body


def _docx_with_entities(draw: random.Random) -> bytes:
    return _repacked(
        lambda name, part: with_entities(part, draw) if name == "word/document.xml" else part
    )


def _nested_tables(draw: random.Random) -> bytes:
    depth = draw.choice([20, 60, 100, 5000])
    opening = b"<w:tbl><w:tblPr/><w:tblGrid/><w:tr><w:tc><w:p/>"
    nest = opening * depth + b"<w:p/></w:tc></w:tr></w:tbl>" * depth

    def change(name: str, part: bytes) -> bytes:
        if name != "word/document.xml":
            return part
        return part.replace(b"<w:tbl>", nest + b"<w:tbl>", 1)

    return _repacked(change)


def _odd_archive(draw: random.Random) -> bytes:
    """Members with names that would leave a folder, twice the same name, thousands of them."""
    kind = draw.randrange(4)
    if kind == 0:
        outside = {"../../outside.txt": b"x", "/tmp/outside.txt": b"x", "..\\outside": b"x"}
        return _repacked(lambda name, part: part, outside)
    if kind == 1:
        return _repacked(lambda name, part: part, {f"word/media/{n}": b"" for n in range(20_000)})
    if kind == 2:
        rels = b'Target="../../../../../etc/passwd"'
        return _repacked(lambda name, part: part.replace(b'Target="styles.xml"', rels))
    made = _repacked(lambda name, part: part)
    at = made.rindex(b"PK\x05\x06") + draw.randrange(8, 20)  # what the end says of the whole
    return made[:at] + draw.randbytes(2) + made[at + 2 :]


@cache
def _unpacking_to(size: int, claimed: int | None) -> bytes:
    """A Word document whose text unpacks to `size` bytes, and which claims another size."""
    true_size = 0

    def change(name: str, part: bytes) -> bytes:
        nonlocal true_size
        if name != "word/document.xml":
            return part
        end = part.rindex(b"</w:body>")
        part = part[:end] + b" " * size + part[end:]
        true_size = len(part)
        return part

    archive = _repacked(change)
    if claimed is not None:
        archive = archive.replace(struct.pack("<I", true_size), struct.pack("<I", claimed))
    return archive


# HTML and Markdown.


def _deep_html(draw: random.Random) -> bytes:
    tag = draw.choice(["div", "span", "ul><li", "table><tr><td", "b", "blockquote", "p", "font"])
    depth = draw.choice([100, 300, 5000, 100_000])
    closing = b"" if draw.random() < 0.5 else b"</div>" * depth
    return b"<html><body>" + f"<{tag}>".encode() * depth + WORDS * 9 + closing


def _wide_html(draw: random.Random) -> bytes:
    """Much of one thing."""
    much = draw.choice(
        [
            b"<br>" * 300_000,
            b"<p " + b" ".join(b"a%d=1" % n for n in range(100_000)) + b">",
            b"<a href='" + b"x" * 3_000_000 + b"'>",
            b"<!--" * 200_000,
            b"<" * 500_000,
            b"&amp;" * 400_000,
            b"&#x110000;&#0;&#xd800;" * 50_000,
            b"<table>" + b"<tr><td>1" * 60_000,
            b"<ul>" + b"<li>" * 60_000,
            b"<h1>" + b"lamp " * 60_000,
            b"<title>" + b"lamp " * 200_000,
            b"<script>" * 50_000,
            b"<p>" * 100_000,
            b"<meta charset=" * 20_000,
            b"<![CDATA[" * 100_000,
            b"<!DOCTYPE a [<!ENTITY b '" + b"lamp" * 100_000 + b"'>]>",
        ]
    )
    return b"<html><body><p>" + WORDS * 3 + b"</p>" + much + b"<p>" + WORDS * 3


def _misnamed_html(draw: random.Random) -> bytes:
    """In an encoding that there isn't, isn't text, or isn't the one it's in."""
    names = [
        b"utf-7",
        b"rot13",
        b"base64",
        b"zip",
        b"idna",
        b"undefined",
        b"utf-16",
        b"x" * 500,
        b"unicode_escape",
        b"mbcs",
        b"cp037",
        b"utf-8\0",
        b"shift_jis",
        b"punycode",
    ]
    page = HTML.replace(b"utf-8", draw.choice(names))
    return page + draw.choice([b"", b"\xe9t\xe9 ", b"\x93quoted\x94", draw.randbytes(40)])


def _much_markdown(draw: random.Random) -> bytes:
    """What makes parsers go over the same text again and again."""
    count = draw.choice([1000, 20_000, 80_000])
    unit = draw.choice(
        [b"[", b"![", b"*", b"_a ", b"`", b"<", b"> ", b"- ", b"1. ", b"# ", b"**a ", b"[a](",
         b"|", b"  ", b"\t", b"~~~\n", b"&", b"\\", b"<!--", b"[a]: b\n", b"a\n=\n", b"<a "]
    )  # fmt: skip
    end = draw.choice([b"", b"\n", b"\n# Head\n"])
    return b"# " * (draw.random() < 0.5) + unit * count + end + WORDS


# JSON and tables.


def _deep_json(draw: random.Random) -> bytes:
    opening, closing = draw.choice([(b"[", b"]"), (b'{"a":', b"}")])
    depth = draw.choice([150, 300, 5000, 100_000])
    inner = draw.choice([b"1", b'{"text": "' + WORDS + b'"}'])
    return opening * depth + inner + (closing * depth if draw.random() < 0.6 else b"")


def _odd_json(draw: random.Random) -> bytes:
    text = json.dumps(WORDS.decode()).encode()
    return draw.choice(
        [
            b"[" + b"[]," * 2_000_000 + b"1]",
            b"[" + b"{}," * 1_000_000 + b'{"text": ' + text + b"}]",
            b'{"text": ' + text + b', "n": ' + b"9" * 100_000 + b"}",
            b'{"text": ' + text + b', "n": [NaN, Infinity, -0, 1e999]}',
            b"{" + b",".join(b'"k%d": 1' % n for n in range(200_000)) + b', "text": ' + text + b"}",
            b'{"text": "\\ud800' + WORDS + b'\\udc00"}',
            b'{"text": "a\\u0000b", "title": "\\u0000", "_id": "\\u0000"}',
            b'{"text": ' + text + b', "text": 7}',
            b'{"data": [{"paragraphs": [{"context": null}, {"context": ' + text + b"}]}]}",
            b'{"data": ' + b'[{"paragraphs": ' * 90 + b"[]" + b"}]" * 90 + b"}",
            b'{"_id": "' + b"i" * 300_000 + b'", "text": ' + text + b"}",
            b'{"title": "' + b"t" * 300_000 + b'", "text": ' + text + b"}",
            b'{"text": [' + b'"lamp",' * 50_000 + b'"end"]}',
            b"[" + (b'{"text": ""},' * 20_000) + b'{"text": ' + text + b"}]",
        ]
    )  # fmt: skip


def _lines_of_rubbish(draw: random.Random) -> bytes:
    good = json.dumps({"_id": "1", "title": "Lamps", "text": WORDS.decode()}).encode()
    bad = [b"{", b"[]", b"null", b'{"text": 7}', b'{"text": "\\ud800 half"}', b"\xff\xfe", b"1e999",
           b"[" * 2000, b"9" * 5000, b'{"text": "\\u0000"}', b"\0", b'{"text": {}}']  # fmt: skip
    if draw.random() < 0.1:
        return good + b"\n" + draw.choice(bad[:4]) * 1 + b"\n" + b"{\n" * 100_000
    return b"\n".join(draw.choice([good, *bad]) for _ in range(50))


def _rubbish_table(draw: random.Random) -> bytes:
    cells = [b"title,text", b'"never closed', b"a,b,c,d,e", b"\x00,\x00", b",", WORDS, b'"a""b",c']
    return b"title,text\n" + b"\n".join(draw.choice(cells) for _ in range(60))


def _wide_table(draw: random.Random) -> bytes:
    return draw.choice(
        [
            b"id,text\n1," + b"lamp" * 10_000_000,  # one field of 40 MB
            b'id,text\n1,"' + (WORDS + b"\n") * 5_000,  # a quote that is never closed
            b"," * 2_000_000 + b"\n" + WORDS,
            b"text\n" + b"\n" * 2_000_000 + WORDS,
            b"text,title\n" + WORDS + b"," + b"lamp " * 60_000 + b"\n",
            b"text\n" + b"a\n" * 3_000,
            b"title,text\n" + b"only one\n" * 50_000,
            b'"' * 200_000,
            b"id\ttext\n" + b"\t" * 100_000,
            b"text;" * 50_000 + b"\n" + WORDS,
        ]
    )


# Text.


def _odd_text(draw: random.Random) -> bytes:
    odd = [b"\xff\xfe", b"\xc3\x28", b"\x00" * 50, b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\x1b[31m",
           b"\xf4\x90\x80\x80", b"\xc0\x80", b"\x0c", b"\x85", b"\xe2\x80\xa9"]  # fmt: skip
    return b"".join(draw.choice([WORDS, *odd]) for _ in range(40))


def _endless_text(draw: random.Random) -> bytes:
    """One line, one word, one letter with its marks, or nothing but what isn't seen."""
    unit = draw.choice(
        [
            "lamp",
            "a",
            "lamp ",
            "\u0301",
            "\u200b",
            "\u202e",
            "👩‍👩‍👧‍👦",
            "灯",
            "ﷺ",
            "İ",
            "ß",
            ". ",
            "a.",
            "\u2028",
            "\x85",
            "\ufffd",
            "(",
            "…",
            "\U000e0001",
            "\u0e33",
            "한",
            "\n",
            "\r",
            "- \n",
            "“",
        ]
    )
    count = draw.choice([5_000, 50_000, 200_000, 500_000])
    return ("Start. " + unit * (count // len(unit)) + " " + WORDS.decode()).encode()


def _utf16(draw: random.Random) -> bytes:
    """With a mark, in either order, and a byte or half a pair too many."""
    text = WORDS.decode() * 5 + "👩 灯"
    order = draw.choice(["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
    data = ("\ufeff" + text).encode(order)
    return draw.choice([data, data + b"\0", data + b"\x00\xd8", mutated(data, draw), data[:-1]])


def _unknown(draw: random.Random) -> bytes:
    """Without a name that says what it is."""
    magic = [
        b"",
        b"%PDF-1.4\n",
        b"PK\x03\x04",
        b"<html>",
        b"{",
        b"[",
        b"\x1f\x8b",
        b"\x7fELF",
        b"<?xml version='1.0'?><!DOCTYPE html",
        b"\x89PNG\r\n",
        b"GIF89a",
        b"<svg>",
    ]
    body = draw.choice([draw.randbytes(draw.randrange(1, 5000)), WORDS * 9, mutated(HTML, draw)])
    return draw.choice(magic) + body


# What isn't a file, or not one of that name.


def _links(place: Path, draw: random.Random) -> None:
    (place / "a").mkdir()
    (place / "a" / "up").symlink_to(place)
    (place / "loop").symlink_to("loop")
    (place / "nowhere").symlink_to("missing")
    (place / "null").symlink_to("/dev/null")
    (place / "a" / "good.txt").write_bytes(WORDS)


def _devices(place: Path, draw: random.Random) -> None:
    for name in ("zero", "urandom", "tty", "stdin"):
        (place / f"{name}.txt").symlink_to(f"/dev/{name}")
    (place / "messages").symlink_to("/proc/kmsg")  # a regular file that may never end
    (place / "memory.pdf").symlink_to("/proc/self/mem")
    os.mkfifo(place / "pipe.pdf")
    os.mkfifo(place / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(".", os.O_RDONLY)
        os.chdir(place)  # a socket's path may only be short
        server.bind("socket.txt")
        os.fchdir(here)
        os.close(here)


def _unreadable(place: Path, draw: random.Random) -> None:
    (place / "locked").mkdir()
    for path in (place / "locked" / "a.txt", place / "b.txt"):
        path.write_bytes(WORDS)
        path.chmod(0)
    (place / "folder.pdf").mkdir()
    (place / "locked").chmod(0)


def _vast(place: Path, draw: random.Random) -> None:
    """Files that are mostly holes, of sizes around the limit and far beyond."""
    for name, size in {"a.txt": 10 << 30, "b.json": 51_000_000, "c.csv": 40_000_000}.items():
        with (place / name).open("wb") as file:
            file.write(WORDS)
            file.truncate(size)


def _names(place: Path, draw: random.Random) -> None:
    names = [
        b"\xff\xfe.txt",
        b"line\nbreak.txt",
        b" .txt",
        b"-rf.txt",
        b"..txt",
        b"a" * 250 + b".md",
        b"..\\..\\outside.txt",
        b"%2e%2e%2foutside.html",
        b"\x1b[2J\x07.csv",
        b"C:con.txt",
        b"$(touch outside).txt",
    ]
    for name in [*names, "e\u0301\u202e.txt".encode()]:
        with open(os.path.join(os.fsencode(place), name), "wb") as file:
            file.write(b"text\n" + WORDS + name)


def _deep_folders(place: Path, draw: random.Random) -> None:
    """Folders in folders, further than a path may be long."""
    here = os.open(".", os.O_RDONLY)
    os.chdir(place)
    (place / "top.txt").write_bytes(WORDS)
    for _ in range(draw.choice([300, 1200, 3000])):
        os.mkdir("d")
        os.chdir("d")
    Path("bottom.txt").write_bytes(WORDS + b"At the bottom.")
    os.fchdir(here)
    os.close(here)


MALFORMED: dict[str, Write] = {
    "pdf": _of_each(".pdf", _pdf),
    "plain pdf": _of_each(".pdf", _plain_pdf),
    "lying pdf": written(".pdf", _lying_pdf),
    "docx": _of_each(".docx", _docx),
    "docx parts": written(".docx", _mutated_parts),
    "docx entities": written(".docx", _docx_with_entities),
    "docx tables": written(".docx", _nested_tables),
    "docx archive": written(".docx", _odd_archive),
    "docx bomb": written(".docx", lambda draw: _unpacking_to(LARGE, None)),
    "docx bomb that lies": written(
        ".docx", lambda draw: _unpacking_to(LARGE, draw.choice([0, 2_000, 2**31]))
    ),
    "html": _of_each(".html", lambda: HTML),
    "deep html": written(".html", _deep_html),
    "wide html": written(".html", _wide_html),
    "misnamed html": written(".html", _misnamed_html),
    "markdown": _of_each(".md", lambda: MARKDOWN),
    "much markdown": written(".md", _much_markdown),
    "json": _of_each(".json", lambda: JSON),
    "deep json": written(".json", _deep_json),
    "odd json": written(".json", _odd_json),
    "json lines": _of_each(".jsonl", lambda: LINES),
    "rubbish lines": written(".jsonl", _lines_of_rubbish),
    "deep lines": written(".jsonl", _deep_json),
    "table": _of_each(".csv", lambda: TABLE),
    "tabs": _of_each(".tsv", lambda: TABLE.replace(b",", b"\t")),
    "rubbish table": written(".csv", _rubbish_table),
    "wide table": written(".csv", _wide_table),
    "text": _of_each(".txt", lambda: TEXT),
    "odd text": written(".txt", _odd_text),
    "endless text": written(".txt", _endless_text),
    "endless markdown": written(".md", _endless_text),
    "utf-16": written(".txt", _utf16),
    "unknown": written("", _unknown),
    "links": _links,
    "devices": _devices,
    "unreadable": _unreadable,
    "vast": _vast,
    "names": _names,
    "deep folders": _deep_folders,
}
