"""The right to write to an index in a cluster, which others see and which ends by itself.

It is a record of the index, changed by compare-and-set on its sequence number (optimistic
concurrency control). Its holder renews it. Who finds it held waits for a renewal, and takes it over
if none comes: no two machines' clocks are compared. A holder that died on this machine isn't waited
for.
"""

import logging
import os
import socket
import threading
import time
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from elasticsearch import ConflictError, Elasticsearch, NotFoundError

from engine.errors import ForereadError, IndexBusyError
from engine.retrieval.elastic.connection import Connection
from engine.retrieval.elastic.records import note_key, note_of, note_record

LEASE = "lease"
RENEWED = 5.0  # seconds between two renewals
LAPSED = 20.0  # seconds without one, after which a lease is taken over
LOOKED = 0.5  # seconds between two looks at another's lease

logger = logging.getLogger(__name__)

Holders = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class _Held:
    """The record: who holds the lease, by their tokens, and what a change of it must name."""

    holders: Holders
    version: dict[str, Any]


class WriterLease:
    """Held from `take` to `release`; a thread renews it."""

    def __init__(self, connection: Connection, index: str, part: str | None) -> None:
        self._connection = connection
        self._index = index
        self._part = part
        self._token = token_hex(8)
        self._lost = False
        self._released = threading.Event()
        self._renewer = threading.Thread(target=self._renew, daemon=True)

    @classmethod
    def take(cls, connection: Connection, index: str, *, part: str | None = None) -> "WriterLease":
        """The lease of `index`. Those that name a `part` share it, each with another part.

        Raises: IndexBusyError if another holds it and renews it.
        """
        lease = cls(connection, index, part)
        since: dict[str, tuple[int, float]] = {}
        while True:
            held = lease._read()
            rivals = {
                name: one
                for name, one in held.holders.items()
                if name != lease._token and lease._is_rival(one)
            }
            lapsed = {
                name
                for name, one in rivals.items()
                if _has_lapsed(name, one, since, str(connection.address))
            }
            if len(lapsed) < len(rivals):
                time.sleep(LOOKED)
                continue
            left = {name: one for name, one in held.holders.items() if name not in lapsed}
            mine = {lease._token: lease._claim(0)}
            # A claim of ours is there already if the cluster took it and its answer was lost.
            if lease._token in left or lease._write({**left, **mine}, held):
                lease._renewer.start()
                return lease

    def check(self) -> None:
        """Raises: IndexBusyError if another has taken the lease over."""
        if self._lost:
            raise IndexBusyError(
                f"{self._connection.address} has been taken over by another process, since this "
                "one didn't reach the cluster for a while; do the same again"
            )

    def release(self) -> None:
        """Let others write. If the cluster can't be told, the lease ends by itself."""
        self._released.set()
        self._renewer.join()
        try:
            while not self._lost:
                held = self._read()
                left = {name: one for name, one in held.holders.items() if name != self._token}
                if len(left) == len(held.holders) or self._write(left, held):
                    return
        except ForereadError as error:
            logger.info("the lease of %s couldn't be given back: %s", self._index, error)

    def _renew(self) -> None:
        beat = 0
        while not self._released.wait(RENEWED):
            beat += 1
            try:
                while True:
                    held = self._read()
                    if self._token not in held.holders:
                        self._lost = True
                        return
                    if self._write({**held.holders, self._token: self._claim(beat)}, held):
                        break
            except ForereadError as error:  # out of reach for now; others may take it over
                logger.info("the lease of %s couldn't be renewed: %s", self._index, error)

    def _is_rival(self, other: dict[str, Any]) -> bool:
        return None in (self._part, other["part"]) or self._part == other["part"]

    def _claim(self, beat: int) -> dict[str, Any]:
        own = {"machine": _machine(), "process": os.getpid(), "started": _started(os.getpid())}
        return {**own, "host": socket.gethostname(), "part": self._part, "beat": beat}

    def _read(self) -> _Held:
        def got(client: Elasticsearch) -> dict[str, Any]:
            try:
                answer = client.get(index=self._index, id=note_key(LEASE), stored_fields=["record"])
            except NotFoundError as error:
                if "index_not_found" in str(error.body):
                    raise
                return {}
            return dict(answer)

        found = self._connection.call(got)
        if not found:
            return _Held({}, {"op_type": "create"})
        version = {"if_seq_no": found["_seq_no"], "if_primary_term": found["_primary_term"]}
        return _Held(note_of(found["fields"]) or {}, version)

    def _write(self, holders: Holders, before: _Held) -> bool:
        """Whether the record was still as `before`, and now has these holders."""
        identity, record = note_record(LEASE, holders)

        def done(client: Elasticsearch) -> bool:
            try:
                client.index(index=self._index, id=identity, document=record, **before.version)
            except ConflictError:
                return False
            return True

        # A request that's repeated after it was done finds its own change: the next look tells.
        return bool(self._connection.call(done))


def _has_lapsed(
    name: str, holder: dict[str, Any], since: dict[str, tuple[int, float]], index: str
) -> bool:
    """Whether a holder is known dead, or hasn't renewed for long enough.

    `since` keeps for each holder which renewal was seen last, and when.

    Raises: IndexBusyError if it's alive.
    """
    here = holder["machine"] == _machine()
    if here and _started(holder["process"]) != holder["started"]:
        return True
    now = time.monotonic()
    beat, seen = since.setdefault(name, (holder["beat"], now))
    if here or beat != holder["beat"]:
        raise IndexBusyError(
            f"{index} is being written by process {holder['process']} on {holder['host']}; "
            "try again when it's done"
        )
    return now - seen > LAPSED


def _machine() -> str:
    """This boot of this machine, and the processes that one can see from here."""
    with open("/proc/sys/kernel/random/boot_id") as told:
        return f"{told.read().strip()} {os.readlink('/proc/self/ns/pid')}"


def _started(process: int) -> str | None:
    """When a process of this machine began, in clock ticks since it booted; None if it's gone.

    So a process that got the number of another isn't taken for it.
    """
    try:
        with open(f"/proc/{process}/stat") as told:
            return told.read().rpartition(")")[2].split()[19]
    except OSError:
        return None
