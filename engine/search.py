"""The query API: a question in, exact spans of the documents out."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from engine.answering.passages import calibration_of, fuse, load_passages, read_passages
from engine.answering.question import prepare_question
from engine.answering.question_clock import QuestionClock
from engine.answering.results import Answer, SearchResult
from engine.answering.search_result import nothing_found, search_result
from engine.calibration import Calibration
from engine.checkpoint import Checkpoint, load_checkpoint
from engine.document_fields import FieldSummary
from engine.documents import Document
from engine.errors import CheckpointMismatchError, IndexStoreError, QuestionError
from engine.filters import Filters, conditions
from engine.retrieval.address import IndexAddress, parse_index_address
from engine.retrieval.backend import Backend, Snapshot
from engine.retrieval.opening import open_backend, recorded_model

UNTRAINED = (
    "the model was never trained to answer, so its spans mean nothing; train it with: engine "
    "train split"
)

MOST_PASSAGES = 1000
"""That one question may be read in."""


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

    @classmethod
    def open(
        cls,
        index: str | IndexAddress,
        *,
        model: str | Path | None = None,
        lexical: str = "tantivy",
        device: str = "auto",
    ) -> "SearchEngine":
        """Open an index with the checkpoint that made it, by default the shipped one.

        `index` is a folder, or in a cluster: "es://host:9200/papers". `lexical` is "tantivy" or,
        for a folder, "rank-bm25", which is rebuilt in memory at each opening. `device` is "cpu",
        "cuda" or "auto", which takes CUDA where it's there.

        Raises: IndexStoreError if `index` isn't an index or its cluster can't be reached;
        CheckpointError if there's no model; CheckpointMismatchError if the index holds another
        checkpoint's states.
        """
        backend = open_backend(parse_index_address(index), lexical=lexical)
        try:
            folder = Path(model) if model else recorded_model(backend)
            return cls(backend, load_checkpoint(folder, device=device))
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
    ) -> SearchResult:
        """The `top_k` likeliest answers, read from the best `passages` passages.

        With `filters`, the best passages are those of documents whose fields meet all conditions:
        `["type=pdf,md", "year>=2020"]` or `{"type": ["pdf", "md"], "year": {">=": 2020}}`; see
        `engine.filters`. If there are no such documents, there's no answer, and `notes` says so.

        `min_confidence`, from 0 to 1, is the least confidence of the first answer; below it the
        result is *no answer*. By default it's the calibration's.

        Raises: QuestionError if the question holds no word, or a number is out of its range;
        FilterError, a QuestionError, if no document has a field of that name, or a value can't be
        compared with it.
        """
        _refuse_out_of_range(top_k, passages, min_confidence)
        clock = QuestionClock()
        asked, where = prepare_question(question, self.checkpoint), conditions(filters)
        # One generation from the first search to the last passage, whatever is written meanwhile.
        with clock.stage("total"), self.backend.snapshot() as snapshot:
            notes = [asked.note] if asked.note else []
            if not self.checkpoint.settings.answers:
                notes.append(UNTRAINED)
            if where:
                with clock.stage("filter"):
                    if not snapshot.matching(where):
                        notes.append(f"no document has {', '.join(map(str, where))}")
            # The lexical search needs no encoding, so it runs beside it.
            lexical = self._executor().submit(
                clock.timed, "lexical", snapshot.search_terms, asked.text, passages, where
            )
            with clock.stage("encode"):
                encoded = self.checkpoint.encode_questions([asked.pieces])
                vectors = self.checkpoint.vectors(encoded)
            with clock.stage("dense"):
                dense = snapshot.search_vectors(vectors, passages, where)[0]
            retrieved = fuse(lexical.result(), dense)
            with clock.stage("load"):
                best = retrieved.fused[:passages]
                loaded = load_passages(best, snapshot, self.checkpoint)
            with clock.stage("read"):
                calibration = calibration_of(snapshot, self.checkpoint)
                if min_confidence is not None:
                    calibration = replace(calibration, min_confidence=min_confidence)
                if loaded.fetched:
                    read = read_passages(asked.text, encoded, loaded, self.checkpoint, calibration)
                    result = search_result(question, retrieved, loaded, read, calibration, top_k)
                    result = replace(result, answers=_cited(result.answers, snapshot))
                else:
                    result = nothing_found(question, retrieved, calibration)
            notes += snapshot.notes
        return replace(
            result,
            timings=clock.milliseconds,
            notes=tuple(notes),
            filters=tuple(map(str, where)),
        )

    def ask_batch(
        self,
        questions: Sequence[str],
        *,
        top_k: int = 5,
        passages: int = 20,
        filters: Filters | None = None,
        min_confidence: float | None = None,
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


def _refuse_out_of_range(top_k: int, passages: int, min_confidence: float | None) -> None:
    if min_confidence is not None and not 0 <= min_confidence <= 1:
        raise QuestionError(
            f"the least confidence of an answer lies between 0 and 1, not at {min_confidence}"
        )
    if top_k < 1 or passages < 1:
        raise QuestionError(f"top_k and passages are numbers from 1 on, not {top_k} and {passages}")
    if passages > MOST_PASSAGES:
        raise QuestionError(
            f"a question is read in at most {MOST_PASSAGES} passages, not {passages}: all of them "
            "are in memory at once; ask for fewer"
        )


def _retrieval_threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(2, thread_name_prefix="retrieval")
