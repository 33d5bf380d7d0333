"""Progress on stderr: the time left, and lines where no terminal shows a bar."""

import time

import pytest

from engine.commands import bars
from engine.commands.bars import Progressing, TimeLeft


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def seen(*moments: tuple[float, int]) -> TimeLeft:
    clock = Clock()
    left = TimeLeft(clock)
    for clock.now, done in moments:
        left.saw(done)
    return left


def test_the_time_left_goes_by_the_rate_so_far() -> None:
    assert seen((0, 0), (10, 100)).seconds(400) == pytest.approx(30)


def test_what_a_resumed_work_finds_done_is_not_its_rate() -> None:
    """900 of 1000 were there; since then 10 a second, so that the last 50 take 5 s."""
    left = seen((0, 0), (1, 900), (2, 910), (4, 930), (6, 950))
    assert left.seconds(1000) == pytest.approx(5)


def test_the_time_left_of_work_in_bursts_is_that_of_their_mean() -> None:
    """100 at once each 10 s: at 60 s 600 are done, and 1,400 take 140 s."""
    moments = [(float(10 * n), 100 * n) for n in range(7)]
    assert seen(*moments).seconds(2000) == pytest.approx(140)


def test_a_work_that_has_not_moved_has_no_time_left_yet() -> None:
    assert seen((0, 0)).seconds(10) is None
    assert seen((0, 0), (5, 0)).seconds(10) is None


def test_progress_is_told_as_a_share_a_note_and_the_time_left() -> None:
    clock = Clock()
    progress = Progressing("indexing", 1, left=TimeLeft(clock))
    progress.update(0, 1000, "0 documents")
    clock.now = 60
    progress.update(250, 1000, "12 documents")
    assert progress.text() == "25 %, 12 documents, 3 min left"


def test_where_no_terminal_shows_a_bar_lines_tell_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bars, "SECONDS_BETWEEN_LINES", 0.02)
    with bars.share_bar("indexing") as bar:
        bar(30, 60, "3 documents")
        time.sleep(0.2)
    assert capsys.readouterr().err.splitlines()[0] == "indexing: 50 %, 3 documents"


def test_work_that_ends_before_its_first_line_prints_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with bars.progress_bar("asking", 10) as bar:
        bar(10)
    assert capsys.readouterr().err == ""
