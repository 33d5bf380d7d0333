"""The query API: a question in, exact spans of the documents out."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.answering.answers import (
    Reading,
    give_verdict,
    merge_answers,
    probabilities,
    read,
    retrieval_features,
)
from engine.answering.results import PassageHit, SearchResult
from engine.calibration import Calibration
from engine.checkpoint import Checkpoint, load_checkpoint, shipped_checkpoint
from engine.codecs.codecs import codec_named
from engine.document_fields import FieldSummary
from engine.documents import Document
from engine.encoder.states import States
from engine.errors import CheckpointMismatchError, IndexStoreError, QuestionError
from engine.filters import Filters, conditions
from engine.reading.read import every_pair
from engine.reading.reader import ReaderOutput
from engine.retrieval.address import Place, place_of
from engine.retrieval.backend import Backend, FetchedPassage, Searchable
from engine.retrieval.fusion import Candidate, reciprocal_rank_fusion
from engine.retrieval.hit import Hit
from engine.retrieval.opening import open_backend
from engine.text.yes_no import asks_yes_or_no

STAGES = ("encode", "lexical", "dense", "load", "read")
UNTRAINED = (
    "the model was never trained to answer, so its spans mean nothing; train it with: engine "
    "train split"
)


@dataclass(frozen=True)
class Question:
    """A question in wordpieces; `note` says what was done to it, if anything."""

    text: str
    pieces: NDArray[np.int32]
    note: str | None


@dataclass(frozen=True)
class Retrieved:
    """What retrieval found for a question: each retriever's ranking of passage keys, and fused."""

    lexical: list[Hit]
    dense: list[Hit]
    fused: list[Candidate]


@dataclass(frozen=True)
class Loaded:
    """Passages as stored, with what found them; no passages have no states."""

    candidates: list[Candidate]
    fetched: list[FetchedPassage]
    states: States | None


@dataclass(frozen=True)
class ReadPassages:
    """Passages of one question as read, in fused order.

    `features`, (passages, 4), are what they are reranked by; see `Calibration`.
    """

    output: ReaderOutput
    features: Tensor
    reading: Reading


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
        self._codec = codec_named(checkpoint.settings.codec)
        self._threads, self._process = _retrieval_threads(), os.getpid()

    @classmethod
    def open(
        cls,
        index: str | Place,
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
        backend = open_backend(place_of(index), lexical=lexical)
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

        With `filters`, from the best of those documents whose fields meet all conditions:
        `["type=pdf,md", "year>=2020"]` or `{"type": ["pdf", "md"], "year": {">=": 2020}}`; see
        `engine.filters`. If there are no such documents, there's no answer, and `notes` says so.

        `min_confidence`, from 0 to 1, is how sure the first answer has to be not to become *no
        answer*; by default what the calibration says.

        Raises: QuestionError if the question holds no word, or a number is out of its range;
        FilterError, which is one, if no document has a field of that name, or a value can't be
        compared with it.
        """
        _refuse_beyond(min_confidence)
        if top_k < 1 or passages < 1:
            raise QuestionError(
                f"top_k and passages are numbers from 1 on, not {top_k} and {passages}"
            )
        clock = _Clock()
        asked, where = self.prepare(question), conditions(filters)
        # One generation from the first search to the last passage, whatever is written meanwhile.
        with clock.stage("total"), self.backend.snapshot() as collection:
            notes = [asked.note] if asked.note else []
            if not self.checkpoint.settings.answers:
                notes.append(UNTRAINED)
            if where:
                with clock.stage("filter"):
                    if not collection.matching(where):
                        notes.append(f"no document has {', '.join(map(str, where))}")
            # The lexical search needs no encoding, so it runs beside it.
            lexical = self._executor().submit(
                clock.timed, "lexical", collection.search_terms, question, passages, where
            )
            with clock.stage("encode"):
                encoded = self.checkpoint.encode_questions([asked.pieces])
                vectors = self.checkpoint.vectors(encoded)
            with clock.stage("dense"):
                dense = collection.search_vectors(vectors, passages, where)[0]
            retrieved = fuse(lexical.result(), dense)
            with clock.stage("load"):
                loaded = self.load(retrieved.fused[:passages], collection)
            with clock.stage("read"):
                calibration = self.calibration(collection)
                if min_confidence is not None:
                    calibration = replace(calibration, min_confidence=min_confidence)
                result = self._answer(asked, encoded, retrieved, loaded, top_k, calibration)
            notes += collection.notes
        return SearchResult(
            **result,
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
        """The fields that documents can be filtered by, by name: what a page needs for its choices.

        Each tells its `kinds` ("text", "number", "date", "boolean"; several where documents
        differ), how many `documents` have it, how many `distinct` values there are, up to
        `values` of them with the number of documents that have each, most frequent first, and
        the `minimum` and `maximum` of numbers or dates. Every file gives `path`, `type` and
        `title`, and `modified` if it was indexed since that is kept.

        Cheap to call again while the index doesn't change: the first call, like the first
        question with filters, reads every document's fields, some seconds for 100,000.
        """
        with self.backend.snapshot() as collection:
            return collection.fields(values)

    def document(self, document_id: str) -> Document:
        """The whole document that an answer comes from."""
        return self.backend.document(document_id)

    def prepare(self, question: str) -> Question:
        """Wordpieces of a question, cut to the checkpoint's limit.

        Raises: QuestionError if it holds no word.
        """
        limit = self.checkpoint.settings.question_limit
        pieces = self.checkpoint.tokenizer.encode(question).ids
        if not len(pieces) or not any(character.isalnum() for character in question):
            raise QuestionError("the question is empty; ask with at least one word")
        note = None
        if len(pieces) > limit:
            note = f"the question has {len(pieces)} wordpieces; it was cut to the first {limit}"
        return Question(question, pieces[:limit], note)

    def retrieve(self, question: Question, encoded: States, n: int) -> Retrieved:
        """Both retrievers' best `n` passages, fused."""
        dense = self.backend.search_vectors(self.checkpoint.vectors(encoded), n)[0]
        return fuse(self.backend.search_terms(question.text, n), dense)

    def load(self, candidates: Sequence[Candidate], collection: Searchable | None = None) -> Loaded:
        """Passages with their stored states in the checkpoint's dtype.

        They come from `collection`, by default the backend as it is now.
        """
        by_key = {candidate.key: candidate for candidate in candidates}
        fetched = (collection or self.backend).fetch(list(by_key))
        found = [by_key[item.key] for item in fetched]
        if not fetched:
            return Loaded([], [], None)
        width = self.checkpoint.hidden_width
        lengths = [len(item.passage.pieces) + 1 for item in fetched]  # and the closing [SEP]
        states = [
            self._codec.decode(item.states, n, width, self.checkpoint.dtype)
            for item, n in zip(fetched, lengths, strict=True)
        ]
        return Loaded(found, fetched, States.of(states, self.checkpoint.device))

    def calibration(self, collection: Searchable | None = None) -> Calibration:
        """The collection's own, if it was calibrated, or the checkpoint's.

        Raises: IndexStoreError if its own doesn't fit this version.
        """
        own = (collection or self.backend).calibration
        if own is None:
            return self.checkpoint.settings.calibration
        try:
            return Calibration.from_dict(own)
        except (TypeError, ValueError) as error:
            raise IndexStoreError(
                f"the calibration of the index doesn't fit this version ({error}); fit it again "
                "with: engine calibrate QUESTIONS --index DIR"
            ) from None

    @torch.inference_mode()
    def read(
        self, encoded: States, loaded: Loaded, calibration: Calibration | None = None
    ) -> ReadPassages:
        """One pass of the upper layers over all passages of one question.

        They're reranked by `calibration`, by default the one that questions are answered with.

        Raises: ValueError if there are no passages.
        """
        if loaded.states is None:
            raise ValueError("there are no passages to read")
        output = self.checkpoint.read(encoded, loaded.states, every_pair(1, len(loaded.fetched)))
        retrieval = retrieval_features([candidate.ranks for candidate in loaded.candidates])
        features, reading = read(output, retrieval, calibration or self.calibration())
        return ReadPassages(output, features, reading)

    def _executor(self) -> ThreadPoolExecutor:
        """The threads of this process: a fork has none of its parent's."""
        if self._process != os.getpid():
            self._threads, self._process = _retrieval_threads(), os.getpid()
        return self._threads

    def _answer(
        self,
        question: Question,
        encoded: States,
        retrieved: Retrieved,
        loaded: Loaded,
        top_k: int,
        calibration: Calibration,
    ) -> dict[str, Any]:
        if not loaded.fetched:
            return {
                "question": question.text,
                "answers": (),
                "passages": (),
                "no_answer": True,
                "no_answer_confidence": 1.0,
                "min_confidence": calibration.min_confidence,
                "trace": _trace(retrieved, []),
            }
        done = self.read(encoded, loaded, calibration)
        reading = done.reading
        probability, null = probabilities(reading, calibration)
        hits = [
            passage_hit(item, candidate, score)
            for item, candidate, score in zip(
                loaded.fetched, loaded.candidates, reading.rerank.tolist(), strict=True
            )
        ]
        offsets = [item.passage.offsets for item in loaded.fetched]
        answers = merge_answers(reading, probability, hits, offsets, top_k)
        order = reading.rerank.argsort(descending=True).tolist()
        verdict = None
        if done.output.boolean is not None and asks_yes_or_no(question.text):
            least = calibration.min_confidence
            verdict = give_verdict(done.output.boolean, hits, min_confidence=least)
        return {
            "question": question.text,
            "answers": answers,
            "verdict": verdict,
            "passages": tuple(hits[i] for i in order),
            "no_answer": not answers or answers[0].confidence < calibration.min_confidence,
            "no_answer_confidence": float(null),
            "min_confidence": calibration.min_confidence,
            "trace": _trace(retrieved, [loaded.candidates[i].key for i in order]),
        }


def _refuse_beyond(min_confidence: float | None) -> None:
    if min_confidence is not None and not 0 <= min_confidence <= 1:
        raise QuestionError(
            f"the least confidence of an answer lies between 0 and 1, not at {min_confidence}"
        )


def _retrieval_threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(2, thread_name_prefix="retrieval")


def fuse(lexical: list[Hit], dense: list[Hit]) -> Retrieved:
    return Retrieved(lexical, dense, reciprocal_rank_fusion({"bm25": lexical, "dense": dense}))


def _trace(retrieved: Retrieved, reranked: list[int]) -> dict[str, list[int]]:
    """Passage keys in the order of each stage."""
    return {
        "bm25": [key for key, _ in retrieved.lexical],
        "dense": [key for key, _ in retrieved.dense],
        "hybrid": [candidate.key for candidate in retrieved.fused],
        "reranked": reranked,
    }


def recorded_model(backend: Backend) -> Path:
    """The checkpoint folder that the build remembered, if it's still there, or the shipped one."""
    recorded = backend.settings.build.get("model")
    if recorded and Path(str(recorded)).is_dir():
        return Path(str(recorded))
    return shipped_checkpoint()


def passage_hit(item: FetchedPassage, candidate: Candidate, score: float) -> PassageHit:
    passage = item.passage
    return PassageHit(
        id=passage.id,
        document=passage.document_id,
        source=item.source,
        title=passage.title,
        text=item.text,
        start=passage.start,
        end=passage.end,
        score=score,
        ranks=candidate.ranks,
        heading=passage.heading,
        page=passage.page,
        fields=item.fields,
    )


class _Clock:
    """Milliseconds of each stage of one question."""

    def __init__(self) -> None:
        self._taken: dict[str, float] = {}

    @property
    def milliseconds(self) -> Mapping[str, float]:
        return {**dict.fromkeys((*STAGES, "total"), 0.0), **self._taken}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self._taken[name] = 1000 * (time.perf_counter() - started)

    def timed(self, name: str, function: Any, *arguments: Any) -> Any:
        with self.stage(name):
            return function(*arguments)
