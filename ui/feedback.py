"""Visitors' feedback on answers: a JSON line each in the index's folder, exported as SQuAD."""

import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from engine.answering.results import Answer
from engine.errors import access_error
from engine.store.folder_exchange import KEPT
from engine.store.locks import waiting_lock

FILE = "feedback.jsonl"

Verdict = Literal["right", "wrong words", "wrong passage"]


@dataclass(frozen=True)
class Feedback:
    """A verdict on one answer to one question.

    `passage` is the passage's text, which begins at `passage_start` in its document. `start` and
    `end` are the answer's code points in the *passage*. `corrected` is the span of the right words
    there, if the visitor marked it. `given` is in seconds since 1970.
    """

    question: str
    verdict: Verdict
    document: str
    source: str
    title: str
    passage: str
    passage_start: int
    start: int
    end: int
    confidence: float
    checkpoint: str
    corrected: tuple[int, int] | None = None
    given: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        if self.verdict not in get_args(Verdict):
            raise ValueError(f"expected one of {get_args(Verdict)}, got {self.verdict!r}")
        for start, end in filter(None, ((self.start, self.end), self.corrected)):
            if not 0 <= start < end <= len(self.passage):
                raise ValueError(f"{start} to {end} isn't within a passage of {len(self.passage)}")

    @classmethod
    def on(
        cls,
        answer: Answer,
        question: str,
        verdict: Verdict,
        *,
        checkpoint: str,
        corrected: tuple[int, int] | None = None,
    ) -> "Feedback":
        """A verdict on an answer of the engine whose checkpoint has this fingerprint."""
        passage = answer.passage
        return cls(
            question=question,
            verdict=verdict,
            document=passage.document,
            source=passage.source,
            title=passage.title,
            passage=passage.text,
            passage_start=passage.start,
            start=answer.start - passage.start,
            end=answer.end - passage.start,
            confidence=answer.confidence,
            checkpoint=checkpoint,
            corrected=corrected,
        )

    @property
    def right_span(self) -> tuple[int, int] | None:
        """The span of the right words in the passage, if it's known."""
        return (self.start, self.end) if self.verdict == "right" else self.corrected


def append_feedback(index: Path, feedback: Feedback) -> None:
    """Add a line to the index's file. Visitors and processes may do so at the same time.

    Raises: IndexStoreError if the folder can't be written.
    """
    folder = index / KEPT
    line = json.dumps(asdict(feedback)).encode() + b"\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with waiting_lock(folder / "feedback.lock"), (folder / FILE).open("ab+") as file:
            if file.tell() and _last_byte(file.fileno(), file.tell()) != b"\n":
                line = b"\n" + line  # a crash or full disk has left half a line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise access_error(
            error,
            f"feedback can't be stored in {folder} ({error.strerror}); check the disk's free "
            "space and the folder's owner",
        ) from error


def read_feedback(index: Path) -> list[Feedback]:
    """All feedback that was stored, the oldest first. Lines that aren't whole are left out.

    Raises: IndexStoreError if the file can't be read.
    """
    try:
        lines = (index / KEPT / FILE).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise access_error(
            error,
            f"the feedback in {index / KEPT} can't be read ({error.strerror}); check the "
            "folder's owner",
        ) from error
    return [feedback for line in lines if (feedback := _parsed(line)) is not None]


def to_squad(given: Sequence[Feedback]) -> dict[str, Any]:
    """Feedback in SQuAD 2.0's layout, one paragraph a passage, for training and calibration.

    Of several verdicts on a question and a passage the last one holds. A wrong passage is one that
    doesn't answer the question. Wrong words without a correction are left out, since they teach
    nothing certain.
    """
    last = {(one.document, one.passage_start, one.passage, one.question): one for one in given}
    articles: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
    for one in last.values():
        if one.right_span is None and one.verdict != "wrong passage":
            continue
        article = articles.setdefault((one.document, one.title), {})
        article.setdefault(one.passage, []).append(_question(one))
    data = [
        {
            "title": title,
            "paragraphs": [{"context": context, "qas": qas} for context, qas in texts.items()],
        }
        for (_, title), texts in articles.items()
    ]
    return {"version": "v2.0", "data": data}


def _question(one: Feedback) -> dict[str, Any]:
    span = one.right_span
    key = json.dumps([one.document, one.passage_start, one.passage, one.question])
    return {
        "id": hashlib.blake2b(key.encode(), digest_size=8).hexdigest(),
        "question": one.question,
        "answers": [{"text": one.passage[slice(*span)], "answer_start": span[0]}] if span else [],
        "is_impossible": span is None,
    }


def _parsed(line: bytes) -> Feedback | None:
    names = {field.name for field in fields(Feedback)}
    try:
        record = {name: value for name, value in json.loads(line).items() if name in names}
        corrected = record.get("corrected")
        return Feedback(**{**record, "corrected": tuple(corrected) if corrected else None})
    except (ValueError, TypeError, AttributeError):
        return None


def _last_byte(file: int, size: int) -> bytes:
    return os.pread(file, 1, size - 1)
