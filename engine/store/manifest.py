"""What a store says about itself."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

STORE_FORMAT = 2


@dataclass(frozen=True)
class Settings:
    """What is fixed when a store is made.

    `checkpoint` is the fingerprint of the checkpoint that makes the states; `codec` names how
    they are stored; `hidden_size` and `vector_dimension` count values; `passage_limit` counts
    pieces. `build` is what the build wants to remember for later ones.
    """

    checkpoint: str
    codec: str
    hidden_size: int
    vector_dimension: int
    analyser: str
    passage_limit: int
    build: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True)
class Root:
    """A file or folder that a user named to be kept in step with: absolute, and as named."""

    path: str
    source: str


@dataclass(frozen=True)
class Manifest:
    """The settings, and what each commit changes.

    `generation` grows by one with each commit; `next_key` is the key that the next passage
    gets. `store_id` is drawn when the store is made, so that an index derived from another
    store isn't taken for one of this. `roots` are what an update goes over; `calibration` is what
    was fitted on the collection's own questions. Times are seconds since 1970.
    """

    settings: Settings
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
    def new(cls, settings: Settings) -> "Manifest":
        now = time.time()
        return cls(settings, uuid.uuid4().hex, created=now, changed=now)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Manifest":
        settings = Settings(**fields["settings"])
        roots = tuple(Root(**root) for root in fields["roots"])
        return cls(**{**fields, "settings": settings, "roots": roots})

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
