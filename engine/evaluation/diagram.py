"""A reliability diagram: how often answers of a confidence are right."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def draw_reliability(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write the `rows` of `reliability` as a picture, in SVG.

    A bar for each bin is as high as the share of its answers that are right; a point stands at
    their mean confidence, on the line if it means what it says. Numbers are those of answers.
    Raises: OSError if it can't be written.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    # No date and no random ids, so that the same figures give the same file.
    with rc_context({"svg.hashsalt": "reliability", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(4.2, 4.2), layout="constrained")
        panel = figure.subplots()
        starts, right = [row["from"] for row in rows], [row["right"] for row in rows]
        widths = [row["to"] - row["from"] for row in rows]
        panel.bar(starts, right, widths, align="edge", color="C0", alpha=0.35, edgecolor="white")
        panel.plot([0, 1], [0, 1], color="0.5", linestyle="--")
        panel.plot([row["confidence"] for row in rows], right, "o", color="C0")
        for row in rows:
            middle = (row["from"] + row["to"]) / 2
            panel.text(middle, 0.03, str(row["answers"]), ha="center", color="0.3")
        panel.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="confidence", ylabel="share that is right")
        figure.savefig(path, format="svg", metadata={"Date": None})
