"""Which questions ask for yes or no (English), and which offer alternatives."""

import regex

_VERBS = (
    "am|are|is|was|were|do|does|did|have|has|had|can|could|will|would|shall|should|may|might|must"
)
_NEGATED = "ca|wo|sha|ai"  # can't, won't, shan't, ain't
_BEGINS = regex.compile(
    rf"\W*(?:(?:{_VERBS})(?:n['’]t|not)?|(?:{_NEGATED})n['’]t)\b", regex.IGNORECASE
)
_OR = regex.compile(r"\bor\b", regex.IGNORECASE)
# "Or" in languages of stop words; not Dutch "of", which is another word in English.
_ANY_OR = regex.compile(
    r"\b(?:or|oder|ou|o|u|eller|или|hay|hoặc|أو|أم)\b|或|还是|還是|それとも", regex.IGNORECASE
)


def asks_yes_or_no(question: str) -> bool:
    """Whether a question begins with an auxiliary verb and offers no alternatives with *or*.

    A rule of thumb: "Is it red or blue?" isn't one, "Is it red or not?" is.
    """
    if not _BEGINS.match(question):
        return False
    rest = regex.sub(r"\bor\s+not\b", "", question, flags=regex.IGNORECASE)
    return not _OR.search(rest)


def offers_alternatives(question: str) -> bool:
    """Whether a question holds a word for *or*, in any of several languages."""
    return bool(_ANY_OR.search(question))
