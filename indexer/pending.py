"""Changes to an index, gathered to be committed together."""

from collections.abc import Mapping, Sequence

from engine.checkpoint import Checkpoint
from engine.documents import Document, Passage
from engine.retrieval.backend import Backend
from engine.store.contents import EncodedDocument, EncodedPassage, FileRecord
from indexer.clock import StageClock
from indexer.passage_encoding import encode_documents

PASSAGES_PER_COMMIT = 512
OTHERS_PER_COMMIT = 2048  # documents removed, and files recorded without a changed passage


class Pending:
    """Documents, some still to be encoded, and facts about files; `commit` writes them all.

    Without a checkpoint, only documents that are encoded already can be put.
    """

    def __init__(
        self, backend: Backend, checkpoint: Checkpoint | None, clock: StageClock, *, search: bool
    ) -> None:
        """`search`: whether each commit can be searched at once."""
        self._backend = backend
        self._checkpoint = checkpoint
        self._clock = clock
        self._search = search
        self._waiting: list[tuple[Document, list[Passage]]] = []
        self._known: dict[str, EncodedPassage] = {}
        self._encoded: list[EncodedDocument] = []
        self._passages = 0
        self._removed: set[str] = set()
        self._files: dict[str, FileRecord] = {}
        self._forgotten: set[str] = set()

    @property
    def full(self) -> bool:
        others = len(self._removed) + len(self._files) + len(self._forgotten)
        return self._passages >= PASSAGES_PER_COMMIT or others >= OTHERS_PER_COMMIT

    def encode(
        self, document: Document, passages: list[Passage], known: Mapping[str, EncodedPassage]
    ) -> None:
        """Put a document. Its passages in `known`, by id, needn't be encoded."""
        self._waiting.append((document, passages))
        self._known.update(known)
        self._passages += len(passages)

    def put(self, document: EncodedDocument) -> None:
        self._encoded.append(document)
        self._passages += len(document.passages)

    def remove(self, document_id: str) -> None:
        self._removed.add(document_id)

    def note(self, file: FileRecord) -> None:
        self._forgotten.discard(file.path)
        self._files[file.path] = file

    def forget(self, file: FileRecord) -> None:
        self._files.pop(file.path, None)
        self._forgotten.add(file.path)

    def file(self, path: str) -> FileRecord | None:
        """What is known of a file. If changes to it are pending, they are committed first."""
        if self.waits(path):
            self.commit()
        return self._backend.file(path)

    def waits(self, path: str) -> bool:
        """Whether changes to a file are pending."""
        return path in self._files or path in self._forgotten

    def files_of(self, content: str) -> list[FileRecord]:
        """The files with this content, after all pending changes are committed."""
        known = {file.path: file for file in self._backend.files_of(content)}
        for path in (*self._forgotten, *self._files):
            known.pop(path, None)
        waiting = (file for file in self._files.values() if file.content == content)
        return [*known.values(), *waiting]

    def has_source(self, source: str) -> bool:
        """Whether the documents of another file have this source."""
        waiting = any(file.source == source for file in self._files.values())
        return waiting or bool(self._backend.documents_of(source))

    def commit(self, unfinished: Sequence[FileRecord] = ()) -> None:
        """Write what is pending. Not all documents of the files `unfinished` are there yet."""
        files = [*self._files.values(), *unfinished]
        if not (self._waiting or self._encoded or self._removed or files or self._forgotten):
            return
        encoded = self._encoded
        if self._waiting:
            if self._checkpoint is None:
                raise RuntimeError("documents can't be encoded without a checkpoint")
            with self._clock.stage("encode"):
                encoded = encoded + encode_documents(self._waiting, self._checkpoint, self._known)
        with self._clock.stage("store"):
            self._backend.write(
                encoded, removed=self._removed, files=files, forgotten=self._forgotten
            )
        self._waiting, self._known, self._encoded, self._passages = [], {}, [], 0
        self._removed, self._files, self._forgotten = set(), {}, set()
        if self._search:
            with self._clock.stage("derive"):
                self._backend.refresh()
