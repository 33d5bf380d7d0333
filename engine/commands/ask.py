"""`engine ask`: a question, answered from an index."""

import sys
import textwrap
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import typer

from engine.answering.results import SearchResult
from engine.commands import console
from engine.commands.options import (
    BUDGET,
    DEVICE,
    INDEX,
    JSON,
    MIN_CONFIDENCE,
    MODEL,
    PASSAGES,
    PRODUCTS,
    WHERE,
)
from engine.errors import QuestionError
from engine.search import SearchEngine


def ask(
    question: Annotated[str, typer.Argument(help="The question, in plain words; - for many.")],
    index: INDEX,
    top_k: Annotated[int, typer.Option("--top-k", "-k", min=1, help="Answers to show.")] = 3,
    passages: PASSAGES = 20,
    lexical: Annotated[
        str, typer.Option(help="Lexical index: tantivy, or rank-bm25 for small collections.")
    ] = "tantivy",
    where: WHERE = None,
    min_confidence: MIN_CONFIDENCE = None,
    budget_ms: BUDGET = None,
    model: MODEL = None,
    device: DEVICE = "auto",
    products: PRODUCTS = "auto",
    as_json: JSON = False,
) -> None:
    """Answer QUESTION with exact spans of the documents of an index.

    With - as QUESTION, each line of standard input is a question, answered by a line of JSON.

    Example: engine ask "When was the bridge opened?" --index papers.idx
    """
    with SearchEngine.open(
        index, model=model, lexical=lexical, device=device, products=products
    ) as engine:
        asked = partial(
            engine.ask,
            top_k=top_k,
            passages=passages,
            filters=where,
            min_confidence=min_confidence,
            budget_ms=budget_ms,
        )
        if question == "-":
            _answer_lines(asked)
            return
        result = asked(question)
    for note in result.notes:
        console.say(f"note: {note}")
    console.show(result.to_dict(), as_json=as_json, human=_text)


def _answer_lines(asked: Callable[[str], SearchResult]) -> None:
    """Answer the questions of standard input, a line of JSON for each as it comes.

    A question that can't be asked gets a line with its `error` and `code`, and the last one's exit
    code becomes the command's.
    """
    exit_code = 0
    for question in filter(None, map(str.strip, sys.stdin)):
        try:
            told = asked(question).to_dict()
        except QuestionError as error:
            told = {"question": question, "error": str(error), "code": error.code}
            exit_code = error.exit_code
        console.show(told, as_json=True, human=str)
    if exit_code:
        raise typer.Exit(exit_code)


def _text(result: dict[str, Any]) -> str:
    lines = []
    if result["verdict"]:
        lines += [*_verdict(result["verdict"]), "Spans that may say more:", ""]
    elif result["filters"] and not result["passages"]:
        lines += [f"No answer found: no document has {', '.join(result['filters'])}.", ""]
    elif result["no_answer"]:
        least, none = result["min_confidence"], result["no_answer_confidence"]
        sure = max([least, *([none] if least else [])])
        why = f"nothing is {least:.0%} sure" if sure == least else "that is likelier than any"
        lines.append(f"No answer found: {why}, none at all {none:.0%}.")
        if result["answers"]:
            lines.append("The closest spans:")
        lines.append("")
    for number, answer in enumerate(result["answers"], 1):
        shown = answer["shown"]
        words = " ".join(shown["text"][shown["start"] : shown["end"]].split())
        lines.append(f"{number}. {words}   [{answer['confidence']:.0%}]")
        lines.append(f"   {answer['citation']}, characters {answer['start']}-{answer['end']}")
        others = len(answer["evidence"]) - 1
        if others:
            lines.append(f"   and in {others} other place{'s' if others > 1 else ''}")
        lines.append(textwrap.indent(textwrap.fill(_sentence(shown), 88), "     "))
        lines.append("")
    total = result["timings_ms"]["total"]
    stages = ", ".join(
        f"{name} {ms:.0f}" for name, ms in result["timings_ms"].items() if name != "total"
    )
    n = result["passages_read"]
    read = f"{n} passage{'' if n == 1 else 's'} read in"
    return "\n".join([*lines, f"{read} {total:.0f} ms ({stages})"])


def _verdict(verdict: dict[str, Any]) -> list[str]:
    lines = [f"{verdict['text'].capitalize()}   [{verdict['confidence']:.0%}]"]
    for place in verdict["evidence"]:
        lines.append(f"   {place['source']}, characters {place['start']}-{place['end']}")
        lines.append(textwrap.indent(textwrap.fill(place["text"], 88), "     "))
    return [*lines, ""]


def _sentence(shown: dict[str, Any], reach: int = 240) -> str:
    """The answer between brackets in its sentence, cut to `reach` characters on either side."""
    text, start, end = shown["text"], shown["start"], shown["end"]
    left, right = (
        max(shown["sentence_start"], start - reach),
        min(shown["sentence_end"], end + reach),
    )
    ahead = "…" if left > shown["sentence_start"] else ""
    behind = "…" if right < shown["sentence_end"] else ""
    return f"{ahead}{text[left:start]}[{text[start:end]}]{text[end:right]}{behind}"
