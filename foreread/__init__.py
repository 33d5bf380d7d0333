"""Foreread: ask your own documents a question, get the exact words that answer it.

>>> from foreread import SearchEngine, build_index  # doctest: +SKIP
>>> build_index("~/papers", "papers.idx")  # doctest: +SKIP
>>> with SearchEngine.open("papers.idx") as engine:  # doctest: +SKIP
...     print(engine.ask("Who discovered radium?").answers[0].text)

These names are the public API; docs/api.md tells of each. What is imported from elsewhere may
change from one version to the next.
"""

from importlib import import_module as _import_module
from importlib.metadata import version as _version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foreread.names import *

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
    "ConfigurationError",
    "DeviceError",
    "DiskFullError",
    "Document",
    "DocumentNotFoundError",
    "Evidence",
    "FieldSummary",
    "FileOutcome",
    "FilterError",
    "ForereadError",
    "FoundPassages",
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
    "ServiceError",
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


def __getattr__(name: str) -> Any:
    """A name of the API. The first one imports torch, which `import foreread` doesn't wait for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_import_module("foreread.names"), name)


def __dir__() -> list[str]:
    return [*__all__, *globals()]
