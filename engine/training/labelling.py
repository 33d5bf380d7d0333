"""Labels from a teacher for questions that nobody has answered, as more data for a student.

The hard label is the teacher's best span. A student that is distilled from the same teacher also
sees how sure it was.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from engine.checkpoint import Checkpoint
from engine.datasets.squad import SquadParagraph, SquadQuestion
from engine.evaluation.reading import Prediction, predict
from engine.retrieval.backend import Backend
from engine.training.examples import is_tune


def retrieved_paragraphs(
    backend: Backend, questions: Sequence[str], *, passages: int
) -> list[SquadParagraph]:
    """The best passages by BM25 for each question, at most `passages`, as paragraphs to read.

    Each of a question's passages asks it under the same id.
    """
    asked: dict[int, list[SquadQuestion]] = {}
    with backend.snapshot() as snapshot:
        for number, text in enumerate(dict.fromkeys(questions)):
            question = SquadQuestion(f"labelled-{number}", text, ())
            for key, _ in snapshot.search_terms(text, passages):
                asked.setdefault(key, []).append(question)
        fetched = snapshot.fetch(list(asked))
    return [
        SquadParagraph(item.passage.title, number, item.text, tuple(asked[item.key]))
        for number, item in enumerate(fetched)
    ]


def label_questions(
    teacher: Checkpoint,
    paragraphs: Sequence[SquadParagraph],
    *,
    min_margin: float = 0.0,
    on_progress: Callable[[int], None] = lambda _: None,
) -> list[SquadParagraph]:
    """The paragraphs with the questions that the teacher answers in them, and its answers.

    A question of several paragraphs goes to the one where its best span stands highest above the
    null answer. It is left out if that is less than `min_margin` (see `Prediction`), or if the
    paragraph is held out: the held-out split measures, and a label isn't known to be right.
    """
    best: dict[str, tuple[int, Prediction]] = {}
    for number, paragraph in enumerate(paragraphs):
        found = predict(teacher.reader, teacher.tokenizer, [paragraph], teacher.reading)
        for p in found:
            known = best.get(p.question.id)
            if p.text and p.margin >= min_margin and (known is None or p.margin > known[1].margin):
                best[p.question.id] = number, p
        on_progress(number + 1)
    answered: dict[int, list[SquadQuestion]] = {}
    for number, p in best.values():
        question = replace(p.question, answers=((p.text, p.start),))
        answered.setdefault(number, []).append(question)
    return [
        replace(paragraphs[number], questions=tuple(answered[number]))
        for number in sorted(answered)
        if not is_tune(paragraphs[number].context)
    ]


def squad_layout(paragraphs: Sequence[SquadParagraph]) -> dict[str, Any]:
    """The paragraphs in the layout of a SQuAD file."""
    return {
        "version": "1.1",
        "data": [
            {
                "title": paragraph.title,
                "paragraphs": [
                    {
                        "context": paragraph.context,
                        "qas": [
                            {
                                "id": question.id,
                                "question": question.question,
                                "answers": [
                                    {"text": text, "answer_start": start}
                                    for text, start in question.answers
                                ],
                            }
                            for question in paragraph.questions
                        ],
                    }
                ],
            }
            for paragraph in paragraphs
        ],
    }
