"""Questions in SQuAD's JSON layout (Rajpurkar et al., 2016 and 2018)."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from engine.datasets.records import open_text, read_json
from engine.errors import SourceError

_T = TypeVar("_T")


@dataclass(frozen=True)
class SquadQuestion:
    """A question with its answers: (text, start) pairs, starts in code points; empty if none.

    A question that its file calls impossible has none.
    """

    id: str
    question: str
    answers: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class SquadParagraph:
    title: str
    number: int
    context: str
    questions: tuple[SquadQuestion, ...]


def read_squad(path: Path) -> list[SquadParagraph]:
    """The paragraphs of a SQuAD file; `number` counts them within their article.

    Raises: SourceError if the file can't be read or has another layout.
    """
    content = read_json(path, "JSON in SQuAD's layout")
    try:
        return [
            _paragraph(article.get("title", ""), number, paragraph)
            for article in content["data"]
            for number, paragraph in enumerate(article["paragraphs"])
        ]
    except KeyError as error:
        raise SourceError(f"{path} isn't in SQuAD's layout: {error} is missing") from None
    except (TypeError, AttributeError) as error:
        raise SourceError(f"{path} isn't in SQuAD's layout: {error}") from None


def take_questions(paragraphs: list[SquadParagraph], limit: int | None) -> list[SquadParagraph]:
    """About `limit` questions, spread evenly over the paragraphs; all of them if it's None."""
    total = sum(len(p.questions) for p in paragraphs)
    if limit is None or limit >= total:
        return paragraphs
    wanted = {i * total // limit for i in range(limit)}
    taken, number = [], 0
    for paragraph in paragraphs:
        numbered = enumerate(paragraph.questions, number)
        kept = tuple(question for i, question in numbered if i in wanted)
        number += len(paragraph.questions)
        taken.append(replace(paragraph, questions=kept))
    return taken


def read_questions(path: Path, limit: int) -> list[str]:
    """At most `limit` questions: of a SQuAD file, or the lines of a text file.

    Raises: SourceError if the file can't be read or holds no question.
    """
    if path.name.endswith((".json", ".json.gz")):
        paragraphs = take_questions(read_squad(path), limit)
        questions = [question.question for p in paragraphs for question in p.questions]
    else:
        with open_text(path) as file:
            questions = [line.strip() for line in file if line.strip()][:limit]
    if not questions:
        raise SourceError(f"{path} holds no question")
    return questions


def _paragraph(title: str, number: int, paragraph: dict[str, Any]) -> SquadParagraph:
    questions = tuple(
        SquadQuestion(
            id=str(qa["id"]),
            question=_field(qa, "question", str),
            answers=tuple(
                (_field(answer, "text", str), _field(answer, "answer_start", int))
                for answer in ([] if qa.get("is_impossible") else qa["answers"])
            ),
        )
        for qa in paragraph.get("qas", ())
    )
    return SquadParagraph(title, number, _field(paragraph, "context", str), questions)


def _field(record: dict[str, Any], name: str, kind: type[_T]) -> _T:
    value = record[name]
    if not isinstance(value, kind):
        raise TypeError(f"{name!r} should be of type {kind.__name__}, not {value!r:.40}")
    return value
