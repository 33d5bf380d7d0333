"""Without its framework, an adapter says what to install."""

import sys

import pytest


@pytest.mark.parametrize(
    ("adapter", "framework"),
    [
        ("haystack", "haystack"),
        ("langchain", "langchain_core.callbacks"),
        ("llamaindex", "llama_index.core.base.base_query_engine"),
    ],
)
def test_the_install_command_is_told(
    monkeypatch: pytest.MonkeyPatch, adapter: str, framework: str
) -> None:
    monkeypatch.setitem(sys.modules, framework, None)
    monkeypatch.delitem(sys.modules, f"foreread.adapters.{adapter}", raising=False)
    with pytest.raises(ImportError, match=rf"pip install 'foreread\[{adapter}\]'"):
        __import__(f"foreread.adapters.{adapter}")
