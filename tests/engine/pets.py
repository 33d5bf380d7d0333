"""A few documents of passages, encoded by hand, for the tests of backends, and how to find them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from engine.codecs.registry import codec_of
from engine.documents import Document, Passage, Section
from engine.filters import conditions
from engine.retrieval.analyser import ANALYSER
from engine.retrieval.backend import Backend
from engine.store.contents import EncodedDocument, EncodedPassage
from engine.store.manifest import IndexSettings

HIDDEN, DIMENSION = 8, 8
SETTINGS = IndexSettings(
    "f00d", "int8", HIDDEN, HIDDEN + 4, DIMENSION, ANALYSER, 160, {"overlap": 0}
)


def direction(number: int) -> np.ndarray:
    return np.eye(DIMENSION, dtype=np.float32)[number : number + 1]


def document(number: int, *texts: str, source: str = "", **columns) -> EncodedDocument:
    """The document whose passages all look in one direction; the states of each are its number."""
    name, whole, passages = f"doc{number}", "\n".join(texts), []
    start = 0
    for i, text in enumerate(texts):
        passage = Passage(
            id=f"{name}#{i}",
            document_id=name,
            start=start,
            end=start + len(text),
            pieces=np.array([1, 7], np.int32),
            offsets=np.array([[start, start + 1], [start + 1, start + len(text)]], np.int32),
            title=f"Title{number}",
            heading="Pets",
            page=3,
        )
        states = codec_of("int8").encode(torch.full((3, HIDDEN), float(i)))
        vector = 3 * direction(number % DIMENSION)[0].astype(np.float16)
        passages.append(EncodedPassage(passage, states, vector))
        start += len(text) + 1
    metadata = {"format": "text", "record": f"r{number}"}
    sections = (Section(0, len(whole), "Pets", 3),)
    source = source or f"doc{number}.txt"
    return EncodedDocument(
        Document(name, source, f"Title{number}", whole, sections, metadata, columns),
        tuple(passages),
    )


FIRST = (document(0, "cats purr", "cats sleep", year=2020), document(1, "dogs bark", year=2021))


def found_by(backend: Backend, words: str, *where: str) -> list[str]:
    with backend.snapshot() as snapshot:
        keys = [key for key, _ in snapshot.search_terms(words, 10, conditions(where))]
        return sorted(item.text for item in snapshot.fetch(keys))


def found_near(backend: Backend, number: int, *where: str) -> list[str]:
    with backend.snapshot() as snapshot:
        (hits,) = snapshot.search_vectors(direction(number), 10, conditions(where))
        return sorted(item.text for item in snapshot.fetch([k for k, score in hits if score > 0.5]))


def calibration(backend: Backend) -> Mapping[str, Any] | None:
    with backend.snapshot() as snapshot:
        return snapshot.calibration
