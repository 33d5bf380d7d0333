"""A store's facts about itself."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from engine.codecs.names import CODECS, known_codecs
from engine.errors import IndexVersionError

STORE_FORMAT = 2


@dataclass(frozen=True)
class IndexSettings:
    """What is fixed when an index is made.

    `checkpoint` is the fingerprint of the checkpoint that makes the states. `codec` names how they
    are stored, in `bytes_per_token`. `hidden_width` and `vector_dimension` count values,
    `passage_limit` counts pieces. `build` holds what later builds need to know of this one.
    """

    checkpoint: str
    codec: str
    hidden_width: int
    bytes_per_token: int
    vector_dimension: int
    analyser: str
    passage_limit: int
    build: Mapping[str, str | int | float] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any], where: object) -> "IndexSettings":
        """What `to_dict` gave; older indexes, called `where`, lack the bytes of a token.

        Raises: IndexVersionError if this version doesn't know the codec; KeyError or TypeError if
        these aren't settings.
        """
        found = dict(fields)
        codec, width = found["codec"], found.pop("hidden_size")
        if codec not in CODECS:
            raise IndexVersionError(
                f"{where} keeps its states in the codec {codec!r} and this version knows "
                f"{known_codecs()}; open it with a version that knows {codec!r}, or build it again "
                "with: indexer build SOURCE --index DIR --overwrite"
            )
        if "bytes_per_token" not in found:
            # Only for these is torch worth its seconds, which opening and verifying can do without.
            from engine.codecs.registry import codec_of

            found["bytes_per_token"] = codec_of(codec).bytes_per_token(width)
        return cls(hidden_width=width, **found)

    def to_dict(self) -> dict[str, Any]:
        """As indexes keep it, the width under the name that it has had from the first."""
        fields = asdict(self)
        return {"hidden_size": fields.pop("hidden_width"), **fields}


@dataclass(frozen=True)
class Root:
    """A file or folder that a user named to be kept in step with: absolute, and as named.

    `without` are files and folders in it, absolute, that were removed from the index for good.
    """

    path: str
    source: str
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """The settings, and everything that a commit changes.

    `generation` grows by one with each commit. `next_key` is the key of the next passage.
    `store_id` is drawn when the store is made, so that an index derived from another store isn't
    taken for one of this. `roots` are what an update goes over. `calibration` is fitted on the
    collection's own questions. Times are seconds since 1970.
    """

    settings: IndexSettings
    store_id: str
    created: float
    changed: float
    generation: int = 0
    next_key: int = 0
    documents: int = 0
    passages: int = 0
    pieces: int = 0
    roots: tuple[Root, ...] = ()
    calibration: Mapping[str, Any] | None = None
    format: int = STORE_FORMAT

    @classmethod
    def new(cls, settings: IndexSettings) -> "Manifest":
        now = time.time()
        return cls(settings, uuid.uuid4().hex, created=now, changed=now)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any], where: object) -> "Manifest":
        """Raises: as `IndexSettings.from_dict`."""
        settings = IndexSettings.from_dict(fields["settings"], where)
        roots = tuple(
            Root(**{**root, "without": tuple(root.get("without", ()))}) for root in fields["roots"]
        )
        return cls(**{**fields, "settings": settings, "roots": roots})

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "settings": self.settings.to_dict()}
