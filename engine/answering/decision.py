"""Whether a question is answered, decided once, and in which words a confidence is told."""


def is_withheld(confidence: float, none: float, least: float) -> bool:
    """Whether the first answer isn't given, and *no answer* is.

    It isn't if it's less sure than `least`, or than that there's `none`. With a `least` of 0 every
    answer is given.
    """
    return least > 0 and confidence < max(least, none)


def likelihood(confidence: float, least: float) -> str:
    """A confidence in a word or two; only what is less sure than `least` is unlikely."""
    if confidence < least:
        return "unlikely"
    if confidence >= 0.9:
        return "very likely"
    return "likely" if confidence >= 0.6 else "possible"
