"""The settings of the search page."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import IndexNotFoundError
from engine.retrieval.address import IndexAddress, index_name, parse_index_address
from engine.retrieval.elastic.address import ClusterAddress

PASSWORD_VARIABLE = "FOREREAD_UI_PASSWORD"
FILE_BYTES = 50 << 20  # of one file that a visitor adds


@dataclass(frozen=True)
class PageSettings:
    """The page's settings, which travel as arguments: Streamlit hands a page only words after `--`.

    `model` is None for the checkpoint that made the index. `questions` is a file of samples.
    `files` is the folder from which visitors may download source files; None for no downloads.
    `uploads` says whether they may add files. `collections` are names with indexes, among which
    visitors choose `index`; none if there is no choice.
    """

    index: str
    model: str | None = None
    questions: str | None = None
    files: str | None = None
    uploads: bool = False
    collections: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The name of the collection that is asked."""
        named = (name for name, index in self.collections if index == self.index)
        return next(named, None) or index_name(parse_index_address(self.index))

    @property
    def names(self) -> list[str]:
        """The names of all collections, the one that is asked unless another is chosen first."""
        return [name for name, _ in self.collections] or [self.name]

    def chosen(self, name: str | None) -> "PageSettings":
        """The settings for the collection of that name, the first if none is named.

        Raises: IndexNotFoundError if there is none of the name.
        """
        if name is None or name == self.name:
            return self
        for known, index in self.collections:
            if known == name:
                return replace(self, index=index)
        raise IndexNotFoundError(
            f"there is no collection {name}; choose one of {', '.join(self.names)}"
        )

    @property
    def folder(self) -> Path:
        """Where the visitors' feedback is kept."""
        return visitors_folder(parse_index_address(self.index))

    def to_arguments(self) -> list[str]:
        given = {
            "index": self.index,
            "model": self.model,
            "questions": self.questions,
            "files": self.files,
        }
        words = [f"--{name}={value}" for name, value in given.items() if value is not None]
        if self.collections:
            words.append(f"--collections={json.dumps(self.collections)}")
        return [*words, "--uploads"] if self.uploads else words

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> "PageSettings":
        parser = argparse.ArgumentParser(prog="page.py", allow_abbrev=False)
        parser.add_argument("--index", required=True)
        parser.add_argument("--model")
        parser.add_argument("--questions")
        parser.add_argument("--files")
        parser.add_argument("--uploads", action="store_true")
        parser.add_argument("--collections", type=json.loads, default=[])
        given = vars(parser.parse_args(arguments))
        collections = tuple((name, index) for name, index in given.pop("collections"))
        return cls(**given, collections=collections)


def visitors_folder(index: IndexAddress) -> Path:
    """The folder for visitors' files: the index's own, or a local one of a cluster index's name."""
    return Path(f"{index.name}.page") if isinstance(index, ClusterAddress) else index
