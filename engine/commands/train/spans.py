"""What training a teacher and training a student have in common: spans, trained and told."""

from pathlib import Path
from typing import Any

from engine.checkpoint import settings_for
from engine.commands import console
from engine.commands.train.progress import base_targets, training_bar
from engine.encoder.split import SplitEncoder
from engine.errors import CheckpointError
from engine.reading.reader import Reader
from engine.text.tokenization import Tokenizer
from engine.training.material import gather_material
from engine.training.recipe import Losses, Recipe
from engine.training.run import check_out, train_to_checkpoint, work_folder


def train_spans(
    reader: Reader,
    tokenizer: Tokenizer,
    files: list[Path],
    recipe: Recipe,
    out: Path,
    *,
    teacher: Reader | None = None,
    base: SplitEncoder | None = None,
    near: float = 0.0,
    typed: float = 0.0,
    logits: Path | None = None,
    kept_only: bool = False,
    as_json: bool,
) -> None:
    """Train `reader` on the questions of `files` into `out`, and print how good it is."""
    check_out(out)
    if kept_only and logits is None:
        raise CheckpointError("--kept-only learns from what --logits holds; name its folder")
    if logits is not None:
        _check_kept(recipe.losses)
    settings = settings_for(reader.encoder.config)
    material = gather_material(files, tokenizer, settings, near=near, typed=typed)
    console.say(str(material))
    targets = base_targets(base, tokenizer, material.examples, work_folder(out)) if base else None
    with training_bar() as show:
        quality = train_to_checkpoint(
            reader,
            tokenizer,
            material,
            recipe,
            out,
            teacher=teacher,
            base=targets,
            logits=logits,
            kept_only=kept_only,
            on_progress=show,
            say=console.say,
        )
    console.show({"model": str(out), **quality}, as_json=as_json, human=_text)


def _check_kept(losses: Losses) -> None:
    """Raises: CheckpointError if nothing learns from kept logits alone."""
    if losses.states or losses.passages or not losses.soft:
        raise CheckpointError(
            "--logits keeps what 'kd' learns from: give --losses with kd, and not lrs or cut"
        )


def _text(result: dict[str, Any]) -> str:
    if not result["questions"]:
        return f"{result['model']}: trained; no question was held back to measure it on"
    return (
        f"{result['model']}: EM {result['em']:.1f}, F1 {result['f1']:.1f} on "
        f"{result['questions']:.0f} questions held back"
    )
