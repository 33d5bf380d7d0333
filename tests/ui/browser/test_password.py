"""The password in a real browser: asked for, refused, and led back from."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import page_server
import pytest

from ui.settings import PASSWORD_VARIABLE

expect = pytest.importorskip(
    "playwright.sync_api", reason="Playwright isn't installed: pip install playwright"
).expect
expect.set_options(timeout=60_000)

QUESTION = "Who designed the lighthouse?"


@pytest.fixture
def locked(site: Any, model_folder: Path) -> Iterator[str]:
    """The page over the site's index, behind a password."""
    environment = {PASSWORD_VARIABLE: "sésame & co"}
    with page_server.served(site.index, "--model", model_folder, environment=environment) as url:
        yield url


def test_a_link_leads_through_the_password_to_its_answers(
    locked: str, open_page: Callable[..., Any]
) -> None:
    page = open_page(f"{locked}/?q={quote(QUESTION)}", width=390)
    box = page.get_by_label("Password")
    expect(box).to_be_focused()
    box.fill("sesame")
    box.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("That isn't the password; try again.")
    page.get_by_label("Password").fill("sésame & co")
    page.get_by_role("button", name="Enter").click()
    page.locator(".fr-answer h2").first.wait_for()
    expect(page.get_by_role("textbox", name="Question")).to_have_value(QUESTION)
    page.goto(f"{locked}/collection")
    page.locator("input[type=file]").set_input_files(
        {"name": "kiln.txt", "mimeType": "text/plain", "buffer": b"The kiln is of 1850."}
    )
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("status").get_by_text("added").wait_for()
