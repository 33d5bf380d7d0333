"""Times, kinds of files and filters in the words of people who don't know how any of it is kept."""

import os
from collections.abc import Callable, Sequence
from datetime import date, datetime

from engine.document_fields import Scalar, begins
from engine.filters import Condition

KINDS = {
    "txt": "text",
    "text": "text",
    "md": "Markdown",
    "markdown": "Markdown",
    "html": "web page",
    "pdf": "PDF",
    "docx": "Word",
    "csv": "table (CSV)",
    "tsv": "table (TSV)",
    "json": "records (JSON)",
    "jsonl": "records (JSON Lines)",
    "rtf": "RTF",
    "eml": "mail",
    "mbox": "mailbox",
    "xml": "XML",
    "epub": "e-book",
    "pptx": "PowerPoint",
    "xlsx": "Excel",
    "xls": "Excel",
    "ods": "spreadsheet (ODS)",
    "odt": "OpenDocument text",
    "odp": "OpenDocument slides",
    "ipynb": "notebook",
    "rst": "reStructuredText",
    "tex": "LaTeX",
    "org": "Org",
    "srt": "subtitles",
    "vtt": "subtitles",
    "ass": "subtitles",
    "code": "source code",
    "image": "picture",
}
FIELDS = {
    "path": "File",
    "type": "Kind",
    "modified": "Last changed",
    "record": "Record",
    "member": "Inside",
    "author": "Author",
    "sheet": "Sheet",
    "ocr_pages": "Pages read by OCR",
}

_OF_NUMBERS = {">=": "at least", ">": "over", "<=": "at most", "<": "under"}
_OF_DATES = {">=": "from", ">": "after", "<=": "until", "<": "before"}


def when(seconds: float) -> str:
    """A time in the server's zone, such as "3 May 2026, 14:07"."""
    local = datetime.fromtimestamp(seconds).astimezone()
    return f"{_day(local)}, {local:%H:%M}"


def day(written: Scalar) -> str:
    """A date of ISO 8601, with or without a time, as "3 May 2026"; other values as they are."""
    text = str(written)
    if len(text) < len("2026-05-03") or begins(text) is None:
        return text
    try:
        return _day(date.fromisoformat(text[:10]))
    except ValueError:
        return text


def duration(milliseconds: float) -> str:
    """A time that somebody waited, such as "0.4 s"."""
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= 100 else "less than 0.1 s"


def kind(name: Scalar) -> str:
    """A kind of files, by the suffix that they usually have or the name of their format."""
    return KINDS.get(str(name), str(name))


def field_name(name: str) -> str:
    return FIELDS.get(name, name)


def field_value(name: str, value: Scalar) -> str:
    """A value of a document's field."""
    if name == "type":
        return kind(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return day(value)


def condition(one: Condition, file_name: Callable[[str], str]) -> str:
    """What a condition asks for, such as "Kind is PDF or Word"; `file_name` shortens a path."""
    name = field_name(one.field)
    if one.operator == "=":
        shown = [
            file_name(str(value)) if one.field == "path" else field_value(one.field, value)
            for value in one.values
        ]
        return f"{name} is {either(shown)}"
    limit = str(one.values[0])
    told = day(limit)
    words = _OF_NUMBERS if told == limit else _OF_DATES
    return f"{name} is {words[one.operator]} {told}"


def either(names: Sequence[str]) -> str:
    """Some names, the last after "or"."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def without_common_folder(paths: Sequence[str]) -> dict[str, str]:
    """Each path without the folder that all of them lie in."""
    folders = [os.path.dirname(path) for path in paths]
    try:
        common = os.path.commonpath(folders) if all(folders) else ""
    except ValueError:  # some are absolute, some not
        common = ""
    ahead = len(common.rstrip("/")) + 1 if common else 0
    return {path: path[ahead:] for path in paths}


def _day(one: date) -> str:
    return f"{one.day} {one:%B %Y}"
