"""The page's theme: paper and ink, and the highlighter that marks answers.

What documents say is set in a serif, as print is, and what the page says in a sans-serif. Text has
a contrast of 4.5 and more to what it stands on, and edges of fields one of 3.
"""

LIGHT = {
    "primaryColor": "#22548f",
    "backgroundColor": "#fcfbf7",
    "secondaryBackgroundColor": "#f2efe6",
    "textColor": "#24211b",
    "linkColor": "#22548f",
    "borderColor": "#8c8678",
}
DARK = {
    "primaryColor": "#3d71bb",
    "backgroundColor": "#191814",
    "secondaryBackgroundColor": "#26241f",
    "textColor": "#ece7db",
    "linkColor": "#a3c2f2",
    "borderColor": "#7d776a",
}
SHAPE = {
    "headingFont": "serif",
    "headingFontSizes": ["1.75rem", "1.25rem", "1rem"],
    "headingFontWeights": [650, 600, 600],
    "baseRadius": "0.375rem",
    "showWidgetBorder": True,
}
MARK, ON_MARK = "#ffdf80", "#24211b"


def options() -> dict[str, object]:
    """The theme as Streamlit's options, by their names."""
    return {
        **{f"theme.{name}": value for name, value in SHAPE.items()},
        **{f"theme.light.{name}": value for name, value in LIGHT.items()},
        **{f"theme.dark.{name}": value for name, value in DARK.items()},
    }


def as_css() -> str:
    """The colours as variables, for what is shown before Streamlit has its theme."""
    return (
        f":root {{ {_variables(LIGHT)} }}"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}"
    )


def _variables(colours: dict[str, str]) -> str:
    return (
        f"--fr-paper: {colours['backgroundColor']}; --fr-ink: {colours['textColor']}; "
        f"--fr-box: {colours['secondaryBackgroundColor']}; --fr-edge: {colours['borderColor']}; "
        f"--fr-accent: {colours['linkColor']};"
    )
