"""The layout of the store's records.

Every record is a CRC-32 of its payload (4 bytes, little endian) and the payload. Structured
fields are JSON; numbers and texts are bytes, deflated. Nothing is pickled.
"""

import hashlib
import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.codecs.names import Bytes
from engine.document_fields import Scalar, document_fields
from engine.documents import Document, Passage, Section
from engine.errors import IndexDamagedError
from engine.schema import Count, of_type
from engine.store.contents import DocumentEntry, FileRecord, StoredPassage

_CRC = struct.Struct("<I")
_LENGTH = struct.Struct("<I")
_KEY = struct.Struct(">Q")
_INT32 = np.dtype("<i4")
_DEFLATED = b"\xff\xff\xff\xff"
"""Starts the record of a passage since format 3; before, the length of its JSON did."""

LONGEST_TEXT = 128 << 20
"""The bytes that a text may unpack to: a few thousand bytes could make gigabytes of it."""

# What a payload raises that passes its checksum and isn't what was packed.
_MALFORMED = (
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    OverflowError,
    RecursionError,
    zlib.error,
    struct.error,
)

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True)
class _Document:
    """The fields of a document's record."""

    id: str
    source: str
    title: str
    sections: tuple[tuple[Count, Count, str | None, int | None], ...]
    metadata: dict[str, Scalar]
    first: Count
    count: Count
    digest: str
    columns: dict[str, Scalar | tuple[Scalar, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Passage:
    """The fields of a passage's record; `pieces` counts them."""

    id: str
    document: str
    start: Count
    end: Count
    title: str
    heading: str | None
    page: int | None
    pieces: Count
    next_pages: tuple[tuple[Count, int], ...] = ()


def _refusing(unpack: Callable[_P, _T]) -> Callable[_P, _T]:
    """`unpack`, raising IndexDamagedError for whatever isn't what was packed."""

    @wraps(unpack)
    def refusing(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return unpack(*args, **kwargs)
        except _MALFORMED as error:
            raise IndexDamagedError(
                f"a record in the index isn't what it should be ({error}); check it with: "
                "indexer verify"
            ) from error

    return refusing


def seal(payload: Bytes) -> bytes:
    """Put the checksum before the payload."""
    return _CRC.pack(zlib.crc32(payload)) + payload


def unseal(record: Bytes, name: str) -> memoryview:
    """The payload, without a copy.

    Raises: IndexStoreError naming the record if its checksum doesn't match.
    """
    view = memoryview(record)
    if len(view) < _CRC.size or _CRC.unpack(view[: _CRC.size])[0] != zlib.crc32(view[_CRC.size :]):
        raise damaged(name)
    return view[_CRC.size :]


def damaged(name: str) -> IndexDamagedError:
    return IndexDamagedError(f"the {name} in the index is damaged; check it with: indexer verify")


def key_bytes(key: int) -> bytes:
    """A passage key or a generation as an LMDB key: big endian, which keeps the order."""
    return _KEY.pack(key)


def key_number(raw: Bytes) -> int:
    number: int = _KEY.unpack(raw)[0]
    return number


def id_bytes(identifier: str) -> bytes:
    """An id as an LMDB key: a digest, since ids hold paths and LMDB's keys end at 511 bytes."""
    return hashlib.blake2b(_utf8(identifier), digest_size=16).digest()


def pack_id(identifier: str) -> bytes:
    """An id or a path in its form for lists."""
    return _utf8(identifier)


@_refusing
def unpack_id(payload: Bytes) -> str:
    return _text(payload)


def pack_json(value: Any) -> bytes:
    # Not ASCII: reading escapes back would join two lone surrogates into one code point.
    return _utf8(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


@_refusing
def unpack_json(payload: Bytes) -> Any:
    return json.loads(_text(payload))


def pack_text(text: str) -> bytes:
    return zlib.compress(_utf8(text), level=6)


@_refusing
def unpack_text(payload: Bytes) -> str:
    return _text(_inflated(payload)[0])


@_refusing
def unpack_spans(payload: Bytes) -> tuple[tuple[int, int], ...]:
    """Ranges of keys, start and stop each."""
    return of_type(tuple[tuple[Count, Count], ...], unpack_json(payload))


def pack_document(document: Document, keys: range) -> bytes:
    """A document without its text, with the keys of its passages."""
    fields = {
        "id": document.id,
        "source": document.source,
        "title": document.title,
        "sections": [[s.start, s.end, s.heading, s.page] for s in document.sections],
        "metadata": dict(document.metadata),
        "first": keys.start,
        "count": len(keys),
        "digest": document_digest(document),
    }
    # Left out if there are none, as in indexes from before fields.
    return pack_json({**fields, "columns": dict(document.columns)} if document.columns else fields)


def document_digest(document: Document) -> str:
    """Hex digits that are the same if a document was read with the same words, title and fields.

    The file's modification time doesn't count: if a line is added to a file, all other records are
    unchanged.
    """
    sections = [[s.start, s.end, s.heading, s.page] for s in document.sections]
    metadata = {name: value for name, value in document.metadata.items() if name != "modified"}
    fields = [document.id, document.source, document.title, sections, metadata]
    if document.columns:
        fields.append(dict(document.columns))
    digest = hashlib.blake2b(pack_json(fields), digest_size=16)
    digest.update(_utf8(document.text))
    return digest.hexdigest()


def record_of(document: Document) -> str | None:
    """The document's own id inside its file, if the file holds several."""
    record = document.metadata.get("record")
    return None if record is None else str(record)


def pack_file(file: FileRecord) -> bytes:
    return pack_json(asdict(file))


@_refusing
def unpack_file(payload: Bytes) -> FileRecord:
    return of_type(FileRecord, unpack_json(payload))


@_refusing
def unpack_document(payload: Bytes, text: str) -> Document:
    found = of_type(_Document, unpack_json(payload))
    return Document(
        id=found.id,
        source=found.source,
        title=found.title,
        text=text,
        sections=tuple(Section(*section) for section in found.sections),
        metadata=found.metadata,
        columns=found.columns,
    )


@_refusing
def unpack_entry(payload: Bytes) -> DocumentEntry:
    found = of_type(_Document, unpack_json(payload))
    return DocumentEntry(
        id=found.id,
        source=found.source,
        title=found.title,
        keys=range(found.first, found.first + found.count),
        digest=found.digest,
        fields=document_fields(found.source, found.title, found.metadata, found.columns),
    )


def pack_passage(passage: Passage, text: str) -> bytes:
    """A mark, then deflated: pieces, steps from offset to offset, and JSON with the text below it.

    In a row of small numbers, deflate finds what it doesn't in offsets that only grow.
    """
    about = {
        "id": passage.id,
        "document": passage.document_id,
        "start": passage.start,
        "end": passage.end,
        "title": passage.title,
        "heading": passage.heading,
        "page": passage.page,
        "pieces": len(passage.pieces),
    }
    # Left out if there are none, as in indexes whose passages end with their page.
    fields = pack_json({**about, "next_pages": passage.next_pages} if passage.next_pages else about)
    steps = np.diff(passage.offsets.astype(_INT32).ravel(), prepend=_INT32.type(0))
    words = zlib.compress(fields + b"\n" + _utf8(text))
    return b"".join((_DEFLATED, _pack_numbers(passage.pieces), _pack_numbers(steps), words))


@_refusing
def unpack_passage(key: int, payload: Bytes) -> StoredPassage:
    if payload[: len(_DEFLATED)] == _DEFLATED:
        pieces, rest = _unpack_numbers(payload[len(_DEFLATED) :])
        steps, rest = _unpack_numbers(rest)
        fields, _, text = _inflated(rest)[0].partition(b"\n")
        offsets = np.cumsum(steps, dtype=np.int32)
    else:
        fields, pieces, offsets, text = _undeflated(payload)
    found = of_type(_Passage, unpack_json(fields))
    if len(pieces) != found.pieces:
        raise ValueError(f"it holds {len(pieces)} pieces, not {found.pieces}")
    passage = Passage(
        id=found.id,
        document_id=found.document,
        start=found.start,
        end=found.end,
        pieces=pieces,
        offsets=offsets.reshape(found.pieces, 2),
        title=found.title,
        heading=found.heading,
        page=found.page,
        next_pages=found.next_pages,
    )
    return StoredPassage(key, passage, _text(text))


def repacked(payload: Bytes) -> Bytes:
    """A passage's record in the form of today."""
    if payload[: len(_DEFLATED)] == _DEFLATED:
        return payload
    stored = unpack_passage(0, payload)
    return pack_passage(stored.passage, stored.text)


def _undeflated(payload: Bytes) -> tuple[bytes, NDArray[np.int32], NDArray[np.int32], bytes]:
    """Fields, pieces, offsets and text of a record as of format 2: of numbers as int32.

    It is the length of the JSON, JSON, pieces, offsets, and the text, deflated.
    """
    view = memoryview(payload)
    json_end = _LENGTH.size + _LENGTH.unpack(view[: _LENGTH.size])[0]
    fields = bytes(view[_LENGTH.size : json_end])
    n = of_type(_Passage, unpack_json(fields)).pieces
    pieces_end, text_start = json_end + 4 * n, json_end + 12 * n
    pieces = np.frombuffer(view[json_end:pieces_end], _INT32).astype(np.int32)
    offsets = np.frombuffer(view[pieces_end:text_start], _INT32).astype(np.int32)
    return fields, pieces, offsets, _inflated(view[text_start:])[0]


def _pack_numbers(numbers: NDArray[np.int32]) -> bytes:
    """Deflated, all lowest bytes first, since the highest are mostly the same."""
    apart = numbers.astype(_INT32).view(np.uint8).reshape(len(numbers), _INT32.itemsize)
    return zlib.compress(apart.T.tobytes())


def _unpack_numbers(payload: Bytes) -> tuple[NDArray[np.int32], bytes]:
    """The numbers that the payload starts with, and what follows them."""
    unpacked, rest = _inflated(payload)
    apart = np.frombuffer(unpacked, np.uint8).reshape(_INT32.itemsize, -1)
    return np.ascontiguousarray(apart.T).view(_INT32).ravel().astype(np.int32), rest


def _inflated(payload: Bytes) -> tuple[bytes, bytes]:
    """What the payload starts with, inflated, and what follows it."""
    inflating = zlib.decompressobj()
    found = inflating.decompress(payload, LONGEST_TEXT)
    if not inflating.eof:
        raise ValueError(f"it is cut short, or unpacks to over {LONGEST_TEXT} bytes")
    return found, inflating.unused_data


def _utf8(text: str) -> bytes:
    # A text from JSON may hold lone surrogates. Offsets count them, so they are kept.
    return text.encode("utf-8", "surrogatepass")


def _text(payload: Bytes) -> str:
    return bytes(payload).decode("utf-8", "surrogatepass")
