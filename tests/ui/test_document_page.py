"""The document view: opened at a place in it, over an engine that holds one made-up document."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import ui.document_page
from engine.documents import Document
from engine.errors import IndexStoreError
from ui.document_page import downloadable

TEXT = "Paris <b>first</b>. " + "More. " * 5000 + "Paris again. " + "Rest. " * 5000
START = TEXT.index("Paris again")


class FakeEngine:
    def document(self, identifier: str) -> Document:
        if identifier != "d":
            raise IndexStoreError(f"the index holds no document {identifier}")
        return Document("d", "papers/d.txt", "A <title>", TEXT, metadata={"year": 1903})


def script(files: str | None) -> None:
    import streamlit as st

    from engine.errors import ForereadError
    from ui import document_page, render
    from ui.settings import PageSettings

    try:
        ask = st.Page(lambda: None, title="Ask", url_path="ask", default=True)
        st.navigation([ask], position="hidden")
        document_page.show(PageSettings(index="x", files=files), ask=ask)
    except ForereadError as error:
        st.html(render.error_block(str(error)))


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    def open_page(files: str | None = None, **query: str) -> AppTest:
        monkeypatch.setattr(ui.document_page, "open_engine", lambda *_: FakeEngine())
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
    assert "year: 1903" in shown(page)


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
