"""The pins: one version of each package, with hashes in the file that is installed strictly."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    found = PIN.findall((ROOT / name).read_text(encoding="utf-8"))
    return {re.sub(r"[-_.]+", "-", package).lower(): version for package, version in found}


def test_both_files_pin_the_same_versions_torch_among_them() -> None:
    constraints, hashed = pins("constraints.txt"), pins("requirements.txt")
    assert constraints["torch"] == hashed["torch"]
    both = constraints.keys() & hashed.keys()
    assert {name: hashed[name] for name in both} == {name: constraints[name] for name in both}


def test_every_pin_has_a_hash() -> None:
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z0-9])", text.split("\n", 3)[3])
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
