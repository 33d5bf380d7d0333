"""Foreread: ask your own documents a question, get the exact words that answer it.

>>> from foreread import SearchEngine, build_index  # doctest: +SKIP
>>> build_index("~/papers", "papers.idx")  # doctest: +SKIP
>>> with SearchEngine.open("papers.idx") as engine:  # doctest: +SKIP
...     print(engine.ask("Who discovered radium?").answers[0].text)

These names are the public API; docs/api.md tells of each. What is imported from elsewhere may
change from one version to the next.
"""

from importlib.metadata import version as _version

from engine.answering.results import Answer, Evidence, PassageHit, SearchResult, Verdict
from engine.checkpoint import Checkpoint, load_checkpoint
from engine.document_fields import FieldSummary
from engine.documents import Document
from engine.errors import (
    CheckpointError,
    CheckpointMismatchError,
    ClusterDeniedError,
    ClusterRefusedError,
    ClusterUnreachableError,
    DeviceError,
    DiskFullError,
    DocumentNotFoundError,
    FilterError,
    ForereadError,
    IndexAccessError,
    IndexBusyError,
    IndexClosedError,
    IndexDamagedError,
    IndexExistsError,
    IndexNotFoundError,
    IndexStoreError,
    IndexUncheckedError,
    IndexUseError,
    IndexVersionError,
    QuestionError,
    SourceError,
    TrainingError,
)
from engine.search import SearchEngine
from indexer.build import BuildOptions, BuildReport, build_index
from indexer.changes import (
    ChangeOptions,
    ChangeReport,
    add_to_index,
    remove_from_index,
    update_index,
)
from indexer.readers.limits import Limits
from indexer.readers.outcome import LeftOut, Skipped, Warned
from indexer.sync import FileOutcome

__version__ = _version("foreread")

__all__ = [
    "Answer",
    "BuildOptions",
    "BuildReport",
    "ChangeOptions",
    "ChangeReport",
    "Checkpoint",
    "CheckpointError",
    "CheckpointMismatchError",
    "ClusterDeniedError",
    "ClusterRefusedError",
    "ClusterUnreachableError",
    "DeviceError",
    "DiskFullError",
    "Document",
    "DocumentNotFoundError",
    "Evidence",
    "FieldSummary",
    "FileOutcome",
    "FilterError",
    "ForereadError",
    "IndexAccessError",
    "IndexBusyError",
    "IndexClosedError",
    "IndexDamagedError",
    "IndexExistsError",
    "IndexNotFoundError",
    "IndexStoreError",
    "IndexUncheckedError",
    "IndexUseError",
    "IndexVersionError",
    "LeftOut",
    "Limits",
    "PassageHit",
    "QuestionError",
    "SearchEngine",
    "SearchResult",
    "Skipped",
    "SourceError",
    "TrainingError",
    "Verdict",
    "Warned",
    "__version__",
    "add_to_index",
    "build_index",
    "load_checkpoint",
    "remove_from_index",
    "update_index",
]
