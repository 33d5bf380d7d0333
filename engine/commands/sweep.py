"""`engine sweep`: trains and measures cuts, losses and seeds, for one table and plot."""

from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from engine.checkpoint import Checkpoint, load_teacher, settings_for
from engine.commands import bars, console
from engine.commands.options import DEVICE, JSON
from engine.commands.train.progress import base_targets
from engine.datasets.squad import read_squad
from engine.errors import SourceError
from engine.sweep import report
from engine.sweep.files import digest_files, digest_network
from engine.sweep.plan import MeasuringConditions, TrainingConditions, Trial, plan_trials
from engine.sweep.run import SweepProgress, run_sweep
from engine.sweep.trial import Exam, Teaching
from engine.training.compatibility import load_base
from engine.training.distillation import parse_numbers
from engine.training.material import gather_material

SHAPES = ("1-6:7,10,12", "1-4:5,8,12", "1-9:10-12", "1-6:7,12", "1-6:7,9,11,12")


def sweep(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Training questions: SQuAD's or NQ's layout.")
    ] = None,
    teacher: Annotated[
        Path | None, typer.Option(help="Checkpoint of the undecomposed reader.")
    ] = None,
    evaluate: Annotated[
        Path | None, typer.Option(help="Questions to measure on, in SQuAD's layout.")
    ] = None,
    shape: Annotated[
        list[str] | None,
        typer.Option(
            help="The teacher's layers below the cut and above it, like 1-6:7,10,12; repeat it. "
            f"By default {' '.join(SHAPES)}."
        ),
    ] = None,
    losses: Annotated[
        str,
        typer.Option(
            help="What students learn from, separated by commas: none, kd, lrs, both, or terms "
            "joined by + with a weight each, like kd:2+lrs+cut."
        ),
    ] = "kd",
    seeds: Annotated[str, typer.Option(help="Seeds, like 0,1 or 0-4.")] = "0",
    epochs: Annotated[float, typer.Option(min=0.001, help="Passes over the questions.")] = 1.0,
    batch_size: Annotated[int, typer.Option(min=1)] = 24,
    share: Annotated[int, typer.Option(min=1, help="Questions on a window at once.")] = 3,
    learning_rate: Annotated[float, typer.Option(min=0.0)] = 2e-4,
    base: Annotated[
        str, typer.Option(help="Base encoder, whose vectors are trained towards alongside.")
    ] = "",
    vector: Annotated[
        str, typer.Option(help="The base's layers that carry a text on to its vector.")
    ] = "8,10,12",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Answer about this many questions of the file.")
    ] = None,
    timed: Annotated[int, typer.Option(min=1, help="Questions to time.")] = 30,
    passages: Annotated[int, typer.Option(min=1, help="Passages to read for each.")] = 20,
    runs: Annotated[
        Path, typer.Option(help="Folder for the trials: models, and what they need to go on.")
    ] = Path("runs/sweep"),
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for figures, table and plot.")
    ] = Path("docs/results"),
    redraw: Annotated[
        bool, typer.Option("--redraw", help="Draw table and plot again from the figures in --out.")
    ] = False,
    device: DEVICE = "auto",
    as_json: JSON = False,
) -> None:
    """Train students of every shape, loss and seed; measure quality, time, memory and room.

    After an interruption, the same command continues; finished trials aren't repeated.
    Example: engine sweep train.json --teacher teacher --evaluate dev.json --losses none,both
    """
    if redraw:
        result = report.stored(out)
    elif not files or teacher is None or evaluate is None:
        raise SourceError(
            "a sweep needs training files, --teacher DIR and --evaluate FILE; --redraw needs none"
        )
    else:
        trials = _plan(shape or list(SHAPES), losses, seeds)
        taught_by = load_teacher(teacher, device=device)
        exam = _exam(evaluate, taught_by, limit=limit, timed=timed, passages=passages)
        pace = (epochs, batch_size, share, learning_rate)
        teaching = _teaching(files, taught_by, base=base, vector=vector, runs=runs, pace=pace)
        result = _run(trials, runs, out, teaching, exam)
    drawn = report.draw(result, out)
    if len(drawn) == 1:
        console.say("no plot without matplotlib; install it with: pip install 'foreread[plot]'")
    result = {**result, "files": [str(path) for path in drawn]}
    console.show(result, as_json=as_json, human=report.markdown)


def _plan(shapes: list[str], losses: str, seeds: str) -> list[Trial]:
    named = [name.strip() for name in losses.split(",")]
    return plan_trials(shapes, named, parse_numbers(seeds, "seeds"))


def _teaching(
    files: list[Path],
    teacher: Checkpoint,
    *,
    base: str,
    vector: str,
    runs: Path,
    pace: tuple[float, int, int, float],
) -> Teaching:
    based_on = (
        load_base(base, teacher.tokenizer, teacher.hidden_width, teacher.device) if base else None
    )
    conditions = TrainingConditions(
        digest_files(files),
        teacher.fingerprint,
        digest_network(based_on) if based_on is not None else "",
        parse_numbers(vector) if based_on is not None else (),
        *pace,
    )
    settings = settings_for(teacher.reader.encoder.config)
    material = gather_material(files, teacher.tokenizer, settings)
    console.say(str(material))
    targets = None
    if based_on is not None:
        targets = base_targets(based_on, teacher.tokenizer, material.examples, runs)
    return Teaching(teacher, material, based_on, targets, conditions)


def _exam(
    evaluate: Path, teacher: Checkpoint, *, limit: int | None, timed: int, passages: int
) -> Exam:
    conditions = MeasuringConditions(
        digest_files([evaluate]),
        teacher.fingerprint,
        limit,
        timed,
        passages,
        torch.get_num_threads(),
        str(teacher.dtype).removeprefix("torch."),
    )
    return Exam(teacher, read_squad(evaluate), conditions)


def _run(
    trials: list[Trial], runs: Path, out: Path, teaching: Teaching, exam: Exam
) -> dict[str, Any]:
    def keep(result: dict[str, Any]) -> None:
        report.store(result, out)
        report.draw(result, out)

    with bars.progress_bar("sweep", None) as bar:

        def show(p: SweepProgress) -> None:
            left = "" if p.seconds_left is None else f", {console.duration(p.seconds_left)} left"
            note = f"trial {p.number} of {p.trials}, {p.name}: {p.doing}{left}"
            bar(0, note)
            if p.step % 100 == 1:
                console.say(note)

        return run_sweep(
            trials,
            runs,
            teaching,
            exam,
            on_progress=show,
            on_finished=keep,
            say=console.say,
        )
