"""The faults in their short form; the long one is `python -m tests.faults`.

In a process of their own each: they fork, which pytest's process, with threads in it, can't.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def run(kind: str, count: int) -> dict[str, Any]:
    """The report of a kind of faults, which has to be sound."""
    command = [sys.executable, "-m", "tests.faults", kind, str(count)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_a_writer_killed_at_random_points_loses_nothing_that_it_had_committed() -> None:
    report = run("kills", 10)
    assert report["kills"] == 10
    assert report["operations"] >= 5
    assert (report["lost"], report["unopened"], report["disagreements"]) == (0, 0, 0)


def test_maintenance_killed_at_random_points_leaves_what_was_committed() -> None:
    report = run("maintenance-kills", 5)
    assert report["kills"] == 5
    assert sorted(report["by_kind"]) == ["compact", "export", "import", "migrate", "repair"]
    assert (report["lost"], report["unopened"]) == (0, 0)
    assert (report["disagreements"], report["unfinished"]) == (0, 0)


def test_a_flipped_bit_in_a_record_is_found_and_never_answered() -> None:
    report = run("record-flips", 25)
    assert report["found"] == report["damages"] == 25
    assert (report["answered"], report["harmless"], report["crashed"]) == (0, 0, 0)
    assert len(report["by_part"]) >= 4


def test_a_flipped_bit_in_any_file_is_found_or_harmless() -> None:
    report = run("file-flips", 15)
    assert (report["answered"], report["unseen"]) == (0, 0)
    assert report["found"] > 0


def test_a_file_cut_short_is_found_or_harmless() -> None:
    report = run("truncations", 15)
    assert (report["answered"], report["unseen"]) == (0, 0)
    assert report["found"] > 0


def test_a_full_disk_is_said_and_what_was_committed_stays() -> None:
    report = run("full-disk", 4)
    assert report["refused"] > 0
    assert (report["lost"], report["unopened"], report["unnamed"]) == (0, 0, 0)


def test_readers_see_one_generation_in_each_question_and_move_on() -> None:
    report = run("readers", 3)
    assert report["questions"] > 0
    assert report["generations"] >= 2
    assert (report["torn"], report["errors"], report["stale"]) == (0, 0, 0)


def test_each_malformed_file_is_accepted_or_named_with_a_reason() -> None:
    report = run("malformed", 74)
    assert len(report["by_kind"]) == 74
    assert report["accepted"] + report["named"] == report["files"] >= 74
    assert (report["crashed"], report["hung"], report["wrong"]) == (0, 0, 0)
    assert report["disagreements"] == 0
    assert report["accepted"] > 0
    assert report["named"] > 0
    assert report["over_limit"] > 0
