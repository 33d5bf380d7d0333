"""A passage is shown as text, with the answer's exact place and sentence in it."""

import pytest

from engine.answering.shown import ShownPassage, shown_passage

GUIDE = """## From *Ethiopia* to Europe ##

Arabica comes from the **forests** of [south-western](http://x.y/z_(a) "t") Ethiopia. A favourite
legend says a `goatherd` named **Kaldi** noticed snake_case and 2 * 3 * 4.

- one item
* _two_ items
> quoted \\* star <https://a.b/c>

```py
# keep *this*
```
| Name | **Age** |
|------|-----|
| Ann  | 12  |

***
End __now__.
"""
SHOWN = """Arabica comes from the forests of south-western Ethiopia. A favourite
legend says a goatherd named Kaldi noticed snake_case and 2 * 3 * 4.

• one item
• two items
quoted * star https://a.b/c

# keep *this*
Name · Age
Ann · 12

End now.
"""


def shown(words: str, kind: str = "md") -> ShownPassage:
    start = GUIDE.index(words)
    heading = "From Ethiopia to Europe"
    return shown_passage(GUIDE, start, start + len(words), heading=heading, kind=kind)


def test_markdown_is_shown_as_text_without_its_heading() -> None:
    assert shown("Kaldi").text == SHOWN


@pytest.mark.parametrize(
    ("words", "answer", "sentence"),
    [
        ("**Kaldi**", "Kaldi", SHOWN[58:138]),
        ("south-western", "south-western", SHOWN[:57]),
        ("two_", "two", "• two items"),
        ("12", "12", "Ann · 12"),
        ("Ethiopia* to", "Ethiopia to", "From Ethiopia to Europe"),
        ("keep *this*", "keep *this*", "# keep *this*"),
    ],
)
def test_the_answer_and_its_sentence_are_where_they_say(
    words: str, answer: str, sentence: str
) -> None:
    found = shown(words)
    assert (found.answer, found.sentence) == (answer, sentence)


def test_other_files_are_shown_as_they_are() -> None:
    found = shown("**Kaldi**", kind="txt")
    assert found.answer == "**Kaldi**"
    assert found.text == GUIDE


def test_a_heading_told_beside_the_passage_is_left_out_of_any_file() -> None:
    found = shown_passage("The lamp\n\nIt was lit.", 17, 20, heading="The lamp", kind="docx")
    assert (found.text, found.answer, found.sentence) == ("It was lit.", "lit", "It was lit.")
