"""The names under which the records of collections keep their text, title and id."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.document_fields import FieldValue
from engine.documents import Document
from indexer.readers.columns import json_columns
from indexer.readers.identity import document_id
from indexer.readers.outcome import RawFile, Skipped

TEXT_NAMES = (
    "text",
    "contents",
    "content",
    "body",
    "paragraph",
    "paragraphs",
    "passage",
    "context",
)
TITLE_NAMES = ("title", "headline", "subject", "name")
ID_NAMES = ("_id", "id", "docid", "doc_id", "pid", "passage_id", "docno")


def named_as(names: tuple[str, ...], present: Mapping[str, Any]) -> str | None:
    """The first of `names` that is a key of `present`, else None."""
    return next((name for name in names if name in present), None)


def record_document(
    file: RawFile,
    record: str,
    title: str,
    text: str,
    metadata: Mapping[str, str | int | float],
    columns: Mapping[str, FieldValue] | None = None,
) -> Document:
    """A document from one record of a file that holds several."""
    return Document(
        id=document_id(file.source, record),
        source=file.source,
        title=title,
        text=text,
        metadata={**metadata, "record": record},
        columns=columns or {},
    )


def json_record(
    file: RawFile, record: object, place: str, metadata: Mapping[str, str | int | float]
) -> Iterator[Document | Skipped]:
    """A document from a BEIR (`_id`, `title`, `text`) or Anserini (`id`, `contents`) record.

    Records with similar names are read too. The rest of the record becomes its columns. `place` is
    its place in the file, for a record without an id and for a skip.
    """
    if not isinstance(record, dict):
        yield Skipped(file.source, f"{place}: not an object with a text")
        return
    text_name = named_as(TEXT_NAMES, record)
    text = record[text_name] if text_name else None
    if isinstance(text, list) and all(isinstance(part, str) for part in text):
        text = "\n\n".join(text)
    if not isinstance(text, str):
        yield Skipped(file.source, f"{place}: no text in any of {', '.join(TEXT_NAMES)}")
        return
    title_name, id_name = named_as(TITLE_NAMES, record), named_as(ID_NAMES, record)
    title = record[title_name] if title_name else ""
    identity = str(record[id_name]) if id_name else place
    title = title if isinstance(title, str) else ""
    columns = json_columns(record, (text_name, title_name, id_name))
    yield record_document(file, identity, title, text, metadata, columns)
