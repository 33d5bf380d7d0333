"""The characters of fonts that keep letters and signs of their own in place of the usual ones."""

# The character of each code from 0x20 on; a blank where it is a piece of a bracket or unknown.
_SYMBOL = (
    " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾"
    "αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼"
    f"{'':33}€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑         〉∫⌠ ⌡"
)
_WINGDINGS = {
    0x22: "✂", 0x28: "☎", 0x29: "✆", 0x2A: "✉", 0x36: "⌛", 0x3F: "✍", 0x41: "✌", 0x43: "👍",
    0x44: "👎", 0x45: "☜", 0x46: "☞", 0x47: "☝", 0x48: "☟", 0x4A: "☺", 0x4B: "😐", 0x4C: "☹",
    0x6C: "●", 0x6D: "❍", 0x6E: "■", 0x6F: "□", 0x70: "□", 0x71: "❑", 0x72: "❒", 0x73: "⬧",
    0x74: "⧫", 0x75: "◆", 0x76: "❖", 0x77: "⬥", 0x78: "☒", 0x9F: "•", 0xA0: "▪", 0xA1: "○",
    0xA7: "▪", 0xA8: "☐", 0xAB: "★", 0xD8: "➢", 0xDF: "←", 0xE0: "→", 0xE1: "↑", 0xE2: "↓",
    0xE7: "←", 0xE8: "→", 0xE9: "↑", 0xEA: "↓", 0xF0: "⇨", 0xFB: "✗", 0xFC: "✓", 0xFD: "☒",
    0xFE: "☑",
}  # fmt: skip
_FONTS: dict[str, dict[int, str]] = {
    "symbol": {code: sign for code, sign in enumerate(_SYMBOL, 0x20) if sign != " "},
    "wingdings": _WINGDINGS,
}
_PRIVATE = 0xF000
"""Such a font's characters stand from here on, in Unicode's private area."""


def symbol(font: str, code: int) -> str | None:
    """The character with this code in a font; None if it isn't known.

    >>> symbol("Symbol", 0xF06D), symbol("Wingdings", 0xF0FC), symbol("Arial", 0xB0)
    ('μ', '✓', '°')
    """
    signs = _FONTS.get(font.lower())
    if signs is not None:
        return signs.get(code & 0xFF)
    is_private = _PRIVATE <= code <= _PRIVATE + 0xFF
    return None if is_private or not 0x20 <= code <= 0xD7FF else chr(code)


def unicode_text(font: str, text: str) -> str:
    """A text in a font, with the characters that only such a font can show replaced."""
    signs = _FONTS.get(font.lower())
    if signs is None or text.isascii():
        return text
    return text.translate({_PRIVATE + code: sign for code, sign in signs.items()})
