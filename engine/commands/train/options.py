"""Options that several trainings have, with one name, one meaning and one line of help each."""

from pathlib import Path
from typing import Annotated

import typer

from engine.text.alterations import ALTERATIONS

FILES = Annotated[list[Path], typer.Argument(help="Training questions: SQuAD's or NQ's layout.")]
MIXED_FILES = Annotated[
    list[Path] | None, typer.Argument(help="Training questions: SQuAD's or NQ's layout.")
]
MIX = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE:WEIGHT",
        help="Read a file so many times an epoch; 0.5 is half of it, drawn anew each time.",
    ),
]
LAST = Annotated[list[Path] | None, typer.Option(help="A file that the run ends on.")]
LAST_SHARE = Annotated[
    float,
    typer.Option(min=0.0, max=1.0, help="With --last: share of the steps that reads it alone."),
]
AVERAGE = Annotated[
    float,
    typer.Option(min=0.0, max=1.0, help="Share of the last steps whose weights are averaged."),
]
FREEZE = Annotated[
    int, typer.Option(min=0, help="Lowest layers that stay as they are, with the embeddings.")
]
LOSSES = Annotated[
    str,
    typer.Option(
        help="What is learned from: none, kd, lrs, both, or terms joined by + with a weight each, "
        "like ce:1+kd:2+lrs+cut."
    ),
]
LOGITS = Annotated[
    Path | None,
    typer.Option(help="With kd alone: folder that keeps the teacher's logits for later runs."),
]
KEPT_ONLY = Annotated[
    bool,
    typer.Option(
        "--kept-only",
        help="Learn from the teacher what --logits holds already; other questions teach by their "
        "answers alone.",
    ),
]
CASCADE = Annotated[
    str,
    typer.Option(
        help="Layers above the cut that read every passage, and how many passages the others "
        "read, like 2:5; a head learns which."
    ),
]
BLOCKS = Annotated[
    str,
    typer.Option(
        help="Layers above the cut, from 1, after which heads learn to drop blocks (Block-Skim), "
        "like 1-11."
    ),
]
NEAR = Annotated[
    float,
    typer.Option(
        min=0.0,
        max=1.0,
        help="Share of the answered questions that get a near miss beside them: another number, "
        "name or qualifier, or another passage, so that there is no answer.",
    ),
]
TYPED = Annotated[
    float,
    typer.Option(
        min=0.0,
        max=1.0,
        help=f"Share of the questions put as some people type them: {', '.join(ALTERATIONS)}.",
    ),
]
OUT = Annotated[Path, typer.Option("--out", "-o", help="Folder for the checkpoint.")]
EPOCHS = Annotated[float, typer.Option(min=0.01, help="Passes over the questions.")]
BATCH = Annotated[int, typer.Option(min=1)]
RATE = Annotated[float, typer.Option(min=0.0)]
DROPOUT = Annotated[
    float, typer.Option(min=0.0, max=0.9, help="Share of what layers add that is dropped.")
]
SEED = Annotated[int, typer.Option(help="Seed of everything drawn.")]
BASE = Annotated[
    str, typer.Option(help="Base encoder: a folder or hub name that transformers loads.")
]
MODEL = Annotated[
    Path, typer.Option("--model", help="Checkpoint to start from, with or without a cut.")
]
TEACHER = Annotated[
    Path | None,
    typer.Option(help="Undecomposed checkpoint with the same head, to be distilled from."),
]
SPANS = Annotated[
    list[Path] | None,
    typer.Option(help="Span questions to train on alongside, in SQuAD's or NQ's layout."),
]
SPANS_BASE = Annotated[
    str, typer.Option(help="With --spans: base encoder, whose vectors are trained towards.")
]
SOFT = Annotated[float, typer.Option(min=0.0, help="Weight of the teacher's judgements.")]
STATES = Annotated[float, typer.Option(min=0.0, help="Weight of its states.")]
