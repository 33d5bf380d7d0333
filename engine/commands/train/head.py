"""What `engine train boolean` and `engine train choice` have in common."""

from pathlib import Path
from typing import Any

import torch

from engine.checkpoint import Checkpoint, load_checkpoint, load_teacher
from engine.commands import console
from engine.commands.train.progress import base_targets, training_bar
from engine.errors import CheckpointError
from engine.reading.reader import Reader
from engine.training.compatibility import check_pieces, load_base
from engine.training.judging_run import JudgingMaterial, train_judging
from engine.training.material import gather_material
from engine.training.recipe import Recipe
from engine.training.run import check_out, work_folder


def begin(
    model: Path, teacher: Path | None, out: Path, spans: list[Path] | None, base: str, device: str
) -> tuple[Checkpoint, Reader | None]:
    """The model to train, in fp32, and the teacher's reader if there is one.

    Raises: CheckpointError if options contradict each other, or a checkpoint doesn't fit.
    """
    if base and not spans:
        raise CheckpointError(
            "--base is for vectors beside spans; give --spans too, or leave it out"
        )
    check_out(out)
    checkpoint = load_checkpoint(model, dtype=torch.float32, device=device)
    if teacher is None:
        return checkpoint, None
    taught_by = load_teacher(teacher, device=device)
    check_pieces(checkpoint.tokenizer, taught_by.tokenizer, teacher)
    return checkpoint, taught_by.reader


def train_head(
    checkpoint: Checkpoint,
    judging: JudgingMaterial,
    recipe: Recipe,
    out: Path,
    *,
    teacher: Reader | None,
    spans: list[Path] | None,
    base: str,
    as_json: bool,
) -> None:
    """Train the head beside the span questions of `spans` into `out`, and print how good it is."""
    questions, tokenizer = judging.questions, checkpoint.tokenizer
    console.say(f"{len(questions.examples)} questions on {len(questions.windows)} passages")
    material, targets = None, None
    if spans:
        material = gather_material(spans, tokenizer, checkpoint.settings)
        if base:
            encoder = load_base(base, tokenizer, checkpoint.hidden_width, checkpoint.device)
            targets = base_targets(encoder, tokenizer, material.examples, work_folder(out))
    with training_bar() as show:
        quality = train_judging(
            checkpoint,
            judging,
            recipe,
            out,
            teacher=teacher,
            spans=material,
            base=targets,
            on_progress=show,
            say=console.say,
        )
    console.show({"model": str(out), **quality}, as_json=as_json, human=_text)


def _text(result: dict[str, Any]) -> str:
    if result["questions"]:
        told = (
            f"{result['model']}: {result['accuracy']:.1f} % of {result['questions']} questions "
            "held back judged right; always saying the commonest answer, "
            f"{result['majority']:.1f} %"
        )
    else:
        told = f"{result['model']}: trained; no question was held back to measure it on"
    if spans := result.get("spans"):
        measured = f"F1 {spans['f1']:.1f}" if spans["questions"] else "none"
        return f"{told}; spans held back, {measured}"
    return f"{told}. Its spans have changed too: give --spans to keep them, or engine calibrate it"
