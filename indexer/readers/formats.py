"""Which reader a file is for: by its name, or else by its content."""

import json
import zipfile
from collections.abc import Mapping
from importlib import import_module
from io import BytesIO
from typing import cast

from indexer.readers import json_lines
from indexer.readers.checked import Reader
from indexer.readers.decoding import decode
from indexer.readers.outcome import UnreadableError

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
}
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
}


def reader_of(format_name: str) -> Reader:
    """The reader of a format, which is a key in `READERS`."""
    module, name = READERS[format_name]
    return cast(Reader, getattr(import_module(f"indexer.readers.{module}"), name))


def format_of(suffix: str, data: bytes) -> str:
    """The format, a key in `READERS`, of a file with this suffix (with its dot) and these bytes.

    Raises: UnreadableError if neither tells the format.
    """
    if known := _BY_SUFFIX.get(suffix.lower()):
        return known
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith(b"PK\x03\x04"):
        return _archive_format(data)
    return _text_format(decode(data).text)


def _archive_format(data: bytes) -> str:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            if any(name.startswith("word/") for name in archive.namelist()):
                return "docx"
    except zipfile.BadZipFile as error:
        raise UnreadableError("unknown format: a damaged zip archive") from error
    raise UnreadableError("unknown format: a zip archive that isn't a Word document")


def _text_format(text: str) -> str:
    start = text[:2048].lstrip().lower()
    if start.startswith(("<!doctype html", "<html")) or (
        start.startswith("<?xml") and "<html" in start
    ):
        return "html"
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
