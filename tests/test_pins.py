"""The pins: one version of each package, with hashes in the file that is installed strictly."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
HASHED = ("requirements.torch.txt", "requirements.txt")
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def text(*names: str) -> str:
    return "".join((ROOT / name).read_text(encoding="utf-8") for name in names)


def pins(*names: str) -> dict[str, str]:
    found = PIN.findall(text(*names))
    return {canonicalize_name(package): version for package, version in found}


def wanted(extra: str) -> list[Requirement]:
    """What the package needs with an extra, those that the extra names among them."""
    project = tomllib.loads(text("pyproject.toml"))["project"]
    needed, extras = [*project["dependencies"]], [extra]
    while extras:
        needed += project["optional-dependencies"][extras.pop()]
        own = [text for text in needed if text.startswith(f"{project['name']}[")]
        extras += [name for text in own for name in sorted(Requirement(text).extras)]
        needed = [text for text in needed if text not in own]
    return [Requirement(text) for text in needed]


def test_both_files_pin_the_same_versions_torch_among_them() -> None:
    constraints, hashed = pins("constraints.txt"), pins(*HASHED)
    assert constraints["torch"] == hashed["torch"]
    both = constraints.keys() & hashed.keys()
    assert {name: hashed[name] for name in both} == {name: constraints[name] for name in both}


def test_the_hashed_file_pins_all_that_the_full_package_needs() -> None:
    hashed = pins(*HASHED)
    needed = wanted("full")
    assert len(needed) > 25
    pinned = {need.name: hashed.get(canonicalize_name(need.name), "") for need in needed}
    unmet = [str(n) for n in needed if not (pinned[n.name] and pinned[n.name] in n.specifier)]
    assert unmet == [], "run: make pins"


def test_the_hashed_file_brings_no_cuda_and_torch_as_its_cpu_build_declares_itself() -> None:
    hashed = pins(*HASHED)
    assert [name for name in hashed if name.startswith(("nvidia", "cuda", "triton"))] == []
    (torch,) = tomllib.loads(text("requirements.uv.toml"))["dependency-metadata"]
    assert (torch["name"], torch["version"]) == ("torch", hashed["torch"])
    assert set(torch["requires-dist"]) <= hashed.keys()


def test_every_pin_has_a_hash() -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", text(*HASHED))[1:]
    assert "\n-r requirements.torch.txt\n" in text("requirements.txt")
    assert len(entries) == len(pins(*HASHED))
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
