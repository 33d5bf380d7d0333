"""The document view: opened at a place in it, over an engine that holds one made-up document."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import ui.asked
import ui.document_page
from engine.answering.results import Answer, Evidence, PassageHit, SearchResult
from engine.documents import Document
from engine.errors import IndexStoreError
from engine.retrieval.fusion import Ranks
from ui.document_page import downloadable

TEXT = "Paris <b>first</b>. " + "More. " * 5000 + "Paris again. " + "Rest. " * 5000
START = TEXT.index("Paris again")


METADATA = {"year": 1903, "format": "text", "encoding": "utf-8", "modified": "2026-05-03T14:07:00Z"}


def answer(start: int, end: int) -> Answer:
    hit = PassageHit("d#0", "d", "papers/d.txt", "T", TEXT[:20], 0, 20, 1.0, Ranks())
    other = Evidence("More", 0.1, 30, 34, hit)
    return Answer(TEXT[start:end], 0.5, start, end, hit, (other,), {})


ANSWERS = (answer(0, 5), answer(9, 14))


class FakeEngine:
    def document(self, identifier: str) -> Document:
        if identifier != "d":
            raise IndexStoreError(f"the index holds no document {identifier}")
        return Document("d", "papers/d.txt", "A <title>", TEXT, metadata=METADATA)

    def ask(self, question: str, *, filters: Sequence[str]) -> SearchResult:
        return SearchResult(question, ANSWERS, (), False, 0.1, {"total": 1.0})


def script(files: str | None) -> None:
    import streamlit as st

    from engine.errors import ForereadError
    from ui import document_page, render
    from ui.settings import PageSettings

    try:
        ask = st.Page(lambda: None, title="Ask", url_path="ask", default=True)
        document = st.Page(lambda: 1, title="Document", url_path="document")
        st.navigation([ask, document], position="hidden")
        document_page.show(PageSettings(index="x", files=files), ask=ask, document=document)
    except ForereadError as error:
        st.html(render.error_block(str(error)))


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    def open_page(files: str | None = None, **query: str) -> AppTest:
        for module in (ui.document_page, ui.asked):
            monkeypatch.setattr(module, "open_engine", lambda *_: FakeEngine())
        page = AppTest.from_function(script, default_timeout=60, args=(files,))
        for name, value in query.items():
            page.query_params[name] = value
        page.run()
        assert not page.exception
        return page

    return open_page


def shown(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def test_the_document_opens_at_the_place_in_the_address(opened: Callable[..., AppTest]) -> None:
    page = opened(id="d", start=str(START), end=str(START + 5))
    assert "<mark>Paris</mark> again." in shown(page)
    assert shown(page).count("<mark>") == 1
    assert "A &lt;title&gt;" in shown(page)
    assert "<bdi>year: 1903</bdi> · <bdi>text</bdi> · <bdi>Last changed: 3 May 2026" in shown(page)
    assert "utf-8" not in shown(page)


def steps(page: AppTest) -> dict[str, str]:
    """The links by their labels, with the query of each."""
    return {link.proto.label: link.proto.query_string for link in page.get("page_link")}


def test_the_bar_leads_back_and_to_the_other_answers(opened: Callable[..., AppTest]) -> None:
    page = opened(id="d", start="9", end="14", q="Which <city>?")
    assert "Which &lt;city&gt;?" in shown(page)
    assert "Answer 2 of 2" in shown(page)
    assert steps(page) == {
        "Back": "q=Which+%3Ccity%3E%3F",
        "Previous": "id=d&start=0&end=5&q=Which+%3Ccity%3E%3F",
    }


def test_a_place_that_says_the_same_counts_as_its_answer(opened: Callable[..., AppTest]) -> None:
    page = opened(id="d", start="30", end="34", q="Which city?")
    assert "Answer 1 of 2" in shown(page)


def test_a_place_that_is_no_answer_leads_to_the_first(opened: Callable[..., AppTest]) -> None:
    page = opened(id="d", start="20", end="24", q="Which city?")
    assert "2 answers" in shown(page)
    assert steps(page)["Next"] == "id=d&start=0&end=5&q=Which+city%3F"
    assert "Previous" not in steps(page)


def test_without_a_question_there_is_no_bar(opened: Callable[..., AppTest]) -> None:
    assert steps(opened(id="d")) == {}


def test_a_long_document_is_shown_around_the_place_and_wider_when_asked(
    opened: Callable[..., AppTest],
) -> None:
    page = opened(id="d", start=str(START), end=str(START + 5))
    assert labels(page) == ["Show earlier text", "Show later text"]
    assert "first" not in shown(page)
    page.button(key="earlier").click().run()
    page.button(key="earlier").click().run()
    assert "Paris &lt;b&gt;first&lt;/b&gt;" in shown(page)
    assert labels(page) == ["Show later text"]
    page.button(key="later").click().run()
    page.button(key="later").click().run()
    assert labels(page) == []


@pytest.mark.parametrize(
    "span",
    [
        {},
        {"start": "0"},
        {"start": "x", "end": "3"},
        {"start": "-1", "end": "3"},
        {"start": "5", "end": "1"},
        {"start": "0", "end": str(len(TEXT) + 1)},
    ],
)
def test_a_place_that_is_none_opens_the_document_at_its_start(
    opened: Callable[..., AppTest], span: dict[str, str]
) -> None:
    page = opened(id="d", **span)
    assert "<mark>" not in shown(page)
    assert "Paris &lt;b&gt;first" in shown(page)


@pytest.mark.parametrize("query", [{"id": "gone"}, {}])
def test_a_document_that_is_not_there_is_one_line(
    opened: Callable[..., AppTest], query: dict[str, str]
) -> None:
    assert "the index holds no document" in shown(opened(**query))


def test_the_file_is_offered_only_where_the_operator_allows_it(
    opened: Callable[..., AppTest], tmp_path: Path
) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "d.txt").write_text(TEXT)
    assert not opened(id="d").get("download_button")
    assert opened(str(tmp_path), id="d").get("download_button")
    assert not opened(str(tmp_path / "papers"), id="d").get("download_button")


def test_only_files_inside_the_folder_can_be_downloaded(tmp_path: Path) -> None:
    offered = tmp_path / "offered"
    offered.mkdir()
    inside, outside = offered / "a.txt", tmp_path / "secret.txt"
    inside.write_text("a")
    outside.write_text("s")
    (offered / "link.txt").symlink_to(outside)
    folder = str(offered)
    assert downloadable("a.txt", folder) == inside
    assert downloadable(str(inside), folder) == inside
    assert downloadable("a.txt", None) is None
    for source in ("../secret.txt", str(outside), "link.txt", "missing.txt", ".", "", "a\0b"):
        assert downloadable(source, folder) is None
