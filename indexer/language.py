"""The language of a collection, detected in some of its files."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice

from engine.documents import Document
from engine.text.languages import LOOKED_AT, Detected, detect_language
from indexer.sources import FileReader, SourceFile

FILES = 16
DOCUMENTS = 64  # of each


def collection_language(files: Sequence[SourceFile], reader: FileReader) -> Detected:
    """The language of most of the text in some files, spread over all of them.

    The same files give the same language. Files that can't be read don't count.
    """
    step = max(1, len(files) // FILES)
    return detect_language(_texts(files[::step][:FILES], reader))


def _texts(files: Sequence[SourceFile], reader: FileReader) -> Iterator[str]:
    for file in files:
        with closing(reader.read(file)) as items:
            for item in islice(items, DOCUMENTS):
                if isinstance(item, Document):
                    yield item.text[:LOOKED_AT]
