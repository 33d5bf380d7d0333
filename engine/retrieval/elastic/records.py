"""Conversion of records to Elasticsearch's form and back."""

import base64
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.codecs.names import Bytes
from engine.document_fields import field_values, plain
from engine.documents import Document
from engine.retrieval.analyser import Analyser, passage_terms
from engine.retrieval.backend import FetchedPassage
from engine.retrieval.elastic.fields import names_of, tokens
from engine.retrieval.elastic.mapping import DOCUMENT, FILE, NOTE, PASSAGE
from engine.retrieval.scoring import normalised
from engine.store import records
from engine.store.contents import DocumentEntry, EncodedDocument, EncodedPassage, FileRecord
from engine.store.snapshot import FLOAT16

READ = ("passage", "states", "about")  # stored fields that reading a passage needs
WHOLE = (*READ, "exact")  # and encoding it again would

Record = tuple[str, dict[str, Any]]  # its id and its content


@dataclass(frozen=True)
class Known:
    """A document's record. It isn't `finished` while its passages are being written."""

    entry: DocumentEntry
    document: Document  # without its text
    finished: bool


def passage_keys(document_id: str, count: int) -> range:
    """The keys of a document's passages, the same on every machine.

    They are a hash of its id and the numbers after it. With 10 million documents, the chance that
    any two share a key is one in 100,000.
    """
    first = int.from_bytes(records.id_bytes(document_id)[:8], "big") >> 2
    return range(first, first + count)


def passage_id(key: int) -> str:
    return f"{PASSAGE}-{key:016x}"


def document_key(document_id: str) -> str:
    return f"{DOCUMENT}-{records.id_bytes(document_id).hex()}"


def file_key(path: str) -> str:
    return f"{FILE}-{records.id_bytes(path).hex()}"


def note_key(name: str) -> str:
    return f"{NOTE}-{name}"


def found_by(identifier: str) -> str:
    """The look-up key of a source, a record's own id or a content, which can be of any length."""
    return records.id_bytes(identifier).hex()


def passage_records(encoded: EncodedDocument, analyser: Analyser) -> Iterator[Record]:
    document = encoded.document
    about = records.pack_json({"source": document.source, "fields": plain(document.fields)})
    fields = tokens(document.fields)
    for key, one in zip(
        passage_keys(document.id, len(encoded.passages)), encoded.passages, strict=True
    ):
        passage = one.passage
        text = document.text[passage.start : passage.end]
        record = {
            "kind": PASSAGE,
            "key": key,
            "terms": " ".join(passage_terms(analyser, passage, text)),
            "fields": fields,
            "passage": stored(records.pack_passage(passage, text)),
            "states": stored(one.states),
            "exact": stored(one.vector.astype(FLOAT16).tobytes()),
            "about": stored(about),
        }
        if one.vector.any():  # a zero vector is near to nothing, and Elasticsearch refuses it
            record["vector"] = unit(one.vector)
        yield passage_id(key), record


def document_record(encoded: EncodedDocument, *, finished: bool, passages: int) -> Record:
    """`passages` is the number of its keys that may be in use."""
    document = encoded.document
    payload = records.pack_document(document, passage_keys(document.id, passages))
    own = records.record_of(document)
    record: dict[str, Any] = {
        "kind": DOCUMENT,
        "source": found_by(document.source),
        "record": stored(bytes([finished]) + payload),
        "text": stored(records.pack_text(document.text)),
        "passages": len(encoded.passages),
        "pieces": sum(len(one.passage.pieces) for one in encoded.passages),
        "written": time.time(),
    }
    if encoded.passages:  # a document without passages is never found
        record |= {"fields": tokens(document.fields), "names": names_of(document.fields)}
    if own is not None:
        record["own"] = found_by(own)
    return document_key(document.id), record


def file_record(file: FileRecord) -> Record:
    content = {"content": found_by(file.content)} if file.content else {}
    record = {"kind": FILE, "record": stored(records.pack_file(file)), **content}
    return file_key(file.path), record


def note_record(name: str, said: Any) -> Record:
    return note_key(name), {"kind": NOTE, "record": stored(records.pack_json(said))}


# Back, from the `fields` of a hit


def fetched_passage(key: int, fields: Mapping[str, Any]) -> FetchedPassage:
    """Raises: IndexStoreError if a stored field is damaged or missing."""
    name = f"passage {key}"
    one = records.unpack_passage(key, loaded(fields, "passage", name))
    about = records.unpack_json(loaded(fields, "about", name))
    states = bytearray(loaded(fields, "states", name))
    shown = field_values(about["fields"])
    return FetchedPassage(key, one.passage, about["source"], one.text, states, shown)


def encoded_passage(key: int, fields: Mapping[str, Any]) -> EncodedPassage:
    """Raises: IndexStoreError if a stored field is damaged or missing."""
    name = f"passage {key}"
    one = records.unpack_passage(key, loaded(fields, "passage", name))
    states = bytearray(loaded(fields, "states", name))
    vector = np.frombuffer(loaded(fields, "exact", name), FLOAT16).astype(np.float16)
    return EncodedPassage(one.passage, states, vector)


def known(fields: Mapping[str, Any]) -> Known:
    """Raises: IndexStoreError if a stored field is damaged or missing."""
    payload = loaded(fields, "record", "record of a document")
    finished, rest = bool(payload[0]), payload[1:]
    entry = records.unpack_entry(rest)
    # While its passages are being written, no digest counts.
    entry = entry if finished else replace(entry, digest="")
    return Known(entry, records.unpack_document(rest, ""), finished)


def text_of(fields: Mapping[str, Any]) -> str:
    return records.unpack_text(loaded(fields, "text", "text of a document"))


def file_of(fields: Mapping[str, Any]) -> FileRecord:
    return records.unpack_file(loaded(fields, "record", "record of a file"))


def note_of(fields: Mapping[str, Any]) -> Any:
    return records.unpack_json(loaded(fields, "record", "note of the index"))


def stored(payload: Bytes) -> str:
    return base64.b64encode(records.seal(payload)).decode("ascii")


def loaded(fields: Mapping[str, Any], field: str, name: str) -> memoryview:
    """Raises: IndexStoreError if it's damaged or missing."""
    values = fields.get(field)
    if not values:
        raise records.damaged(f"{name} (it has no {field})")
    return records.unseal(base64.b64decode(values[0]), f"{field} of {name}")


def unit(vector: NDArray[Any]) -> list[float]:
    """A vector, (dimension,), scaled to length 1."""
    found: list[float] = normalised(vector[None])[0].tolist()
    return found
