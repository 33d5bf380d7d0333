"""`engine evaluate`: quality over a file of questions, of the reader or of the whole path."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from engine.checkpoint import Checkpoint, load_checkpoint, shipped_checkpoint
from engine.commands import bars, console
from engine.commands.options import (
    DEVICE,
    JSON,
    LIMIT,
    MIN_CONFIDENCE,
    MODEL,
    PRODUCTS,
    index_option,
)
from engine.datasets.formats import Kind, kind_of, read_boolean, read_choice
from engine.datasets.natural_questions import read_natural_questions
from engine.datasets.questions import take
from engine.datasets.squad import SquadParagraph, read_squad, take_questions
from engine.errors import SourceError
from engine.evaluation.diagram import can_draw, draw_reliability
from engine.evaluation.natural_questions import find_in_page, score_pages
from engine.evaluation.reading import predict, score
from engine.evaluation.searching import evaluate_search
from engine.evaluation.tasks import accuracy, evaluate_verdicts, judge_boolean, judge_choice
from engine.retrieval.address import IndexAddress
from engine.search import SearchEngine
from engine.text.alterations import ALTERATIONS, altered
from engine.text.languages import detect_language, language_code

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
    index: Annotated[Any, index_option("Ask this index instead.")] = None,
    model: MODEL = None,
    min_confidence: MIN_CONFIDENCE = None,
    reliability: Annotated[
        Path | None,
        typer.Option(
            help="Write the reliability diagram here: .svg, or its rows: .json, or a table as text."
        ),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            metavar="CODE", help="Count words as this language has them; by default the text's."
        ),
    ] = None,
    alter: Annotated[
        str | None,
        typer.Option(help=f"Ask as some people type: {', '.join(ALTERATIONS)}."),
    ] = None,
    limit: LIMIT = None,
    device: DEVICE = "auto",
    products: PRODUCTS = "auto",
    as_json: JSON = False,
) -> None:
    """EM, F1, recall and latency over QUESTIONS, by the official rules; or accuracy.

    The published layout of the file is detected.
    Examples: engine evaluate dev.json --reader;  engine evaluate dev.json --index papers.idx
    """
    if reader == (index is not None):
        raise SourceError("give either --reader or --index DIR")
    kind = kind_of(questions)
    if language is not None and kind is not Kind.SQUAD:
        raise SourceError("--language is for answers that are spans: give a file of SQuAD")
    if alter is not None and (alter not in ALTERATIONS or kind is not Kind.SQUAD):
        raise SourceError(
            f"--alter {alter} isn't known; expected {', '.join(ALTERATIONS)}, with a file of SQuAD"
        )
    chosen = _Chosen(questions, kind, limit, language, alter)
    if index is None:
        if reliability is not None or min_confidence is not None:
            raise SourceError("--reliability and --min-confidence need an index: give --index DIR")
        checkpoint = load_checkpoint(
            model or shipped_checkpoint(), device=device, products=products
        )
        result = _read(chosen, checkpoint)
    else:
        if reliability is not None:
            _check_reliability(reliability, kind)
        opened = partial(SearchEngine.open, index, model=model, device=device, products=products)
        result = _ask(chosen, index, opened, min_confidence)
    console.show(result, as_json=as_json, human=_text)
    if reliability is not None:
        _write_reliability(result["reliability"], reliability)


def _check_reliability(file: Path, kind: Kind) -> None:
    if kind is not Kind.SQUAD:
        raise SourceError("--reliability is for answers that are spans: give a file of SQuAD")
    if file.is_dir() or not file.absolute().parent.is_dir():
        raise SourceError(f"{file} can't be written: name a file, in a folder that's there")
    if file.suffix == ".svg" and not can_draw():
        raise SourceError(
            f"{file} can't be drawn without matplotlib; install it with: pip install "
            "'foreread[plot]', or name a .json file"
        )


def _write_reliability(rows: list[dict[str, Any]], file: Path) -> None:
    try:
        if file.suffix == ".svg":
            draw_reliability(rows, file)
        elif file.suffix == ".json":
            file.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
        else:
            file.write_text("\n".join(console.table(rows)) + "\n", encoding="utf-8")
    except OSError as error:
        raise SourceError(f"{file} can't be written: {error.strerror}") from None


@dataclass(frozen=True)
class _Chosen:
    """The questions of a file that are asked, how many, and as whom."""

    file: Path
    kind: Kind
    limit: int | None
    language: str | None
    alter: str | None

    def paragraphs(self) -> tuple[list[SquadParagraph], str]:
        """Those of a file of SQuAD, and the language whose rules count their words."""
        taken = take_questions(read_squad(self.file), self.limit)
        if not any(paragraph.questions for paragraph in taken):
            raise SourceError(f"{self.file} holds no question; give a file that does")
        if self.language is not None:
            language = language_code(self.language)
        else:
            language = detect_language(paragraph.context for paragraph in taken).language
        return [self._as_typed(paragraph, language) for paragraph in taken], language

    def _as_typed(self, paragraph: SquadParagraph, language: str) -> SquadParagraph:
        if self.alter is None:
            return paragraph
        typed = (
            replace(q, question=altered(q.question, self.alter, language, q.id))
            for q in paragraph.questions
        )
        return replace(paragraph, questions=tuple(typed))


def _read(chosen: _Chosen, checkpoint: Checkpoint) -> dict[str, Any]:
    """Evaluate the reader, given each question's passage."""
    questions, kind, limit = chosen.file, chosen.kind, chosen.limit
    reader, tokenizer, how = checkpoint.reader, checkpoint.tokenizer, checkpoint.reading
    if kind is Kind.BOOLQ:
        yes_no = take(read_boolean(questions), limit)
        return accuracy(_with_bar(judge_boolean(reader, tokenizer, yes_no, how), len(yes_no)))
    if kind in (Kind.RACE, Kind.DREAM):
        choices = take(read_choice(questions), limit)
        return accuracy(_with_bar(judge_choice(reader, tokenizer, choices, how), len(choices)))
    if kind is Kind.NATURAL_QUESTIONS:
        pages = list(islice(read_natural_questions(questions), limit))
        found = (find_in_page(reader, tokenizer, page, how) for page in pages)
        return score_pages(pages, _with_bar(found, len(pages)))
    paragraphs, language = chosen.paragraphs()
    predictions = predict(reader, tokenizer, paragraphs, how)
    predicted = _with_bar(predictions, sum(len(p.questions) for p in paragraphs))
    threshold = checkpoint.settings.calibration.reader_margin
    return {"language": language, **score(predicted, null_threshold=threshold, language=language)}


def _with_bar(results: Iterable[_R], total: int) -> list[_R]:
    done = []
    with bars.progress_bar("reading", total) as bar:
        for result in results:
            done.append(result)
            bar(len(done))
    return done


def _ask(
    chosen: _Chosen,
    index: IndexAddress,
    opened: Callable[[], SearchEngine],
    min_confidence: float | None,
) -> dict[str, Any]:
    """Evaluate the whole path, from a question to its answers in an index."""
    questions, kind = chosen.file, chosen.kind
    if kind is Kind.BOOLQ:
        asked = take(read_boolean(questions), chosen.limit)
        with opened() as engine, bars.progress_bar("asking", len(asked)) as bar:
            return evaluate_verdicts(engine, asked, min_confidence=min_confidence, on_progress=bar)
    if kind is not Kind.SQUAD:
        raise SourceError(
            f"an index can't be asked questions in the layout of {kind}; give --reader, or a file "
            "of SQuAD or BoolQ"
        )
    paragraphs, language = chosen.paragraphs()
    total = sum(len(paragraph.questions) for paragraph in paragraphs)
    with opened() as engine, bars.progress_bar("asking", total) as bar:
        measured = evaluate_search(
            engine, paragraphs, min_confidence=min_confidence, language=language, on_progress=bar
        )
    answered = any(question.answers for p in paragraphs for question in p.questions)
    if answered and not measured["retrieval"]["hybrid"]["recall@20"]:
        console.say(
            f"note: no paragraph of {questions} was found in {index}; is it built from others?"
        )
    return {"language": language, **measured}


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
