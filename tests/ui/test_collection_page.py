"""The page about the collection: what is indexed, in figures, and the feedback given."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

import ui.collection_page
import ui.document_list
from engine.retrieval.backend import Description
from ui.collection_page import sizes
from ui.feedback import Feedback, append_feedback

DESCRIPTION = Description(
    checkpoint="abc123",
    codec="float16",
    hidden_width=384,
    vector_dimension=384,
    analyser="a",
    passage_limit=160,
    build={},
    documents=1234,
    passages=5678,
    pieces=90123,
    generation=1,
    created=0.0,
    changed=datetime(2026, 5, 3, 14, 7).timestamp(),
    bytes_per_token=768,
    bytes_on_disk={"store/states": 3 * 2**20, "vectors": 2**20, "store/vectors": 2**20},
)


def script(index: str) -> None:
    import streamlit as st

    from ui import collection_page
    from ui.settings import PageSettings

    page = st.Page(lambda: None, title="Document", url_path="document", visibility="hidden")

    def show() -> None:
        collection_page.show(PageSettings(index=index), document=page)

    st.navigation([st.Page(show, title="Collection", default=True), page]).run()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], AppTest]:
    backend = SimpleNamespace(describe=lambda: DESCRIPTION, entries=lambda: iter(()))
    engine = SimpleNamespace(backend=backend)

    def open_page() -> AppTest:
        for module in (ui.collection_page, ui.document_list):
            monkeypatch.setattr(module, "open_engine", lambda *_: engine)
        page = AppTest.from_function(script, default_timeout=60, args=(str(tmp_path),)).run()
        assert not page.exception
        return page

    return open_page


def shown(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def test_counts_sizes_and_the_last_change_are_told(opened: Callable[[], AppTest]) -> None:
    text = shown(opened())
    assert "1,234" in text
    assert "5,678" in text
    assert "3 May 2026, 14:07" in text
    assert "3.0 MiB" in text
    assert "5.0 MiB" in text


def test_sizes_are_summed_by_what_they_are_for() -> None:
    parts = {"store/states": 8, "vectors": 1, "store/vectors": 2, "store/ids": 3, "store/meta": 4}
    assert sizes(parts) == {
        "What was read ahead": 8,
        "Search by meaning": 3,
        "Everything else": 7,
    }


def test_feedback_is_counted_and_offered_once_there_is_some(
    opened: Callable[[], AppTest], tmp_path: Path
) -> None:
    page = opened()
    assert "Nobody has said yet" in shown(page)
    assert not page.get("download_button")
    for verdict in ("right", "right", "wrong passage"):
        said = Feedback("Who?", verdict, "d", "d.txt", "T", "Ann.", 0, 0, 3, 0.5, "abc")
        append_feedback(tmp_path, said)
    page = opened()
    assert "Given 3 times: right 2, right passage, wrong words 0, wrong passage 1." in shown(page)
    assert page.get("download_button")
