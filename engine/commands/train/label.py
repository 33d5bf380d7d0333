"""`engine train label`: a teacher's answers to questions that have none, as training data."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.checkpoint import load_checkpoint
from engine.commands import bars, console
from engine.commands.options import DEVICE, JSON, index_option
from engine.datasets.squad import read_questions, read_squad, take_questions
from engine.errors import SourceError
from engine.retrieval.opening import open_backend
from engine.training.labelling import label_questions, retrieved_paragraphs, squad_layout


def label(
    questions: Annotated[
        Path,
        typer.Argument(
            help="Questions in SQuAD's layout, each with its paragraph; or, with --index, a text "
            "file of one question a line."
        ),
    ],
    teacher: Annotated[Path, typer.Option(help="Checkpoint of the reader that answers them.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write, in SQuAD's layout.")],
    index: Annotated[Any, index_option("Look for passages in this index.")] = None,
    passages: Annotated[
        int, typer.Option(min=1, help="Passages of the index to read for each question.")
    ] = 5,
    min_margin: Annotated[
        float, typer.Option(help="How far above no answer a span has to stand, in logits.")
    ] = 0.0,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Take at most this many questions.")
    ] = None,
    device: DEVICE = "auto",
    as_json: JSON = False,
) -> None:
    """Answer questions that nobody has answered, for `engine train split` to train on.

    Example: engine train label questions.txt --index papers.idx --teacher teacher --out more.json
    """
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise SourceError(f"{out} can't be written: name a file, in a folder that's there")
    answering = load_checkpoint(teacher, device=device)
    if index is None:
        paragraphs = take_questions(read_squad(questions), limit)
        asked = sum(len(p.questions) for p in paragraphs)
    else:
        texts = read_questions(questions, limit or 10**9)
        asked = len(set(texts))
        with open_backend(index) as backend:
            paragraphs = retrieved_paragraphs(backend, texts, passages=passages)
    with bars.progress_bar("labelling", len(paragraphs)) as bar:
        labelled = label_questions(
            answering, paragraphs, min_margin=min_margin, on_progress=lambda done: bar(done, "")
        )
    if not labelled:
        raise SourceError(
            f"none of {asked} questions was answered by a passage that trainings don't hold back, "
            f"so {out} isn't written; lower --min-margin, or give passages that answer them"
        )
    try:
        out.write_text(json.dumps(squad_layout(labelled), ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        raise SourceError(f"{out} can't be written: {error.strerror}") from None
    result = {
        "file": str(out),
        "asked": asked,
        "labelled": sum(len(p.questions) for p in labelled),
        "paragraphs": len(labelled),
    }
    console.show(result, as_json=as_json, human=_text)


def _text(result: dict[str, Any]) -> str:
    return (
        f"{result['file']}: {result['labelled']} of {result['asked']} questions answered, "
        f"on {result['paragraphs']} passages"
    )
