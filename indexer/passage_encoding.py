"""Encoding passages: states in the checkpoint's codec, and a vector."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from engine.checkpoint import Checkpoint
from engine.documents import Document, Passage
from engine.store.contents import EncodedDocument, EncodedPassage
from engine.text.windows import length_groups

_NONE: Mapping[str, EncodedPassage] = MappingProxyType({})


def encode_documents(
    documents: Sequence[tuple[Document, list[Passage]]],
    checkpoint: Checkpoint,
    known: Mapping[str, EncodedPassage] = _NONE,
) -> list[EncodedDocument]:
    """States and vectors of all passages, run in passes of similar length.

    Passages whose ids are in `known` take theirs from there.
    """
    encoded: dict[str, EncodedPassage] = {}
    passages = []
    for passage in (passage for _, cut in documents for passage in cut):
        if same := known.get(passage.id):
            encoded[passage.id] = EncodedPassage(passage, same.states, same.vector)
        else:
            passages.append(passage)
    for numbers in length_groups([len(passage.pieces) for passage in passages]):
        group = [passages[number] for number in numbers]
        below = checkpoint.encode_passages([passage.pieces for passage in group])
        vectors = checkpoint.vectors(below)
        for passage, states, vector in zip(group, below.one_by_one(), vectors, strict=True):
            encoded[passage.id] = EncodedPassage(
                passage, checkpoint.codec.encode(states), vector.astype("float16")
            )
    return [
        EncodedDocument(document, tuple(encoded[passage.id] for passage in cut))
        for document, cut in documents
    ]
