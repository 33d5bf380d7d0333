"""The stable id of a document."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any


def document_id(source: str, record: str = "") -> str:
    """16 hex digits, the same whenever the same record of the same source is read.

    `source` is the file's path as the user named it. `record` names the document inside a file that
    holds several: a record's own id, or `article title` + tab + `paragraph number` (from 1) in a
    SQuAD file.
    """
    # No path holds a null, so different pairs give different bytes.
    return blake2b(f"{source}\0{record}".encode("utf-8", "replace"), digest_size=8).hexdigest()


def record_in(metadata: Mapping[str, Any]) -> str:
    """What names a document inside its file: its record, and the file inside the file it is of."""
    record = str(metadata.get("record") or "")
    return f"{metadata['member']}\0{record}" if "member" in metadata else record
