"""What the button under an answer copies, whatever stands in the document."""

from html.parser import HTMLParser

import pytest

from engine.answering.citations import Citation
from engine.answering.results import Answer, PassageHit
from engine.retrieval.fusion import Ranks
from ui import copying


class Tags(HTMLParser):
    """Each tag of a block with its attributes."""

    def __init__(self, block: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(block)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def answer(text: str, start: int, end: int, title: str) -> Answer:
    hit = PassageHit("d#0", "d", "a.csv", title, text, 0, len(text), 1.0, Ranks())
    told = Citation("a.csv", title, record="row 5")
    return Answer(text[start:end], 0.5, start, end, hit, (), {}, told)


def test_an_answer_is_copied_with_its_sentence_and_its_place() -> None:
    one = answer("One. It opened in 1883. Three.", 18, 22, "Bridges")
    assert copying.copied(one) == "1883\n“It opened in 1883.”\nBridges, a.csv, row 5"


@pytest.mark.parametrize(
    "nasty", ['"><script>alert(1)</script>', "' onclick='alert(1)", "a\nb &quot; <b>", "\u202e$1$"]
)
def test_what_is_copied_stays_text(nasty: str) -> None:
    one = answer(nasty, 0, len(nasty), nasty)
    ((tag, attributes),) = Tags(copying.button("Copy", copying.copied(one))).found
    assert tag == "button"
    assert set(attributes) == {"type", "class", "data-copy", "aria-live"}
    assert attributes["data-copy"] == copying.copied(one)
    assert nasty not in copying.SCRIPT
