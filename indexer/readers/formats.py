"""Which reader a file is for: by its name, or else by its content."""

import json
from collections.abc import Mapping
from importlib import import_module
from typing import cast

from indexer.readers import json_lines
from indexer.readers.checked import Reader
from indexer.readers.decoding import decode
from indexer.readers.inside.signs import OLE, PACKS, packed_format
from indexer.readers.mail_signs import looks_like_mail, looks_like_mbox
from indexer.readers.outcome import UnreadableError
from indexer.readers.source_suffixes import SOURCE_SUFFIXES

# The module and name of each format's reader. They are imported late, since parsers load slowly.
READERS: Mapping[str, tuple[str, str]] = {
    "text": ("plain_text", "read"),
    "markdown": ("markdown", "read"),
    "html": ("html", "read"),
    "pdf": ("pdf", "read"),
    "docx": ("word.reader", "read"),
    "csv": ("table", "read_csv"),
    "tsv": ("table", "read_tsv"),
    "json": ("json_file", "read"),
    "jsonl": ("json_lines", "read"),
    "rtf": ("rtf", "read"),
    "eml": ("mail", "read"),
    "mbox": ("mail", "read_mbox"),
    "xml": ("xml_file", "read"),
    "xlsx": ("sheets", "read_xlsx"),
    "xls": ("sheets", "read_xls"),
    "ods": ("sheets", "read_ods"),
    "pptx": ("slides", "read"),
    "odt": ("opendocument", "read_text"),
    "odp": ("opendocument", "read_slides"),
    "epub": ("epub", "read"),
    "zip": ("inside.zip_file", "read"),
    "tar": ("inside.tar_file", "read"),
    "ipynb": ("notebook", "read"),
    "rst": ("restructured_text", "read"),
    "tex": ("latex.reader", "read"),
    "org": ("org", "read"),
    "srt": ("subtitles", "read_srt"),
    "vtt": ("subtitles", "read_vtt"),
    "ass": ("subtitles", "read_ass"),
    "code": ("source_code", "read"),
    "image": ("image", "read"),
}
_TEXTS = frozenset(
    ["text", "markdown", "html", "xml", "rst", "tex", "org", "srt", "vtt", "ass", "code"]
)
_PACKED = frozenset(
    ["docx", "xlsx", "xls", "ods", "pptx", "odt", "odp", "epub", "zip", "tar"]
)  # fmt: skip
_PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp")
_BY_SUFFIX = {
    ".txt": "text",
    ".text": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".docm": "docx",
    ".dotx": "docx",
    ".dotm": "docx",
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".rtf": "rtf",
    ".eml": "eml",
    ".mbox": "mbox",
    ".xml": "xml",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xltx": "xlsx",
    ".xltm": "xlsx",
    ".xlsb": "xlsx",
    ".xls": "xls",
    ".xlt": "xls",
    ".ods": "ods",
    ".ots": "ods",
    ".pptx": "pptx",
    ".pptm": "pptx",
    ".ppsx": "pptx",
    ".potx": "pptx",
    ".odt": "odt",
    ".ott": "odt",
    ".odp": "odp",
    ".otp": "odp",
    ".epub": "epub",
    ".zip": "zip",
    ".tar": "tar",
    ".tgz": "tar",
    ".tbz2": "tar",
    ".txz": "tar",
    ".ipynb": "ipynb",
    ".rst": "rst",
    ".rest": "rst",
    ".tex": "tex",
    ".latex": "tex",
    ".ltx": "tex",
    ".org": "org",
    ".srt": "srt",
    ".vtt": "vtt",
    ".ass": "ass",
    ".ssa": "ass",
    **dict.fromkeys(SOURCE_SUFFIXES, "code"),
    **dict.fromkeys(_PICTURES, "image"),
}


def reader_of(format_name: str) -> Reader:
    """The reader of a format, which is a key in `READERS`.

    Raises: UnreadableError if a library that it needs isn't installed.
    """
    module, name = READERS[format_name]
    try:
        return cast(Reader, getattr(import_module(f"indexer.readers.{module}"), name))
    except ModuleNotFoundError as error:
        needed = f"reading {format_name} files needs {error.name}, which isn't installed"
        raise UnreadableError(f"{needed}; run pip install 'foreread[files]'") from error


def format_of(suffix: str, data: bytes) -> str:
    """The format, a key in `READERS`, of a file with this suffix (with its dot) and these bytes.

    What is no plain text or page isn't read as one, whatever its name says.

    Raises: UnreadableError if neither tells the format.
    """
    known = _BY_SUFFIX.get(suffix.lower())
    if known in _PACKED:
        return _misnamed_format(data, known)
    if known is not None and known not in _TEXTS:
        return known
    if found := _signed_format(data):
        return found
    if known == "text" and _is_page(data[:2048]):
        return "html"
    if known:
        return "html" if known == "xml" and _is_page(data[:2048]) else known
    if b"%PDF-" in data[:1024]:
        return "pdf"
    return _text_format(decode(data).text)


def _misnamed_format(data: bytes, known: str) -> str:
    """The format of what is named as one of `_PACKED`; `known` where it is damaged or encrypted."""
    if data.startswith((OLE, *PACKS, b"PK")):  # however short it was cut
        packed = packed_format(data) or "zip"
        return known if packed == "zip" else packed
    if found := _signed_format(data):
        return found
    try:
        kind = _text_format(decode(data).text)
    except UnreadableError:
        return known
    # What writes a page or a table of text and calls it a spreadsheet.
    return "csv" if kind == "text" and known in ("xlsx", "xls") else kind


def _signed_format(data: bytes) -> str | None:
    """The format of bytes that start as those of no plain text or page do."""
    start = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"%PDF-"):
        return "pdf"
    if start.startswith(b"{\\rtf"):
        return "rtf"
    if found := packed_format(data):
        return found
    if data.startswith(PACKS):
        raise UnreadableError("unknown format: a damaged zip archive")
    if data.startswith(OLE):
        raise UnreadableError("an old Office file or Outlook message; save it as .docx or .eml")
    if looks_like_mbox(data):
        return "mbox"
    return "eml" if looks_like_mail(data) else None


def _is_page(start: bytes) -> bool:
    start = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return start.startswith((b"<!doctype html", b"<html")) or (
        start.startswith(b"<?xml") and b"<html" in start
    )


def _text_format(text: str) -> str:
    start = text[:2048].lstrip()
    if _is_page(start.encode("utf-8", "replace")):
        return "html"
    if start.startswith("<?xml"):
        return "xml"
    if start.startswith(("{", "[")):
        if json_lines.looks_like_lines(text):
            return "jsonl"
        if _is_json(text):
            return "json"
    return "text"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
