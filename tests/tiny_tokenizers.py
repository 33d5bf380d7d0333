"""Tokenizers of the families' kinds, small enough to be made in a test."""

from collections.abc import Iterable

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from engine.tokenization import Tokenizer


def unigram(model: models.Unigram) -> tokenizers.Tokenizer:
    """XLM-R's kind: pieces that count the space before them, compatibility forms folded."""
    inner = tokenizers.Tokenizer(model)
    inner.normalizer = normalizers.NFKC()
    inner.pre_tokenizer = pre_tokenizers.Metaspace()
    inner.decoder = decoders.Metaspace()
    return inner


def unigram_trained_on(texts: Iterable[str], *, vocab_size: int) -> Tokenizer:
    inner = unigram(models.Unigram())
    trainer = trainers.UnigramTrainer(
        vocab_size=vocab_size,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    inner.train_from_iterator(texts, trainer)
    return Tokenizer(inner)


def word_piece(model: models.WordPiece) -> tokenizers.Tokenizer:
    """BERT's kind: words cut at spaces and punctuation, lower case, accents stripped."""
    inner = tokenizers.Tokenizer(model)
    inner.normalizer = normalizers.BertNormalizer(lowercase=True)
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return inner


def byte_tokenizer() -> Tokenizer:
    """RoBERTa's kind without merges: a piece for each byte of UTF-8."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {name: index for index, name in enumerate(["<s>", "</s>", *alphabet])}
    inner = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return Tokenizer(inner)
