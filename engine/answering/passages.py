"""The passages that are read for a question: retrieved, loaded and read, out of one snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.answering.answers import Reading, read, retrieval_features
from engine.answering.results import PassageHit
from engine.calibration import Calibration
from engine.checkpoint import Checkpoint
from engine.encoder.states import States
from engine.errors import IndexVersionError
from engine.reading.read import TOKENS_AT_ONCE, by_tokens, own_pairs
from engine.reading.reader import ReaderOutput
from engine.reading.wording import Wording
from engine.retrieval.backend import FetchedPassage, Snapshot
from engine.retrieval.fusion import Candidate, reciprocal_rank_fusion
from engine.retrieval.hit import Hit
from engine.text.words import asked_words

MOST_AT_ONCE = 2 * TOKENS_AT_ONCE
"""Tokens of one question's passages: some sixty passages, for which a reader takes half a GB."""


@dataclass(frozen=True)
class RetrievedPassages:
    """What retrieval found for a question: each retriever's ranking of passage keys, and fused."""

    lexical: list[Hit]
    dense: list[Hit]
    fused: list[Candidate]


@dataclass(frozen=True)
class LoadedPassages:
    """Passages as stored, in fused order, with what found them; no passages have no states."""

    candidates: list[Candidate]
    fetched: list[FetchedPassage]
    states: States | None

    def best(self, n: int) -> "LoadedPassages":
        """The first `n`, one at least."""
        if self.states is None or n >= len(self.fetched):
            return self
        states = States.of(self.states.one_by_one()[:n])
        return LoadedPassages(self.candidates[:n], self.fetched[:n], states)


@dataclass(frozen=True)
class ReadPassages:
    """Passages of one question as read, in fused order.

    `features`, (passages, 4), are what they are reranked by; see `Calibration`.
    """

    output: ReaderOutput
    features: Tensor
    reading: Reading


def retrieve_passages(
    question: str, vector: NDArray[np.float32], n: int, snapshot: Snapshot
) -> RetrievedPassages:
    """Both retrievers' best `n` passages, fused. `vector`, (1, dimension), is the question's."""
    dense = snapshot.search_vectors(vector, n)[0]
    return fuse(snapshot.search_terms(question, n), dense)


def fuse(lexical: list[Hit], dense: list[Hit]) -> RetrievedPassages:
    fused = reciprocal_rank_fusion(lexical, dense)
    return RetrievedPassages(lexical, dense, fused)


def load_passages(
    candidates: Sequence[Candidate], snapshot: Snapshot, checkpoint: Checkpoint
) -> LoadedPassages:
    """The passages that are still there, with their stored states in the checkpoint's dtype."""
    by_key = {candidate.key: candidate for candidate in candidates}
    fetched = snapshot.fetch(list(by_key))
    if not fetched:
        return LoadedPassages([], [], None)
    stored, pieces = [item.states for item in fetched], [item.passage.pieces for item in fetched]
    found = [by_key[item.key] for item in fetched]
    return LoadedPassages(found, fetched, checkpoint.stored_states(stored, pieces))


def calibration_of(snapshot: Snapshot, checkpoint: Checkpoint) -> Calibration:
    """The collection's own calibration, or else the checkpoint's.

    Raises: IndexStoreError if its own doesn't fit this version.
    """
    own = snapshot.calibration
    if own is None:
        return checkpoint.settings.calibration
    try:
        return Calibration.from_dict(own)
    except (TypeError, ValueError) as error:
        raise IndexVersionError(
            f"the calibration of the index doesn't fit this version ({error}); fit it again "
            "with: engine calibrate QUESTIONS --index DIR"
        ) from None


def read_passages(
    question: str,
    encoded: States,
    loaded: LoadedPassages,
    checkpoint: Checkpoint,
    calibration: Calibration,
) -> ReadPassages:
    """One pass of the upper layers over all passages of one question, reranked by `calibration`.

    `encoded` are the question's states. Raises: ValueError if there are no passages.
    """
    (output,) = read_each([encoded.hidden], [loaded], checkpoint)
    if output is None:
        raise ValueError("there are no passages to read")
    return judged(question, output, loaded, calibration)


@torch.inference_mode()
def read_each(
    questions: Sequence[Tensor], loaded: Sequence[LoadedPassages], checkpoint: Checkpoint
) -> list[ReaderOutput | None]:
    """Each question read in its own passages, as many questions at once as pay.

    `questions` are their states. None where there are no passages.
    """
    outputs: list[ReaderOutput | None] = [None] * len(questions)
    with_passages = [
        (number, question, found.states)
        for number, (question, found) in enumerate(zip(questions, loaded, strict=True))
        if found.states is not None
    ]
    for group in by_tokens(with_passages, lambda one: one[2].packing.total):
        if len(group) == 1:
            number, question, states = group[0]
            outputs[number] = _read_one(question, states, checkpoint)
            continue
        counts = [len(states.packing) for _, _, states in group]
        passages = [hidden for _, _, states in group for hidden in states.one_by_one()]
        output = checkpoint.read(
            States.of([question for _, question, _ in group]),
            States.of(passages),
            own_pairs(counts),
        )
        for (number, *_), its in zip(group, output.split(counts), strict=True):
            outputs[number] = its
    return outputs


def _read_one(question: Tensor, passages: States, checkpoint: Checkpoint) -> ReaderOutput:
    """One question read in all its passages at once, or, of many, in parts that memory allows."""
    parts = list(
        by_tokens(passages.one_by_one(), lambda one: len(question) + len(one), MOST_AT_ONCE)
    )
    asked = States.of([question])
    return ReaderOutput.joined(
        [
            checkpoint.read(
                asked, States.of(part) if len(parts) > 1 else passages, own_pairs([len(part)])
            )
            for part in parts
        ]
    )


@torch.inference_mode()
def judged(
    question: str, output: ReaderOutput, loaded: LoadedPassages, calibration: Calibration
) -> ReadPassages:
    """What the reader says of one question's passages, reranked by `calibration`."""
    retrieval = retrieval_features([candidate.ranks for candidate in loaded.candidates])
    asked = asked_words(question)
    wordings = [
        Wording(item.text, item.passage.offsets - np.int32(item.passage.start), asked)
        for item in loaded.fetched
    ]
    features, reading = read(output, retrieval, calibration, wordings)
    return ReadPassages(output, features, reading)


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
        next_pages=passage.next_pages,
        fields=item.fields,
    )
