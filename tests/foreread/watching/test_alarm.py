"""The alarm rings for changes, and neither for what is read nor for an index's own files."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from foreread.watching.alarm import Alarm

LONG, SHORT = 60.0, 0.5


@pytest.fixture
def alarm(tmp_path: Path) -> Iterator[Alarm]:
    made = Alarm([str(tmp_path / "notes" / "own.idx")])
    (tmp_path / "notes" / "own.idx").mkdir(parents=True)
    (tmp_path / "notes" / "a.md").write_text("one")
    made.follow({str(tmp_path / "notes"): True})
    made.wait(LONG)  # it rings once for what came before it was there
    yield made
    made.close()


def test_it_rings_for_each_kind_of_change_and_for_a_burst_once(
    alarm: Alarm, tmp_path: Path
) -> None:
    folder = tmp_path / "notes"
    (folder / "a.md").write_text("two")
    assert alarm.wait(LONG)
    (folder / "deep" / "er").mkdir(parents=True)
    assert alarm.wait(LONG)
    (folder / "a.md").rename(folder / "deep" / "b.md")
    assert alarm.wait(LONG)
    (folder / "deep" / "b.md").unlink()
    assert alarm.wait(LONG)
    for number in range(1000):
        (folder / "deep" / f"{number}.md").write_text("three")
    assert alarm.wait(LONG)
    assert not alarm.wait(SHORT)


def test_it_keeps_quiet_for_reading_and_for_what_is_hidden_or_its_own(
    alarm: Alarm, tmp_path: Path
) -> None:
    folder = tmp_path / "notes"
    (folder / "a.md").read_text()
    (folder / ".draft.md").write_text("two")
    (folder / "own.idx" / "watched.json").write_text("{}")
    (folder / "own.idx.building").mkdir()
    assert not alarm.wait(SHORT)
    (folder / ".draft.md").rename(folder / "draft.md")
    assert alarm.wait(LONG)


def test_a_folder_that_another_took_the_place_of_is_followed_anew(
    alarm: Alarm, tmp_path: Path
) -> None:
    folder = tmp_path / "notes"
    shutil.rmtree(folder)
    alarm.wait(LONG)
    alarm.follow({str(folder): True})  # it isn't there
    folder.mkdir()
    alarm.follow({str(folder): True})
    assert alarm.wait(LONG)
    (folder / "b.md").write_text("two")
    assert alarm.wait(LONG)


def test_it_hears_the_neighbours_of_what_is_followed_alone_and_nothing_below_them(
    tmp_path: Path,
) -> None:
    (tmp_path / "deep").mkdir()
    alarm = Alarm([])
    alarm.follow({str(tmp_path): False})
    assert alarm.wait(LONG)
    (tmp_path / "deep" / "a.md").write_text("one")
    assert not alarm.wait(SHORT)
    (tmp_path / "b.md").write_text("one")
    assert alarm.wait(LONG)
    alarm.close()


REFUSED = """
import sys
from pathlib import Path
from foreread.watching.alarm import Alarm
Path("/proc/sys/user/max_inotify_watches").write_text("0")
alarm = Alarm([])
alarm.follow({sys.argv[1]: True})
print(alarm.refused[sys.argv[1]])
print(alarm.wait(0.1))
alarm.close()
"""


def test_a_folder_that_the_system_does_not_follow_is_told_with_its_reason(tmp_path: Path) -> None:
    command = ["unshare", "--user", "--map-root-user", sys.executable, "-c", REFUSED, str(tmp_path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        pytest.skip("there is no unshare to lower the system's limit with")
    if "Permission denied" in done.stderr or "unshare" in done.stderr:
        pytest.skip("this system lets no user lower its limit")
    assert done.stdout.splitlines() == ["inotify watch limit reached", "False"], done.stderr
