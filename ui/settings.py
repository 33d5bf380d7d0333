"""The settings of the search page."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.retrieval.address import IndexAddress, parse_index_address
from engine.retrieval.elastic.address import ClusterAddress

PASSWORD_VARIABLE = "FOREREAD_UI_PASSWORD"
FILE_BYTES = 50 << 20  # of one file that a visitor adds


@dataclass(frozen=True)
class PageSettings:
    """The page's settings, which travel as arguments: Streamlit hands a page only words after `--`.

    `model` is None for the checkpoint that made the index. `questions` is a file of samples.
    `files` is the folder from which visitors may download source files; None for no downloads.
    `uploads` says whether they may add files.
    """

    index: str
    model: str | None = None
    questions: str | None = None
    files: str | None = None
    uploads: bool = False

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
        return [*words, "--uploads"] if self.uploads else words

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> "PageSettings":
        parser = argparse.ArgumentParser(prog="page.py", allow_abbrev=False)
        parser.add_argument("--index", required=True)
        parser.add_argument("--model")
        parser.add_argument("--questions")
        parser.add_argument("--files")
        parser.add_argument("--uploads", action="store_true")
        return cls(**vars(parser.parse_args(arguments)))


def visitors_folder(index: IndexAddress) -> Path:
    """The folder for visitors' files: the index's own, or a local one of a cluster index's name."""
    return Path(f"{index.name}.page") if isinstance(index, ClusterAddress) else index
