"""`engine train average`: the mean of checkpoints that were trained on from the same one."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from engine.checkpoint import load_checkpoint
from engine.checkpoint_conversion import unfitted
from engine.commands import bars, console
from engine.commands.options import DEVICE, JSON
from engine.commands.train.options import OUT
from engine.datasets.squad import take_questions
from engine.evaluation.reading import predict, score
from engine.reading.reader import Reader
from engine.training.averaging import average_readers
from engine.training.material import split_paragraphs
from engine.training.run import check_out, reading_whole, save_trained
from engine.training.skimming import choices_of

MEASURED_QUESTIONS = 500


def average(
    checkpoints: Annotated[
        list[Path], typer.Argument(help="Two or more, trained on from the same one.")
    ],
    out: OUT,
    questions: Annotated[
        list[Path] | None,
        typer.Option(
            help="Files that they were trained on: questions held back of them measure each and "
            "the mean, and how far its last layer may be skimmed."
        ),
    ] = None,
    device: DEVICE = "auto",
    as_json: JSON = False,
) -> None:
    """Average the weights of checkpoints, each as much as the others.

    Example: engine train average model mine --questions train.json --out both
    """
    loaded = [load_checkpoint(folder, dtype=torch.float32, device=device) for folder in checkpoints]
    averaged = average_readers(loaded)
    check_out(out)
    held_back = split_paragraphs(questions)[1] if questions else []
    asked = take_questions(held_back, MEASURED_QUESTIONS)
    first = loaded[0]

    def measure(reader: Reader) -> dict[str, float]:
        return score(list(predict(reader, first.tokenizer, asked, reading_whole(first.settings))))

    quality, of_each = {}, []
    if asked:
        readers = [*(one.reader for one in loaded), averaged]
        with bars.progress_bar("measuring", len(readers)) as bar:
            for number, reader in enumerate(readers, 1):
                of_each.append(measure(reader))
                bar(number, "")
        quality = of_each.pop()
    settings = replace(
        first.settings,
        # Values fitted to one of them don't fit the mean.
        calibration=unfitted(first.settings.calibration),
        training={"averaged": [one.settings.training for one in loaded]},
        quality={"held back": quality} if quality else {},
    )
    choices = choices_of(averaged, first.settings.skipping)
    save_trained(
        averaged,
        first.tokenizer,
        settings,
        asked,
        out,
        choices,
        codec_tensors=first.codec_tensors,
        say=console.say,
    )
    result: dict[str, Any] = {"model": str(out), "checkpoints": list(map(str, checkpoints))}
    if quality:
        result |= {**quality, "f1_of_each": [one["f1"] for one in of_each]}
    console.show(result, as_json=as_json, human=_text)


def _text(result: dict[str, Any]) -> str:
    told = f"{result['model']}: the mean of {len(result['checkpoints'])} checkpoints"
    if "f1" not in result:
        return f"{told}; measure it with: engine evaluate, and calibrate it before it's asked"
    each = ", ".join(f"{f1:.1f}" for f1 in result["f1_of_each"])
    return (
        f"{told}; EM {result['em']:.1f}, F1 {result['f1']:.1f} on {result['questions']:.0f} "
        f"questions held back, where they have F1 {each}"
    )
