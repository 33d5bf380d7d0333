"""Tokenizers of the families' kinds, small enough to be made in a test."""

from collections import Counter
from collections.abc import Iterable
from math import log

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from engine.text.tokenization import Tokenizer

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]


def unigram(model: models.Unigram) -> tokenizers.Tokenizer:
    """XLM-R's kind: pieces that count the space before them, compatibility forms folded."""
    inner = tokenizers.Tokenizer(model)
    inner.normalizer = normalizers.NFKC()
    inner.pre_tokenizer = pre_tokenizers.Metaspace()
    inner.decoder = decoders.Metaspace()
    return inner


def unigram_trained_on(texts: Iterable[str], *, vocab_size: int) -> Tokenizer:
    """Letters and the pairs most often joined, each as likely as it's frequent.

    Merges find the pieces, since the trainer of unigrams finds others each time that it's run.
    """
    corpus = list(texts)
    inner = unigram(models.Unigram())
    merged = tokenizers.Tokenizer(models.BPE())
    merged.normalizer, merged.pre_tokenizer = inner.normalizer, inner.pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=SPECIAL, show_progress=False
    )
    merged.train_from_iterator(corpus, trainer)
    counts = Counter(piece for text in corpus for piece in merged.encode(text).tokens)
    learned = [merged.id_to_token(number) for number in range(merged.get_vocab_size())]
    scored = [
        (piece, log((counts[piece] + 0.5) / counts.total())) for piece in learned[len(SPECIAL) :]
    ]
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
