"""An estimate of a build's size and time, from a sample of its sources.

Some files of each kind are read whole, for the number of documents and characters in a byte. Some
of their documents are cut, encoded and stored in a temporary index, for the cost of each.
"""

import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.checkpoint import Checkpoint
from engine.documents import Document, Passage
from engine.errors import SourceError
from engine.retrieval.folder.backend import FolderBackend
from indexer.build import encode_documents, index_settings, refuse_long_passages
from indexer.passages import cut_passages
from indexer.sources import FileReader, Limits, Skipped, SourceFile, list_files

SAMPLE = 256  # passages to encode: seconds on a laptop
FILES_OF_A_KIND = 16
BYTES_OF_A_KIND = 16 << 20
DOCUMENTS_OF_A_KIND = 64
SEED = 0  # fixed, so that the same sources give the same sample


@dataclass(frozen=True)
class EstimateOptions:
    """`passage_limit` and `overlap` count wordpieces; `sample` counts passages to encode."""

    passage_limit: int | None = None
    overlap: int = 0
    sample: int = SAMPLE
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Estimate:
    """The estimate for a build of `files` files with `bytes` bytes.

    `sampled` counts the files, documents and passages that it is based on. `bytes_on_disk` is by
    part of the index, `seconds` by stage of the build; both have their sum as "total".
    """

    files: int
    bytes: int
    sampled: Mapping[str, int]
    documents: int
    passages: int
    pieces: int
    bytes_on_disk: Mapping[str, int]
    seconds: Mapping[str, float]
    skipped: tuple[Skipped, ...]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class _Kind:
    """The files of one suffix: `bytes` is of all of them, the rest of those that were read."""

    bytes: int = 0
    files_read: int = 0
    bytes_read: int = 0
    documents: int = 0
    characters: int = 0
    seconds: float = 0.0
    chosen: list[Document] = field(default_factory=list)

    @property
    def share(self) -> float:
        """The factor from the files that were read to all of them."""
        return self.bytes / self.bytes_read if self.bytes_read else 0.0


@dataclass(frozen=True)
class _Cost:
    """The cost of the sampled passages."""

    documents: int
    characters: int
    passages: int
    pieces: int
    bytes_on_disk: Mapping[str, int]
    seconds: Mapping[str, float]


def estimate_build(
    sources: Sequence[Path], checkpoint: Checkpoint, options: EstimateOptions
) -> Estimate:
    """Estimate what `build_index` makes of the same sources, and its time on this machine.

    Raises: SourceError if there are no sources or none of the sample can be read; ForereadError if
    passages of the limit don't fit the model, or the overlap doesn't fit the passage.
    """
    limit = options.passage_limit or checkpoint.settings.passage_limit
    refuse_long_passages(limit, checkpoint)
    files = list_files(sources)
    with FileReader(options.limits) as reader:
        kinds, skipped = _read_sample(files, reader)
    if not any(kind.characters for kind in kinds.values()):
        raise SourceError(
            f"none of the {sum(k.files_read for k in kinds.values())} files of the sample could be "
            f"read ({skipped[0].source}: {skipped[0].reason}); name other sources"
        )
    cost = _cost(_sample(kinds.values(), checkpoint, limit, options), checkpoint, limit)
    characters = sum(kind.characters * kind.share for kind in kinds.values())
    more = characters / cost.characters
    reading = sum(kind.seconds * kind.share for kind in kinds.values())
    seconds = {"read": reading, **{stage: more * s for stage, s in cost.seconds.items()}}
    on_disk = {part: round(more * size) for part, size in cost.bytes_on_disk.items()}
    return Estimate(
        files=len(files),
        bytes=sum(file.size for file in files),
        sampled={
            "files": sum(kind.files_read for kind in kinds.values()),
            "documents": cost.documents,
            "passages": cost.passages,
        },
        documents=round(sum(kind.documents * kind.share for kind in kinds.values())),
        passages=round(more * cost.passages),
        pieces=round(more * cost.pieces),
        bytes_on_disk={**on_disk, "total": sum(on_disk.values())},
        seconds={**seconds, "total": sum(seconds.values())},
        skipped=tuple(skipped),
    )


def _read_sample(
    files: Sequence[SourceFile], reader: FileReader
) -> tuple[dict[str, _Kind], list[Skipped]]:
    """Some files of each kind, read whole, in a random order."""
    kinds: dict[str, _Kind] = defaultdict(_Kind)
    skipped: list[Skipped] = []
    shuffled = list(files)
    draw = random.Random(SEED)
    draw.shuffle(shuffled)
    for file in shuffled:
        kind = kinds[file.path.suffix.lower()]
        kind.bytes += file.size
        if kind.files_read >= FILES_OF_A_KIND or kind.bytes_read >= BYTES_OF_A_KIND:
            continue
        started = time.perf_counter()
        for item in reader.read(file):
            if isinstance(item, Skipped):
                skipped.append(item)
            if not isinstance(item, Document):
                continue
            kind.documents += 1
            kind.characters += len(item.text)
            # Each document is as likely to be chosen as any other.
            place = draw.randrange(kind.documents)
            if len(kind.chosen) < DOCUMENTS_OF_A_KIND:
                kind.chosen.append(item)
            elif place < DOCUMENTS_OF_A_KIND:
                kind.chosen[place] = item
        kind.seconds += time.perf_counter() - started
        kind.files_read += 1
        kind.bytes_read += file.size
    return kinds, skipped


@dataclass(frozen=True)
class _Sampled:
    """Documents with passages cut from them, their share of all characters, and the seconds it
    took.
    """

    documents: list[tuple[Document, list[Passage]]]
    characters: int
    seconds: float


def _sample(
    kinds: Iterable[_Kind], checkpoint: Checkpoint, limit: int, options: EstimateOptions
) -> _Sampled:
    """As many passages of each kind as its share of all characters, at least one document's.

    Only the beginning of a long document is taken, so that no document is the whole sample.
    """
    kinds = [kind for kind in kinds if kind.chosen]
    total = sum(kind.characters * kind.share for kind in kinds)
    sampled: list[tuple[Document, list[Passage]]] = []
    characters, seconds = 0, 0.0
    for kind in kinds:
        wanted = max(1, round(options.sample * kind.characters * kind.share / total))
        for document in kind.chosen:
            if wanted <= 0:
                break
            started = time.perf_counter()
            passages = list(
                cut_passages(document, checkpoint.tokenizer, limit=limit, overlap=options.overlap)
            )
            taken = time.perf_counter() - started
            part = passages[: max(1, min(wanted, options.sample // 4))]
            whole = len(part) == len(passages)
            text = document.text if whole else document.text[: part[-1].end]
            sampled.append((replace(document, text=text), part))
            characters += len(text)
            seconds += taken * len(text) / len(document.text)
            wanted -= len(part)
    return _Sampled(sampled, max(1, characters), seconds)


def _cost(sampled: _Sampled, checkpoint: Checkpoint, limit: int) -> _Cost:
    """The cost of the sample after cutting."""
    documents = sampled.documents
    encode_documents([(document, cut[:1]) for document, cut in documents[:4]], checkpoint)  # warm
    seconds = {"cut": sampled.seconds}
    with (
        tempfile.TemporaryDirectory() as folder,
        FolderBackend.create(Path(folder, "i"), index_settings(checkpoint, limit)) as made,
    ):
        started = time.perf_counter()
        encoded = encode_documents(documents, checkpoint)
        seconds["encode"] = (stored := time.perf_counter()) - started
        made.write(encoded)
        seconds["store"] = (derived := time.perf_counter()) - stored
        made.refresh()
        seconds["derive"] = time.perf_counter() - derived
        parts = dict(made.describe().bytes_on_disk)
    parts.pop("store/free", None)  # used again by the next commit
    return _Cost(
        documents=len(documents),
        characters=sampled.characters,
        passages=sum(len(cut) for _, cut in documents),
        pieces=sum(len(passage.pieces) for _, cut in documents for passage in cut),
        bytes_on_disk=parts,
        seconds=seconds,
    )
