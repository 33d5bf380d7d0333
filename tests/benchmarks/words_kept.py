"""The share of real files' words that the readers keep, by format, against all their text.

    python tests/benchmarks/words_kept.py FOLDER… [--worst 10]

Word files are compared with every text node of their body, headers, footers and notes, found
without the reader: tracked deletions and the copies for old programs are left out of the count.
Pages in UTF-8 are compared with all text outside scripts, styles, templates and navigations, and
Markdown with all text outside tags. What is counted of the others stands in `office_words.py` and
`notes_words.py`.
Files of the same content count once.
"""

import argparse
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

from lxml import etree
from notes_words import NOTES, Words
from office_words import book_words, open_words, sheet_words, slide_words

from engine.documents import Document
from indexer.sources import FileReader, Limits, SourceFile, bytes_digest

_WORD = re.compile(r"\w+")
_PARTS = re.compile(r"word/(document|header|footer|footnotes|endnotes)\d*\.xml", re.IGNORECASE)
_TAG = re.compile(r"<!--.*?-->|</?[a-zA-Z][^>]*>", re.DOTALL)
_UNSEEN = ("script", "style", "template", "nav", "head")
_INLINE = frozenset(
    [
        "a",
        "abbr",
        "b",
        "big",
        "code",
        "em",
        "font",
        "i",
        "kbd",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "tt",
        "u",
        "wbr",
    ]
)
_NOT_SHOWN = frozenset(["del", "moveFrom", "Fallback"])


@dataclass(frozen=True)
class Kept:
    """What became of a file: its words and those that were kept, or why it wasn't read."""

    path: Path
    words: int
    kept: int
    reason: str


def word_file_words(path: Path) -> Counter[str]:
    """The words of a Word file's text nodes, runs of a paragraph put together."""
    words: Counter[str] = Counter()
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if _PARTS.fullmatch(name):
                root = etree.fromstring(archive.read(name), etree.XMLParser(recover=True))
                for text in _paragraphs(root):
                    words.update(_words(text))
    return words


def _paragraphs(root: etree._Element) -> Iterator[str]:
    texts: dict[etree._Element, str] = {}
    for node in root.iter("{*}t", "{*}tab", "{*}br", "{*}cr", "{*}noBreakHyphen"):
        around = [etree.QName(one).localname for one in node.iterancestors()]
        if _NOT_SHOWN.isdisjoint(around) and "p" in around:
            paragraph = next(node.iterancestors("{*}p"))
            is_text = etree.QName(node).localname == "t"
            said = (node.text or "") if is_text else " "
            texts[paragraph] = texts.get(paragraph, "") + said
    yield from texts.values()


class _PageText(HTMLParser):
    """The text of a page between its tags, cut where a tag isn't inline."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self._unseen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen.append(tag)
        self.text += "" if tag in _INLINE else " "

    def handle_endtag(self, tag: str) -> None:
        if tag in self._unseen:
            self._unseen.remove(tag)
        self.text += "" if tag in _INLINE else " "

    def handle_data(self, data: str) -> None:
        self.text += "" if self._unseen else data


def page_text(markup: str) -> str:
    parser = _PageText()
    parser.feed(markup)
    parser.close()
    return parser.text


def page_words(path: Path) -> Counter[str]:
    """The words of a page in UTF-8; none of a page in another encoding."""
    try:
        return Counter(_words(page_text(path.read_bytes().decode("utf-8-sig"))))
    except UnicodeDecodeError:
        return Counter()


def markdown_words(path: Path) -> Counter[str]:
    try:
        return Counter(_words(_TAG.sub(" ", path.read_bytes().decode("utf-8-sig"))))
    except UnicodeDecodeError:
        return Counter()


def _note_words(of: Callable[[Path, Words], Counter[str]], path: Path) -> Counter[str]:
    return of(path, _words)


TRUTHS: Mapping[str, Callable[[Path], Counter[str]]] = {
    ".docx": word_file_words,
    ".docm": word_file_words,
    ".dotx": word_file_words,
    ".dotm": word_file_words,
    ".html": page_words,
    ".htm": page_words,
    ".xhtml": page_words,
    ".md": markdown_words,
    ".pptx": lambda path: slide_words(path, _words),
    ".pptm": lambda path: slide_words(path, _words),
    ".odt": lambda path: open_words(path, _words),
    ".odp": lambda path: open_words(path, _words),
    ".xlsx": lambda path: sheet_words(path, _words),
    ".xlsm": lambda path: sheet_words(path, _words),
    ".epub": lambda path: book_words(path, page_text, _words),
    **{suffix: partial(_note_words, of) for suffix, of in NOTES.items()},
}
_UNCOMPARED = (
    AttributeError, etree.XMLSyntaxError, KeyError, OSError, RuntimeError, StopIteration, TypeError,
    ValueError, zipfile.BadZipFile,
)  # fmt: skip


def kept_of(path: Path, reader: FileReader) -> Kept | None:
    """None if the file can't be compared: it is damaged, or holds no words."""
    try:
        words = TRUTHS[path.suffix.lower()](path)
    except _UNCOMPARED:
        return None
    if not words:
        return None
    items = list(reader.read(SourceFile(path, path.stat().st_size)))
    read = Counter[str]()
    for item in items:
        if isinstance(item, Document):
            read.update(_words(item.text))
    reasons = [getattr(item, "reason", "") for item in items]
    return Kept(path, words.total(), (words & read).total(), "; ".join(filter(None, reasons)))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.replace("\u00ad", "").lower())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--worst", type=int, default=10, help="files that lost most, to name")
    given = parser.parse_args()
    found_files = (path for folder in given.folders for path in sorted(folder.rglob("*")))
    files = [path for path in found_files if path.suffix.lower() in TRUTHS and path.is_file()]
    files = list({bytes_digest(path.read_bytes()): path for path in files}.values())
    with FileReader(Limits()) as reader:
        found = [kept for path in files if (kept := kept_of(path, reader))]
    for suffix in sorted({kept.path.suffix.lower() for kept in found}):
        print(_line(suffix, [kept for kept in found if kept.path.suffix.lower() == suffix]))
    lossy = [kept for kept in found if kept.kept < kept.words]
    for kept in sorted(lossy, key=lambda kept: kept.kept / kept.words)[: given.worst]:
        print(f"  {kept.kept} of {kept.words}: {kept.path} {kept.reason}")


def _line(suffix: str, found: list[Kept]) -> str:
    words, kept = sum(one.words for one in found), sum(one.kept for one in found)
    mean = sum(one.kept / one.words for one in found) / len(found)
    lossy, none = sum(one.kept < one.words for one in found), sum(one.kept == 0 for one in found)
    return (
        f"{suffix}: {len(found)} files, {kept} of {words} words kept ({kept / words:.2%}), "
        f"{mean:.2%} a file; {lossy} files lost words, {none} all of them"
    )


if __name__ == "__main__":
    main()
