"""Tokenizers of the families' kinds, small enough to be made in a test."""

from collections import Counter
from collections.abc import Iterable
from math import log

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers

from engine.tokenization import Tokenizer

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
LONGEST = 8  # characters of a piece


def unigram(model: models.Unigram) -> tokenizers.Tokenizer:
    """XLM-R's kind: pieces that count the space before them, compatibility forms folded."""
    inner = tokenizers.Tokenizer(model)
    inner.normalizer = normalizers.NFKC()
    inner.pre_tokenizer = pre_tokenizers.Metaspace()
    inner.decoder = decoders.Metaspace()
    return inner


def unigram_trained_on(texts: Iterable[str], *, vocab_size: int) -> Tokenizer:
    """Every letter, and the longer pieces that cover most of the texts.

    The library's own trainer gives other pieces each time that it's run.
    """
    inner = unigram(models.Unigram())
    counts: Counter[str] = Counter()
    for text in texts:
        folded = inner.normalizer.normalize_str(text)
        for word, _ in inner.pre_tokenizer.pre_tokenize_str(folded):
            for first in range(len(word)):
                counts.update(
                    word[first:last]
                    for last in range(first + 1, first + LONGEST + 1)
                    if last <= len(word)
                )
    letters = sorted(piece for piece in counts if len(piece) == 1)
    longer = sorted(counts.keys() - letters, key=lambda piece: (-counts[piece] * len(piece), piece))
    pieces = [*letters, *longer][: vocab_size - len(SPECIAL)]
    total = sum(counts[piece] for piece in pieces)
    scored = [(piece, log(counts[piece] / total)) for piece in pieces]
    special = [(name, 0.0) for name in SPECIAL]
    inner.model = models.Unigram([*special, *scored], unk_id=SPECIAL.index("<unk>"))
    inner.add_special_tokens(SPECIAL)
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
