"""RACE: multiple choice on school texts, a JSON file a text (Lai et al., EMNLP 2017)."""

from pathlib import Path

from engine.datasets.questions import ChoiceQuestion
from engine.datasets.records import field, layout, of_kind, read_json
from engine.errors import SourceError

LETTERS = "ABCDEFGH"


def read_race(path: Path) -> list[ChoiceQuestion]:
    """The questions of one file, or of all `.txt` files below a folder, sorted by name.

    Raises: SourceError if there is none, or one can't be read or has another layout.
    """
    files = sorted(path.rglob("*.txt")) if path.is_dir() else [path]
    if not files:
        raise SourceError(f"{path} holds no .txt file; name a folder of RACE, such as train/high")
    return [question for file in files for question in _questions(file)]


def _questions(file: Path) -> list[ChoiceQuestion]:
    record = read_json(file)
    questions = []
    with layout("RACE", str(file)):
        article = field(record, "article", str)
        asked = zip(
            field(record, "questions", list),
            field(record, "options", list),
            field(record, "answers", list),
            strict=True,
        )
        for question, options, letter in asked:
            texts = [
                of_kind(option, "options", str) for option in of_kind(options, "options", list)
            ]
            letters = LETTERS[: len(texts)]
            if letter not in list(letters):
                raise ValueError(f"answer {letter!r:.40} isn't the letter of an option")
            asked_for = of_kind(question, "questions", str)
            questions.append(
                ChoiceQuestion(asked_for, article, tuple(texts), letters.index(letter))
            )
    return questions
