"""The connection to a cluster: credentials, retries, and errors in one line."""

import logging
import os
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.errors import (
    ClusterDeniedError,
    ClusterRefusedError,
    ClusterUnreachableError,
    IndexBusyError,
    IndexNotFoundError,
    IndexStoreError,
    IndexUseError,
)
from engine.retrieval.elastic.address import ClusterAddress

try:
    import elasticsearch
    from elasticsearch import Elasticsearch
except ImportError as error:
    raise IndexUseError(
        "an index in a cluster needs the Elasticsearch client; install it with: "
        "pip install 'foreread[elasticsearch]'"
    ) from error

API_KEY, USER = "FOREREAD_ES_API_KEY", "FOREREAD_ES_USER"
PASSWORD, CA_FILE = "FOREREAD_ES_PASSWORD", "FOREREAD_ES_CA"
SECRETS = f"{API_KEY}, or {USER} and {PASSWORD},"

CLIENT = ".".join(map(str, elasticsearch.__version__))
OLDEST = (8, 19)  # of servers
BUSY = (429, 502, 503, 504)
READING, WRITING = 4, 9  # attempts at a request before its failure is raised
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0  # seconds
TIMEOUT = 60.0  # seconds for one request
FIRST_TIMEOUT = 10.0  # and for the first one, which is small
PATIENCE = 100.0  # seconds after which no request is repeated

logger = logging.getLogger(__name__)

# A server without security warns with each answer; its operator knows that already.
warnings.simplefilter("ignore", elasticsearch.ElasticsearchWarning)


class Connection:
    """Requests to one cluster. Threads may share it, and a fork gets sockets of its own."""

    def __init__(self, address: ClusterAddress) -> None:
        """Raises: IndexStoreError if the environment's names and files don't fit together."""
        self.address = address
        self._options = _options(address)
        self._lock = threading.Lock()
        self._client: Elasticsearch | None = None
        self._process = 0

    @property
    def client(self) -> Elasticsearch:
        if self._process != os.getpid():
            self._lock = threading.Lock()  # a fork may have been made while another held it
        with self._lock:
            if self._client is None or self._process != os.getpid():
                self._client, self._process = Elasticsearch(**self._options), os.getpid()
            return self._client

    def preflight(self) -> None:
        """Raises: IndexStoreError if the cluster can't be reached or doesn't fit the client."""
        try:
            found = self.call(
                lambda c: c.options(request_timeout=FIRST_TIMEOUT).nodes.info(
                    filter_path="nodes.*.version"
                )
            )
        except ClusterDeniedError:
            return  # an account that may see indexes alone; the first request tells the rest
        versions = {str(node["version"]) for node in found.get("nodes", {}).values()}
        if versions:
            check_versions(min(versions, key=_version), CLIENT)

    def call(self, request: Callable[[Elasticsearch], Any], attempts: int = READING) -> Any:
        """What the request gives; while the cluster is busy or a node is lost, it's made again.

        So a request has to be one that may be made twice.

        Raises: IndexStoreError if it fails in the end; IndexNotFoundError for what isn't there.
        """
        pause, until = FIRST_PAUSE, time.monotonic() + PATIENCE
        for left in range(attempts - 1, -1, -1):
            try:
                return request(self.client)
            except (elasticsearch.ApiError, elasticsearch.TransportError) as error:
                if not left or not is_passing(error) or time.monotonic() > until:
                    raise self._told(error) from error
                logger.info("trying again in %.1f s: %s", pause, _reason(error))
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        raise ValueError("a request is made at least once")

    def close(self) -> None:
        if self._client is not None and self._process == os.getpid():
            self._client.close()

    def _told(self, error: Exception) -> IndexStoreError:
        where, reason = self.address, _reason(error)
        if isinstance(error, elasticsearch.NotFoundError) and "index_not_found" in str(error.body):
            return IndexNotFoundError(
                f"{where} holds no index; build one with: indexer build SOURCE --index {where}"
            )
        if isinstance(error, elasticsearch.AuthenticationException):
            return ClusterDeniedError(
                f"{where} wants to know who asks; set {SECRETS} to what it knows"
            )
        if isinstance(error, elasticsearch.AuthorizationException):
            return ClusterDeniedError(
                f"{where} doesn't allow this to the account in {SECRETS} ({reason}); ask who "
                "looks after the cluster for the rights that docs/cluster.md names"
            )
        if isinstance(error, elasticsearch.TransportError):
            if isinstance(error, elasticsearch.ConnectionError) and "certificate" in reason.lower():
                return ClusterUnreachableError(
                    f"{where} shows a certificate that isn't trusted ({reason}); name its "
                    f"authority's file in {CA_FILE}"
                )
            tls = "TLS at all (or else es://)" if where.secure else "TLS (ess://)"
            return ClusterUnreachableError(
                f"{where} can't be reached ({reason}); check that the cluster is up, and whether "
                f"it speaks {tls}"
            )
        if "media_type_header_exception" in str(error):
            return ClusterRefusedError(
                f"{where} doesn't understand the installed client "
                f"{CLIENT}; install one of the server's version, such as: "
                "pip install 'elasticsearch>=8.19,<9'"
            )
        if isinstance(error, elasticsearch.ApiError) and error.meta.status in BUSY:
            return IndexBusyError(
                f"{where} is too busy or has lost shards ({reason}); look at the cluster's health, "
                "then try again"
            )
        return ClusterRefusedError(f"{where} refused a request ({reason})")


def searched(
    client: Elasticsearch, index: str, searches: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The answers of one multi-search. If one of them is an error, it's raised as if alone."""
    answer = client.msearch(index=index, searches=searches)
    responses: list[dict[str, Any]] = answer["responses"]
    for one in responses:
        if "error" in one:
            raise _error(answer.meta, one["status"], one)
    return responses


def got(
    client: Elasticsearch, index: str, ids: Sequence[str], fields: Sequence[str], *, lossy: bool
) -> list[dict[str, Any]]:
    """What a multi-get says of each id.

    An id that can't be read raises an error or, if `lossy`, is returned with its error. A missing
    index always raises one.
    """
    answer = client.mget(index=index, ids=ids, stored_fields=fields)
    docs: list[dict[str, Any]] = answer["docs"]
    for one in docs:
        missing = "error" in one and one["error"]["type"] == "index_not_found_exception"
        if missing or ("error" in one and not lossy):
            raise _error(answer.meta, 404 if missing else 503, one)
    return docs


def _error(meta: Any, status: int, body: Mapping[str, Any]) -> elasticsearch.ApiError:
    """What part of an answer says, as if it had been all of it."""
    kind = elasticsearch.exceptions.HTTP_EXCEPTIONS.get(status, elasticsearch.ApiError)
    return kind("answer", replace(meta, status=status), body)


def is_passing(error: Exception) -> bool:
    """Whether the same request may well succeed a little later."""
    if isinstance(error, elasticsearch.ApiError):
        return error.meta.status in BUSY
    untrusted = isinstance(error, elasticsearch.SSLError) or "certificate" in str(error).lower()
    return isinstance(error, elasticsearch.TransportError) and not untrusted


def check_versions(server: str, client: str) -> None:
    """Raises: IndexStoreError, naming the version to install, if they don't go together."""
    if _version(server) < OLDEST:
        raise ClusterRefusedError(
            f"the cluster runs Elasticsearch {server}; it has to be "
            f"{'.'.join(map(str, OLDEST))} or later"
        )
    if _version(client)[0] > _version(server)[0]:
        major = _version(server)[0]
        least = f"{major}.19" if major == OLDEST[0] else str(major)
        raise ClusterRefusedError(
            f"the client {client} doesn't go with Elasticsearch {server}; install: "
            f"pip install 'elasticsearch>={least},<{major + 1}'"
        )


def _version(written: str) -> tuple[int, ...]:
    numbers = written.split("-")[0].split(".")[:2]
    return tuple(int(number) if number.isdecimal() else 0 for number in numbers)


def _options(address: ClusterAddress) -> dict[str, Any]:
    given = {name: os.environ.get(name) for name in (API_KEY, USER, PASSWORD, CA_FILE)}
    options: dict[str, Any] = {
        "hosts": address.urls,
        "request_timeout": TIMEOUT,
        "max_retries": len(address.hosts),
        "retry_on_status": (),  # `call` waits between attempts; the transport doesn't
    }
    if bool(given[USER]) != bool(given[PASSWORD]):
        lacking = PASSWORD if given[USER] else USER
        raise IndexUseError(f"{USER} and {PASSWORD} go together; {lacking} isn't set")
    if given[API_KEY]:
        options["api_key"] = given[API_KEY]
    elif given[USER]:
        options["basic_auth"] = (given[USER], given[PASSWORD])
    if (given[API_KEY] or given[USER]) and not address.secure:
        logger.warning("what is sent to %s isn't encrypted, secrets neither; use ess://", address)
    if address.secure and (authority := given[CA_FILE]):
        if not os.path.isfile(authority):
            raise IndexUseError(f"{CA_FILE} names {authority}, which isn't a file")
        options["ca_certs"] = authority
    return options


def _reason(error: Exception) -> str:
    """The cluster's or the network's reason, shortened, without the request."""
    if isinstance(error, elasticsearch.ApiError):
        body = error.body if isinstance(error.body, dict) else {}
        cause = body.get("error", error.message)
        if isinstance(cause, dict):
            causes = cause.get("root_cause") or [cause]
            cause = causes[0].get("reason") or cause.get("reason") or cause.get("type")
        return f"{error.meta.status}: {str(cause)[:300]}"
    said = (getattr(error, "errors", None) or [error])[-1]
    return str(getattr(said, "message", said))[:300]
