"""A real Elasticsearch for tests, started from a folder with its scripts, on loopback.

The folder is named by FOREREAD_TEST_ELASTICSEARCH, or lies beside the repository, in
shared/elasticsearch. Where there is none, tests that need it are skipped.
"""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

VARIABLE = "FOREREAD_TEST_ELASTICSEARCH"
BESIDE = Path(__file__).parents[2] / "shared" / "elasticsearch"
TRANSPORT = 100  # a node's second port is so far from its first
HEAP = "512m"
LOOPBACK = "127.0.0.1"
USER = "elastic"


@dataclass(frozen=True)
class Server:
    """Nodes that listen on `ports`; their files are in `data`."""

    scripts: Path
    data: Path
    ports: tuple[int, ...]
    environment: Mapping[str, str]

    @property
    def authority(self) -> Path:
        """The file of what its certificate is trusted by, over TLS."""
        return self.data / "ca.crt"

    def address(self, name: str, layout: str = "replicas=0") -> str:
        """Of an index of that name, as users write it."""
        scheme = "ess" if "ES_PASSWORD" in self.environment else "es"
        hosts = ",".join(f"{LOOPBACK}:{port}" for port in self.ports)
        return f"{scheme}://{hosts}/{name}?{layout}"

    def end(self, node: int, signal: str = "KILL") -> None:
        """End one node, from 1, by default as a crash would."""
        script = str(self.scripts / "stop.sh")
        subprocess.run(["bash", script, str(self.data), str(node), signal], check=True)

    def bring_back(self, node: int) -> None:
        _start(self, {"ES_ONLY_NODE": str(node)})


def scripts() -> Path:
    """The folder of the scripts; skips the test where there is none."""
    folder = Path(os.environ.get(VARIABLE) or BESIDE)
    if not (folder / "start.sh").is_file():
        pytest.skip(f"there's no Elasticsearch in {folder}: name its folder in {VARIABLE}")
    homes = map(os.environ.get, ("ES_JAVA_HOME", "JAVA_HOME"))
    if not (any(homes) or any(Path("/usr/lib/jvm").glob("*/bin/java"))):
        pytest.skip("there's no Java for Elasticsearch: apt-get install openjdk-17-jre-headless")
    return folder


@contextmanager
def served(nodes: int = 1, *, password: str = "") -> Iterator[Server]:
    """Nodes of a cluster while they're needed; with a password, one over TLS."""
    folder = scripts()
    # Not among pytest's folders: the server has a user of its own, who can't look into those.
    data = Path(tempfile.mkdtemp(prefix="foreread-elasticsearch-", dir="/tmp"))
    first = _free_ports(nodes)
    environment = {"ES_HEAP": HEAP, **({"ES_PASSWORD": password} if password else {})}
    server = Server(folder, data, tuple(range(first, first + nodes)), environment)
    try:
        _start(server, {})
        yield server
    finally:
        subprocess.run(["bash", str(folder / "stop.sh"), str(data)], check=False)
        shutil.rmtree(data, ignore_errors=True)


def _start(server: Server, extra: Mapping[str, str]) -> None:
    arguments = (str(server.data), str(server.ports[0]), str(len(server.ports)))
    done = subprocess.run(
        ["nice", "-n", "19", "bash", str(server.scripts / "start.sh"), *arguments],
        env={**os.environ, **server.environment, **extra},
        # A file and not a pipe: the server keeps it open.
        stdout=(server.data / "start.log").open("w"),
        stderr=subprocess.STDOUT,
        check=False,
        timeout=600,
    )
    if done.returncode:
        said = (server.data / "start.log").read_text(errors="replace")
        raise RuntimeError(f"Elasticsearch doesn't start: {said[-2000:]}")


def _free_ports(nodes: int) -> int:
    """The first of so many ports that are free, with those of the nodes among themselves."""
    for _ in range(100):
        with socket.socket() as found:
            found.bind((LOOPBACK, 0))
            first = int(found.getsockname()[1])
        if first + TRANSPORT + nodes < 65536 and all(map(_is_free, _both(first, nodes))):
            return first
    raise RuntimeError("no ports are free")


def _both(first: int, nodes: int) -> list[int]:
    return [first + i + shift for i in range(nodes) for shift in (0, TRANSPORT)]


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex((LOOPBACK, port)) != 0
