"""A real index, the page served over it, and pages of a real browser."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import page_server
import pytest

from engine.search import SearchEngine

HOSTILE = (
    "<script>window.hacked = 1</script> <img src=x onerror='window.hacked = 1'> costs $5 or $6, "
    "_not_ **bold** :smile: `code` [link](http://example.org)\tafter a tab 👩‍👩‍👧‍👦 שלום עולם"
)
REPEATED = "the lamp was lit and " * 12 + "the keeper slept."
WAIT = 60_000  # milliseconds, for a machine that has other things to do


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright isn't installed: pip install playwright"
    )
    program = page_server.chromium()
    if program is None:
        pytest.skip("there's no Chromium: apt-get install chromium")
    with playwright.sync_playwright() as running:
        # Without its sandbox, which a container's root can't have; only our own page is opened.
        browser = running.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass(frozen=True)
class Site:
    """The page at `url` over the index in `index`, and the index's engine, to compare with."""

    url: str
    index: Path
    engine: SearchEngine


@pytest.fixture(scope="session")
def site(
    browser: Any,  # first, so that nothing is built where there's no browser
    tmp_path_factory: pytest.TempPathFactory,
    documents_folder: Path,
    model_folder: Path,
    build: Callable[..., Path],
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    for name, text in (("hostile_<b>.txt", HOSTILE), ("repeated.txt", REPEATED)):
        (folder / name).write_text(text)
    questions = folder / "samples.questions"
    questions.write_text("Who designed the lighthouse?\nWhat costs $5 or $6, _not_ :smile:?\n")
    index = build([documents_folder, *sorted(folder.glob("*.txt"))], folder / "some.idx")
    with (
        SearchEngine.open(index, model=model_folder) as engine,
        page_server.served(index, "--model", model_folder, "--questions", questions) as url,
    ):
        yield Site(url, index, engine)


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """`open_page(url, width=…, dark=…)`: a page of a visitor of its own.

    None may ask anything of any other machine, nor have an error.
    """
    contexts: list[Any] = []
    faults: list[str] = []

    def open_(url: str, *, width: int = 1280, height: int = 900, dark: bool = False) -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        context.set_default_timeout(WAIT)
        context.set_default_navigation_timeout(WAIT)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: check(request.url))
        page.goto(url)
        return page

    def check(asked: str) -> None:
        if not asked.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
            faults.append(f"asked for {asked}")

    yield open_
    for context in contexts:
        context.close()
    assert faults == []
