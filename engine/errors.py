"""The errors that a user can meet, each a sentence that names the next step.

ForereadError
├── SourceError                     a file or folder can't be read
├── ConfigurationError              foreread.toml, or a variable, says what can't be
├── DeviceError                     models can't run there
├── CheckpointError                 a model's folder is missing or unknown
├── TrainingError                   training came to numbers that it can't go on from
├── QuestionError                   a question can't be asked as it stands
│   └── FilterError                 nor its filter
├── ServiceError                    a server of Foreread refuses, or doesn't answer
└── IndexStoreError                 an index can't be used:
    ├── IndexNotFoundError          there is none
    ├── IndexExistsError            there is one already, or something else
    ├── IndexBusyError              somebody else is writing; try again later
    ├── IndexClosedError            it was closed; open it again
    ├── IndexDamagedError           what it holds fails its checks
    ├── IndexVersionError           another version of Foreread made it
    ├── CheckpointMismatchError     another checkpoint made it
    ├── DocumentNotFoundError       it holds no such document
    ├── IndexAccessError            the system refuses to read or write it
    │   └── DiskFullError           for want of room
    ├── IndexUncheckedError         its check couldn't run, so nothing is known of it
    ├── ClusterUnreachableError     its cluster, or a part of it, doesn't answer
    ├── ClusterDeniedError          its cluster doesn't allow this to the account
    ├── ClusterRefusedError         its cluster answers, and refuses
    └── IndexUseError               this can't be asked of it
"""

import errno
import os


def one_line(text: str) -> str:
    """The text with unprintable characters escaped, since file names may hold line ends."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def reason_of(error: Exception) -> str:
    """The system's reason for an error, without the path that it adds, or else the error itself."""
    return getattr(error, "strerror", None) or str(error)


def is_out_of_memory(error: Exception) -> bool:
    """Whether it says that the system, or a device, hasn't the memory asked for."""
    said = ("allocate memory", "out of memory", "bad_alloc")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError | OSError) and any(words in str(error) for words in said)
    )


class ForereadError(Exception):
    """What was expected, what came, and what to do next, in one line.

    `code` names the situation for programs. Commands print the line without a traceback and exit
    with `exit_code`. Each class has its own code; docs/guide.md lists them.
    """

    code = "failed"
    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class SourceError(ForereadError):
    """A file or folder to be indexed or read can't be used."""

    code = "source-unusable"
    exit_code = 2


class ConfigurationError(ForereadError):
    """foreread.toml, or a variable in the environment, says what can't be."""

    code = "configuration-unusable"
    exit_code = 2


class DeviceError(ForereadError):
    """A model can't run where it was told to."""

    code = "device-unavailable"
    exit_code = 2


class CheckpointError(ForereadError):
    """A model folder is missing, incomplete, or of a shape we don't know."""

    code = "checkpoint-unusable"
    exit_code = 3


class TrainingError(ForereadError):
    """Training reached numbers from which it can't continue."""

    code = "training-failed"
    exit_code = 3


class QuestionError(ForereadError):
    """A question can't be asked as it stands."""

    code = "question-unusable"
    exit_code = 5


class FilterError(QuestionError):
    """A filter names a field that no document has, or compares one with what it can't."""

    code = "filter-unusable"


class ServiceError(ForereadError):
    """A server of Foreread doesn't answer, or refuses a request for a reason of its own.

    `code` is then the server's, and `retry_after` the seconds after which it may go, if it says so.
    """

    code = "service-failed"
    exit_code = 4

    def __init__(
        self, message: str, code: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code or type(self).code
        self.retry_after = retry_after


class IndexStoreError(ForereadError):
    """An index can't be used. The classes below, by situation, are what is raised."""

    code = "index-unusable"
    exit_code = 4


class IndexNotFoundError(IndexStoreError):
    """There is no index at the place named, or only one whose build never stored anything."""

    code = "index-not-found"


class IndexExistsError(IndexStoreError):
    """An index, or something else, is already at the place named."""

    code = "index-exists"


class IndexBusyError(IndexStoreError):
    """Another process writes to the index, or its cluster is too busy. Try again later."""

    code = "index-busy"


class IndexClosedError(IndexStoreError):
    """The index was closed before this request."""

    code = "index-closed"


class IndexDamagedError(IndexStoreError):
    """The index doesn't hold what was written to it."""

    code = "index-damaged"


class IndexVersionError(IndexStoreError):
    """The index, or an export of one, has a format that this version doesn't know."""

    code = "index-version"


class CheckpointMismatchError(IndexStoreError):
    """The index holds states made by another checkpoint than the one at hand."""

    code = "checkpoint-mismatch"


class DocumentNotFoundError(IndexStoreError):
    """The index holds no document of that id."""

    code = "document-not-found"


class IndexAccessError(IndexStoreError):
    """The system refuses to read or write the index's files, because of their owner or the disk."""

    code = "index-access"


class IndexUncheckedError(IndexStoreError):
    """The check of an index couldn't run to its end; that says nothing about the index."""

    code = "index-unchecked"


class DiskFullError(IndexAccessError):
    """The disk, or the user's quota on it, is full."""

    code = "disk-full"


class ClusterUnreachableError(IndexStoreError):
    """A cluster, or the part of it that is needed, doesn't answer or isn't trusted."""

    code = "cluster-unreachable"


class ClusterDeniedError(IndexStoreError):
    """The cluster doesn't know the account, or doesn't allow it this request."""

    code = "cluster-denied"


class ClusterRefusedError(IndexStoreError):
    """The cluster refuses the request, or doesn't work with the installed client."""

    code = "cluster-refused"


class IndexUseError(IndexStoreError):
    """The request doesn't suit the index, its place, or how it was opened."""

    code = "index-use"


def access_error(error: Exception, message: str) -> IndexAccessError:
    """The error of what the system refused: `DiskFullError` if its reason is that.

    Libraries in C and Rust pass on the system's words, not its number.
    """
    codes = (errno.ENOSPC, errno.EDQUOT)
    full = getattr(error, "errno", None) in codes or any(
        os.strerror(code) in str(error) for code in codes
    )
    return DiskFullError(message) if full else IndexAccessError(message)
