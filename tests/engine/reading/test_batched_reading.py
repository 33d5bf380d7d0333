"""Reading in batches is reading at once, in bounded memory."""

import gc
from collections.abc import Callable

import numpy as np
import pytest
import torch

from engine.datasets.squad import SquadParagraph, SquadQuestion
from engine.encoder.states import States
from engine.evaluation.reading import predict
from engine.reading import read
from engine.reading.read import ReadingOptions, read_in_batches
from engine.reading.reader import Reader
from engine.reading.wording import Wording
from engine.text.tokenization import Tokenizer

OPTIONS = ReadingOptions(window=40, dtype=torch.float32)


def ids(*lengths: int) -> list[np.ndarray]:
    return [np.arange(5, 5 + length, dtype=np.int32) for length in lengths]


@pytest.mark.parametrize("at_once", [1, 30, 70, 200])
def test_batches_give_what_all_at_once_gives(
    make_reader: Callable[..., Reader],
    tokenizer: Tokenizer,
    monkeypatch: pytest.MonkeyPatch,
    at_once: int,
) -> None:
    reader = make_reader().eval()
    arguments = (reader, tokenizer, ids(3, 9, 1), ids(20, 4, 31, 7), OPTIONS)
    [whole] = read_in_batches(*arguments)
    monkeypatch.setattr(read, "TOKENS_AT_ONCE", at_once)
    outputs = list(read_in_batches(*arguments))
    assert len(outputs) > 1
    assert all(len(o.packing) == 1 or o.packing.total <= at_once for o in outputs)
    for name in ("start", "end", "null", "relevance"):
        parts = torch.cat([getattr(output, name) for output in outputs])
        torch.testing.assert_close(parts, getattr(whole, name), atol=1e-5, rtol=1e-5)


def test_a_paragraph_of_thousands_of_words_is_read_for_many_questions_a_few_at_once(
    make_reader: Callable[..., Reader],
    tokenizer: Tokenizer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = tuple(SquadQuestion(str(n), f"Who lit lamp {n}?", ()) for n in range(12))
    paragraph = SquadParagraph("", 0, "Ada lit the lamp at night. " * 700, asked)
    reader = make_reader().eval()
    totals: list[int] = []
    given: list[int] = []
    worded: list[int] = []
    forward = reader.forward

    def counting(questions: States, passages: States, *how: object) -> object:
        output = forward(questions, passages, *how)  # type: ignore[arg-type]
        totals.append(output.packing.total)
        given.append(questions.packing.total + passages.packing.total)
        alive = (one for one in gc.get_objects() if type(one) is Wording)
        worded.append(sum(len(one.text) for one in alive))
        return output

    monkeypatch.setattr(reader, "forward", counting)
    found = list(predict(reader, tokenizer, [paragraph], OPTIONS))
    assert [p.question.id for p in found] == [q.id for q in asked]
    assert all(paragraph.context.startswith(p.text, p.start) for p in found)
    assert max(totals) <= read.TOKENS_AT_ONCE < sum(totals) / 10
    # Nor are more states or more text held than those of the pairs that are read.
    assert all(held <= total for held, total in zip(given, totals, strict=True))
    assert max(worded) <= 10 * read.TOKENS_AT_ONCE < sum(len(paragraph.context) for _ in asked)
