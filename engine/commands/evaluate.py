"""`engine evaluate`: quality over a file of questions, of the reader or of the whole path."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from engine.commands import console
from engine.commands.ask import JSON, MIN_CONFIDENCE, MODEL
from engine.commands.index_option import read_place
from engine.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.checkpoint import Checkpoint
    from engine.datasets.squad import SquadParagraph

_R = TypeVar("_R")


def evaluate(
    questions: Annotated[
        Path,
        typer.Argument(
            help="A file of SQuAD 1.1 or 2.0, BoolQ, RACE (or its folder), DREAM or Natural "
            "Questions."
        ),
    ],
    reader: Annotated[
        bool, typer.Option("--reader", help="Give the reader each question's paragraph.")
    ] = False,
    index: Annotated[
        Any, typer.Option("--index", "-i", parser=read_place, help="Ask this index instead.")
    ] = None,
    model: MODEL = None,
    min_confidence: MIN_CONFIDENCE = None,
    reliability: Annotated[
        Path | None,
        typer.Option(help="Write the reliability diagram's rows here: .json, or a table as text."),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            metavar="CODE", help="Count words as this language has them; by default the text's."
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Ask about this many questions of the file.")
    ] = None,
    as_json: JSON = False,
) -> None:
    """EM, F1, recall and latency over QUESTIONS, by the official rules; or accuracy.

    Which of the published layouts the file is in is told from the file.
    Examples: engine evaluate dev.json --reader;  engine evaluate dev.json --index papers.idx
    """
    from engine.datasets.formats import Kind, kind_of

    if reader == (index is not None):
        raise SourceError("give either --reader or --index DIR")
    if language is not None and kind_of(questions) is not Kind.SQUAD:
        raise SourceError("--language is of answers that are spans: give a file of SQuAD")
    if reliability is not None and index is not None:
        if kind_of(questions) is not Kind.SQUAD:
            raise SourceError("--reliability is of answers that are spans: give a file of SQuAD")
        if reliability.is_dir() or not reliability.absolute().parent.is_dir():
            raise SourceError(
                f"{reliability} can't be written: name a file, in a folder that's there"
            )
    if index is None:
        if reliability is not None or min_confidence is not None:
            raise SourceError("--reliability and --min-confidence are of answers: give --index DIR")
        result = _reader(questions, model, limit, language)
    else:
        result = _index(questions, index, model, limit, min_confidence, language)
    console.show(result, as_json=as_json, human=_text)
    if reliability is not None:
        _write_reliability(result["reliability"], reliability)


def _write_reliability(rows: list[dict[str, Any]], file: Path) -> None:
    text = json.dumps(rows, indent=2) if file.suffix == ".json" else "\n".join(console.table(rows))
    try:
        file.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise SourceError(f"{file} can't be written: {error.strerror}") from None


def _reader(
    questions: Path, model: Path | None, limit: int | None, language: str | None
) -> dict[str, Any]:
    from engine.checkpoint import load_checkpoint, shipped_checkpoint
    from engine.datasets.formats import Kind, kind_of

    measure = {
        Kind.BOOLQ: _boolean,
        Kind.RACE: _choice,
        Kind.DREAM: _choice,
        Kind.NATURAL_QUESTIONS: _pages,
    }.get(kind_of(questions))
    checkpoint = load_checkpoint(model or shipped_checkpoint())
    if measure is None:
        return _spans(questions, checkpoint, limit, language)
    return measure(questions, checkpoint, limit)


def _boolean(questions: Path, checkpoint: "Checkpoint", limit: int | None) -> dict[str, Any]:
    from engine.datasets.formats import read_boolean
    from engine.datasets.questions import take
    from engine.evaluation.tasks import accuracy, judge_boolean

    asked = take(read_boolean(questions), limit)
    judged = judge_boolean(checkpoint.reader, checkpoint.tokenizer, asked, checkpoint.reading)
    return accuracy(_with_bar(judged, len(asked)))


def _choice(questions: Path, checkpoint: "Checkpoint", limit: int | None) -> dict[str, Any]:
    from engine.datasets.formats import read_choice
    from engine.datasets.questions import take
    from engine.evaluation.tasks import accuracy, judge_choice

    asked = take(read_choice(questions), limit)
    judged = judge_choice(checkpoint.reader, checkpoint.tokenizer, asked, checkpoint.reading)
    return accuracy(_with_bar(judged, len(asked)))


def _pages(questions: Path, checkpoint: "Checkpoint", limit: int | None) -> dict[str, Any]:
    from itertools import islice

    from engine.datasets.natural_questions import read_natural_questions
    from engine.evaluation.natural_questions import find_in_page, score_pages

    asked = list(islice(read_natural_questions(questions), limit))
    found = (
        find_in_page(checkpoint.reader, checkpoint.tokenizer, page, checkpoint.reading)
        for page in asked
    )
    return score_pages(asked, _with_bar(found, len(asked)))


def _with_bar(results: "Iterable[_R]", total: int) -> "list[_R]":
    done = []
    with console.progress_bar("reading", total) as bar:
        for result in results:
            done.append(result)
            bar(len(done), "")
    return done


def _spans(
    questions: Path, checkpoint: "Checkpoint", limit: int | None, language: str | None
) -> dict[str, Any]:
    from engine.evaluation.reading import predict, score

    paragraphs = _paragraphs(questions, limit)
    told = _language(language, (paragraph.context for paragraph in paragraphs))
    predictions = predict(checkpoint.reader, checkpoint.tokenizer, paragraphs, checkpoint.reading)
    predicted = _with_bar(predictions, sum(len(p.questions) for p in paragraphs))
    threshold = checkpoint.settings.calibration.reader_margin
    return {"language": told, **score(predicted, null_threshold=threshold, language=told)}


def _paragraphs(questions: Path, limit: int | None) -> "list[SquadParagraph]":
    from engine.datasets.squad import read_squad, take_questions

    paragraphs = take_questions(read_squad(questions), limit)
    if not any(paragraph.questions for paragraph in paragraphs):
        raise SourceError(f"{questions} holds no question; give a file that does")
    return paragraphs


def _language(named: str | None, texts: "Iterable[str]") -> str:
    from engine.text.languages import detect_language, language_code

    return language_code(named) if named else detect_language(texts).language


def _index(
    questions: Path,
    index: Any,
    model: Path | None,
    limit: int | None,
    min_confidence: float | None,
    language: str | None,
) -> dict[str, Any]:
    from engine.datasets.formats import Kind, kind_of
    from engine.evaluation.searching import evaluate_search
    from engine.search import SearchEngine

    if (kind := kind_of(questions)) is Kind.BOOLQ:
        return _verdicts(questions, index, model, limit, min_confidence)
    if kind is not Kind.SQUAD:
        raise SourceError(
            f"an index can't be asked what's in the layout of {kind}; give --reader, or a file of "
            "SQuAD or BoolQ"
        )
    paragraphs = _paragraphs(questions, limit)
    with (
        SearchEngine.open(index, model=model) as engine,
        console.progress_bar("asking", sum(len(p.questions) for p in paragraphs)) as bar,
    ):
        told = _language(language, (paragraph.context for paragraph in paragraphs))
        measured = evaluate_search(
            engine,
            paragraphs,
            min_confidence=min_confidence,
            language=told,
            on_progress=lambda done: bar(done, ""),
        )
    answered = any(question.answers for p in paragraphs for question in p.questions)
    if answered and not measured["retrieval"]["hybrid"]["recall@20"]:
        console.say(
            f"note: no paragraph of {questions} was found in {index}; is it built from others?"
        )
    return {"language": told, **measured}


def _verdicts(
    questions: Path,
    index: Any,
    model: Path | None,
    limit: int | None,
    min_confidence: float | None,
) -> dict[str, Any]:
    from engine.datasets.formats import read_boolean
    from engine.datasets.questions import take
    from engine.evaluation.tasks import evaluate_verdicts
    from engine.search import SearchEngine

    asked = take(read_boolean(questions), limit)
    with (
        SearchEngine.open(index, model=model) as engine,
        console.progress_bar("asking", len(asked)) as bar,
    ):
        return evaluate_verdicts(
            engine, asked, min_confidence=min_confidence, on_progress=lambda done: bar(done, "")
        )


def _text(result: dict[str, Any], indent: str = "") -> str:
    lines = []
    for name, value in result.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}:", _text(value, indent + "  ")]
        elif isinstance(value, list):
            lines += [f"{indent}{name}:", *(f"{indent}  {row}" for row in console.table(value))]
        elif isinstance(value, str | int):
            lines.append(f"{indent}{name:<20} {value}")
        else:
            if value is None:
                continue
            shown = f"{value:.3f}" if value < 2 else f"{value:.1f}"
            lines.append(f"{indent}{name:<20} {shown}")
    return "\n".join(lines)
