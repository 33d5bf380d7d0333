"""Records of published files and their fields, with errors of one line."""

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, TypeVar, cast

from engine.errors import SourceError

_T = TypeVar("_T")


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """A file of UTF-8 text; `.gz` is unpacked.

    Raises: SourceError if the file can't be read, here or in the context's body.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig") as file:
            yield cast(TextIO, file)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SourceError(f"{path} isn't a whole gzip file: {error}") from None
    except OSError as error:
        raise SourceError(f"can't read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} isn't UTF-8 text: {error}") from None


def read_json(path: Path, kind: str = "JSON") -> Any:
    """The file's value; `.gz` is unpacked. `kind` is what the error says that it isn't.

    Raises: SourceError if the file can't be read or isn't JSON.
    """
    with open_text(path) as file:
        content = file.read()
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path} isn't {kind}: {error}") from None


def read_json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """The number (from 1) and the value of each line that isn't empty; `.gz` is unpacked.

    Raises: SourceError if the file can't be read or a line isn't JSON.
    """
    with open_text(path) as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    value = json.loads(line)
                except (ValueError, RecursionError) as error:
                    raise SourceError(f"line {number} of {path} isn't JSON: {error}") from None
                yield number, value


@contextmanager
def layout(name: str, place: str) -> Iterator[None]:
    """Turn errors about a record into a SourceError: `place` isn't in the layout of `name`."""
    try:
        yield
    except KeyError as error:
        raise SourceError(f"{place} isn't in the layout of {name}: {error} is missing") from None
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise SourceError(f"{place} isn't in the layout of {name}: {error}") from None


def field(record: Any, name: str, kind: type[_T]) -> _T:
    """A field. Raises: KeyError if it's missing; TypeError if it, or the record, has the wrong
    type.
    """
    if not isinstance(record, dict):
        raise TypeError(f"a record should be an object, not {record!r:.40}")
    return of_kind(record[name], name, kind)


def of_kind(value: Any, name: str, kind: type[_T]) -> _T:
    """The value. Raises: TypeError if its type is wrong; true and false aren't numbers."""
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{name!r} should be of type {kind.__name__}, not {value!r:.40}")
    return value
