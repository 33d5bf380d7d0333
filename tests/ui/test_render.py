"""The HTML of results: documents' text stays text, and marks stand where offsets say."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from streamlit.string_util import clean_text

from engine.answering.citations import Citation
from engine.answering.results import Answer, Evidence, PassageHit
from engine.answering.shown import ShownPassage
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
FOLD = "The whole passage"
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


def shown_place(text: str, start: int, end: int) -> str:
    """A place in a passage, as a block."""
    hit = passage(text)
    return render.place_block(Evidence(text[start:end], 0.5, start, end, hit).shown)


@given(text_and_span())
@example(("a\n   \nb", 0, 1))
@example(("\r\n\ta\r", 1, 3))
def test_a_marked_passage_is_shown_exactly_and_its_mark_is_the_span(
    case: tuple[str, int, int],
) -> None:
    text, start, end = case
    one = Evidence(text[start:end], 0.5, start, end, passage(text)).shown
    shown = ShownText(render.place_block(one))
    assert shown.text.removesuffix(FOLD) == one.text
    assert shown.marked == one.answer == text[start:end].strip()
    assert shown.before_mark == one.text[: one.start]
    assert text.endswith(one.text), "without the space before it"
    assert set(shown.tags) - {"span", "details", "summary"} == {"div", "mark"}


@given(text_and_span())
@example(("a\n   \nb", 0, 1))
def test_streamlit_sends_a_marked_passage_as_it_is(case: tuple[str, int, int]) -> None:
    block = shown_place(*case)
    assert clean_text(block) == block


def test_the_second_of_two_equal_words_is_marked_where_the_offsets_say() -> None:
    text = "Paris is not Paris."
    hit = passage(text, start=1000)
    shown = ShownText(render.answer_block(answer(hit, 1013, 1018), 1, best=True, least=0.25))
    assert shown.marked == "Paris"
    assert shown.before_mark.endswith("Paris is not ")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_stays_text_in_every_block(hostile: str) -> None:
    plain, nasty = (
        passage(text, title=text, source=text, heading=text, page=3) for text in ("text", hostile)
    )
    for make in (
        lambda hit: render.answer_block(answer(hit, 0, len(hit.text)), 1, best=True, least=0.25),
        lambda hit: shown_place(hit.text, 0, len(hit.text)),
        lambda hit: render.passages_block([hit]),
        lambda hit: render.note_block(hit.text),
        lambda hit: render.status_line(hit.text),
        lambda hit: render.error_block(hit.text),
    ):
        expected, shown = ShownText(make(plain)), ShownText(make(nasty))
        assert hostile in shown.text
        for tags, plain_tags in ((shown.tags, expected.tags), (shown.ended, expected.ended)):
            # The space around an answer isn't marked.
            assert [tag for tag in tags if tag != "span"] == [t for t in plain_tags if t != "span"]
        assert shown.attributes <= {
            "class",
            "style",
            "dir",
            "role",
            "aria-label",
            "aria-hidden",
            "tabindex",
        }


def test_what_no_browser_shows_is_replaced_one_code_point_for_one() -> None:
    text = "a\0b\ud800c answer"
    block = shown_place(text, 6, 12)
    shown = ShownText(block)
    assert shown.text == "a\ufffdb\ufffdc answer"
    assert shown.marked == "answer"
    block.encode("utf-8")


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (2, 1), (0, 5), (5, 6)])
def test_a_span_outside_its_passage_is_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="expected a span within 0 and 4"):
        render.marked(ShownPassage("text", start, end, 0, 4))


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
    assert render.confidence(probability, 0.25) == words


def test_only_what_is_sure_enough_is_a_headline() -> None:
    hit = passage("The bridge opened in 1883.", start=40)
    sure, unsure = (
        ShownText(render.answer_block(answer(hit, 61, 65), 2, best=False, least=least))
        for least in (0.71, 0.72)
    )
    assert sure.text.startswith("1883Likely, 71%")
    assert unsure.text.startswith("1883Unlikely, 71%")
    assert ("h2" in sure.tags, "h2" in unsure.tags) == (True, False)


def test_a_citation_names_row_and_line_where_the_answer_knows_them() -> None:
    one = answer(passage("Text.", source="/x.idx/visitors/uploads/a.csv"), 0, 4)
    told = Citation(one.passage.source, "Title", record="row 5", line=9)
    assert render.citation(replace(one, citation=told)) == ["Title", "a.csv", "row 5", "line 9"]
    assert render.citation(one) == ["Title", "a.csv"]


def test_markup_is_left_out_of_what_is_shown() -> None:
    text = "## Opening\n\nThe **bridge** was opened in *1883*."
    hit = passage(text, source="a.md", heading="Opening")
    start = text.index("1883")
    shown = ShownText(render.answer_block(answer(hit, start, start + 4), 1, best=True, least=0.25))
    assert shown.text == "1883Likely, 71%The bridge was opened in 1883."
    assert shown.marked == "1883"
    assert "The bridge was opened" in ShownText(render.passages_block([hit])).text


def test_a_citation_names_title_source_page_and_heading_each_once() -> None:
    hit = passage("Text.", page=7, heading="History")
    assert render.citation(hit) == ["Title", "d.txt", "page 7", "History"]
    assert render.citation(passage("Text.", title="d.txt")) == ["d.txt"]
    assert ShownText(render.place_line(hit)).text == "Title · d.txt · page 7 · History"
    label = render.citation_label(answer(passage("Text.", title="_a_ $5", source="b.txt"), 0, 4))
    assert label == "\u2068\\_a\\_ \\$5\u2069 · \u2068b\\.txt\u2069"


def test_the_sentence_of_the_answer_is_shown_and_the_rest_folded() -> None:
    block = shown_place("One. The bridge opened in 1883. Three.", 26, 30)
    assert block == (
        '<div class="fr-place"><div class="fr-passage fr-text" dir="auto">'
        '<span class="fr-around">One. </span>The bridge opened in <mark>1883</mark>.'
        '<span class="fr-around"> Three.</span></div>'
        f"<details><summary>{FOLD}</summary></details></div>"
    )
    assert "<details>" not in shown_place("The bridge opened in 1883.", 21, 25)


def test_an_answer_over_two_sentences_stands_in_both() -> None:
    text = "One. Two. Three."
    place = Evidence(text[6:12], 0.5, 6, 12, passage(text))
    assert place.shown.sentence == "Two. Three."


def test_a_passage_read_names_what_found_it() -> None:
    shown = ShownText(render.passages_block([passage("Some text.")]))
    assert "Some text." in shown.text
    assert "Found by words, as the 2nd; by meaning, as the 1st" in shown.text


def test_no_answer_says_how_sure_it_is_and_announces_the_closest_spans() -> None:
    without = ShownText(render.no_answer_block(0.83, 20, closest=False)).text
    assert "No answer found" in without
    assert "The 20 passages that were read for it give no answer that is sure enough" in without
    assert "that there is none in them is 83% likely." in without
    assert "closest" not in without
    assert "comes closest:" in ShownText(render.no_answer_block(0.83, 20, closest=True)).text


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
    assert "page 8" in render.citation(answer(hit, 58, 62))
    assert "page 7" in render.citation(answer(hit, 44, 49))


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("2024/my_report-1.txt", "2024/my_report-1.txt"),
        ("1. x", r"1\. x"),
        ("a/_b_", r"a\/\_b\_"),
        ("www.example.org", r"www\.example\.org"),
        ("<b>.txt", r"\<b\>\.txt"),
    ],
)
def test_a_file_s_name_is_escaped_only_where_it_would_be_read_as_markup(
    name: str, label: str
) -> None:
    assert render.name_label(name) == label
