"""A tokenizer and readers small enough to work out by hand, for the engine's tests."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from tiny_models import tiny_reader
from tiny_tokenizers import byte_tokenizer, unigram, word_piece
from tokenizers import models

from engine.checkpoint import Settings, save_checkpoint
from engine.datasets.squad import SquadParagraph, SquadQuestion
from engine.reading.reader import Reader
from engine.text.tokenization import Tokenizer

WORDS = """
    the a of in is was by and who what when where which Who What When Where lamp lamps keeper
    lighthouse harbour built lit wrote Anna Bell Carl Stone Dora Reed engineer tower iron bridge
    river opened year old town north south market bell clock mill ship captain first second third
    1851 1872 1903 1927 12 40 metres high red white stood long
"""
# Marks have pieces of their own here, as some have in vocabularies of many languages.
LETTERS = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,;:!?'()-"
    "éßабвгдежЖقلمكتابשלוםकखगमाी्กขาี่日本語中文한국\u0301\u0308\u0327👩🚀"
)


def unigram_tokenizer() -> Tokenizer:
    """XLM-R's kind: a word of WORDS is one piece; anything else falls into single letters."""
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    words = sorted(set(WORDS.split()))
    vocabulary = [
        *((name, 0.0) for name in special),
        ("▁", -4.0),
        *((f"▁{word}", -6.0) for word in words),
        *((letter, -8.0) for letter in dict.fromkeys(LETTERS)),
    ]
    return Tokenizer(unigram(models.Unigram(vocabulary, unk_id=3)))


def word_piece_tokenizer() -> Tokenizer:
    """BERT's kind, cut into single letters."""
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    lower = dict.fromkeys(letter.lower() for letter in LETTERS)
    names += [*lower, *(f"##{letter}" for letter in lower)]
    vocabulary = {name: index for index, name in enumerate(names)}
    return Tokenizer(word_piece(models.WordPiece(vocabulary, unk_token="[UNK]")))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums in one order, so that two runs can be compared to the last bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return unigram_tokenizer()


@pytest.fixture(
    scope="session",
    params=[unigram_tokenizer, byte_tokenizer, word_piece_tokenizer],
    ids=["unigram", "bytes", "wordpiece"],
)
def family(request: pytest.FixtureRequest) -> Tokenizer:
    made: Tokenizer = request.param()
    return made


def paragraph(title: str, context: str, *asked: tuple[str, str]) -> SquadParagraph:
    """`asked` are (question, answer) pairs; an answer stands where the context has it first."""
    questions = tuple(
        SquadQuestion(f"{title}-{n}", question, ((answer, context.index(answer)),))
        for n, (question, answer) in enumerate(asked)
    )
    return SquadParagraph(title, 0, context, questions)


@pytest.fixture(scope="session")
def paragraphs() -> list[SquadParagraph]:
    return [
        paragraph(
            "Lighthouse",
            "The lighthouse of the north harbour was built in 1851 by Anna Bell, an engineer.",
            ("Who built the lighthouse?", "Anna Bell"),
            ("When was the lighthouse built?", "1851"),
        ),
        paragraph(
            "Bridge",
            "The iron bridge stood by the mill. It was opened in 1872 and is 40 metres long.",
            ("When was the iron bridge opened?", "1872"),
            ("Where stood the bridge?", "by the mill"),
        ),
        paragraph(
            "Clock",
            "Captain Carl Stone wrote of the clock in the old town, which Dora Reed lit.",
            ("Who wrote of the clock?", "Carl Stone"),
            ("Who lit the clock?", "Dora Reed"),
        ),
    ]


@pytest.fixture(scope="session")
def make_reader(tokenizer: Tokenizer) -> Callable[..., Reader]:
    """`make_reader(lower=…, upper=…, vector=…, seed=…)`: random weights, large enough to matter."""

    return partial(tiny_reader, tokenizer.vocabulary_size, std=0.2)


@pytest.fixture
def checkpoint_folder(
    tmp_path: Path, make_reader: Callable[..., Reader], tokenizer: Tokenizer
) -> Path:
    """A saved checkpoint of random weights, with vector layers."""
    folder = tmp_path / "checkpoint"
    save_checkpoint(make_reader(vector=(3,)), tokenizer, Settings(), folder)
    return folder
