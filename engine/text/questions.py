"""Questions as they are read: odd characters made plain, capitals lowered, the question found."""

import re
import unicodedata

import regex

from engine.text.sentences import sentence_spans

# What is the same letter in another form. Not superscripts and fractions: m² isn't m2.
_OTHER_FORMS = (
    "<wide>", "<narrow>", "<compat>", "<noBreak>", "<font>", "<initial>", "<medial>", "<final>",
    "<isolated>",
)  # fmt: skip
# Soft hyphen, zero-width space, word joiner, byte order mark, directions of writing. Not the
# joiners, which make other letters of some.
_UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_CONTROLS = regex.compile(r"\p{Cc}")
_PLAIN = str.maketrans(
    {**dict.fromkeys("‘’‚‛′", "'"), **dict.fromkeys("“”„‟«»″", '"'), **dict.fromkeys("‐‑", "-")}
)
_WORDS = regex.compile(r"\p{L}[\p{L}\p{M}'’-]*")
_FEWEST_WORDS = 3
"""In capitals, fewer words may all be names, such as NASA."""
_ASKED = re.compile(r"(?:[?؟՞][^\w\s]*(?=\s|\Z)|？)")


def plain_question(text: str, *, cased: bool) -> str:
    """A question on one line, without characters that only look different or aren't seen.

    With `cased`, for a tokenizer to which capitals are other letters, one that is all in capitals
    is lowered.
    """
    shown = _UNSEEN.sub("", _CONTROLS.sub(" ", text))
    plain = "".join(_usual_form(letter) for letter in unicodedata.normalize("NFC", shown))
    plain = " ".join(plain.translate(_PLAIN).split())
    return _lowered(plain) if cased and _all_capitals(plain) else plain


def asking_sentence(text: str) -> tuple[tuple[int, ...], int]:
    """Where the last sentence that ends in a question mark ends, else the last one.

    Before that, where it and each sentence before it begin, in order. What follows the mark may
    begin with a small letter: "where is it? thanks".
    """
    begins = [start for start, _ in sentence_spans(text)] or [0]
    asked = [match.end() for match in _ASKED.finditer(text)]
    end = asked[-1] if asked else len(text)
    begins += [mark + len(text[mark:]) - len(text[mark:].lstrip()) for mark in asked[:-1]]
    return tuple(sorted({begin for begin in begins if begin < end})), end


def _usual_form(letter: str) -> str:
    if letter.isascii() or unicodedata.decomposition(letter).split(" ")[0] not in _OTHER_FORMS:
        return letter
    return unicodedata.normalize("NFKC", letter)


def _all_capitals(text: str) -> bool:
    cased = [letter for letter in text if letter.isupper() or letter.islower()]
    return len(_WORDS.findall(text)) >= _FEWEST_WORDS and not any(c.islower() for c in cased)


def _lowered(text: str) -> str:
    """In lower case but for the first letter. Words with a digit stay: B12."""
    lower = regex.sub(r"(?<![\p{L}\p{M}\p{N}])[\p{L}\p{M}'’]+(?![\p{N}])", _lower, text)
    place = next((n for n, letter in enumerate(lower) if letter.isalpha()), 0)
    return f"{lower[:place]}{lower[place : place + 1].upper()}{lower[place + 1 :]}"


def _lower(match: "regex.Match[str]") -> str:
    word: str = match[0]
    return word.lower()
