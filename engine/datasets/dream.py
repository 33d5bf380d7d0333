"""DREAM: multiple choice on dialogues, one JSON file (Sun et al., TACL 2019)."""

from pathlib import Path

from engine.datasets.questions import ChoiceQuestion
from engine.datasets.records import field, layout, of_kind, read_json


def read_dream(path: Path) -> list[ChoiceQuestion]:
    """The questions in order. A dialogue's turns are the lines of its passage.

    Raises: SourceError if the file can't be read or has another layout.
    """
    content = read_json(path)
    questions = []
    with layout("DREAM", str(path)):
        for turns, asked, _ in of_kind(content, "the file", list):
            lines = (of_kind(turn, "turn", str) for turn in of_kind(turns, "turns", list))
            passage = "\n".join(lines)
            for record in of_kind(asked, "questions", list):
                options = tuple(of_kind(o, "choice", str) for o in field(record, "choice", list))
                right = field(record, "answer", str)
                if right not in options:
                    raise ValueError(f"answer {right!r:.40} isn't one of the options")
                questions.append(
                    ChoiceQuestion(
                        field(record, "question", str), passage, options, options.index(right)
                    )
                )
    return questions
