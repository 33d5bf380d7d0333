"""The page of a PDF in a real browser: drawn, and marked where the answer stands."""

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import page_server
import pytest
from fpdf import FPDF
from PIL import Image

from engine.documents import Document
from engine.search import SearchEngine

axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright",
    reason="axe-core isn't installed: pip install axe-playwright-python",
)

WORDS = "Dora Reed"
SETTLED = "[data-testid=stApp][data-test-script-state=notRunning]"
# Where the mark lies on the image, as shares of it.
LIES = """mark => {
  const image = mark.parentElement.querySelector("img").getBoundingClientRect();
  const box = mark.getBoundingClientRect();
  return [(box.left - image.left) / image.width, (box.top - image.top) / image.height,
          (box.right - image.left) / image.width, (box.bottom - image.top) / image.height];
}"""


def write_pdf(file: Path) -> None:
    """A title on the first page; on the second, of 400 points, an answer low down."""
    made = FPDF(unit="pt", format=(400, 400))
    made.set_font("times", size=12)
    made.add_page()
    made.text(40, 60, "The lighthouse at Stone Point")
    made.add_page()
    made.text(40, 300, "The lighthouse was designed by Dora Reed in 1871.")
    for y in (120, 200):
        made.text(40, y, "Twice the bell rang.")
    made.output(str(file))


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("papers")


@pytest.fixture(scope="module")
def site(
    browser: Any, papers: Path, model_folder: Path, build: Callable[..., Path]
) -> Iterator[tuple[str, Document]]:
    """The page's address, and the one document that it has."""
    write_pdf(papers / "tower.pdf")
    index = build([papers / "tower.pdf"], papers / "some.idx")
    with SearchEngine.open(index, model=model_folder) as engine:
        (entry,) = engine.backend.entries()
        document = engine.document(entry.id)
    with page_server.served(index, "--model", model_folder) as url:
        yield url, document


def place(site: tuple[str, Document], words: str) -> str:
    """The address of words in the document."""
    url, document = site
    start = document.text.index(words)
    return f"{url}/document?id={document.id}&start={start}&end={start + len(words)}"


def opened(page: Any) -> Any:
    page.locator(".fr-page img").wait_for()
    page.locator(SETTLED).wait_for()
    return page.locator(".fr-page")


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_the_page_is_there_with_its_mark_on_the_answers_letters(
    site: tuple[str, Document], open_page: Callable[..., Any], width: int, dark: bool
) -> None:
    page = open_page(place(site, WORDS), width=width, dark=dark)
    sheet = opened(page)
    (lies,) = sheet.locator("mark").evaluate_all(f"marks => marks.map({LIES})")
    before = FPDF(unit="pt", format=(400, 400))
    before.set_font("times", size=12)
    left = 40 + before.get_string_width("The lighthouse was designed by ")
    right = left + before.get_string_width(WORDS)
    expected = (left / 400, (300 - 9.6) / 400, right / 400, (300 + 2.88) / 400)
    assert lies == pytest.approx(expected, abs=0.004)
    image = sheet.locator("img")
    assert image.evaluate("image => image.complete && image.naturalWidth") == 1400
    assert image.get_attribute("loading") == "lazy"
    assert image.get_attribute("alt") == "Page 2"
    sheet.locator("mark").wait_for()
    page.wait_for_function(
        "mark => mark.getBoundingClientRect().bottom < innerHeight",
        arg=sheet.locator("mark").element_handle(),
    )
    seen = Image.open(BytesIO(sheet.locator("mark").screenshot())).convert("RGB")
    colours = {colour for _, colour in seen.getcolors(maxcolors=1 << 20) or ()}
    assert (255, 223, 128) in colours, "the mark's own yellow, with paper under it"
    assert min(map(sum, colours)) < 200, "and the letters' ink"
    found = axe.Axe().run(page).response["violations"]
    assert [one for one in found if one["impact"] in ("serious", "critical")] == []


def test_the_text_stays_and_other_pages_have_no_mark(
    site: tuple[str, Document], open_page: Callable[..., Any]
) -> None:
    page = open_page(place(site, WORDS))
    opened(page)
    page.get_by_role("tab", name="Text").click()
    page.locator(".fr-document mark").wait_for()
    assert page.locator(".fr-document mark").text_content() == WORDS
    page.get_by_role("tab", name="Page").click()
    opened(page)
    page.get_by_role("button", name="Page 1", exact=True).click()
    page.get_by_alt_text("Page 1").wait_for()
    assert page.locator(".fr-page mark").count() == 0


def test_a_place_that_is_not_sure_is_said_and_not_marked(
    site: tuple[str, Document], open_page: Callable[..., Any]
) -> None:
    page = open_page(place(site, "bell rang"))
    sheet = opened(page)
    page.get_by_text("isn't certain, so nothing is marked").wait_for()
    assert sheet.locator("mark").count() == 0


def test_of_a_file_that_changed_the_text_is_shown_and_one_line(
    site: tuple[str, Document], open_page: Callable[..., Any], papers: Path
) -> None:
    """Pages that were drawn before are kept, as they were indexed."""
    file = papers / "tower.pdf"
    whole = file.read_bytes()
    try:
        file.write_bytes(whole[:-1])
        page = open_page(place(site, "The lighthouse at"))
        page.get_by_text("The page can't be shown: its file has changed").wait_for()
        assert page.locator(".fr-document mark").text_content() == "The lighthouse at"
        assert page.locator(".fr-page").count() == 0
    finally:
        file.write_bytes(whole)
