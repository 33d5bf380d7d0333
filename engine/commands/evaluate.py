"""`engine evaluate`: quality over a SQuAD file, of the reader alone or of the whole path."""

from pathlib import Path
from typing import Annotated, Any

import typer

from engine.commands import console
from engine.commands.ask import JSON, MODEL
from engine.errors import SourceError


def evaluate(
    questions: Annotated[Path, typer.Argument(help="A file in SQuAD's layout, 1.1 or 2.0.")],
    reader: Annotated[
        bool, typer.Option("--reader", help="Give the reader each question's paragraph.")
    ] = False,
    index: Annotated[
        Path | None, typer.Option("--index", "-i", help="Ask this index instead.")
    ] = None,
    model: MODEL = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Ask about this many questions of the file.")
    ] = None,
    as_json: JSON = False,
) -> None:
    """EM, F1, recall and latency over QUESTIONS, by the official SQuAD rules.

    Examples: engine evaluate dev.json --reader;  engine evaluate dev.json --index papers.idx
    """
    if reader == (index is not None):
        raise SourceError("give either --reader or --index DIR")
    result = (
        _reader(questions, model, limit)
        if index is None
        else _index(questions, index, model, limit)
    )
    console.show(result, as_json=as_json, human=_text)


def _reader(questions: Path, model: Path | None, limit: int | None) -> dict[str, Any]:
    from engine.checkpoint import load_checkpoint, shipped_checkpoint
    from engine.evaluation.reading import predict, score
    from engine.squad import read_squad, take_questions

    paragraphs = take_questions(read_squad(questions), limit)
    checkpoint = load_checkpoint(model or shipped_checkpoint())
    predictions = []
    with console.progress_bar("reading", sum(len(p.questions) for p in paragraphs)) as bar:
        for prediction in predict(
            checkpoint.reader,
            checkpoint.tokenizer,
            paragraphs,
            dtype=checkpoint.dtype,
            window=checkpoint.settings.passage_limit,
        ):
            predictions.append(prediction)
            bar(len(predictions), "")
    return score(predictions, null_threshold=checkpoint.settings.calibration.reader_margin)


def _index(questions: Path, index: Path, model: Path | None, limit: int | None) -> dict[str, Any]:
    from engine.evaluation.searching import evaluate_search
    from engine.search import SearchEngine
    from engine.squad import read_squad, take_questions

    paragraphs = take_questions(read_squad(questions), limit)
    with (
        SearchEngine.open(index, model=model) as engine,
        console.progress_bar("asking", sum(len(p.questions) for p in paragraphs)) as bar,
    ):
        return evaluate_search(engine, paragraphs, on_progress=lambda done: bar(done, ""))


def _text(result: dict[str, Any], indent: str = "") -> str:
    lines = []
    for name, value in result.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}:", _text(value, indent + "  ")]
        else:
            shown = f"{value:.3f}" if isinstance(value, float) and value < 2 else f"{value:.1f}"
            lines.append(f"{indent}{name:<20} {shown}")
    return "\n".join(lines)
