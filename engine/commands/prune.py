"""`engine prune`: a checkpoint with fewer heads and feed-forward units above its cut."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Annotated, Any

import torch
import typer

from engine.checkpoint import Checkpoint, load_checkpoint, save_checkpoint, settings_for
from engine.commands import console
from engine.commands.options import DEVICE, JSON
from engine.devices import best_dtype
from engine.errors import CheckpointError
from engine.pruning.choice import STEP, most_important, within_time
from engine.pruning.fast import SELECTIONS, FastPruning, prune_fast
from engine.pruning.hard_concrete import HALF, Open
from engine.pruning.importance import LayerImportance
from engine.pruning.latency import measure_layers
from engine.pruning.surgery import Kept
from engine.training.distillation import parse_numbers
from engine.training.material import gather_material
from engine.training.run import check_out

PASSAGES, PIECES = 20, 128
"""What `--target-ms` is a time for: a question's passages, and each pair's wordpieces."""


def prune(
    model: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="The checkpoint to prune.")],
    files: Annotated[
        list[Path], typer.Argument(help="Questions that tell what matters: SQuAD's or NQ's layout.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="A new folder for the checkpoint.")],
    keep_heads: Annotated[
        str, typer.Option(help="Heads of each layer that stay: one number, or one a layer: 4,4,6.")
    ] = "",
    keep_inner: Annotated[
        str, typer.Option(help="Feed-forward units of each layer that stay, likewise.")
    ] = "",
    target_ms: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            help=f"Or: the time that the layers may take on {PASSAGES} passages of {PIECES} "
            "wordpieces, as measured here.",
        ),
    ] = None,
    select: Annotated[
        str, typer.Option(help=f"By what they are chosen: {', '.join(SELECTIONS)}.")
    ] = "fisher",
    questions: Annotated[int, typer.Option(min=1, help="Questions to measure on.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of everything drawn.")] = 0,
    device: DEVICE = "auto",
    as_json: JSON = False,
) -> None:
    """Remove the heads and feed-forward units above the cut that matter least, without training.

    It takes minutes. Train on with: engine train split --start OUT.
    Example: engine prune reader train.json --keep-heads 4 --keep-inner 640 --out pruned
    """
    if (target_ms is None) == (not keep_heads and not keep_inner):
        raise CheckpointError("give either --keep-heads and --keep-inner, or --target-ms")
    if select not in SELECTIONS:
        raise CheckpointError(f"--select is {', '.join(SELECTIONS)}, not {select!r}")
    heads, units = (
        parse_numbers(text, of) if text else None
        for text, of in ((keep_heads, "heads"), (keep_inner, "units"))
    )
    check_out(out)
    begun = load_checkpoint(model, dtype=torch.float32, device=device)
    material = gather_material(files, begun.tokenizer, settings_for(begun.reader.encoder.config))
    choose = _chooser(begun, heads, units, target_ms)
    console.say(f"measuring what matters on {questions} questions")
    how = FastPruning("upper", choose, select, questions, _share(begun, heads, units), seed)
    smaller = prune_fast(begun.reader, begun.tokenizer, material.examples, how)
    training = {**begun.settings.training, "pruned": {"select": select, "seed": seed}}
    settings = replace(begun.settings, training=training)
    save_checkpoint(smaller, begun.tokenizer, settings, out, begun.codec_tensors)
    shapes = smaller.encoder.config.layer_shapes("upper")
    result = {
        "model": str(out),
        "heads": [shape.n_heads for shape in shapes],
        "inner": [shape.inner_width for shape in shapes],
    }
    console.show(result, as_json=as_json, human=_text)


def _chooser(
    begun: Checkpoint,
    heads: Sequence[int] | None,
    units: Sequence[int] | None,
    target_ms: float | None,
) -> Callable[[Sequence[LayerImportance]], list[Kept]]:
    if target_ms is None:
        return lambda measured: most_important(measured, heads=heads, units=units)
    config = begun.reader.encoder.config
    console.say("measuring what each shape takes")
    times = measure_layers(
        config,
        config.layer_shapes("upper")[0],
        lengths=[PIECES] * PASSAGES,
        step=STEP,
        dtype=best_dtype(begun.reader.device),
        device=begun.reader.device,
    )
    return lambda measured: within_time(measured, times, target_ms)


def _share(begun: Checkpoint, heads: Sequence[int] | None, units: Sequence[int] | None) -> Open:
    """What share of the heads and units stays: half of both where a time says how many."""
    if heads is None and units is None:
        return HALF
    shapes = begun.reader.encoder.config.layer_shapes("upper")
    return Open(
        1.0 if heads is None else mean(heads) / mean(shape.n_heads for shape in shapes),
        1.0 if units is None else mean(units) / mean(shape.inner_width for shape in shapes),
    )


def _text(result: dict[str, Any]) -> str:
    shapes = ", ".join(
        f"{heads} heads and {units} units"
        for heads, units in zip(result["heads"], result["inner"], strict=True)
    )
    return f"{result['model']}: layers above the cut have {shapes}. Train it on with --start."
