"""Questions with their passages, read and answered, each within its budget of time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from engine.answering.pace import Pace, read_within
from engine.answering.passages import LoadedPassages, RetrievedPassages, judged, read_each
from engine.answering.question import PreparedQuestion
from engine.answering.question_clock import QuestionClock
from engine.answering.results import SearchResult
from engine.answering.search_result import nothing_found, search_result
from engine.calibration import Calibration
from engine.checkpoint import Checkpoint
from engine.reading.reader import ReaderOutput


@dataclass(frozen=True)
class LoadedQuestion:
    """A question with what was retrieved and loaded for it; `encoded` are its states."""

    prepared: PreparedQuestion
    encoded: Tensor
    retrieved: RetrievedPassages
    loaded: LoadedPassages

    @property
    def tokens(self) -> list[int]:
        """How many are read of each passage, the question's own among them."""
        states = self.loaded.states
        return [len(self.encoded) + size for size in states.packing.sizes] if states else []

    def best(self, n: int) -> "LoadedQuestion":
        return replace(self, loaded=self.loaded.best(n))


@dataclass(frozen=True)
class ReadingStage:
    """Reads and answers questions; `pace` is learned from each, whether it has a budget or not."""

    checkpoint: Checkpoint
    calibration: Calibration
    pace: Pace
    clock: QuestionClock

    def answer(self, questions: Sequence[LoadedQuestion]) -> list[SearchResult]:
        """What each is answered with, but for the citations' lines and the general notes.

        Those with a budget come first, and each takes an equal part of the time that's left to it,
        since it waits for the others.
        """
        results: dict[int, SearchResult] = {}
        hurried = [n for n, one in enumerate(questions) if one.prepared.asked.budget_ms is not None]
        for share, n in zip(range(len(hurried), 0, -1), hurried, strict=True):
            results[n] = self._within_budget(questions[n], share)
        others = [n for n in range(len(questions)) if n not in results]
        results |= zip(others, self._all_of([questions[n] for n in others]), strict=True)
        return [results[n] for n in range(len(questions))]

    def _all_of(self, questions: Sequence[LoadedQuestion]) -> list[SearchResult]:
        begun = self.clock.elapsed
        results = self._read(questions)
        if tokens := sum(sum(one.tokens) for one in questions):
            self.pace.learn(tokens, self.clock.elapsed - begun)
        return results

    def _within_budget(self, question: LoadedQuestion, share: int) -> SearchResult:
        """`share` is the number of questions that its time is divided between."""
        budget = question.prepared.asked.budget_ms or 0.0
        begun = self.clock.elapsed
        end = begun + (budget - begun) / share
        tokens = question.tokens
        if not tokens:
            return self._read([question])[0]
        result, n = read_within(
            lambda: end - self.clock.elapsed,
            tokens,
            self.pace,
            lambda n: self._read([question.best(n)])[0],
        )
        if n == 1 and self.clock.elapsed > end:
            note = f"the budget of {budget:g} ms is too small for one passage; the best was read"
        elif n < len(tokens):
            note = f"the budget of {budget:g} ms had room for {n} of {len(tokens)} passages"
        else:
            return result
        return replace(result, notes=(note,))

    def _read(self, questions: Sequence[LoadedQuestion]) -> list[SearchResult]:
        encoded, loaded = [one.encoded for one in questions], [one.loaded for one in questions]
        outputs = read_each(encoded, loaded, self.checkpoint)
        return [self._result(*each) for each in zip(questions, outputs, strict=True)]

    def _result(self, question: LoadedQuestion, output: ReaderOutput | None) -> SearchResult:
        asked, retrieved, loaded = question.prepared.asked, question.retrieved, question.loaded
        calibration = self.calibration
        if asked.min_confidence is not None:
            calibration = replace(calibration, min_confidence=asked.min_confidence)
        if output is None:
            return nothing_found(asked.question, retrieved, calibration)
        read = judged(question.prepared.question.text, output, loaded, calibration)
        return search_result(asked.question, retrieved, loaded, read, calibration, asked.top_k)
