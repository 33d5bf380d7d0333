"""`engine evaluate`: quality over a SQuAD file, of the reader alone or of the whole path."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.commands import console
from engine.commands.ask import JSON, MIN_CONFIDENCE, MODEL
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
    min_confidence: MIN_CONFIDENCE = None,
    reliability: Annotated[
        Path | None,
        typer.Option(help="Write the reliability diagram's rows here: .json, or a table as text."),
    ] = None,
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
    if index is None:
        if reliability is not None or min_confidence is not None:
            raise SourceError("--reliability and --min-confidence are of answers: give --index DIR")
        result = _reader(questions, model, limit)
    else:
        result = _index(questions, index, model, limit, min_confidence)
    if reliability is not None:
        _write_reliability(result["reliability"], reliability)
    console.show(result, as_json=as_json, human=_text)


def _write_reliability(rows: list[dict[str, Any]], file: Path) -> None:
    text = json.dumps(rows, indent=2) if file.suffix == ".json" else "\n".join(console.table(rows))
    try:
        file.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise SourceError(f"{file} can't be written: {error.strerror}") from None


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
            skim=checkpoint.settings.skim,
        ):
            predictions.append(prediction)
            bar(len(predictions), "")
    return score(predictions, null_threshold=checkpoint.settings.calibration.reader_margin)


def _index(
    questions: Path,
    index: Path,
    model: Path | None,
    limit: int | None,
    min_confidence: float | None,
) -> dict[str, Any]:
    from engine.evaluation.searching import evaluate_search
    from engine.search import SearchEngine
    from engine.squad import read_squad, take_questions

    paragraphs = take_questions(read_squad(questions), limit)
    with (
        SearchEngine.open(index, model=model) as engine,
        console.progress_bar("asking", sum(len(p.questions) for p in paragraphs)) as bar,
    ):
        return evaluate_search(
            engine,
            paragraphs,
            min_confidence=min_confidence,
            on_progress=lambda done: bar(done, ""),
        )


def _text(result: dict[str, Any], indent: str = "") -> str:
    lines = []
    for name, value in result.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}:", _text(value, indent + "  ")]
        elif isinstance(value, list):
            lines += [f"{indent}{name}:", *(f"{indent}  {row}" for row in console.table(value))]
        else:
            shown = f"{value:.3f}" if isinstance(value, float) and value < 2 else f"{value:.1f}"
            lines.append(f"{indent}{name:<20} {shown}")
    return "\n".join(lines)
