"""The same page over an index in a real Elasticsearch."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import page_server
import pytest

from engine.retrieval.elastic.address import parse_cluster_address
from indexer.copy import copy_index

expect = pytest.importorskip(
    "playwright.sync_api", reason="Playwright isn't installed: pip install playwright"
).expect
expect.set_options(timeout=60_000)

QUESTION = "Who designed the lighthouse?"


@pytest.fixture
def over_cluster(site: Any, cluster: Any, model_folder: Path) -> Iterator[str]:
    """The page over a copy of the site's index."""
    address = parse_cluster_address(cluster.address("site"))
    copy_index(site.index, address)
    with page_server.served(address, "--model", model_folder) as url:
        yield url


def test_a_visitor_of_a_cluster_finds_what_one_of_a_folder_does(
    site: Any, over_cluster: str, open_page: Callable[..., Any]
) -> None:
    page = open_page(over_cluster)
    box = page.get_by_role("textbox", name="Question")
    box.fill(QUESTION)
    box.press("Enter")
    page.locator(".fr-answer h2").first.wait_for()
    answers = site.engine.ask(QUESTION).answers
    marks = page.locator(".fr-answer .fr-passage mark")
    expect(marks.first).to_have_text(answers[0].text)
    page = open_page(f"{over_cluster}/document?id={answers[0].passage.document}")
    document = site.engine.document(answers[0].passage.document)
    expect(page.locator(".fr-document")).to_contain_text(document.text.strip()[:40])
