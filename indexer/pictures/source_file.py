"""The file that a document was read from, if it's still the same to the last byte."""

import os
from dataclasses import replace
from pathlib import Path

from engine.documents import Document
from engine.retrieval.backend import Ledger
from engine.store.contents import FileRecord
from indexer.readers.limits import Limits, megabytes
from indexer.readers.outcome import UnreadableError
from indexer.sources import SourceFile, bytes_digest, load_file


def known_file(document: Document, ledger: Ledger) -> FileRecord:
    """What the index knows of a document's file.

    Raises: UnreadableError if the document isn't the whole of a file.
    """
    if "member" in document.metadata:
        raise UnreadableError("it lies inside another file")
    known = ledger.file(os.path.abspath(document.source))
    if known is None or known.source != document.source:  # it was indexed from another folder
        known = next((file for file in ledger.files() if file.source == document.source), None)
    if known is None or not known.content:
        raise UnreadableError("its file wasn't read to the end")
    return known


def same_bytes(known: FileRecord, ledger: Ledger, limits: Limits) -> bytes:
    """The bytes that were indexed, from the file or from another that is the same.

    An index may come from elsewhere and name any file. Only one with the digest that the index has
    is given out, so whoever made the index had it already.

    Raises: UnreadableError if there's none, or it's over `limits.file_bytes`.
    """
    if known.size > limits.file_bytes:
        raise UnreadableError(f"its file has {megabytes(known.size)}, which is too much to draw")
    limits = replace(limits, file_bytes=known.size)
    paths = [known.path, *(other.path for other in ledger.files_of(known.content))]
    changed = False
    for path in dict.fromkeys(paths):
        try:
            data = load_file(SourceFile(Path(path), 0), limits)
        except (OSError, ValueError, UnreadableError):
            changed = changed or os.path.lexists(path)
            continue
        if bytes_digest(data) == known.content:
            return data
        changed = True
    if changed:
        raise UnreadableError("its file has changed since; bring the index in step with it")
    raise UnreadableError("its file isn't there any more")
