"""Wordpieces with the code points they cover."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import regex
import tokenizers
from numpy.typing import NDArray

from engine.errors import CheckpointError

# BERT's, XLNet's, RoBERTa's and MPNet's. XLNet has RoBERTa's too, with another meaning.
CLS_NAMES = ("[CLS]", "<cls>", "<s>")
SEP_NAMES = ("[SEP]", "<sep>", "</s>")
_SURROGATES = regex.compile(r"\p{Cs}")
_MARKS = regex.compile(r"\p{M}+")

# What a tokenizer that isn't whole may not be able to cut: letters, a number, unknown characters.
_PROBE = "A probe of 12 words, naïve: 灯台 \U0001f9c0 \ue000"

PieceIds = NDArray[np.int32]
"""The numbers of a text's pieces in the vocabulary, (n,)."""


@dataclass(frozen=True)
class Pieces:
    """The wordpieces of one text: `ids` (n,) int32 and `offsets` (n, 2) int32.

    `text[offsets[i, 0]:offsets[i, 1]]` is what piece i covers, in code points, without white space
    at either end. Pieces that cover only white space are dropped. A combining mark belongs to the
    letter before it, so pieces that share a letter and its marks overlap.
    """

    ids: PieceIds
    offsets: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ids)


class Tokenizer:
    """A checkpoint's `tokenizer.json`, without its template of special tokens."""

    def __init__(self, inner: tokenizers.Tokenizer) -> None:
        self._inner = inner
        self._inner.no_truncation()
        self._inner.no_padding()
        self.cls = self._special(CLS_NAMES)
        self.sep = self._special(SEP_NAMES)

    @classmethod
    def load(cls, folder: Path) -> "Tokenizer":
        """Read `tokenizer.json` in `folder`.

        Raises: CheckpointError if it's missing or isn't a fast tokeniser's file.
        """
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise CheckpointError(
                f"{folder} has no tokenizer.json; convert the model with its fast tokenizer"
            )
        try:
            tokenizer = cls(tokenizers.Tokenizer.from_file(str(path)))
            tokenizer.encode(_PROBE)
        except BaseException as error:
            # The library raises bare Exception, or Rust's panic, which is none and can't be named.
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            raise CheckpointError(
                f"{path} can't be read as a tokenizer: {str(error)[:300]}; copy the whole "
                "checkpoint folder"
            ) from error
        return tokenizer

    def save(self, folder: Path) -> None:
        self._inner.save(str(folder / "tokenizer.json"))

    @property
    def vocabulary_size(self) -> int:
        return self._inner.get_vocab_size()

    @cached_property
    def cased(self) -> bool:
        """Whether capitals are pieces of their own."""
        return not np.array_equal(self.encode("WORD").ids, self.encode("word").ids)

    def pieces(self) -> dict[str, int]:
        """Every piece, including special ones, and its id."""
        found: dict[str, int] = self._inner.get_vocab()
        return found

    def encode(self, text: str) -> Pieces:
        return _pieces(self._inner.encode(_whole(text), add_special_tokens=False), text)

    def encode_batch(self, texts: list[str]) -> list[Pieces]:
        whole = [_whole(text) for text in texts]
        encodings = self._inner.encode_batch(whole, add_special_tokens=False)
        return [_pieces(e, t) for e, t in zip(encodings, texts, strict=True)]

    def _special(self, names: tuple[str, ...]) -> int:
        # Of names in the vocabulary, the special ones count: MPNet's has BERT's as mere pieces.
        special = {piece.content for piece in self._inner.get_added_tokens_decoder().values()}
        for name in sorted(names, key=lambda name: name not in special):
            if (found := self._inner.token_to_id(name)) is not None:
                return int(found)
        raise CheckpointError(f"the tokenizer has none of the special tokens {', '.join(names)}")


def _whole(text: str) -> str:
    """The text without lone surrogates, which JSON can hold and the library refuses."""
    whole: str = _SURROGATES.sub("\ufffd", text)
    return whole


def _pieces(encoding: tokenizers.Encoding, text: str) -> Pieces:
    # Metaspace pieces include the space before a word; an answer must not.
    ids, offsets = [], []
    for piece, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        if start < end:
            ids.append(piece)
            offsets.append((start, end))
    covered = np.array(offsets, np.int32).reshape(-1, 2)
    return Pieces(np.array(ids, np.int32), _with_marks(covered, text))


def _with_marks(offsets: NDArray[np.int32], text: str) -> NDArray[np.int32]:
    """Offsets moved outwards where they separate a letter from its marks.

    The library may end a composed letter before its marks, and a mark may be a piece of its own.
    """
    runs = [] if text.isascii() else [m.span() for m in _MARKS.finditer(text)]
    if not runs:
        return offsets
    begins, ends = np.array(runs, np.int32).T
    letters = np.array([b - (b > 0 and not text[b - 1].isspace()) for b, _ in runs], np.int32)
    moved = offsets.copy()
    for column, outer in ((0, letters), (1, ends)):
        run = np.searchsorted(begins, offsets[:, column], "right") - 1
        inside = (run >= 0) & (offsets[:, column] < ends[run])
        moved[inside, column] = outer[run[inside]]
    return moved
