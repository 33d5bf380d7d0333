"""What an index holds, and whether all of it fits together."""

from pathlib import Path

from engine.retrieval.folder.backend import FolderBackend
from engine.retrieval.folder.verification import BM25, VECTORS, check_bm25, check_vectors
from engine.store.lmdb_store import LmdbStore
from engine.store.verification import check_store

from .synthetic import document, same


def versions(index: Path) -> dict[str, int]:
    """The version of each document, after an opening that brings the derived indexes up."""
    with FolderBackend.open(index) as backend, backend.snapshot() as snapshot:
        names = [entry.id for entry in backend.entries()]
        return {name: int(snapshot.document(name).metadata["version"]) for name in names}


def disagreements(index: Path) -> list[str]:
    """What is wrong with an index that has just been opened: between the stores, or of content."""
    wrong = [problem.what for problem in check_store(index / "store").problems]
    if wrong:
        return wrong
    with FolderBackend.open(index) as backend, LmdbStore.open(index / "store") as store:
        for name, check in ((BM25, check_bm25), (VECTORS, check_vectors)):
            found = check(index / name, store)
            wrong += [f"{problem.part}: {problem.what}" for problem in found.problems]
            wrong += [f"not brought up: {note}" for note in found.notes]
        for entry in store.iterate_entries():
            stored = backend.encoded(entry.id)
            if not same(stored, document(entry.id, int(stored.document.metadata["version"]))):
                wrong.append(f"document {entry.id} isn't what was written")
            with backend.snapshot() as snapshot:
                hits = [key for key, _ in snapshot.search_terms(entry.id, 100)]
            if set(hits) != set(entry.keys):
                wrong.append(f"document {entry.id} has {entry.keys} and is found at {hits}")
    return wrong
