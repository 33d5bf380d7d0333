"""Memory that reading takes, measured in its own process: `python -m engine.evaluation.memory`.

Two figures, since others count differently:

- `peak_mib`: how far the process grows (`VmHWM`) above its size with the model loaded.
- `requested_mib`: the bytes that all operations of the pass ask for, summed, freed or not. The
  DeFormer paper reports this (`total_requested_bytes` of its framework's profiler). What a kernel
  asks for internally isn't counted.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from engine.allocator import give_back_freed_memory, keep_freed_memory
from engine.checkpoint import Checkpoint, load_checkpoint
from engine.encoder.selection import reselect
from engine.errors import ForereadError
from engine.evaluation.costs import Load, read_load
from engine.own_process import command, environment
from engine.reading.skipping import skipping_from_dict, skipping_to_dict
from engine.reading.upper import Skipping

_MIB = 2**20


@dataclass(frozen=True)
class Memory:
    """In MiB; `process_mib` is the peak of the whole process, with torch and the loaded model."""

    peak_mib: float
    requested_mib: float
    process_mib: float


def measure_memory(
    model: Path,
    load: Load,
    *,
    cached: bool,
    skipping: Skipping,
    threads: int | None = None,
    layers: tuple[tuple[int, ...], tuple[int, ...]] | None = None,
) -> Memory:
    """What reading `load` takes, measured in its own process.

    With `cached`, the passages' states are random and of the right size, so that no lower layer
    runs over passages. `layers` (lower, upper) selects layers first: costs are right, answers not.
    Raises: ForereadError if the process fails.
    """
    job = {
        "model": str(model),
        "questions": [ids.tolist() for ids in load.questions],
        "passages": [ids.tolist() for ids in load.passages],
        "pairs": load.pairs,
        "cached": cached,
        "skipping": skipping_to_dict(skipping),
        "threads": threads or torch.get_num_threads(),
        "layers": layers,
    }
    done = subprocess.run(
        command("engine.evaluation.memory"),
        env=environment(),
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise ForereadError(f"measuring memory failed in its process: {last}")
    return Memory(**json.loads(done.stdout))


def reshaped(checkpoint: Checkpoint, lower: tuple[int, ...], upper: tuple[int, ...]) -> Checkpoint:
    """The checkpoint with other layers kept, untrained: right for costs, wrong for answers."""
    encoder = reselect(checkpoint.reader.encoder, lower=lower, upper=upper).to(checkpoint.dtype)
    reader = checkpoint.reader.with_encoder(encoder).to(checkpoint.dtype)
    return replace(checkpoint, reader=reader.eval().requires_grad_(False))


class Requested(TorchDispatchMode):
    """Sums the bytes of each operation's outputs that aren't views of its inputs."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        done = func(*args, **(kwargs or {}))
        given = {_storage(leaf) for leaf in tree_leaves((args, kwargs or {}))}
        new = {_storage(leaf): leaf for leaf in tree_leaves(done)}
        for place, leaf in new.items():
            if place is not None and place not in given:
                self.bytes += leaf.untyped_storage().nbytes()
        return done


def _storage(leaf: object) -> int | None:
    """Where a tensor's memory begins; None for anything else, and for a tensor of nothing."""
    if not isinstance(leaf, torch.Tensor):
        return None
    return leaf.untyped_storage().data_ptr() or None


def _measure(job: dict[str, Any]) -> Memory:
    torch.set_num_threads(job["threads"])
    # What the system counts of a process is the processor's memory, not a GPU's.
    checkpoint = load_checkpoint(Path(job["model"]), device="cpu")
    if job["layers"]:
        lower, upper = job["layers"]
        checkpoint = reshaped(checkpoint, tuple(lower), tuple(upper))
    questions, passages = (
        [np.array(ids, np.int32) for ids in job[k]] for k in ("questions", "passages")
    )
    load = Load(questions, passages, [(a, b) for a, b in job["pairs"]])
    small = Load(questions[:1], passages[:1], [(0, 0)])
    stored = _made_up(checkpoint, passages) if job["cached"] else None
    skipping = skipping_from_dict(job["skipping"])
    for given in (small, small):  # the first call sets up threads and kernels
        read_load(checkpoint, given, skipping=skipping, stored=stored and stored[:1])
    give_back_freed_memory()  # else what loading the model freed would be used again unseen
    before = _reset_peak()
    read_load(checkpoint, load, skipping=skipping, stored=stored)
    after = _status("VmHWM")
    with Requested() as requested:
        read_load(checkpoint, load, skipping=skipping, stored=stored)
    return Memory((after - before) / _MIB, requested.bytes / _MIB, after / _MIB)


def _made_up(checkpoint: Checkpoint, passages: list[Any]) -> list[bytes]:
    codec, width = checkpoint.codec, checkpoint.hidden_width
    return [codec.encode(torch.randn(len(ids) + 1, width)) for ids in passages]


def _reset_peak() -> int:
    """What the process holds now, in bytes, from where its peak is counted anew."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return 1024 * int(line.split()[1])
    raise ForereadError(f"this system doesn't tell a process's {name}; Linux does")


def main() -> None:
    keep_freed_memory()
    print(json.dumps(asdict(_measure(json.load(sys.stdin)))))


if __name__ == "__main__":
    main()
