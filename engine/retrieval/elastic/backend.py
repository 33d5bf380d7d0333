"""The backend in a cluster: an index of Elasticsearch behind an alias.

    papers      the alias, which an address names
    papers.3    the index; a build makes papers.4, and moves the alias when it's whole

`engine/retrieval/elastic/mapping.py` says what an index holds.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import astuple
from secrets import token_hex
from typing import Any

from elasticsearch import BadRequestError, Elasticsearch

from engine.errors import (
    CheckpointMismatchError,
    ClusterDeniedError,
    ClusterRefusedError,
    ClusterUnreachableError,
    IndexExistsError,
    IndexNotFoundError,
    IndexUseError,
)
from engine.retrieval.backend import Description, refuse_other_settings
from engine.retrieval.elastic.address import ClusterAddress
from engine.retrieval.elastic.connection import Connection
from engine.retrieval.elastic.lease import WriterLease
from engine.retrieval.elastic.mapping import (
    DOCUMENT,
    FILE,
    Located,
    index_mappings,
    index_settings,
    settings_in,
)
from engine.retrieval.elastic.reading import CALIBRATION, ElasticReader, of_records
from engine.retrieval.elastic.records import (
    WHOLE,
    encoded_passage,
    file_of,
    found_by,
    known,
    passage_id,
)
from engine.retrieval.elastic.snapshot import ElasticSnapshot
from engine.retrieval.elastic.writing import ElasticWriter
from engine.store.contents import DocumentEntry, EncodedDocument, FileRecord
from engine.store.manifest import IndexSettings, Root

ROOTS = "roots"


class ElasticBackend:
    """A collection in a cluster. Use `open`, or `begin` and `publish`; `close` when done.

    A snapshot's searches see what was refreshed last, here or elsewhere. Its `fetch` and `document`
    see the records as they are. If another index made by the same checkpoint takes this one's
    place, it is followed.
    """

    def __init__(
        self, connection: Connection, located: Located, leases: Sequence[WriterLease] = ()
    ) -> None:
        """With `leases`, which it gives back when it's closed, it may be written to."""
        self._connection = connection
        self._located = located
        self._leases = leases
        # By this process since its last refresh, or by one that was killed before its own.
        self._changed = bool(leases)
        self._reader = self._new_reader()
        self._writer = ElasticWriter(connection, located, self._reader)

    @classmethod
    def open(cls, address: ClusterAddress, *, readonly: bool = True) -> "ElasticBackend":
        """The index at an address; if it's to be changed, all that was written is looked at.

        Raises: IndexStoreError if the cluster can't be reached, doesn't fit the client or is
        red, or has no index of that name; IndexBusyError if another is writing to it.
        """
        connection = Connection(address)
        try:
            connection.preflight()
            found = locate(connection, address.name)
            if found is None:
                raise IndexNotFoundError(_no_index(address))
            refuse_red(connection, found.index)
            leases = [] if readonly else [WriterLease.take(connection, found.alias)]
            return cls(connection, found, leases)
        except BaseException:
            connection.close()
            raise

    @classmethod
    def begin(
        cls,
        address: ClusterAddress,
        settings: IndexSettings,
        *,
        overwrite: bool,
        part: str | None = None,
        restart: bool = False,
    ) -> "ElasticBackend":
        """An index that no search sees until `publish`: a new one, or what a build left.

        What a build with other settings left is discarded only with `restart`, or if it's nothing.
        Those that name a `part` build it together. Meanwhile nobody else changes it, or the index
        that it will replace.

        Raises: IndexStoreError as `open`, or if there's an index and `overwrite` is False;
        IndexBusyError if another is writing to it or to what it will replace; IndexExistsError if
        there is the work of a build with other settings.
        """
        connection = Connection(address)
        held = ExitStack()
        try:
            connection.preflight()
            current = locate(connection, address.name)
            if current is not None and not overwrite:
                raise IndexExistsError(f"{address} exists; add --overwrite to replace it")
            index = _next_name(address.name, current)
            begun = _made(connection, index, settings)
            differing = begun.settings.differing(settings)
            if restart or differing:
                _discard(connection, begun, [] if restart else differing)
                begun = _made(connection, index, settings)
            leases = []
            for one in (begun, current):
                if one is not None:
                    leases.append(WriterLease.take(connection, one.alias, part=part))
                    held.callback(leases[-1].release)
            held.pop_all()
            return cls(connection, begun, leases)
        except BaseException:
            held.close()
            connection.close()
            raise

    def publish(self) -> None:
        """Let the address name this index, and remove the one that it named, in one request."""
        index, own = self._located.index, self._located.alias
        name = self._connection.address.name
        self._connection.call(
            lambda c: c.indices.put_settings(index=own, settings={"refresh_interval": None})
        )
        self.refresh()
        before = locate(self._connection, name)
        actions: list[dict[str, Any]] = [{"add": {"index": index, "alias": name}}]
        if before is not None and before.index != index:
            actions.append({"remove_index": {"index": before.index}})
        self._connection.call(lambda c: c.indices.update_aliases(actions=actions))

    def discard_empty(self) -> None:
        """Remove an index that hasn't been published, if each of its shards says it's empty."""
        reader = self._fresh()
        if reader.count(DOCUMENT) or reader.notes:
            return
        index = self._located.index
        self._connection.call(lambda c: c.indices.delete(index=index, ignore_unavailable=True))

    def close(self) -> None:
        for lease in self._leases:
            lease.release()
        self._leases = ()
        self._connection.close()

    def __enter__(self) -> "ElasticBackend":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Writing

    def write(
        self,
        batch: Sequence[EncodedDocument],
        *,
        removed: Collection[str] = (),
        files: Sequence[FileRecord] = (),
        forgotten: Collection[str] = (),
        roots: tuple[Root, ...] | None = None,
    ) -> None:
        self._begin_writing()
        self._writer.write(batch, removed, files, forgotten)
        if roots is not None:
            self._writer.note(ROOTS, [list(astuple(root)) for root in roots])

    def delete(self, document_ids: Collection[str]) -> int:
        self._begin_writing()
        return self._writer.delete(document_ids)

    def calibrate(self, calibration: Mapping[str, Any] | None) -> None:
        self.note(CALIBRATION, calibration)

    def note(self, name: str, said: Any) -> None:
        """Keep a fact about the index as a whole."""
        self._begin_writing()
        self._writer.note(name, said)

    def noted(self, name: str) -> Any:
        """The fact that `note` kept; None if there is none."""
        return self._reader.note(name)

    def _begin_writing(self) -> None:
        """Raises: IndexBusyError if another process has taken over the right to write."""
        for lease in self._leases:
            lease.check()
        self._changed = True

    def health(self) -> str:
        """ "green", or "yellow" while shards lack replicas, or "red"."""
        index = self._reader.index
        return str(self._connection.call(lambda c: c.cluster.health(index=index))["status"])

    def refresh(self) -> None:
        self._changed = False
        self._connection.call(lambda c: c.indices.refresh(index=self._reader.index))

    @contextmanager
    def snapshot(self) -> Iterator[ElasticSnapshot]:
        yield ElasticSnapshot(self._new_reader())

    # Looking things up

    @property
    def settings(self) -> IndexSettings:
        """The settings, which were fixed when the collection was made."""
        return self._located.settings

    def entry(self, document_id: str) -> DocumentEntry | None:
        found = self._reader.known([document_id]).get(document_id)
        return found.entry if found else None

    def entries(self) -> Iterator[DocumentEntry]:
        for fields in self._fresh().listed(of_records(DOCUMENT)):
            yield known(fields).entry

    def encoded(self, document_id: str) -> EncodedDocument:
        """As much of it as is there: a build may have left it without some passages."""
        document = self._reader.document(document_id)
        keys = self._reader.known([document_id])[document_id].entry.keys
        found = self._reader.stored([passage_id(key) for key in keys], WHOLE)
        return EncodedDocument(
            document,
            tuple(
                encoded_passage(key, found[identity])
                for key in keys
                if (identity := passage_id(key)) in found
            ),
        )

    def file(self, path: str) -> FileRecord | None:
        return next(iter(self._reader.files([path])), None)

    def files(self) -> Iterator[FileRecord]:
        return map(file_of, self._fresh().listed(of_records(FILE)))

    def files_of(self, content: str) -> list[FileRecord]:
        query = of_records(FILE, content=found_by(content))
        return list(map(file_of, self._fresh().listed(query)))

    def documents_of(self, source: str) -> list[str]:
        return self._ids(of_records(DOCUMENT, source=found_by(source)))

    def documents_of_record(self, record: str) -> list[str]:
        return self._ids(of_records(DOCUMENT, own=found_by(record)))

    def roots(self) -> tuple[Root, ...]:
        noted = self._reader.note(ROOTS) or ()
        return tuple(Root(path, source, *map(tuple, lists)) for path, source, *lists in noted)

    def describe(self) -> Description:
        settings = self.settings
        sums = {
            "passages": {"sum": {"field": "passages"}},
            "pieces": {"sum": {"field": "pieces"}},
            "written": {"max": {"field": "written"}},
        }
        told = self._fresh().aggregated(sums, DOCUMENT)
        index = self._reader.index
        statistics = self._connection.call(
            lambda c: c.indices.stats(index=index, metric=["store", "docs"], level="shards")
        )
        (shards,) = (one["shards"].values() for one in statistics["indices"].values())
        copies = [copy for shard in shards for copy in shard]
        primaries = [copy for copy in copies if copy["routing"]["primary"]]
        return Description(
            **vars(settings),
            documents=self._reader.count(DOCUMENT),
            passages=int(told["passages"]["value"]),
            pieces=int(told["pieces"]["value"]),
            # The number of operations so far, which grows with each.
            generation=sum(copy["seq_no"]["max_seq_no"] + 1 for copy in primaries),
            created=self._located.created,
            changed=float(told["written"]["value"] or self._located.created),
            bytes_on_disk={
                "primaries": sum(map(_size, primaries)),
                "replicas": sum(map(_size, copies)) - sum(map(_size, primaries)),
            },
            calibrated=self.noted(CALIBRATION) is not None,
        )

    # Inside

    def _new_reader(self) -> ElasticReader:
        return ElasticReader(self._connection, self._located, self._follow)

    def _fresh(self) -> ElasticReader:
        """The reader, once lists and counts include everything this process has written."""
        if self._changed:
            self.refresh()
        return self._reader

    def _ids(self, query: dict[str, Any]) -> list[str]:
        return [known(fields).entry.id for fields in self._fresh().listed(query)]

    def _follow(self) -> Located:
        """The index that the address names now.

        Raises: CheckpointMismatchError if another checkpoint made it; IndexNotFoundError if
        there is none.
        """
        found = locate(self._connection, self._connection.address.name)
        if found is None:
            raise IndexNotFoundError(_no_index(self._connection.address))
        ours, theirs = self.settings.checkpoint, found.settings.checkpoint
        if ours != theirs:
            raise CheckpointMismatchError(
                f"{self._connection.address} has been replaced by an index made by checkpoint "
                f"{theirs}, and {ours} is loaded; open it again"
            )
        self._located = found
        return found


def locate(connection: Connection, name: str) -> Located | None:
    """The index that a name or an alias stands for; None if there is none.

    Raises: IndexStoreError if it's an index of something else, or of another format.
    """
    try:
        found = connection.call(lambda c: c.indices.get(index=name))
    except IndexNotFoundError:
        return None
    if len(found) != 1:
        raise IndexUseError(
            f"{connection.address} stands for {len(found)} indexes; choose another name"
        )
    ((index, told),) = found.items()
    settings = settings_in(told["mappings"], connection.address)
    created = int(told["settings"]["index"]["creation_date"]) / 1000
    own = next((alias for alias in told["aliases"] if alias.startswith(f"{index}.")), index)
    return Located(index, settings, created, own)


def refuse_red(connection: Connection, index: str) -> None:
    """Raises: IndexStoreError if shards of the index have no copy left that can be read."""
    try:
        health = connection.call(lambda c: c.cluster.health(index=index))
    except ClusterDeniedError:
        return  # an account that may see indexes alone
    if health["status"] == "red":
        raise ClusterUnreachableError(
            f"{connection.address} is red: some of its shards have no copy that can be read; "
            "bring the nodes back that hold them"
        )


def _made(connection: Connection, index: str, settings: IndexSettings) -> Located:
    """The index of that name, made now if it isn't there."""
    mappings, layout = index_mappings(settings), index_settings(connection.address.layout)
    own: dict[str, Any] = {f"{index}.{token_hex(8)}": {}}

    def create(client: Elasticsearch) -> None:
        try:
            client.indices.create(index=index, mappings=mappings, settings=layout, aliases=own)
        except BadRequestError:
            if not client.indices.exists(index=index):
                raise

    connection.call(create)
    found = locate(connection, index)
    if found is None:
        raise ClusterRefusedError(
            f"{connection.address} can't be made; look at the cluster's health and its limits"
        )
    return found


def _discard(connection: Connection, begun: Located, differing: Sequence[str]) -> None:
    """Remove what a build left, if nobody is writing to it.

    Raises: IndexBusyError if somebody is; IndexExistsError if it holds documents and settings
    are `differing`.
    """
    lease = WriterLease.take(connection, begun.alias)
    try:
        connection.call(lambda c: c.indices.refresh(index=begun.alias))
        documents = ElasticReader(connection, begun, lambda: begun).count(DOCUMENT)
        refuse_other_settings(begun.index, documents, differing)
        connection.call(lambda c: c.indices.delete(index=begun.index))
    finally:
        lease.release()


def _size(copy: Mapping[str, Any]) -> int:
    return int(copy["store"]["size_in_bytes"])


def _next_name(name: str, current: Located | None) -> str:
    number = current.index.rpartition(".")[2] if current else "0"
    return f"{name}.{int(number) + 1 if number.isdecimal() else 1}"


def _no_index(address: ClusterAddress) -> str:
    return f"{address} holds no index; build one with: indexer build SOURCE --index {address}"
