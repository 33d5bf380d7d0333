"""The text of one paragraph while it is gathered."""

import re
from dataclasses import dataclass, field

from indexer.readers.headings import Block

_WORD = re.compile(r"\w+")
# What stands beside the number of a page, in languages that are often met.
# fmt: off
_PAGE_WORDS = frozenset([
    "page", "pages", "p", "pg", "of", "seite", "seiten", "s", "von", "sur", "de", "du", "página",
    "páginas", "pagina", "pagine", "pág", "pag", "di", "da", "sida", "av", "side", "af", "blad",
    "van", "strona", "str", "z", "ze", "sivu", "oldal", "stránka", "страница", "стр", "из",
    "сторінка", "з", "sayfa", "trang", "第", "页", "頁", "共", "ページ", "페이지",
])
# fmt: on


@dataclass
class Line:
    """A paragraph's text, with the text boxes that hang on it and the notes it refers to."""

    boxes: list[Block] = field(default_factory=list)
    notes: list[Block] = field(default_factory=list)
    _parts: list[str] = field(default_factory=list)
    _beside_numbers: list[str] = field(default_factory=list)
    _reading: str = ""

    def add(self, text: str, *, is_page_number: bool = False) -> None:
        if text:
            self._close_reading()
            self._parts.append(text)
            if not is_page_number:
                self._beside_numbers.append(text)

    def add_ruby(self, base: str, reading: str) -> None:
        """Characters and how they are read, which follows the last of such characters in a row."""
        self._parts.append(base)
        self._beside_numbers.append(base)
        self._reading += reading

    @property
    def text(self) -> str:
        self._close_reading()
        return "".join(self._parts).replace("\u00ad", "")  # seen only where a line ends

    @property
    def is_page_number(self) -> bool:
        """Whether it is the number of a page, with no words but those that go with it."""
        numbered = len(self._beside_numbers) < len(self._parts)
        beside = _WORD.findall(" ".join(self._beside_numbers).lower())
        return numbered and all(word in _PAGE_WORDS for word in beside)

    def _close_reading(self) -> None:
        if self._reading:
            reading, self._reading = self._reading, ""
            self.add(f"({reading})")
