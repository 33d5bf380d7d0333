"""Yes/no and multiple-choice questions, each judged on its own passage: accuracy."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from engine.answering.answers import boolean_probabilities
from engine.datasets.questions import BooleanQuestion, ChoiceQuestion
from engine.errors import CheckpointError
from engine.evaluation.searching import RightPassage
from engine.reading.choices import choice_limit, choice_pieces
from engine.reading.read import READ_WHOLE, ReadingOptions, read_every_pair
from engine.reading.reader import Reader
from engine.search import SearchEngine
from engine.text.tokenization import Tokenizer
from engine.text.windows import window_bounds


@dataclass(frozen=True)
class Judged:
    """What a reader makes of one question.

    `probabilities` are those of no and yes, which need not come to 1, since the passage may tell
    neither; or of each option. `answer` is the right one's number.
    """

    probabilities: tuple[float, ...]
    answer: int

    @property
    def said(self) -> int:
        """The likeliest; the first of several alike."""
        return max(range(len(self.probabilities)), key=lambda i: self.probabilities[i])


def judge_boolean(
    reader: Reader,
    tokenizer: Tokenizer,
    questions: Sequence[BooleanQuestion],
    options: ReadingOptions = READ_WHOLE,
) -> Iterator[Judged]:
    """Judge each question on its passage, in windows as `engine.evaluation.reading.predict` has it.

    Raises: CheckpointError if the reader has no yes/no head.
    """
    _need(reader, "boolean")
    for passage, asked in groupby(questions, key=lambda q: q.passage):
        together = list(asked)
        windows = _windows(reader, tokenizer, passage, options)
        if not windows:
            yield from (Judged((0.0, 0.0), int(q.answer)) for q in together)
            continue
        ids = [tokenizer.encode(q.question).ids[: options.question_limit] for q in together]
        logits = read_every_pair(reader, tokenizer, ids, windows, options).boolean
        assert logits is not None  # it has the head
        by_question = logits.view(len(together), len(windows), 2)
        for question, entries in zip(together, by_question, strict=True):
            probabilities = boolean_probabilities(entries)[0].sum(0).tolist()
            yield Judged(tuple(probabilities), int(question.answer))


def judge_choice(
    reader: Reader,
    tokenizer: Tokenizer,
    questions: Sequence[ChoiceQuestion],
    options: ReadingOptions = READ_WHOLE,
) -> Iterator[Judged]:
    """As `judge_boolean`; an option's logits of all windows count together.

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
        logits = read_every_pair(reader, tokenizer, asked, windows, options).choice
        assert logits is not None  # it has the head
        scores = logits.view(len(asked), len(windows)).logsumexp(1)
        yield Judged(tuple(scores.softmax(0).tolist()), question.answer)


def accuracy(judged: Sequence[Judged]) -> dict[str, Any]:
    """Per cent judged right, and what always saying the commonest answer would come to.

    Both are None of no questions.
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
    """Ask an index: accuracy, no verdict being wrong, and of how many a verdict was given at all.

    `given` and `right_of_given` are per cent too, and so is `own_passage`: verdicts whose first
    evidence lies in the question's own passage, or holds it.
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
    limit = options.window_of(reader.encoder.config)
    ids = tokenizer.encode(passage).ids
    bounds = window_bounds(len(ids), limit) if len(ids) else []
    return [ids[start:end] for start, end in bounds]
