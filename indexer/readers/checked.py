"""What every reader's output is held to: valid documents, and skips with a one-line reason."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from engine.documents import Document
from indexer.readers.identity import document_id, record_in
from indexer.readers.limits import CHARACTERS_OPTION, MEMORY_OPTION, Limits, too_large
from indexer.readers.outcome import Item, RawFile, Skipped, UnreadableError, Warned

Reader = Callable[[RawFile, Limits], Iterator[Item]]

_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST_REASON = 160  # characters
_LONGEST_PLACE = 60  # characters of a record's id, so that the reason after it stays in view
_LONGEST_TITLE = 300  # characters; titles and headings are stored with each passage again
_MOST_SKIPS = 100  # skips of one file that are named one by one


def read_checked(file: RawFile, reader: Reader, limits: Limits) -> Iterator[Item]:
    """The documents that `reader` finds, and a `Skipped` for each part that can't be read.

    Nothing that a file holds makes it raise. Titles and headings are shortened. Skips beyond the
    first hundred are only counted.
    """
    found, skips = False, 0
    for item in _items(file, reader, limits):
        found = found or isinstance(item, Document | Skipped)
        if isinstance(item, Warned):
            item = replace(item, warning=_one_line(item.warning))
        if not isinstance(item, Skipped):
            yield item
            continue
        skips += not item.broken_off
        if skips <= _MOST_SKIPS or item.broken_off:
            yield short(item)
    if skips > _MOST_SKIPS:
        yield Skipped(file.source, f"{skips - _MOST_SKIPS} more parts of it can't be read")
    if not found:
        yield Skipped(file.source, "empty: no records in it")


def short(skipped: Skipped) -> Skipped:
    """The skip with its reason on one line, and not a long one."""
    return replace(skipped, reason=_one_line(skipped.reason))


def _one_line(reason: str) -> str:
    reason = " ".join(reason.split())
    return reason if len(reason) <= _LONGEST_REASON else reason[: _LONGEST_REASON - 1] + "…"


def _items(file: RawFile, reader: Reader, limits: Limits) -> Iterator[Item]:
    ids: dict[str, int] = {}
    try:
        for item in reader(file, limits):
            yield _checked(item, ids, limits) if isinstance(item, Document) else item
    except UnreadableError as error:
        yield Skipped(file.source, str(error), broken_off=True)
    except RecursionError:
        yield Skipped(file.source, "nested too deeply to be read", broken_off=True)
    except MemoryError:
        reason = f"needs more memory than it may take ({MEMORY_OPTION})"
        yield Skipped(file.source, reason, broken_off=True)
    except Exception as error:  # whatever a parser raises must not end a build
        reason = f"can't be read: {type(error).__name__}: {error}"
        yield Skipped(file.source, reason, broken_off=True)


def _checked(document: Document, ids: dict[str, int], limits: Limits) -> Document | Skipped:
    record = document.metadata.get("record")
    place = f"{record:.{_LONGEST_PLACE}}: " if isinstance(record, str) else ""
    if not document.text.strip():
        return Skipped(document.source, f"{place}empty")
    if (length := len(document.text)) > limits.characters:
        reason = too_large(f"{length} characters", str(limits.characters), CHARACTERS_OPTION)
        return Skipped(document.source, f"{place}{reason}")
    document = replace(
        document,
        text=whole(document.text),
        title=_short_title(document.title),
        sections=tuple(
            replace(section, heading=_short_title(section.heading)) if section.heading else section
            for section in document.sections
        ),
    )
    ids[document.id] = count = ids.get(document.id, 0) + 1
    if count > 1:  # all records that share an id are kept
        again = f"{record_in(document.metadata)}\0{count}"
        document = replace(document, id=document_id(document.source, again))
    return document


def whole(text: str) -> str:
    """The text without lone surrogates, which JSON can hold but which can't be stored."""
    return _SURROGATE.sub("\ufffd", text)


def _short_title(title: str) -> str:
    title = whole(title)
    return title if len(title) <= _LONGEST_TITLE else title[: _LONGEST_TITLE - 1] + "…"
