"""Documents that need no model: all of one follows from its name and version, so it can be told."""

import random
from hashlib import blake2b

import numpy as np
import torch

from engine.codecs.registry import codec_of
from engine.documents import Document, Passage
from engine.retrieval.analyser import ANALYSER
from engine.store.contents import EncodedDocument, EncodedPassage
from engine.store.manifest import IndexSettings

CODEC, HIDDEN, DIMENSION = "int8", 32, 16
SETTINGS = IndexSettings(
    "f00d", CODEC, HIDDEN, codec_of(CODEC).bytes_per_token(HIDDEN), DIMENSION, ANALYSER, 160
)
SYLLABLES = ("ba", "de", "fi", "go", "lu", "ma", "ne", "pi", "ro", "su", "ta", "ve", "wi", "zu")


def document(name: str, version: int) -> EncodedDocument:
    """A document of one to four passages, in whose words are its name and version."""
    draw = random.Random(blake2b(f"{name}/{version}".encode(), digest_size=8).digest())
    texts = [
        " ".join([name, f"v{version}", *(word(draw) for _ in range(draw.randrange(3, 60)))])
        for _ in range(draw.randrange(1, 5))
    ]
    start, passages = 0, []
    for number, text in enumerate(texts):
        pieces = text.split()
        ends = np.cumsum([len(piece) + 1 for piece in pieces]) - 1
        starts = ends - [len(piece) for piece in pieces]
        passage = Passage(
            id=f"{name}:{number}",
            document_id=name,
            start=start,
            end=start + len(text),
            pieces=np.array([len(piece) for piece in pieces], np.int32),
            offsets=np.stack([starts, ends], axis=1).astype(np.int32) + np.int32(start),
            title=f"Title of {name}",
        )
        values = np.random.default_rng(draw.randrange(2**32))
        states = torch.from_numpy(values.normal(size=(len(pieces) + 1, HIDDEN)))
        vector = values.normal(size=DIMENSION).astype(np.float16)
        passages.append(EncodedPassage(passage, codec_of(CODEC).encode(states), vector))
        start += len(text) + 1
    whole = Document(
        id=name,
        source=f"{name}.txt",
        title=f"Title of {name}",
        text="\n".join(texts),
        metadata={"version": version},
    )
    return EncodedDocument(whole, tuple(passages))


def word(draw: random.Random) -> str:
    return "".join(draw.choices(SYLLABLES, k=draw.randrange(1, 4)))


def same(one: EncodedDocument, other: EncodedDocument) -> bool:
    """Whether two documents are alike to the last byte, states and vectors too."""
    return one.document == other.document and [_flat(p) for p in one.passages] == [
        _flat(p) for p in other.passages
    ]


def _flat(encoded: EncodedPassage) -> tuple[object, ...]:
    passage = encoded.passage
    return (
        passage.id,
        passage.start,
        passage.end,
        passage.title,
        passage.pieces.tolist(),
        passage.offsets.tolist(),
        bytes(encoded.states),
        encoded.vector.tobytes(),
    )
