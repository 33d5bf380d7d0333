"""The long form of the faults: `python -m tests.faults kills 1000`."""

import argparse
import json
import logging
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from .damage import DamageReport, cut_short, flip_anywhere, flip_in_record, run_damage
from .full_disk import FullDiskReport, run_full_disk
from .kills import KillReport, run_kills
from .malformed import MalformedReport, run_malformed
from .readers import ReadersReport, run_readers
from .upkeep import UpkeepReport, run_upkeep

Report = KillReport | DamageReport | FullDiskReport | ReadersReport | MalformedReport | UpkeepReport

FAULTS: dict[str, Callable[[Path, int, int], Report]] = {
    "kills": run_kills,
    "record-flips": lambda folder, count, seed: run_damage(folder, flip_in_record, count, seed),
    "file-flips": lambda folder, count, seed: run_damage(folder, flip_anywhere, count, seed),
    "full-disk": run_full_disk,
    "maintenance-kills": run_upkeep,
    "malformed": run_malformed,
    "readers": lambda folder, count, seed: run_readers(folder, 16, count, seed),
    "truncations": lambda folder, count, seed: run_damage(folder, cut_short, count, seed),
}


def main() -> int:
    """Run one kind of faults and print what came of it as JSON; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("kind", choices=FAULTS)
    parser.add_argument("count", type=int, help="how many times; for readers, seconds")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)  # indexes that heal themselves say so
    with tempfile.TemporaryDirectory() as folder:
        report = FAULTS[chosen.kind](Path(folder), chosen.count, chosen.seed)
    print(json.dumps(report.to_dict(), indent=2))
    return 0 if report.sound else 1


if __name__ == "__main__":
    sys.exit(main())
