"""BoolQ: yes/no questions, a JSON object a line (Clark et al., NAACL 2019)."""

from pathlib import Path

from engine.datasets.questions import BooleanQuestion
from engine.datasets.records import field, layout, read_json_lines


def read_boolq(path: Path) -> list[BooleanQuestion]:
    """The questions in order.

    Raises: SourceError if the file can't be read or has another layout.
    """
    questions = []
    for number, record in read_json_lines(path):
        with layout("BoolQ", f"line {number} of {path}"):
            questions.append(
                BooleanQuestion(
                    question=field(record, "question", str),
                    title=field({"title": "", **record}, "title", str),
                    passage=field(record, "passage", str),
                    answer=field(record, "answer", bool),
                )
            )
    return questions
