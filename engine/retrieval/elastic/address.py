"""Where an index in a cluster is: `es://host:9200/name`, or `ess://` over TLS."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from engine.errors import IndexUseError

PLAIN, SECURE = "es", "ess"
EXAMPLE = "es://localhost:9200/papers"
PORT = 9200
LAYOUT = ("shards", "replicas")  # what an address may say of a new index

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,199}")
_HOST = re.compile(r"[\w:%-]{1,63}(\.[\w:%-]{1,63}){0,30}\.?")
_NUMBER = re.compile(r"[0-9]{1,4}")
_ADDRESS = re.compile(rf"({PLAIN}|{SECURE}|https?):/", re.IGNORECASE)


@dataclass(frozen=True)
class ClusterAddress:
    """An index called `name` on the cluster of `hosts`, (host, port); any of them will do.

    `layout` has the numbers of shards and replicas, if the address gives them.
    """

    hosts: tuple[tuple[str, int], ...]
    name: str
    secure: bool = False
    layout: Mapping[str, int] = field(default_factory=dict, hash=False)

    @property
    def urls(self) -> list[str]:
        scheme = "https" if self.secure else "http"
        return [f"{scheme}://{_bracketed(host)}:{port}" for host, port in self.hosts]

    def __str__(self) -> str:
        hosts = ",".join(f"{_bracketed(host)}:{port}" for host, port in self.hosts)
        query = "&".join(f"{name}={number}" for name, number in self.layout.items())
        scheme = SECURE if self.secure else PLAIN
        return f"{scheme}://{hosts}/{self.name}" + (f"?{query}" if query else "")


def is_cluster_address(written: str) -> bool:
    """Whether the text is meant as an address in a cluster, rather than as a folder."""
    return bool(_ADDRESS.match(written))


def parse_cluster_address(written: str) -> ClusterAddress:
    """The address in `es://host[:port][,host…]/name[?shards=N&replicas=N]`; `ess://` is over TLS.

    Raises: IndexStoreError if it isn't one, or holds a user's name or password.
    """
    if "@" in written:
        # The message doesn't repeat it: it's a secret, and logs would show it.
        raise IndexUseError(
            f"an address such as {EXAMPLE} holds no user or password; give them in the "
            "environment: FOREREAD_ES_API_KEY, or FOREREAD_ES_USER and FOREREAD_ES_PASSWORD"
        )
    try:
        parts = urlsplit(written)
    except ValueError:
        parts = urlsplit("")
    name, scheme = parts.path.removeprefix("/"), parts.scheme.lower()
    named = parts.netloc and _NAME.fullmatch(name) and not parts.fragment
    if not named or scheme not in (PLAIN, SECURE):
        raise IndexUseError(
            f"expected an address such as {EXAMPLE}, with a name of small letters, digits, - and "
            f"_, got {written}"
        )
    hosts = tuple(_host(one, written) for one in parts.netloc.split(","))
    return ClusterAddress(hosts, name, scheme == SECURE, _layout(parts.query))


def _host(one: str, written: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{one}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not _HOST.fullmatch(host):
        raise IndexUseError(f"expected hosts such as localhost:9200 in {written}, got {one!r}")
    return host, port or PORT


def _layout(query: str) -> dict[str, int]:
    given = dict(parse_qsl(query, keep_blank_values=True))
    for name, value in given.items():
        least = 1 if name == "shards" else 0
        if name not in LAYOUT or not _NUMBER.fullmatch(value) or not least <= int(value) <= 1024:
            # The message repeats only its name: its value may be a secret.
            raise IndexUseError(
                f"an address ends with such as ?shards=3&replicas=1, not with such a {name!r}"
            )
    return {name: int(value) for name, value in given.items()}


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
