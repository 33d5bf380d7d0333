"""The build: documents in, an index folder out."""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.checkpoint import Checkpoint
from engine.documents import Document, Passage
from engine.encoding import encode_passages
from engine.errors import ForereadError, IndexStoreError, SourceError
from engine.retrieval.analyser import ANALYSER
from engine.retrieval.embedded import EmbeddedBackend
from engine.store.codecs import codec_named
from engine.store.encoded import EncodedDocument, EncodedPassage
from engine.store.manifest import Settings
from indexer.passages import cut_passages
from indexer.sources import Limits, Skipped, list_files, read_file

PASSAGES_PER_COMMIT = 512
TOKENS_PER_PASS = 8192


@dataclass(frozen=True)
class BuildOptions:
    """`passage_limit` and `overlap` count wordpieces; None takes the checkpoint's limit."""

    passage_limit: int | None = None
    overlap: int = 0
    overwrite: bool = False
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class BuildProgress:
    """`bytes_done` of `bytes_total` source bytes are committed, or waiting to be."""

    bytes_done: int
    bytes_total: int
    documents: int
    passages: int


@dataclass(frozen=True)
class BuildReport:
    """What a build did. `seconds` are by stage; `description` is the index's own."""

    index: str
    documents: int
    passages: int
    pieces: int
    skipped: tuple[Skipped, ...]
    seconds: dict[str, float]
    description: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def build_index(
    sources: Sequence[Path],
    index: Path,
    checkpoint: Checkpoint,
    options: BuildOptions,
    *,
    on_progress: Callable[[BuildProgress], None] = lambda _: None,
    on_skip: Callable[[Skipped], None] = lambda _: None,
) -> BuildReport:
    """Read, cut, encode and store; the index appears under its name when it's whole.

    Raises: SourceError if nothing can be read; IndexStoreError if `index` is there already and
    `overwrite` isn't given, or isn't an index; ForereadError if a passage of the limit wouldn't
    fit the model, or the overlap the passage.
    """
    limit = options.passage_limit or checkpoint.settings.passage_limit
    refuse_long_passages(limit, checkpoint)
    files = list_files(sources)
    _refuse_existing(index, overwrite=options.overwrite)
    building = index.with_name(index.name + ".building")
    shutil.rmtree(building, ignore_errors=True)
    total = sum(file.size for file in files)
    clock, skipped = _Clock(), []
    counts = {"documents": 0, "passages": 0, "pieces": 0}
    done = 0
    try:
        with EmbeddedBackend.create(building, index_settings(checkpoint, limit)) as backend:
            waiting: list[tuple[Document, list[Passage]]] = []

            def commit() -> None:
                with clock.stage("encode"):
                    encoded = encode_documents(waiting, checkpoint)
                with clock.stage("store"):
                    backend.write(encoded)
                waiting.clear()

            for file in files:
                within = 0  # characters: how many bytes they were isn't known
                for item in clock.each("read", read_file(file, options.limits)):
                    if isinstance(item, Skipped):
                        skipped.append(item)
                        on_skip(item)
                        continue
                    with clock.stage("cut"):
                        cut = cut_passages(
                            item, checkpoint.tokenizer, limit=limit, overlap=options.overlap
                        )
                        passages = list(cut)
                    waiting.append((item, passages))
                    within += len(item.text)
                    counts["documents"] += 1
                    counts["passages"] += len(passages)
                    counts["pieces"] += sum(len(passage.pieces) for passage in passages)
                    if sum(len(p) for _, p in waiting) >= PASSAGES_PER_COMMIT:
                        commit()
                        bytes_done = done + min(file.size, within)
                        on_progress(
                            BuildProgress(
                                bytes_done, total, counts["documents"], counts["passages"]
                            )
                        )
                done += file.size
                on_progress(BuildProgress(done, total, counts["documents"], counts["passages"]))
            if not counts["documents"]:
                raise SourceError(_nothing_read(len(files), skipped))
            if waiting:
                commit()
            with clock.stage("derive"):
                backend.refresh()
            description = backend.describe().to_dict()
        _swap(building, index)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return BuildReport(
        str(index), **counts, skipped=tuple(skipped), seconds=clock.seconds, description=description
    )


def encode_documents(
    documents: Sequence[tuple[Document, list[Passage]]], checkpoint: Checkpoint
) -> list[EncodedDocument]:
    """States and vectors of all passages, run in passes of similar length."""
    codec = codec_named(checkpoint.settings.codec)
    passages = [passage for _, cut in documents for passage in cut]
    encoded: dict[str, EncodedPassage] = {}
    for group in length_sorted_groups(passages, TOKENS_PER_PASS):
        result = encode_passages(checkpoint, [passage.pieces for passage in group])
        for passage, states, vector in zip(group, result.one_by_one(), result.vectors, strict=True):
            encoded[passage.id] = EncodedPassage(
                passage, codec.encode(states), vector.astype("float16")
            )
    return [
        EncodedDocument(document, tuple(encoded[passage.id] for passage in cut))
        for document, cut in documents
    ]


def length_sorted_groups(passages: Sequence[Passage], tokens: int) -> Iterator[list[Passage]]:
    """Passages from short to long, in groups of at most `tokens` wordpieces, or of one."""
    group: list[Passage] = []
    total = 0
    for passage in sorted(passages, key=lambda p: len(p.pieces)):
        if group and total + len(passage.pieces) > tokens:
            yield group
            group, total = [], 0
        group.append(passage)
        total += len(passage.pieces)
    if group:
        yield group


def index_settings(checkpoint: Checkpoint, limit: int) -> Settings:
    """What is fixed for an index made by `checkpoint`, of passages up to `limit` wordpieces."""
    return Settings(
        checkpoint=checkpoint.fingerprint,
        codec=checkpoint.settings.codec,
        hidden_size=checkpoint.hidden_width,
        vector_dimension=checkpoint.hidden_width,
        analyser=ANALYSER,
        passage_limit=limit,
        build={"model": str(checkpoint.folder.resolve())},
    )


def refuse_long_passages(limit: int, checkpoint: Checkpoint) -> None:
    """Raises: ForereadError if the model can't read passages of `limit` wordpieces."""
    longest = checkpoint.reader.encoder.config.positions - 1  # and the closing [SEP]
    if limit > longest:
        raise ForereadError(
            f"passages of {limit} wordpieces don't fit the model, which reads up to {longest}; "
            "choose a smaller limit"
        )


def _refuse_existing(index: Path, *, overwrite: bool) -> None:
    if index.name in ("", ".."):
        raise IndexStoreError(f"{index} can't itself become an index; name a folder in it")
    if not index.exists():
        return
    # The file, not the folder: what is replaced is lost, and others call a folder "store" too.
    is_index = (index / "store" / "data.mdb").is_file()
    if not is_index and any(index.iterdir() if index.is_dir() else [index]):
        raise IndexStoreError(f"{index} exists and isn't an index; name another place")
    if is_index and not overwrite:
        raise IndexStoreError(f"{index} exists; add --overwrite to build it anew")


def _swap(building: Path, index: Path) -> None:
    """Put the new index in the old one's place; until then the old one is whole."""
    old = index.with_name(index.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if index.exists():
        index.rename(old)
    try:
        building.rename(index)
    except BaseException:
        if old.exists():
            old.rename(index)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _nothing_read(files: int, skipped: Sequence[Skipped]) -> str:
    reasons = "; ".join(f"{s.source}: {s.reason}" for s in skipped[:3])
    return f"none of {files} files could be read ({reasons}); name other sources"


class _Clock:
    """Seconds spent in each stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._started = time.perf_counter()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        taken = time.perf_counter() - started
        self.seconds[name] = self.seconds.get(name, 0.0) + taken
        self.seconds["total"] = time.perf_counter() - self._started

    def each(self, name: str, items: Iterator[Any]) -> Iterator[Any]:
        """The items, the time that each takes to come counted as `name`."""
        while True:
            with self.stage(name):
                item = next(items, None)
            if item is None:
                return
            yield item
