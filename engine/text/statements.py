"""Statements turned into yes/no questions by putting the auxiliary first (English).

Rules of thumb for plain sentences: those that they don't fit give no question.
"""

from collections.abc import Collection
from dataclasses import dataclass

import regex

_ALWAYS = "is|are|was|were|can|could|will|would|should|must"
_IRREGULAR = (
    "been|become|begun|broken|brought|built|chosen|come|drawn|fallen|found|given|gone|grown|held|"
    "kept|known|led|left|lost|made|met|paid|run|seen|sent|shown|sold|spent|stood|taken|told|won|"
    "written"
)
_AUXILIARY = regex.compile(
    rf"(?<= )(?:(?P<word>{_ALWAYS}|(?:has|have|had)(?=(?: not|n['’]t)? (?:\w+ed|{_IRREGULAR})\b))"
    r"(?P<not> not|n['’]t|not|) )"
)
_NEVER_FIRST = regex.compile(
    r"(?:it|its|he|his|she|her|they|their|we|our|i|my|you|your|this|these|that|those|there|here|who|"
    r"what|which|when|where|why|how|whether|if|in|on|at|by|for|from|to|of|with|without|as|after|"
    r"before|since|during|under|over|among|between|although|though|while|because|but|and|or|so|yet|"
    r"then|thus|also|not|no|none|nobody|nothing|neither|only|few|such|one|another|other|others|some|"
    r"both|most|many|much|more|several|once|usually|today|now|according|despite|unlike|like|"
    r"following|having|being|the (?:former|latter))\b",
    regex.I,
)
_NOT_IN_SUBJECT = regex.compile(
    r"[,;:()\[\]\"“”!?/|=*#<>]|\b(?:he|she|it|they|we|I|you|who|whom|whose|which|that|what|where|when|"
    r"why|how|if|as|and|or|but|than|because|while|there|said|says|say|think|thinks|thought|know|"
    r"knew|told|felt|wrote|means|shows|show|suggests|made|makes|let|saw|found|has|have|had|do|does|"
    r"did|be|been|may|might)\b|\b(?!(?i:united|red|bed|sacred)\b)\p{L}+ed\b"
)
_NOT_IN_PREDICATE = regex.compile(
    r"[\"“”!?|=*#<>\[\]]|\b(?:not|no|never|nor|neither|none|nothing|only|hardly|rarely|also|however|"
    r"therefore|thus|instead|then|it|its|he|his|him|she|her|they|their|them|this|these|those|such|we|"
    r"our|I|my|you|your|so|too|either|both|more|less|another|other|others|same)\b|n['’]t\b",
    regex.I,
)
_QUALIFIED_NOT = regex.compile(r"(?:only|just|until|yet|necessarily|always|all|merely|simply)\b")
_CLAUSE_END = regex.compile(
    r",? (?:which|who|whose|where|when|while|because|although|but|"
    r"and(?= (?:is|are|was|were|has|have|had|can|could|will|would)\b))\b|[,;:]|\s[–—-]\s|\.$"
)
_NO_END = regex.compile(
    r"\b(?:and|or|of|in|the|a|an|to|for|with|as|by|from|between|at|on|is|was|than)$|"
    r"\bbetween\b(?!.* and )"
)
_IN_BRACKETS = regex.compile(r" \([^()]*\)")
_ARTICLE = regex.compile(r"(?:The|A|An|Each|Every|All)\b")
_MOST_WORDS = 8
_FEWEST_WORDS = 2


@dataclass(frozen=True)
class Statement:
    """What a sentence says or denies, in the parts of a question about it."""

    auxiliary: str
    subject: str
    predicate: str
    denied: bool

    @property
    def question(self) -> str:
        return f"{self.auxiliary.capitalize()} {self.subject} {self.predicate}?"


def statement_of(sentence: str, common_words: Collection[str] = ()) -> Statement | None:
    """A plain sentence's subject, auxiliary and predicate, up to the end of its first clause.

    None if it isn't plain, or can't be understood by itself. It begins small with a common word.
    """
    bare = _IN_BRACKETS.sub("", " ".join(sentence.split()))
    found = _AUXILIARY.search(bare)
    if found is None or not bare.endswith(".") or not bare[0].isupper():
        return None
    subject, rest = bare[: found.start()].strip(), bare[found.end() :]
    words = subject.split()
    if len(words) > _MOST_WORDS or _NEVER_FIRST.match(subject) or _NOT_IN_SUBJECT.search(subject):
        return None
    end = _CLAUSE_END.search(rest)
    predicate = rest[: end.start()].strip() if end else ""
    denied = bool(found["not"])
    if denied and _QUALIFIED_NOT.match(predicate):
        return None
    if len(predicate.split()) < _FEWEST_WORDS or _NOT_IN_PREDICATE.search(predicate):
        return None
    if _NO_END.search(predicate):
        return None
    common = words[0].lower() in common_words and not any(w[0].isupper() for w in words[1:])
    if common or _ARTICLE.match(subject):
        subject = subject[0].lower() + subject[1:]
    return Statement(found["word"], subject, predicate, denied)
