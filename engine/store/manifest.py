"""A store's facts about itself."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from engine.codecs.names import CODECS, known_codecs
from engine.errors import IndexDamagedError, IndexVersionError
from engine.schema import Count, Size, Time, from_json, of_type

STORE_FORMAT = 3
READ_FORMATS = (2, STORE_FORMAT)
"""Of 2 is an index whose passages hold their numbers as int32; a change of it makes it one of 3."""


@dataclass(frozen=True)
class IndexSettings:
    """What is fixed when an index is made.

    `checkpoint` is the fingerprint of the checkpoint that makes the states. `codec` names how they
    are stored, in `bytes_per_token`. `hidden_width` and `vector_dimension` count values,
    `passage_limit` counts pieces. `build` holds what later builds need to know of this one.
    """

    checkpoint: str
    codec: str
    hidden_width: Size
    bytes_per_token: Size
    vector_dimension: Size
    analyser: str
    passage_limit: Size
    build: Mapping[str, str | int | float] = field(default_factory=dict)

    @property
    def overlap(self) -> int:
        """How many wordpieces a passage may share with the one before it."""
        return int(self.build.get("overlap", 0))

    @classmethod
    def from_dict(cls, fields: object, where: object) -> "IndexSettings":
        """What `to_dict` gave; older indexes, called `where`, lack the bytes of a token.

        Raises: IndexVersionError if this version doesn't know the codec; IndexDamagedError if a
        setting is missing or isn't one.
        """
        try:
            found = of_type(dict[str, Any], fields)
            codec = of_type(str, found.get("codec"))
        except ValueError as error:
            raise _misfit(where, error) from None
        if codec not in CODECS:
            raise IndexVersionError(
                f"{where} keeps its states in the codec {codec!r} and this version knows "
                f"{known_codecs()}; open it with a version that knows {codec!r}, or build it again "
                "with: indexer build SOURCE --index DIR --overwrite"
            )
        if "hidden_size" in found:
            found["hidden_width"] = found.pop("hidden_size")
        try:
            settings = of_type(cls, {"bytes_per_token": 1, **found})
            of_type(Count, settings.build.get("overlap", 0))
            of_type(str, settings.build.get("model", ""))
            of_type(dict[str, str], from_json(of_type(str, settings.build.get("columns", "{}"))))
        except ValueError as error:
            raise _misfit(where, error) from None
        if "bytes_per_token" not in found:
            # Only for these is torch worth its seconds, which opening and verifying can do without.
            from engine.codecs.registry import codec_of

            of_token = codec_of(codec).bytes_per_token(settings.hidden_width)
            settings = replace(settings, bytes_per_token=of_token)
        return settings

    def differing(self, other: "IndexSettings") -> list[str]:
        """What makes another index of the same files, named: `passage_limit 160, not 128`.

        The folder of the model doesn't: its fingerprint tells whether it's the same.
        """
        own, others = ({**vars(one), **one.build, "build": 0, "model": 0} for one in (self, other))
        return [
            f"{name} {said}, not {others.get(name)}"
            for name, said in own.items()
            if said != others.get(name)
        ]

    def to_dict(self) -> dict[str, Any]:
        """As indexes keep it, the width under the name that it has had from the first."""
        fields = asdict(self)
        return {"hidden_size": fields.pop("hidden_width"), **fields}


@dataclass(frozen=True)
class Root:
    """A file or folder that a user named to be kept in step with: absolute, and as named.

    `without` are files and folders in it, absolute, that were removed from the index for good.
    `include` and `ignore` are globs as in .gitignore: what of it is indexed, and what isn't.
    """

    path: str
    source: str
    without: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


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
    created: Time
    changed: Time
    generation: Count = 0
    next_key: Count = 0
    documents: Count = 0
    passages: Count = 0
    pieces: Count = 0
    roots: tuple[Root, ...] = ()
    calibration: Mapping[str, Any] | None = None
    format: int = STORE_FORMAT

    @classmethod
    def new(cls, settings: IndexSettings) -> "Manifest":
        now = time.time()
        return cls(settings, uuid.uuid4().hex, created=now, changed=now)

    @classmethod
    def from_dict(cls, fields: object, where: object) -> "Manifest":
        """What `to_dict` gave. Fields of newer versions with the same format are left out.

        Raises: IndexVersionError if it's of another format, or as `IndexSettings.from_dict`;
        IndexDamagedError if a field is missing or isn't what it should be.
        """
        try:
            found = of_type(dict[str, Any], fields)
            number = of_type(int, found.get("format"))
        except ValueError as error:
            raise _misfit(where, error) from None
        if number not in READ_FORMATS:
            known = " and ".join(map(str, READ_FORMATS))
            raise IndexVersionError(
                f"{where} is an index of format {number} and this version reads formats {known}; "
                "build it again with: indexer build SOURCE --index DIR --overwrite"
            )
        settings = IndexSettings.from_dict(found.get("settings"), where)
        try:
            return of_type(cls, {**found, "settings": asdict(settings), "format": STORE_FORMAT})
        except ValueError as error:
            raise _misfit(where, error) from None

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "settings": self.settings.to_dict()}


def _misfit(where: object, error: ValueError) -> IndexDamagedError:
    return IndexDamagedError(
        f"the manifest of {where} isn't an index's ({error}); bring back an export with: indexer "
        "import, or build it again with: indexer build SOURCE --index DIR --overwrite"
    )
