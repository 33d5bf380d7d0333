"""Words that a line end parts: when a hyphen is dropped, and when it stays."""

import re
from collections import Counter
from dataclasses import dataclass

HYPHENS = "\u2010\u00ad\u00ac-"  # the third stands for a hyphen in some old files
_ALWAYS_DROPPED = "\u00ad\u00ac"
_WORD = re.compile(r"[^\W_]+(?:[-\u2010][^\W_]+)*")
_LAST_TOKEN = re.compile(r"\S+\Z")
_FIRST_WORD = re.compile(r"[^\W_]+")
_SOFT_HYPHENS = re.compile("\u00ad(?=\\S)")
_ENDS_LINE = re.compile(rf"[{HYPHENS}]\s")
_BROKEN_LINE = re.compile(
    rf"(?P<left>[^\s{HYPHENS}][{HYPHENS}])[ \t]*(?P<end>\r\n|\n|\r)[ \t]*"
    r"(?P<right>[^\W_]\S*)(?P<more>[ \t]+(?=\S))?"
)
# fmt: off
# Parts that are written with a hyphen whatever stands beside them.
_FIRST_PARTS = frozenset([
    "best", "better", "first", "half", "left", "much", "non", "one", "quasi", "right", "self",
    "single", "third", "three", "two", "vice", "well", "twenty", "thirty", "forty", "fifty",
    "sixty", "seventy", "eighty", "ninety",
])
_SECOND_PARTS = frozenset([
    "based", "called", "driven", "known", "level", "minded", "oriented", "related", "term",
])
_NEVER_FIRST = frozenset(["de", "in", "inter", "mid", "mis", "over", "pre", "re", "un", "under"])
# Words that stand between two others, as in "mother-in-law".
_BETWEEN = frozenset([
    "a", "and", "at", "by", "de", "du", "en", "for", "from", "in", "la", "le", "of", "off", "on",
    "or", "the", "to", "und", "up",
])
# Before these a hyphen stands for a word left out, as in "Haupt- und Nebensatz".
_AFTER_ELLIPSIS = frozenset([
    "and", "bis", "e", "en", "et", "o", "oder", "of", "or", "ou", "sowie", "to", "und", "y",
])
# fmt: on


@dataclass(frozen=True)
class Words:
    """How often a document has each word, and each word with hyphens, within its lines."""

    counts: Counter[str]

    @classmethod
    def of(cls, text: str) -> "Words":
        found: Counter[str] = Counter()
        for match in _WORD.finditer(text):
            rest = text[match.end() : match.end() + 2]
            if not _ENDS_LINE.match(rest):
                found[match[0].lower().replace("\u2010", "-")] += 1
        return cls(found)

    def __getitem__(self, word: str) -> int:
        return self.counts[word.lower()]


def joined(left: str, right: str, words: Words) -> str | None:
    """The end of a line and the start of the next as one; None if no hyphen joins them.

    - A soft hyphen is dropped.
    - Between digits, before a digit and in an address a hyphen stays: "2019-" "2020".
    - Before a capital it stays, as in "Müller-Lüdenscheidt", unless both parts are capitals.
    - Before "and", "und" and the like it stands for a word left out: "Haupt-" "und" stay two.
    - Else the document's other lines decide, if they have the word in one form alone.
    - Else it stays after one letter ("e-mail"), after first parts such as "well" and "self", before
      second parts such as "based", and in chains ("mother-in-" "law"). Otherwise it is dropped.
    """
    token = _LAST_TOKEN.search(left.rstrip())
    if token is None or len(token[0]) < 2:
        return None
    if token[0][-1] == "–" and token[0][-2].isdigit() and right[:1].isdigit():
        return left.rstrip() + right
    if token[0][-1] not in HYPHENS or not token[0][-2].isalnum() or not right[:1].isalnum():
        return None
    whole, before = left.rstrip(), token[0][:-1]
    if token[0][-1] in _ALWAYS_DROPPED:
        return whole[:-1] + right
    first = _FIRST_WORD.match(right)
    after = first[0] if first else right
    if after in _AFTER_ELLIPSIS and right[len(after) : len(after) + 1] in ("", " "):
        return None
    return (whole if _stays(before, after, words) else whole[:-1]) + right


def _stays(before: str, after: str, words: Words) -> bool:
    part = re.split(r"[^\w]+", before)[-1]
    if not part or not (before[-1].isalpha() and after[0].isalpha()):
        return True
    if "://" in before or "@" in before or before.lower().startswith("www."):
        return True
    if after[0].isupper() and not (part.isupper() and after.isupper() and len(part) > 1):
        return True
    if not after[0].isupper() and not after[0].islower():
        return True  # scripts without capitals don't divide words so
    closed, hyphened = words[part + after], words[f"{part}-{after}"]
    if bool(closed) != bool(hyphened):
        return bool(hyphened)
    chained = "-" in before and part.lower() in _BETWEEN
    second = after in _SECOND_PARTS and part.lower() not in _NEVER_FIRST
    return len(part) == 1 or part.lower() in _FIRST_PARTS or second or chained


def without_line_hyphens(text: str) -> str:
    """A plain text with the words joined that its line ends part, and without soft hyphens.

    The line's end moves behind the word, so that the lines keep their numbers where they can.
    """
    words: Words | None = None

    def join(match: re.Match[str]) -> str:
        nonlocal words
        words = words or Words.of(text)
        start = max(text.rfind(" ", 0, match.start()), text.rfind("\n", 0, match.start())) + 1
        before = text[start : match.start()]
        one = joined(before + match["left"], match["right"], words)
        if one is None:
            return match[0]
        return one[len(before) :] + (match["end"] if match["more"] else "")

    return _SOFT_HYPHENS.sub("", _BROKEN_LINE.sub(join, text))
