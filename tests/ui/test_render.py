"""The HTML of results: documents' text stays text, and marks stand where offsets say."""

from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from streamlit.string_util import clean_text

from engine.answering.results import Answer, Evidence, PassageHit
from engine.retrieval.fusion import Rank, Ranks
from ui import render

HOSTILE = [
    "<script>alert(1)</script>",
    "</div></mark><img src=x onerror=alert(1)>",
    "&lt;b&gt; &amp;amp; &#60;i&#62;",
    "costs $5 and $x^2$, _not_ *this* `code` [link](http://example.org) :smile: # no",
    "'\" onmouseover='alert(1)",
    "<!-- comment --> <![CDATA[ data ]]> <?php ?>",
    "שלום עולם \u202eright to left\u202c العربية",
    "tabs\tand\r\nlines\r\n   \n\n\tof spaces  ",
    "👩‍👩‍👧‍👦 é 🇩🇪 é ﬁ",
]
# What isn't kept, as no browser shows it, has a test of its own.
documents_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


class ShownText(HTMLParser):
    """What a browser makes of a block: all text, the marked text, the tags."""

    def __init__(self, block: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.marked = ""
        self.before_mark = ""
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.ended: list[str] = []
        self._in_mark = False
        self.feed(block)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag == "mark":
            self._in_mark = True
            self.before_mark = self.text

    def handle_endtag(self, tag: str) -> None:
        self.ended.append(tag)
        if tag == "mark":
            self._in_mark = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._in_mark:
            self.marked += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"text became a comment: {data}")

    handle_decl = handle_comment
    handle_pi = handle_comment
    unknown_decl = handle_comment


@st.composite
def text_and_span(draw: st.DrawFn) -> tuple[str, int, int]:
    text = draw(documents_text | st.sampled_from(HOSTILE))
    start = draw(st.integers(0, len(text)))
    return text, start, draw(st.integers(start, len(text)))


def passage(text: str, start: int = 0, **changes: object) -> PassageHit:
    fields: dict[str, object] = {
        "id": "d#0",
        "document": "d",
        "source": "d.txt",
        "title": "Title",
        "text": text,
        "start": start,
        "end": start + len(text),
        "score": 1.25,
        "ranks": Ranks(Rank(2, 7.5), Rank(1, 0.8)),
    }
    return PassageHit(**{**fields, **changes})  # type: ignore[arg-type]


def answer(hit: PassageHit, start: int, end: int, confidence: float = 0.71) -> Answer:
    text = hit.text[start - hit.start : end - hit.start]
    place = Evidence(text, confidence, start, end, hit)
    return Answer(text, confidence, start, end, hit, (place,), {})


@given(text_and_span())
@example(("a\n   \nb", 0, 1))
@example(("\r\n\ta\r", 1, 3))
def test_a_marked_passage_is_shown_exactly_and_its_mark_is_the_span(
    case: tuple[str, int, int],
) -> None:
    text, start, end = case
    shown = ShownText(render.marked_passage(text, start, end))
    assert shown.text == text
    assert shown.marked == text[start:end]
    assert shown.before_mark == text[:start]
    assert set(shown.tags) == {"div", "mark"} | {tag for tag in shown.tags if tag == "span"}


@given(text_and_span())
@example(("a\n   \nb", 0, 1))
def test_streamlit_sends_a_marked_passage_as_it_is(case: tuple[str, int, int]) -> None:
    block = render.marked_passage(*case)
    assert clean_text(block) == block


def test_the_second_of_two_equal_words_is_marked_where_the_offsets_say() -> None:
    text = "Paris is not Paris."
    hit = passage(text, start=1000)
    shown = ShownText(render.answer_block(answer(hit, 1013, 1018), 1, best=True))
    assert shown.marked == "Paris"
    assert shown.before_mark.endswith("Paris is not ")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_stays_text_in_every_block(hostile: str) -> None:
    plain, nasty = (
        passage(text, title=text, source=text, heading=text, page=3) for text in ("text", hostile)
    )
    for make in (
        lambda hit: render.answer_block(answer(hit, 0, len(hit.text)), 1, best=True),
        lambda hit: render.place_in_passage(answer(hit, 0, len(hit.text))),
        lambda hit: render.passages_block([hit]),
        lambda hit: render.note_block(hit.text),
        lambda hit: render.status_line(hit.text),
        lambda hit: render.error_block(hit.text),
    ):
        expected, shown = ShownText(make(plain)), ShownText(make(nasty))
        assert hostile in shown.text
        assert (shown.tags, shown.ended) == (expected.tags, expected.ended)
        assert shown.attributes <= {"class", "style", "dir", "role", "aria-label", "aria-hidden"}


def test_what_no_browser_shows_is_replaced_one_code_point_for_one() -> None:
    text = "a\0b\ud800c answer"
    block = render.marked_passage(text, 6, 12)
    shown = ShownText(block)
    assert shown.text == "a\ufffdb\ufffdc answer"
    assert shown.marked == "answer"
    block.encode("utf-8")


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (2, 1), (0, 5), (5, 6)])
def test_a_span_outside_its_passage_is_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="expected a span within 0 and 4"):
        render.marked_passage("text", start, end)


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (1.0, "very likely, 100%"),
        (0.9999, "very likely, >99%"),
        (0.9, "very likely, 90%"),
        (0.71, "likely, 71%"),
        (0.6, "likely, 60%"),
        (0.45, "possible, 45%"),
        (0.25, "possible, 25%"),
        (0.24, "unlikely, 24%"),
        (0.004, "unlikely, <1%"),
        (0.0, "unlikely, 0%"),
    ],
)
def test_confidence_is_told_in_words_and_per_cent(probability: float, words: str) -> None:
    assert render.confidence(probability) == words


def test_an_answer_names_its_confidence_title_source_page_and_heading() -> None:
    hit = passage("The bridge opened in 1883.", start=40, page=7, heading="History")
    shown = ShownText(render.answer_block(answer(hit, 61, 65), 2, best=False))
    assert shown.text.startswith("1883Likely, 71%")
    assert "Title · d.txt · page 7 · History" in shown.text


def test_the_sentence_of_the_answer_stands_out_from_the_rest() -> None:
    text = "One. The bridge opened in 1883. Three."
    block = render.marked(text, 26, 30)
    assert block == (
        '<span class="fr-around">One. </span>The bridge opened in <mark>1883</mark>.'
        '<span class="fr-around"> Three.</span>'
    )


def test_an_answer_over_two_sentences_stands_in_both() -> None:
    text = "One. Two. Three."
    assert render.sentence_around(text, 6, 12) == (5, 16)


def test_a_passage_read_names_what_found_it() -> None:
    shown = ShownText(render.passages_block([passage("Some text.")]))
    assert "Some text." in shown.text
    assert "score 1.25, word search rank 2, vector search rank 1" in shown.text


def test_no_answer_says_how_sure_it_is_and_announces_the_closest_spans() -> None:
    without = ShownText(render.no_answer_block(0.83, 20, closest=False)).text
    assert "No answer found" in without
    assert "Nothing in the 20 passages read for it is sure enough" in without
    assert "no answer in them is 83% likely." in without
    assert "closest" not in without
    assert "come closest:" in ShownText(render.no_answer_block(0.83, 20, closest=True)).text


def test_no_answer_without_a_passage_says_what_to_try() -> None:
    assert "Try other words" in ShownText(render.no_answer_block(1.0, 0, closest=False)).text


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Who was it?", r"Who was it\?"),
        ("$5 and $6", r"\$5 and \$6"),
        ("_a_ *b* `c`", r"\_a\_ \*b\* \`c\`"),
        (":smile:", "\\:\u2060smile\\:\u2060"),
        ("[a](http://b)", "\\[a\\]\\(http\\:\u2060\\/\\/b\\)"),
        ("two\nlines\t\ud800", "two lines \ufffd"),
    ],
)
def test_a_label_is_plain_text_on_one_line(text: str, label: str) -> None:
    assert render.plain_label(text) == label


def test_a_place_has_the_page_on_which_it_starts_where_its_passage_runs_over_a_page() -> None:
    hit = passage("The prize went to Ines.", start=40, page=7, next_pages=((58, 8),))
    assert "page 8" in render.place_in_passage(answer(hit, 58, 62))
    assert "page 7" in render.place_in_passage(answer(hit, 44, 49))
