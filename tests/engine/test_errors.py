"""Each situation has a class, a code and a row in the guide."""

import errno
import inspect
import re
from pathlib import Path

import pytest

from engine import errors
from engine.errors import DiskFullError, ForereadError, IndexAccessError, access_error

ROOT = Path(__file__).parents[2]
CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, ForereadError)
}


def test_the_tree_shows_each_class_under_its_parent() -> None:
    branch: list[str] = []
    drawn = {}
    for line in (errors.__doc__ or "").splitlines():
        if named := re.match(r"([│├└─ ]*)(\w+Error)\b", line):
            depth = len(named[1]) // 4
            branch[depth:] = [named[2]]
            drawn[named[2]] = branch[depth - 1] if depth else "Exception"
    assert drawn == {name: kind.mro()[1].__name__ for name, kind in CLASSES.items()}


def test_the_guide_lists_each_code_with_its_exit_code_and_a_next_step() -> None:
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    section = guide.split("\n## Errors\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d) \| [^|]{9,} \| [^|]{9,} \|$", section, re.MULTILINE)
    codes = [(kind.code, str(kind.exit_code)) for kind in CLASSES.values()]
    assert sorted(rows) == sorted(codes)
    assert len({code for code, _ in codes}) == len(CLASSES)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, DiskFullError),
        (errno.EDQUOT, DiskFullError),
        (errno.EACCES, IndexAccessError),
        (errno.EIO, IndexAccessError),
    ],
)
def test_a_full_disk_is_told_from_other_refusals(number: int, kind: type[IndexAccessError]) -> None:
    assert type(access_error(OSError(number, "as the system says"), "no")) is kind
