"""The document that shows the frame before Streamlit has started."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from ui import frame


def test_the_frame_says_that_the_model_is_opening_before_any_script_or_sheet() -> None:
    client = TestClient(frame.Frame(Starlette()))
    for path in frame.PATHS:
        answer = client.get(path)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "etag" not in answer.headers
        assert "<title>Foreread</title>" in answer.text
        shown, _, after = answer.text.partition(frame.OPENING)
        assert '<link rel="stylesheet"' not in shown
        assert "<script src=" not in shown, "only modules, which wait"
        assert '<link rel="stylesheet"' in after
        assert '<div id="root"></div>' in after


def test_below_a_path_the_frame_is_there_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame.config, "get_option", {"server.baseUrlPath": "/docs/"}.get)
    client = TestClient(frame.Frame(Starlette()))
    assert frame.OPENING in client.get("/docs/history").text
    assert client.get("/history").status_code == 404


def test_a_document_that_is_not_as_it_was_is_served_as_it_is() -> None:
    assert frame.framed("<html><main id=app></main></html>") == "<html><main id=app></main></html>"
