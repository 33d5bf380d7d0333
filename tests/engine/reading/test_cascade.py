"""A cascade: which passages are read on, and that those are read as without it."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from engine.answering.answers import NO_SPAN_MARGIN, read
from engine.calibration import Calibration
from engine.encoder.config import BIASED, DISTANCE, LEARNED
from engine.encoder.states import passage_texts, question_texts
from engine.errors import CheckpointError
from engine.reading.cascade import HEAD, Cascade, likeliest_of_each
from engine.reading.read import READ_WHOLE, every_pair, own_pairs, read_pairs
from engine.reading.reader import Reader, ReaderOutput
from engine.reading.skipping import last_layer, skipping_from_dict, skipping_to_dict
from engine.reading.spans import best_spans
from engine.reading.upper import Skipping
from engine.reading.wording import Wording
from engine.text.tokenization import Tokenizer
from engine.text.words import asked_words

PASSAGES = (
    "the old iron bridge by the mill was long",
    "Anna Bell lit the lamp",
    "Carl Stone wrote of the clock in the old town",
    "the ship stood in the harbour",
)
QUESTION = "who lit the lamp?"
TWO = Cascade(after=1, passages=2)


def test_each_question_keeps_its_own_likeliest() -> None:
    logits = torch.tensor([1.0, 5.0, 3.0, 9.0, -1.0, -2.0])
    question = torch.tensor([0, 0, 0, 1, 1, 2])
    assert likeliest_of_each(logits, question, 1).tolist() == [
        *(False, True, False),
        *(True, False),
        True,
    ]
    assert likeliest_of_each(logits, question, 2).tolist() == [
        *(False, True, True),
        *(True, True),
        True,
    ]


def test_the_first_of_equals_is_kept() -> None:
    assert likeliest_of_each(torch.zeros(3), torch.zeros(3, dtype=torch.long), 1).tolist() == [
        True,
        False,
        False,
    ]


@pytest.fixture(params=[LEARNED, BIASED, DISTANCE])
def reader(request: pytest.FixtureRequest, make_reader: Callable[..., Reader]) -> Reader:
    config = make_reader(lower=(1,), upper=(2, 3, 4)).encoder.config
    torch.manual_seed(0)
    made = Reader.shaped(replace(config, position_kind=request.param), ["boolean", "choice"])
    made.add_skipping(TWO)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return made.eval()


def judged(reader: Reader, logits: list[float]) -> None:
    """Have the head give the pairs these logits, whatever it sees."""
    reader.skipping[HEAD].forward = lambda seen: torch.tensor(logits)[:, None]  # type: ignore[method-assign]


def read_by(
    reader: Reader, tokenizer: Tokenizer, skipping: Skipping, pairs: Tensor | None = None
) -> ReaderOutput:
    asked = [QUESTION, "who wrote of the clock?"]
    questions = question_texts([tokenizer.encode(text).ids for text in asked], tokenizer)
    texts = passage_texts([tokenizer.encode(p).ids for p in PASSAGES], tokenizer)
    options = replace(READ_WHOLE, dtype=torch.float32, skipping=skipping)
    chosen = every_pair(1, len(PASSAGES)) if pairs is None else pairs
    return read_pairs(reader, questions, texts, chosen, options)


@pytest.mark.parametrize("ends", [0, 4])
def test_passages_read_on_are_read_as_without_a_cascade(
    reader: Reader, tokenizer: Tokenizer, ends: int
) -> None:
    """The second and the fourth stay; what they say doesn't depend on the others."""
    judged(reader, [0.0, 3.0, -2.0, 1.0])
    found = read_by(reader, tokenizer, replace(TWO, ends=ends))
    whole = read_by(reader, tokenizer, last_layer(ends))
    stays = torch.tensor([False, True, False, True])
    for name in ("null", "relevance", "boolean", "choice"):
        ours, theirs = getattr(found, name), getattr(whole, name)
        torch.testing.assert_close(ours[stays], theirs[stays], msg=name)
    ours, theirs = best_spans(found, 1), best_spans(whole, 1)
    torch.testing.assert_close(ours.score[stays], theirs.score[stays])
    assert found.relevance[~stays].tolist() == [0.0, -2.0]
    assert found.null[~stays].tolist() == [torch.inf] * 2
    assert ours.score[~stays].isneginf().all()


def test_where_no_more_passages_are_there_all_are_read(
    reader: Reader, tokenizer: Tokenizer
) -> None:
    found = read_by(reader, tokenizer, Cascade(after=1, passages=4))
    whole = read_by(reader, tokenizer, READ_WHOLE.skipping)
    for name in ("start", "end", "null", "relevance", "boolean", "choice"):
        torch.testing.assert_close(getattr(found, name), getattr(whole, name), msg=name)


def test_questions_that_are_read_together_lose_their_own_passages(
    reader: Reader, tokenizer: Tokenizer
) -> None:
    """The first question has passages 0 to 2, the second the last one alone."""
    judged(reader, [1.0, 2.0, 3.0, -9.0])
    found = read_by(reader, tokenizer, Cascade(after=2, passages=1), own_pairs([3, 1]))
    assert found.null.isinf().tolist() == [True, True, False, False]


def test_a_passage_given_up_ranks_behind_those_read_and_answers_nothing(
    reader: Reader, tokenizer: Tokenizer
) -> None:
    judged(reader, [0.0, 3.0, -2.0, 1.0])
    found = read_by(reader, tokenizer, TWO)
    wordings = [
        Wording(text, tokenizer.encode(text).offsets, asked_words(QUESTION)) for text in PASSAGES
    ]
    features, reading = read(found, torch.zeros(4, 2), Calibration(), wordings)
    assert reading.rerank[[1, 3]].min() > reading.rerank[[0, 2]].max()
    assert reading.rerank[0] > reading.rerank[2]
    assert features.abs().max() < -NO_SPAN_MARGIN
    assert [bool(shown) for shown in reading.shown] == [False, True, False, True]


def test_a_cascade_is_kept_in_a_checkpoint_s_settings() -> None:
    policy = Cascade(after=2, passages=5, ends=8)
    assert skipping_from_dict(skipping_to_dict(policy)) == policy


@pytest.mark.parametrize("wrong", [{"after": 0}, {"passages": 0}, {"ends": -1}, {"after": True}])
def test_numbers_that_can_t_be_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(CheckpointError, match="should be a whole number from"):
        Cascade(**{"after": 1, "passages": 5, **wrong})


def test_a_cascade_after_the_last_layer_is_refused(make_reader: Callable[..., Reader]) -> None:
    reader = make_reader(lower=(1,), upper=(2, 3))
    with pytest.raises(CheckpointError, match="saves nothing: there are 2 layers"):
        reader.add_skipping(Cascade(after=2, passages=5))
