"""The query API: a question in, exact spans of the documents out."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from engine.answering.asked import Asked
from engine.answering.pace import Pace
from engine.answering.passages import (
    RetrievedPassages,
    calibration_of,
    fuse,
    load_passages,
    passage_hit,
)
from engine.answering.question import PreparedQuestion, prepare_question
from engine.answering.question_clock import QuestionClock
from engine.answering.reading_stage import LoadedQuestion, ReadingStage
from engine.answering.results import Answer, FoundPassages, SearchResult
from engine.calibration import Calibration
from engine.checkpoint import Checkpoint, load_checkpoint
from engine.document_fields import FieldSummary
from engine.documents import Document
from engine.encoder.states import States
from engine.errors import (
    CheckpointMismatchError,
    IndexStoreError,
    QuestionError,
    is_out_of_memory,
)
from engine.filters import Filters, conditions
from engine.retrieval.address import IndexAddress, parse_index_address
from engine.retrieval.backend import Backend, Snapshot
from engine.retrieval.hit import Hit
from engine.retrieval.opening import open_backend, recorded_model

UNTRAINED = (
    "the model was never trained to answer, so its spans mean nothing; train it with: engine "
    "train split"
)


class SearchEngine:
    """Answers questions from one index. Safe to use from several threads.

    >>> with SearchEngine.open("papers.idx") as engine:  # doctest: +SKIP
    ...     result = engine.ask("Who discovered radium?")
    ...     print(result.answers[0].text)
    """

    def __init__(self, backend: Backend, checkpoint: Checkpoint) -> None:
        made_by = backend.settings.checkpoint
        if made_by != checkpoint.fingerprint:
            raise CheckpointMismatchError(
                f"the index was made by checkpoint {made_by}, the one at {checkpoint.folder} is "
                f"{checkpoint.fingerprint}; name the right one with --model, or build again"
            )
        self.backend = backend
        self.checkpoint = checkpoint
        self._threads, self._process = _retrieval_threads(), os.getpid()
        self._pace = Pace()

    @classmethod
    def open(
        cls,
        index: str | IndexAddress,
        *,
        model: str | Path | None = None,
        lexical: str = "tantivy",
        device: str = "auto",
        products: str = "auto",
    ) -> "SearchEngine":
        """Open an index with the checkpoint that made it, by default the shipped one.

        `index` is a folder, or in a cluster: "es://host:9200/papers". `lexical` is "tantivy" or,
        for a folder, "rank-bm25", which is rebuilt in memory at each opening. `device` is "cpu",
        "cuda" or "auto", which takes CUDA where it's there. `products` is "exact", or "auto", which
        reads with products of int8 on a processor that is fast at them and has no bf16.

        Raises: IndexStoreError if `index` isn't an index or its cluster can't be reached;
        CheckpointError if there's no model; CheckpointMismatchError if the index holds another
        checkpoint's states.
        """
        backend = open_backend(parse_index_address(index), lexical=lexical)
        try:
            folder = Path(model) if model else recorded_model(backend)
            return cls(backend, load_checkpoint(folder, device=device, products=products))
        except BaseException:
            backend.close()
            raise

    def close(self) -> None:
        self._executor().shutdown()
        self.backend.close()

    def __enter__(self) -> "SearchEngine":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def ask(
        self,
        question: str,
        *,
        top_k: int = 5,
        passages: int = 20,
        filters: Filters | None = None,
        min_confidence: float | None = None,
        budget_ms: float | None = None,
    ) -> SearchResult:
        """The `top_k` likeliest answers, read from the best `passages` passages.

        With `filters`, the best passages are those of documents whose fields meet all conditions:
        `["type=pdf,md", "year>=2020"]` or `{"type": ["pdf", "md"], "year": {">=": 2020}}`; see
        `engine.filters`. If there are no such documents, there's no answer, and `notes` says so.

        `min_confidence`, from 0 to 1, is the least confidence of the first answer; below it the
        result is *no answer*. By default it's the calibration's.

        With `budget_ms`, as many of the best passages are read as fit into so many milliseconds
        from the question to its answers, and one in any case. How many fit is foreseen from the
        last readings of this engine. `passages_read` says how many were read, and `notes` if some
        weren't; those are left out of the result's `passages`.

        Raises: QuestionError if the question holds no word, a number is out of its range, or there
        isn't the memory to read so many passages; FilterError, a QuestionError, if no document has
        a field of that name, or a value can't be compared with it.
        """
        asked = Asked(question, top_k, passages, conditions(filters), min_confidence, budget_ms)
        (told,) = self.ask_together([asked])
        if isinstance(told, QuestionError):
            raise told
        return told

    def ask_together(self, asked: Sequence[Asked]) -> list[SearchResult | QuestionError]:
        """As `ask` for each question, of one snapshot, encoded together and read a few at once.

        A question that can't be asked has its error in the place of a result. `timings` are those
        of all questions, since each waits for the others.
        """
        clock = QuestionClock()
        # One generation from the first search to the last passage, whatever is written meanwhile.
        with clock.stage("total"), self.backend.snapshot() as snapshot:
            prepared = [self._prepared(one, snapshot, clock) for one in asked]
            ready = [one for one in prepared if isinstance(one, PreparedQuestion)]
            with _memory_for(max((one.asked.passages for one in ready), default=0)):
                results = iter(self._answered(ready, snapshot, clock) if ready else [])
            told = [one if isinstance(one, QuestionError) else next(results) for one in prepared]
        timings = clock.milliseconds
        return [
            one if isinstance(one, QuestionError) else replace(one, timings=timings) for one in told
        ]

    def search(
        self, question: str, *, passages: int = 20, filters: Filters | None = None
    ) -> FoundPassages:
        """The best `passages` passages as retrieved, without reading them for an answer.

        A passage's `score` is that of both rankings fused. `filters` and errors are as for `ask`.
        """
        asked = Asked(question, passages=passages, filters=conditions(filters))
        with self.backend.snapshot() as snapshot:
            prepared = self._prepared(asked, snapshot, clock := QuestionClock())
            if isinstance(prepared, QuestionError):
                raise prepared
            retrieved, _ = self._retrieved([prepared], snapshot, clock)
            best = {candidate.key: candidate for candidate in retrieved[0].fused[:passages]}
            hits = tuple(
                passage_hit(item, best[item.key], best[item.key].fused_score)
                for item in snapshot.fetch(list(best))
            )
            notes = tuple(prepared.notes + list(snapshot.notes))
        return FoundPassages(question, hits, notes, tuple(map(str, asked.filters)))

    def _prepared(
        self, asked: Asked, snapshot: Snapshot, clock: QuestionClock
    ) -> PreparedQuestion | QuestionError:
        try:
            question = prepare_question(asked.question, self.checkpoint)
            notes = [question.note] if question.note else []
            if not self.checkpoint.settings.answers:
                notes.append(UNTRAINED)
            if asked.filters:
                with clock.stage("filter"):
                    if not snapshot.matching(asked.filters):
                        notes.append(f"no document has {', '.join(map(str, asked.filters))}")
        except QuestionError as error:
            return error
        return PreparedQuestion(asked, question, notes)

    def _retrieved(
        self, ready: Sequence[PreparedQuestion], snapshot: Snapshot, clock: QuestionClock
    ) -> tuple[list[RetrievedPassages], States]:
        """What retrieval finds for each question, and the questions' states."""

        def by_terms() -> list[list[Hit]]:
            return [
                snapshot.search_terms(one.question.text, one.asked.passages, one.asked.filters)
                for one in ready
            ]

        # The lexical search needs no encoding, so it runs beside it.
        lexical = self._executor().submit(clock.timed, "lexical", by_terms)
        with clock.stage("encode"):
            encoded = self.checkpoint.encode_questions([one.question.pieces for one in ready])
            vectors = self.checkpoint.vectors(encoded)
        with clock.stage("dense"):
            dense = [
                snapshot.search_vectors(vector[None], one.asked.passages, one.asked.filters)[0]
                for one, vector in zip(ready, vectors, strict=True)
            ]
        return [fuse(*both) for both in zip(lexical.result(), dense, strict=True)], encoded

    def _answered(
        self, ready: Sequence[PreparedQuestion], snapshot: Snapshot, clock: QuestionClock
    ) -> list[SearchResult]:
        retrieved, encoded = self._retrieved(ready, snapshot, clock)
        with clock.stage("load"):
            loaded = [
                load_passages(found.fused[: one.asked.passages], snapshot, self.checkpoint)
                for one, found in zip(ready, retrieved, strict=True)
            ]
        with clock.stage("read"):
            usual = calibration_of(snapshot, self.checkpoint)
            each = zip(ready, encoded.one_by_one(), retrieved, loaded, strict=True)
            stage = ReadingStage(self.checkpoint, usual, self._pace, clock)
            results = stage.answer([LoadedQuestion(*one) for one in each])
            cited = [replace(one, answers=_cited(one.answers, snapshot)) for one in results]
        return [
            replace(
                result,
                notes=(*one.notes, *result.notes, *snapshot.notes),
                filters=tuple(map(str, one.asked.filters)),
            )
            for one, result in zip(ready, cited, strict=True)
        ]

    def ask_batch(
        self,
        questions: Sequence[str],
        *,
        top_k: int = 5,
        passages: int = 20,
        filters: Filters | None = None,
        min_confidence: float | None = None,
        budget_ms: float | None = None,
    ) -> list[SearchResult]:
        """As `ask` for each question, in order."""
        where = conditions(filters)
        return [
            self.ask(
                question,
                top_k=top_k,
                passages=passages,
                filters=where,
                min_confidence=min_confidence,
                budget_ms=budget_ms,
            )
            for question in questions
        ]

    def fields(self, *, values: int = 20) -> tuple[FieldSummary, ...]:
        """The fields that documents can be filtered by, by name.

        Each tells its `kinds` ("text", "number", "date", "boolean"; several where documents
        differ), how many `documents` have it, how many `distinct` values there are, up to `values`
        of them with the number of documents that have each, most frequent first, and the `minimum`
        and `maximum` of numbers or dates. Every file gives `path`, `type` and `title`, and
        `modified` unless its index is older than that field.

        The first call, like the first question with filters, reads every document's fields, some
        seconds for 100,000. Further calls are cheap while the index doesn't change.
        """
        with self.backend.snapshot() as snapshot:
            return snapshot.fields(values)

    def document(self, document_id: str) -> Document:
        """The whole document that an answer comes from."""
        with self.backend.snapshot() as snapshot:
            return snapshot.document(document_id)

    def calibration(self) -> Calibration:
        """What questions are answered with now: the index's own, or the checkpoint's."""
        with self.backend.snapshot() as snapshot:
            return calibration_of(snapshot, self.checkpoint)

    def _executor(self) -> ThreadPoolExecutor:
        """The threads of this process: a fork has none of its parent's."""
        if self._process != os.getpid():
            self._threads, self._process = _retrieval_threads(), os.getpid()
        return self._threads


def _cited(answers: Sequence[Answer], snapshot: Snapshot) -> tuple[Answer, ...]:
    """The answers with all that their citations tell, each document read once.

    Where a document can't be read, as on a shard that's out of reach, its citations tell less.
    """
    documents: dict[str, Document] = {}
    for wanted in dict.fromkeys(answer.passage.document for answer in answers):
        with suppress(IndexStoreError):
            documents[wanted] = snapshot.document(wanted)
    return tuple(
        replace(answer, citation=answer.citation.in_document(document, answer.start))
        if (document := documents.get(answer.passage.document))
        else answer
        for answer in answers
    )


@contextmanager
def _memory_for(passages: int) -> Iterator[None]:
    """Raises: QuestionError where there isn't enough."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise QuestionError(
            f"there isn't the memory to read {passages} passages; ask with fewer (--passages)"
        ) from error


def _retrieval_threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(2, thread_name_prefix="retrieval")
