"""What following folders needs beside updates: their roots, and the files that changed alone."""

from collections.abc import Collection, Mapping

from engine.checkpoint import Checkpoint
from engine.retrieval.address import IndexAddress, parse_index_address
from engine.retrieval.opening import open_backend
from engine.store.manifest import Root
from indexer.build import roots_of
from indexer.changes import ChangeOptions, ChangeReport, changing
from indexer.globs import Globs
from indexer.sources import SourceFile, Sources, source_paths


def followed_roots(index: IndexAddress) -> tuple[Root, ...]:
    """What an index is kept in step with. Raises: IndexStoreError if there is none."""
    with open_backend(index) as backend:
        return backend.roots()


def follow_sources(sources: Sources, globs: Globs, index: IndexAddress) -> None:
    """Remember sources, which needn't be there, and their globs. What was removed stays removed.

    Raises: IndexStoreError if there is no index or another process writes to it.
    """
    wanted = {root.path: root for root in roots_of(source_paths(sources), globs)}
    before = followed_roots(index)
    known = {root.path: root for root in before}
    for path, root in wanted.items():
        without = known[path].without if path in known else ()
        known[path] = Root(path, known.get(path, root).source, without, globs.include, globs.ignore)
    if (after := tuple(known.values())) != before:
        with open_backend(parse_index_address(index), readonly=False) as backend:
            backend.write([], roots=after)


def sync_files(
    there: Mapping[str, SourceFile],
    gone: Collection[str],
    index: IndexAddress,
    checkpoint: Checkpoint,
    options: ChangeOptions,
) -> ChangeReport:
    """Bring an index in step with the files `there`, and remove what was read of those `gone`.

    Both are named by their absolute paths, and are of the index's roots. No other file is looked
    at. Raises: as `update_index`.
    """
    with changing(index, checkpoint, options) as run:
        run.sync.progress.bytes_total = sum(file.size for file in there.values())
        run.sync.files(there.values())
        run.sync.remove([known for path in gone if (known := run.backend.file(path))])
        return run.report(index, [])
