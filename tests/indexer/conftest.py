"""Small tokenizers of the two families, trained on a few lines, for the build side's tests."""

import pytest
import tokenizers
from tiny_tokenizers import byte_tokenizer, unigram_trained_on, word_piece
from tokenizers import models, pre_tokenizers, trainers

from engine.text.tokenization import Tokenizer

LINES = [
    "The lighthouse keeper lit the lamp at dusk and wrote the hour in a book.",
    "Water boils at a lower temperature on high mountains than by the sea.",
    "Der Wärter schrieb jede Stunde auf. Le gardien écrivait chaque heure.",
    "Смотритель зажёг лампу в сумерках. كتب الحارس الساعة في دفتر.",
    "灯台守は夕暮れに灯をともした。守塔人在黄昏点灯。",
]


def word_piece_tokenizer() -> Tokenizer:
    """BERT's kind: unknown words are one piece."""
    inner = word_piece(models.WordPiece(unk_token="[UNK]"))
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=special, show_progress=False)
    inner.train_from_iterator(LINES, trainer)
    return Tokenizer(inner)


def unigram_tokenizer() -> Tokenizer:
    """XLM-R's kind."""
    return unigram_trained_on(LINES, vocab_size=125)


def word_tokenizer() -> Tokenizer:
    """A piece for each run of letters between spaces, so that counts can be made by hand."""
    vocabulary = {"<s>": 0, "</s>": 1, "<unk>": 2}
    inner = tokenizers.Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return Tokenizer(inner)


@pytest.fixture(scope="session")
def words() -> Tokenizer:
    return word_tokenizer()


@pytest.fixture(scope="session")
def letters() -> Tokenizer:
    return byte_tokenizer()


@pytest.fixture(
    scope="session",
    params=[word_piece_tokenizer, unigram_tokenizer, byte_tokenizer],
    ids=["wordpiece", "unigram", "bytes"],
)
def family(request: pytest.FixtureRequest) -> Tokenizer:
    made: Tokenizer = request.param()
    return made
