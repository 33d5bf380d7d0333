"""The mappings and settings of an index in Elasticsearch, with nothing left to defaults.

Records of four kinds, told apart by `kind`, share an index, so that one alias names them all:

    passage   `terms` and `vector` are searched, `fields` filtered; `passage`, `states`,
              `exact` (the vector as float16) and `about` (source and fields) are stored
    document  `record` and `text` are stored; `source` and `own` (its id inside its file) found
    file      `record` is stored; `content` is found
    note      `record` is stored: the sources that an update goes over, the calibration

Stored fields are those of the folder's store, checksums included. There is no `_source`, since it
would hold every state a second time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import IndexExistsError, IndexVersionError
from engine.retrieval.scoring import K1, B
from engine.store.manifest import IndexSettings

FORMAT = 1
META = "foreread"
SIMILARITY = "foreread"
WHITESPACE = "whitespace"

PASSAGE, DOCUMENT, FILE, NOTE = "passage", "document", "file", "note"

# A graph of 8-bit vectors; the nearest are ranked again by the exact vectors.
VECTOR_OPTIONS = {"type": "int8_hnsw", "m": 16, "ef_construction": 100}
OVERSAMPLE = 2.0
CANDIDATES = 200  # candidates in each shard, at least


@dataclass(frozen=True)
class Located:
    """An index by its own name. `created` is in seconds since 1970.

    `alias` is its own too, and never used again. A request under it never reaches another index
    made in this one's place.
    """

    index: str
    settings: IndexSettings
    created: float
    alias: str


def index_settings(layout: Mapping[str, int]) -> dict[str, Any]:
    """`layout` has the numbers of `shards` and `replicas`. The cluster decides what it lacks."""
    numbers = {f"number_of_{name}": number for name, number in layout.items()}
    bm25 = {"type": "BM25", "k1": K1, "b": B}
    # An index isn't searched while it's built; lookups meanwhile ask for a refresh themselves.
    return {**numbers, "similarity": {SIMILARITY: bm25}, "refresh_interval": "-1"}


def index_mappings(settings: IndexSettings) -> dict[str, Any]:
    stored = {"type": "binary", "store": True, "doc_values": False}
    word = {"type": "keyword"}
    number = {"type": "long", "index": False}
    properties = {
        "kind": word,
        "key": number,
        "terms": {
            "type": "text",
            "analyzer": WHITESPACE,
            "search_analyzer": WHITESPACE,
            "similarity": SIMILARITY,
            "index_options": "freqs",
            "norms": True,
        },
        "vector": {
            "type": "dense_vector",
            "dims": settings.vector_dimension,
            "element_type": "float",
            "index": True,
            "similarity": "cosine",
            "index_options": VECTOR_OPTIONS,
        },
        "fields": {"type": "flattened"},
        "names": word,
        "passages": number,
        "pieces": number,
        "written": {"type": "double", "index": False},
        **dict.fromkeys(("source", "own", "content"), word),
        **dict.fromkeys(("passage", "states", "exact", "about", "record", "text"), stored),
    }
    return {
        "dynamic": "strict",
        "_source": {"enabled": False},
        "_meta": {META: manifest(settings)},
        "properties": properties,
    }


def manifest(settings: IndexSettings) -> dict[str, Any]:
    """The index's facts about itself, for opening it."""
    return {"format": FORMAT, **settings.to_dict()}


def settings_in(mappings: Mapping[str, Any], where: object) -> IndexSettings:
    """What was fixed when the index was made.

    Raises: IndexStoreError if it isn't one of ours, or of another format.
    """
    found = dict(mappings.get("_meta", {}).get(META, {}))
    form = found.pop("format", None)
    if form is None:
        raise IndexExistsError(f"{where} is an index of something else; choose another name")
    if form != FORMAT:
        raise IndexVersionError(
            f"{where} is of format {form} and this version reads format {FORMAT}; build it again "
            "with: indexer build SOURCE --overwrite"
        )
    return IndexSettings.from_dict(found, where)
