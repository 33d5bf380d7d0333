"""The errors that a user can meet, each a sentence that names the next step."""


def one_line(text: str) -> str:
    """The text with what can't be printed as escapes: names of files may hold line ends."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def reason_of(error: Exception) -> str:
    """What the system says of an error, without the path that it adds, else the error itself."""
    return getattr(error, "strerror", None) or str(error)


class ForereadError(Exception):
    """What was expected, what came, and what to do next, in one line.

    Commands print it without a traceback and exit with `exit_code`.
    """

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class SourceError(ForereadError):
    """A file or folder to be indexed or read can't be used."""

    exit_code = 2


class CheckpointError(ForereadError):
    """A model folder is missing, incomplete, or of a shape we don't know."""

    exit_code = 3


class DeviceError(ForereadError):
    """A model can't run where it was told to."""

    exit_code = 2


class TrainingError(ForereadError):
    """Training came to numbers that it can't go on from."""

    exit_code = 3


class IndexStoreError(ForereadError):
    """An index folder is missing, damaged, locked, or of another version."""

    exit_code = 4


class CheckpointMismatchError(IndexStoreError):
    """The index holds states made by another checkpoint than the one at hand."""


class QuestionError(ForereadError):
    """A question can't be asked as it stands."""

    exit_code = 5


class FilterError(QuestionError):
    """A filter names a field that no document has, or compares one with what it can't."""
