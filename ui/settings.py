"""What the search page is started with."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

PASSWORD_VARIABLE = "FOREREAD_UI_PASSWORD"


@dataclass(frozen=True)
class PageSettings:
    """`model` is None for the checkpoint that made the index; `questions` a file of samples.

    `files` is the folder from which visitors may download source files; None for no downloads.

    Streamlit hands a page nothing but words after `--`, so these are written as such.
    """

    index: str
    model: str | None = None
    questions: str | None = None
    files: str | None = None

    def to_arguments(self) -> list[str]:
        given = {
            "index": self.index,
            "model": self.model,
            "questions": self.questions,
            "files": self.files,
        }
        return [f"--{name}={value}" for name, value in given.items() if value is not None]

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> "PageSettings":
        parser = argparse.ArgumentParser(prog="page.py", allow_abbrev=False)
        parser.add_argument("--index", required=True)
        parser.add_argument("--model")
        parser.add_argument("--questions")
        parser.add_argument("--files")
        return cls(**vars(parser.parse_args(arguments)))
