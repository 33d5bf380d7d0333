"""Listing, reading, adding and removing documents of a collection; all of it may wait on disks."""

import heapq
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from engine.document_fields import plain
from engine.documents import Document
from engine.errors import DocumentNotFoundError, ForereadError, IndexBusyError, IndexUseError
from foreread import wire
from foreread.serve.collections import Collection
from foreread.serve.problems import GONE, RefusedError
from indexer.changes import remove_from_index
from indexer.sync import FileOutcome, SourceProgress
from ui.uploads import add_uploads, keep_upload, remove_upload, upload_name, uploads_folder


def listed(collection: Collection, after: str, limit: int) -> wire.Entries:
    """Up to `limit` documents by id, those behind `after`."""
    entries = collection.engine().backend.entries()
    later = (entry for entry in entries if entry.id > after)
    found = heapq.nsmallest(limit + 1, later, key=lambda entry: entry.id)
    shown = [
        wire.Entry(entry.id, entry.source, entry.title, plain(entry.fields))
        for entry in found[:limit]
    ]
    return wire.Entries(shown, shown[-1].id if len(found) > limit else None)


def read(collection: Collection, document_id: str) -> wire.Document:
    """Raises: DocumentNotFoundError if there is none of that id."""
    return _whole(collection.engine().document(document_id))


def add(
    collection: Collection, documents: Sequence[wire.NewDocument], gone: threading.Event
) -> wire.Changed:
    """Keep files in the index's folder, as the page keeps visitors', and index them.

    What has been committed when `gone` is set stays.

    Raises: SourceError if a name can't be a file's; IndexStoreError as `add_to_index`.
    """
    data = [(upload_name(one.name), _bytes(one)) for one in documents]
    if len({name for name, _ in data}) < len(data):
        raise RefusedError(422, "request-unusable", "two documents have one name; name them apart")
    with _changed(collection) as index:

        def on_progress(_: SourceProgress) -> None:
            if gone.is_set():
                raise RefusedError(GONE, "client-gone", "the client went away")

        new = [name for name, _ in data if not (uploads_folder(index) / name).exists()]
        files = [keep_upload(index, name, content) for name, content in data]
        checkpoint = collection.engine().checkpoint
        try:
            outcomes = add_uploads(files, index, checkpoint, on_progress=on_progress)
        except ForereadError as error:
            if not isinstance(error, RefusedError):
                for name in new:
                    (uploads_folder(index) / name).unlink(missing_ok=True)
            raise
    return wire.Changed([_outcome(one) for one in outcomes])


def remove(collection: Collection, document_id: str) -> wire.Changed:
    """Remove a document, and its file if it was added here and holds no other.

    Raises: DocumentNotFoundError if there is none of that id; IndexStoreError as
    `remove_from_index`.
    """
    with _changed(collection) as index:
        backend = collection.engine().backend
        entry = backend.entry(document_id)
        if entry is None:
            raise DocumentNotFoundError(f"{collection.name} holds no document {document_id}")
        source = Path(entry.source)
        alone = backend.documents_of(entry.source) == [document_id]
        if alone and source.parent == uploads_folder(index):
            report = remove_upload(source.name, index)
        else:
            report = remove_from_index([], index, ids=[document_id])
    return wire.Changed([_outcome(one) for one in report.files])


@contextmanager
def _changed(collection: Collection) -> Iterator[Path]:
    """The folder of a collection, for one change at a time.

    Raises: IndexBusyError if another is under way; IndexUseError if it is in a cluster.
    """
    if not isinstance(collection.address, Path):
        raise IndexUseError(
            f"{collection.name} is in a cluster; add to it with: foreread add SOURCE --index "
            f"{collection.address}"
        )
    if not collection.changing.acquire(blocking=False):
        raise IndexBusyError(f"{collection.name} is being changed; try again later")
    try:
        yield collection.address
    finally:
        collection.changing.release()


def _bytes(document: wire.NewDocument) -> bytes:
    if (document.text is None) == (document.content is None):
        raise RefusedError(
            422, "request-unusable", f"{document.name}: give its text, or its bytes as content"
        )
    return document.text.encode() if document.text is not None else document.content or b""


def _outcome(outcome: FileOutcome) -> wire.Outcome:
    name = Path(outcome.source).name
    return wire.Outcome(name, outcome.status, outcome.documents, outcome.note)


def _whole(document: Document) -> wire.Document:
    sections = [wire.Section(**vars(section)) for section in document.sections]
    return wire.Document(
        document.id,
        document.source,
        document.title,
        plain(document.fields),
        document.text,
        sections,
    )
