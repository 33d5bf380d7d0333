"""Yes/no and multiple-choice questions, each judged on its own passage: accuracy."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch

from engine.answering.answers import boolean_probabilities
from engine.datasets.questions import BooleanQuestion, ChoiceQuestion
from engine.errors import CheckpointError
from engine.evaluation.searching import RightPassage
from engine.reading.choices import choice_limit, choice_pieces
from engine.reading.questions import question_pieces
from engine.reading.read import READ_WHOLE, ReadingOptions, read_in_batches
from engine.reading.reader import Reader
from engine.search import SearchEngine
from engine.text.tokenization import Tokenizer
from engine.text.windows import window_bounds


@dataclass(frozen=True)
class Judged:
    """How a reader answers one question.

    `probabilities` are those of no and yes, which need not sum to 1, since the passage may say
    neither; or those of the options. `answer` is the number of the right one.
    """

    probabilities: tuple[float, ...]
    answer: int

    @property
    def said(self) -> int:
        """The number of the likeliest answer; the first one of a tie."""
        return max(range(len(self.probabilities)), key=lambda i: self.probabilities[i])


def judge_boolean(
    reader: Reader,
    tokenizer: Tokenizer,
    questions: Sequence[BooleanQuestion],
    options: ReadingOptions = READ_WHOLE,
) -> Iterator[Judged]:
    """Judge each question on its passage, read in windows as `predict` reads a paragraph.

    Raises: CheckpointError if the reader has no yes/no head.
    """
    _need(reader, "boolean")
    for passage, asked in groupby(questions, key=lambda q: q.passage):
        together = list(asked)
        windows = _windows(reader, tokenizer, passage, options)
        if not windows:
            yield from (Judged((0.0, 0.0), int(q.answer)) for q in together)
            continue
        ids = [question_pieces(q.question, tokenizer, options.question_limit).ids for q in together]
        outputs = read_in_batches(reader, tokenizer, ids, windows, options)
        logits = [output.boolean for output in outputs if output.boolean is not None]
        by_question = torch.cat(logits).view(len(together), len(windows), 2)
        for question, entries in zip(together, by_question, strict=True):
            probabilities = boolean_probabilities(entries)[0].sum(0).tolist()
            yield Judged(tuple(probabilities), int(question.answer))


def judge_choice(
    reader: Reader,
    tokenizer: Tokenizer,
    questions: Sequence[ChoiceQuestion],
    options: ReadingOptions = READ_WHOLE,
) -> Iterator[Judged]:
    """As `judge_boolean`; an option's logits are summed over all windows (log-sum-exp).

    Raises: CheckpointError if the reader has no head for choices.
    """
    _need(reader, "choice")
    limit = choice_limit(reader.encoder.config)
    for question in questions:
        windows = _windows(reader, tokenizer, question.passage, options)
        if not windows:
            yield Judged((0.0,) * len(question.options), question.answer)
            continue
        asked = choice_pieces(question, tokenizer, limit)
        outputs = read_in_batches(reader, tokenizer, asked, windows, options)
        logits = [output.choice for output in outputs if output.choice is not None]
        scores = torch.cat(logits).view(len(asked), len(windows)).logsumexp(1)
        yield Judged(tuple(scores.softmax(0).tolist()), question.answer)


def accuracy(judged: Sequence[Judged]) -> dict[str, Any]:
    """Accuracy, and that of always giving the commonest answer, in per cent.

    Both are None if there are no questions.
    """
    if not judged:
        return {"accuracy": None, "majority": None, "questions": 0}
    right = sum(j.said == j.answer for j in judged)
    [(_, commonest)] = Counter(j.answer for j in judged).most_common(1)
    return {
        "accuracy": 100.0 * right / len(judged),
        "majority": 100.0 * commonest / len(judged),
        "questions": len(judged),
    }


def evaluate_verdicts(
    engine: SearchEngine,
    questions: Sequence[BooleanQuestion],
    *,
    min_confidence: float | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> dict[str, Any]:
    """Ask an index each question and compare its verdicts, all in per cent.

    Of all questions: `accuracy`, where no verdict is wrong; `majority`, that of always giving the
    commonest answer; `given`, how many got a verdict. Of those: `right_of_given`, and
    `own_passage`, how many have their first evidence in the question's own passage.
    Raises: CheckpointError if the index's model has no yes/no head.
    """
    _need(engine.checkpoint.reader, "boolean")
    right = given = own = 0
    is_right = RightPassage()
    for done, question in enumerate(questions, 1):
        on_progress(done)
        verdict = engine.ask(question.question, min_confidence=min_confidence).verdict
        if verdict is not None:
            given += 1
            right += (verdict.text == "yes") == question.answer
            own += is_right(verdict.evidence[0].text, question.passage)
    commonest = Counter(question.answer for question in questions).most_common(1)
    n, said = max(1, len(questions)), max(1, given)
    return {
        "accuracy": 100.0 * right / n,
        "majority": 100.0 * (commonest[0][1] if commonest else 0) / n,
        "given": 100.0 * given / n,
        "right_of_given": 100.0 * right / said,
        "own_passage": 100.0 * own / said,
        "questions": len(questions),
    }


def _need(reader: Reader, head: str) -> None:
    if head not in reader.heads:
        raise CheckpointError(
            f"the model has no head for {'yes/no' if head == 'boolean' else 'choices'}; train one "
            f"with: engine train {head}"
        )


def _windows(
    reader: Reader, tokenizer: Tokenizer, passage: str, options: ReadingOptions
) -> list[Any]:
    ids = tokenizer.encode(passage).ids
    bounds = window_bounds(len(ids), options.window_of(reader.encoder.config))
    return [ids[start:end] for start, end in bounds]
