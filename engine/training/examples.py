"""Training examples: questions with the windows of text that answer them."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.datasets.squad import SquadParagraph
from engine.errors import SourceError
from engine.reading.read import ReadingOptions
from engine.text.tokenization import PieceIds, Pieces, Tokenizer
from engine.text.windows import window_bounds


@dataclass(frozen=True)
class Window:
    """A part of a paragraph, up to a limit of wordpieces.

    `ids` (n,); `text` is what they cover, `offsets` (n, 2) are their code points in it.
    """

    ids: PieceIds
    offsets: NDArray[np.int32]
    text: str
    title: str


@dataclass(frozen=True)
class Example:
    """A question, the window that answers it, and windows of other paragraphs that don't.

    `spans` are the first and last pieces of the answers within the window `gold`. A question that
    its paragraph doesn't answer has no spans, and its `gold` is that paragraph's first window.
    """

    question: PieceIds
    text: str
    gold: int
    spans: tuple[tuple[int, int], ...]
    negatives: tuple[int, ...] = ()

    def as_bytes(self) -> bytes:
        """Everything that matters for training, for a digest."""
        return self.question.tobytes() + repr((self.gold, self.spans, self.negatives)).encode()


@dataclass(frozen=True)
class ExampleSet:
    """`sources`: the number of the file that each example comes from; none if that's unknown."""

    windows: list[Window]
    examples: list[Example]
    sources: tuple[int, ...] = ()

    @classmethod
    def of_files(cls, sets: Sequence["ExampleSet"]) -> "ExampleSet":
        """The examples of several files together."""
        windows: list[Window] = []
        examples: list[Example] = []
        for each in sets:
            behind = len(windows)
            windows += each.windows
            examples += [replace(e, gold=e.gold + behind) for e in each.examples]
        sources = (number for number, each in enumerate(sets) for _ in each.examples)
        return cls(windows, examples, tuple(sources))


def is_tune(context: str, share: float = 0.1) -> bool:
    """Whether a paragraph belongs to the held-out split, by a hash of its text."""
    digest = hashlib.blake2b(context.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") / 2**32 < share


def cut_examples(
    paragraphs: Sequence[SquadParagraph],
    tokenizer: Tokenizer,
    *,
    limit: int,
    question_limit: int = ReadingOptions.question_limit,
) -> ExampleSet:
    """Cut paragraphs into windows of at most `limit` pieces and assign each question to one.

    Of a question the first `question_limit` pieces are kept.

    A longer paragraph gives overlapping windows, and a question goes to the window in which its
    first answer lies most centrally. An answer that isn't at its stated place is taken from the
    nearest place with the same text. Questions whose answers stand nowhere, or in no window whole,
    are left out.
    """
    windows: list[Window] = []
    examples: list[Example] = []
    for paragraph in paragraphs:
        pieces = tokenizer.encode(paragraph.context)
        if not len(pieces):
            continue
        bounds = window_bounds(len(pieces), limit)
        first_window = len(windows)
        windows += cut_windows(pieces, bounds, paragraph.context, paragraph.title)
        for question in paragraph.questions:
            ids = tokenizer.encode(question.question).ids[:question_limit]
            if not len(ids):
                continue
            if not question.answers:
                examples.append(Example(ids, question.question, first_window, ()))
                continue
            spans = [
                span
                for answer, said in question.answers
                if (at := _place(paragraph.context, answer, said)) is not None
                and (span := _piece_span(pieces, at, at + len(answer))) is not None
            ]
            if not spans:
                continue
            middle = sum(spans[0]) / 2
            best = min(
                range(len(bounds)), key=lambda i: abs(middle - (bounds[i][0] + bounds[i][1]) / 2)
            )
            start, end = bounds[best]
            inside = tuple((a - start, b - start) for a, b in spans if a >= start and b < end)
            if inside:
                examples.append(Example(ids, question.question, first_window + best, inside))
    return ExampleSet(windows, examples)


def cut_windows(
    pieces: Pieces, bounds: Sequence[tuple[int, int]], text: str, title: str
) -> list[Window]:
    """The windows of a text in `pieces` whose first and past-the-last pieces are `bounds`."""
    windows = []
    for start, end in bounds:
        begin = pieces.offsets[start, 0]
        covered = text[begin : pieces.offsets[end - 1, 1]]
        offsets = pieces.offsets[start:end] - begin
        windows.append(Window(pieces.ids[start:end], offsets, covered, title))
    return windows


def nothing_to_train(questions: int, epochs: float) -> SourceError:
    return SourceError(
        f"training on {questions} questions for {epochs} epochs is no step at all; give more "
        "questions that passages answer (those on a tenth of the passages are held back), and more "
        "than 0 epochs"
    )


def _place(context: str, answer: str, said: int) -> int | None:
    """The place of `answer` in a paragraph: at `said`, or nearest to it; None if nowhere."""
    if said >= 0 and context.startswith(answer, said):
        return said
    places = (found.start() for found in re.finditer(re.escape(answer), context))
    return min(places, key=lambda place: abs(place - said), default=None)


def _piece_span(pieces: Pieces, start: int, end: int) -> tuple[int, int] | None:
    """First and last piece that overlap the code points from `start` to `end`, if any."""
    if start == end:
        return None
    overlapping = np.flatnonzero((pieces.offsets[:, 1] > start) & (pieces.offsets[:, 0] < end))
    if not len(overlapping):
        return None
    return int(overlapping[0]), int(overlapping[-1])
