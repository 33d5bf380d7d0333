"""The container's files: what they copy is there, what they run are commands, none has a secret.

The image itself is built by hand, as docs/guide.md says: its base isn't at hand without a network.
"""

import json
import re
import shlex
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from foreread.commands.main import app

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
OURS = {name: part for name, part in COMPOSE["services"].items() if part["image"] == "foreread"}


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.+)$", DOCKERFILE, re.MULTILINE)


def parse(words: list[str]) -> None:
    """As `foreread` would, without running it."""
    name, *rest = words
    command: Any = typer.main.get_command(app).commands[name]
    command.make_context(name, list(rest))


def test_all_that_is_copied_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    copied = [
        source
        for line in instructions("COPY")
        if not line.startswith("--from")
        for source in shlex.split(line)[:-1]
    ]
    assert len(copied) > 10
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert sorted(set(copied)) == sorted(allowed)


def test_the_wheel_is_built_from_all_packages_there_are() -> None:
    hatch = re.search(r"^packages = (\[.*\])", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert hatch is not None
    assert set(json.loads(hatch[1])) <= set(" ".join(instructions("COPY")).split())


def test_the_image_serves_by_default_as_a_user_without_rights() -> None:
    (words,) = instructions("CMD")
    parse(json.loads(words))
    assert instructions("ENTRYPOINT") == ['["foreread"]']
    assert instructions("USER") == ["10001"]
    (health,) = instructions("HEALTHCHECK")
    assert "/health" in health


@pytest.mark.parametrize("service", sorted(OURS))
def test_each_service_runs_a_command_that_there_is(service: str) -> None:
    parse([str(word) for word in OURS[service]["command"]])


def test_services_are_reached_from_this_machine_alone() -> None:
    ports = [port for part in COMPOSE["services"].values() for port in part.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_no_secret_is_in_the_files() -> None:
    secrets = [
        value
        for part in COMPOSE["services"].values()
        for name, value in part["environment"].items()
        if "PASSWORD" in name
    ]
    assert len(secrets) > 3
    assert all(fnmatch(value, "${*}") for value in secrets)
