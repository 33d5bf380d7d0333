"""A sweep's figures as a table and a plot, drawn only from what is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from engine.errors import SourceError
from engine.sweep.files import read_json, write_json

FIGURES, TABLE, PLOT = "sweep.json", "sweep.md", "sweep.svg"
MARKERS = "osD^vP*X"


@dataclass(frozen=True)
class Group:
    """Trials that differ only in their seed."""

    shape: str
    losses: str
    trials: list[Mapping[str, Any]]

    def has(self, name: str) -> bool:
        return all(trial[name] is not None for trial in self.trials)

    def mean(self, name: str) -> float:
        return mean(float(trial[name]) for trial in self.trials)

    def spread(self, name: str) -> tuple[float, float]:
        values = [float(trial[name]) for trial in self.trials]
        return min(values), max(values)


def store(result: Mapping[str, Any], folder: Path) -> None:
    """Keep a sweep's figures in `folder`, to be drawn now and again."""
    write_json(folder / FIGURES, dict(result))


def stored(folder: Path) -> dict[str, Any]:
    """The figures stored in a folder. Raises: SourceError if there are none."""
    found = read_json(folder / FIGURES)
    if found is None:
        raise SourceError(f"{folder} has no {FIGURES}; make it with: engine sweep")
    if not {"trials", "teacher", "training", "measuring"} <= found.keys():
        raise SourceError(f"{folder / FIGURES} isn't a sweep's; remove it and run: engine sweep")
    return found


def draw(result: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write the table, and the plot if matplotlib is installed. Returns the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / TABLE
    table.write_text(markdown(result), encoding="utf-8")
    return [table, folder / PLOT] if plot(result, folder / PLOT) else [table]


def groups(result: Mapping[str, Any]) -> list[Group]:
    """In the order of the plan."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for trial in result["trials"]:
        found.setdefault((trial["shape"], trial["losses"]), []).append(trial)
    return [Group(shape, losses, trials) for (shape, losses), trials in found.items()]


def markdown(result: Mapping[str, Any]) -> str:
    """The table, under a line that says how it was measured."""
    teacher, training, measuring = result["teacher"], result["training"], result["measuring"]
    seeds = sorted({trial["seed"] for trial in result["trials"]})
    lines = [
        "# Sweep",
        "",
        f"On {result['date']}: {training['epochs']:g} epochs, batches of {training['batch_size']}, "
        f"seeds {', '.join(map(str, seeds))}; F1 and EM on {teacher['questions']:.0f} questions, "
        f"the lowest and highest seed in brackets; time is the median of "
        f"{measuring['timed']} questions against {measuring['passages']} passages each, "
        f"{measuring['threads']} threads, {measuring['dtype']}, in turn with the teacher.",
        "",
    ]
    head = (
        "shape",
        "losses",
        "F1",
        "below teacher",
        "EM",
        "held back F1",
        "cached, ms",
        "times faster",
        "memory, MiB",
        "asked for, MiB",
        "bytes a token",
        "build, pieces/s",
        "training, min",
    )
    own = {"F1": "f1", "EM": "em", "memory, MiB": "peak_mib", "asked for, MiB": "requested_mib"}
    first = ("teacher", *(_number(teacher[own[n]]) if n in own else "" for n in head[1:]))
    rows = [first, *(_row(group, teacher) for group in groups(result))]
    for cells in (head, ("---",) * len(head), *rows):
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        "Memory is what reading takes at its peak above the loaded model, in a process of its own; "
        "*asked for* is the sum of what its operations ask for, which the DeFormer paper counts. "
        "In brackets: how far that is from the teacher's, its last layer skimmed alike.",
    ]
    return "\n".join(lines) + "\n"


def plot(result: Mapping[str, Any], path: Path) -> bool:
    """F1 over speed and over memory, with a mark for each shape and loss.

    A bar spans from the lowest seed to the highest. Returns False without matplotlib.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        return False
    shapes = list(dict.fromkeys(group.shape for group in groups(result)))
    losses = list(dict.fromkeys(group.losses for group in groups(result)))
    # No date and no random ids, so that the same figures give the same file.
    with rc_context({"svg.hashsalt": "sweep", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(10, 4.2), layout="constrained")
        panels = figure.subplots(1, 2, sharey=True)
        for panel, (name, label) in zip(
            panels,
            (
                ("times_faster", "times faster than the teacher, states cached"),
                ("peak_mib", "memory of reading, MiB"),
            ),
            strict=True,
        ):
            for group in groups(result):
                f1 = group.mean("f1")
                low, high = group.spread("f1")
                panel.errorbar(
                    group.mean(name),
                    f1,
                    yerr=[[f1 - low], [high - f1]],
                    marker=MARKERS[shapes.index(group.shape) % len(MARKERS)],
                    color=f"C{losses.index(group.losses) % 10}",
                    linestyle="",
                    capsize=3,
                    label=f"{group.shape}, {group.losses}",
                )
            panel.axhline(result["teacher"]["f1"], color="0.5", linestyle="--", label="teacher")
            panel.set_xlabel(label)
            panel.grid(color="0.9")
        panels[0].set_ylabel("F1")
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside right upper", frameon=False)
        figure.savefig(path, metadata={"Date": None})
    return True


def _row(group: Group, teacher: Mapping[str, Any]) -> Sequence[str]:
    f1 = _number(group.mean("f1"))
    if len(group.trials) > 1:
        f1 += " ({:.1f} to {:.1f})".format(*group.spread("f1"))

    def beside(name: str) -> str:
        own = group.mean(name)
        change = f"{100 * (own / group.mean('teacher_' + name) - 1):+.0f} %".replace("-", "−")
        return f"{_number(own)} ({change})"

    return (
        group.shape,
        group.losses,
        f1,
        _number(teacher["f1"] - group.mean("f1")),
        _number(group.mean("em")),
        _number(group.mean("held_back_f1")) if group.has("held_back_f1") else "",
        _number(group.mean("cached_ms")),
        f"{group.mean('times_faster'):.2f}",
        beside("peak_mib"),
        beside("requested_mib"),
        f"{group.mean('bytes_per_token'):.0f}",
        f"{group.mean('build_pieces_per_s'):.0f}",
        f"{group.mean('training_s') / 60:.0f}",
    )


def _number(value: float) -> str:
    return f"{value:.1f}"
