"""The list of all documents: what is found in it, opened from it and removed."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import ui.document_list
from engine.store.contents import DocumentEntry
from ui import upload_view
from ui.document_list import Listed, found, listed


def entry(number: int, title: str, source: str) -> DocumentEntry:
    return DocumentEntry(f"d{number}", source, title, range(number, number + 1), "", {})


ENTRIES = [
    entry(1, "Zinc", "papers/zinc.pdf"),
    entry(2, "", "notes/Apple.txt"),
    entry(3, "zinc", "/some.idx/visitors/uploads/mine.csv"),
    entry(4, "Copper $1$ <b>", "papers/copper.pdf"),
]


def names(documents: list[Listed]) -> list[str]:
    return [one.id for one in documents]


def test_documents_are_listed_by_title_or_else_by_file() -> None:
    assert names(listed(ENTRIES)) == ["d4", "d2", "d1", "d3"]


def test_all_words_wanted_are_in_the_title_or_the_file() -> None:
    documents = listed(ENTRIES)
    assert names(found(documents, "ZINC", added=False)) == ["d1", "d3"]
    assert names(found(documents, "papers zinc", added=False)) == ["d1"]
    assert names(found(documents, "", added=True)) == ["d3"]
    assert found(documents, "lead", added=False) == []


def test_what_was_added_here_goes_by_its_file_without_our_folder() -> None:
    (own,) = found(listed(ENTRIES), "mine", added=True)
    assert (own.source, own.added) == ("mine.csv", "mine.csv")
    assert found(listed(ENTRIES), "visitors", added=False) == []


def script(index: str, uploads: bool) -> None:
    import streamlit as st

    from ui import document_list
    from ui.settings import PageSettings

    page = st.Page(lambda: None, title="Document", url_path="document", visibility="hidden")

    def show() -> None:
        document_list.show(PageSettings(index=index, uploads=uploads), 1, document=page)

    st.navigation([st.Page(show, title="List", default=True), page]).run()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., AppTest]:
    def open_page(entries: list[DocumentEntry], *, uploads: bool = True) -> AppTest:
        backend = SimpleNamespace(entries=lambda: iter(entries))
        engine = SimpleNamespace(backend=backend)
        monkeypatch.setattr(ui.document_list, "open_engine", lambda *_: engine)
        st.cache_resource.clear()
        page = AppTest.from_function(script, default_timeout=60, args=(str(tmp_path), uploads))
        page.run()
        assert not page.exception
        return page

    return open_page


def shown(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def test_only_what_was_added_here_can_be_removed_and_only_where_files_are_taken(
    opened: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    removed = []
    monkeypatch.setattr(upload_view, "remove", lambda name, _: removed.append(name))
    page = opened(ENTRIES)
    (button,) = page.button
    button.click().run()
    assert removed == ["mine.csv"]
    assert not opened(ENTRIES, uploads=False).button


def test_a_long_list_is_shown_in_pages_and_found_in_whole(opened: Callable[..., AppTest]) -> None:
    page = opened([entry(number, f"Title {number:05}", "a.csv") for number in range(5000)])
    assert "1 to 20 of 5,000" in shown(page)
    assert len(page.get("page_link")) == 20
    page.text_input(key="wanted").input("title 04999").run()
    assert "1 of 5,000" in shown(page)
    assert len(page.get("page_link")) == 1
    page.text_input(key="wanted").input("nothing").run()
    assert "No document has these words" in shown(page)


def test_an_empty_collection_says_so(opened: Callable[..., AppTest]) -> None:
    assert "no documents yet" in shown(opened([]))
