"""The theme's colours can be told apart, as WCAG 2.2 measures it (AA)."""

import pytest

from ui import theme


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return sum(one * share for one, share in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def faded(text: str, ground: str, opacity: float) -> str:
    mixed = (
        round(opacity * int(text[at : at + 2], 16) + (1 - opacity) * int(ground[at : at + 2], 16))
        for at in (1, 3, 5)
    )
    return "#" + "".join(f"{one:02x}" for one in mixed)


@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_text_and_edges_stand_out(colours: dict[str, str]) -> None:
    for ground in (colours["backgroundColor"], colours["secondaryBackgroundColor"]):
        # What is folded or beside the point is lighter.
        assert contrast(faded(colours["textColor"], ground, 0.75), ground) >= 4.5
        assert contrast(colours["textColor"], ground) >= 7
        assert contrast(colours["linkColor"], ground) >= 4.5
        assert contrast(colours["borderColor"], ground) >= 3
    assert contrast(colours["primaryColor"], "#ffffff") >= 4.5, "a button's words"
    assert contrast(theme.ON_MARK, theme.MARK) >= 7
