"""Wordpieces with the code points they cover."""

import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tokenizers
from numpy.typing import NDArray

from engine.errors import CheckpointError

CLS_NAMES = ("[CLS]", "<s>")
SEP_NAMES = ("[SEP]", "</s>")


@dataclass(frozen=True)
class Pieces:
    """The wordpieces of one text: `ids` (n,) int32 and `offsets` (n, 2) int32.

    `text[offsets[i, 0]:offsets[i, 1]]` is what piece i covers, in code points, white space at
    either end left out. Pieces that cover nothing but white space are dropped.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ids)


class Tokenizer:
    """A checkpoint's `tokenizer.json`, without its special-token template."""

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
            return cls(tokenizers.Tokenizer.from_file(str(path)))
        except Exception as error:  # the library raises bare Exception
            raise CheckpointError(f"{path} can't be read as a tokenizer: {error}") from error

    def save(self, folder: Path) -> None:
        self._inner.save(str(folder / "tokenizer.json"))

    @property
    def vocabulary_size(self) -> int:
        return self._inner.get_vocab_size()

    def encode(self, text: str) -> Pieces:
        return self._pieces(self._inner.encode(text, add_special_tokens=False), text)

    def encode_batch(self, texts: list[str]) -> list[Pieces]:
        encodings = self._inner.encode_batch(texts, add_special_tokens=False)
        return [self._pieces(e, t) for e, t in zip(encodings, texts, strict=True)]

    def _special(self, names: tuple[str, ...]) -> int:
        for name in names:
            if (found := self._inner.token_to_id(name)) is not None:
                return int(found)
        raise CheckpointError(f"the tokenizer has none of the special tokens {', '.join(names)}")

    @staticmethod
    def _pieces(encoding: tokenizers.Encoding, text: str) -> Pieces:
        # Metaspace pieces count the space before a word as theirs: an answer must not.
        ids, offsets = [], []
        for piece, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
            while start < end and text[start].isspace():
                start += 1
            while end > start and text[end - 1].isspace():
                end -= 1
            # A composed letter is one piece whose offsets may end before its combining marks.
            while start < end < len(text) and unicodedata.combining(text[end]):
                end += 1
            if start < end:
                ids.append(piece)
                offsets.append((start, end))
        return Pieces(np.array(ids, np.int32), np.array(offsets, np.int32).reshape(-1, 2))
