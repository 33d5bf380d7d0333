"""Pictures of the page's main states, to be looked at.

python tests/ui/browser/screenshots.py INDEX QUESTIONS [--out runs/screenshots]
"""

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import page_server
from playwright.sync_api import sync_playwright

QUESTION = "Who discovered radium?"
UNANSWERED = "What is the capital of the third moon base?"
WAIT = 120_000  # milliseconds
SETTLED = "[data-testid=stApp][data-test-script-state=notRunning]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/screenshots"))
    arguments = parser.parse_args()
    program = page_server.chromium()
    if program is None:
        sys.exit("error: there's no Chromium; apt-get install chromium")
    arguments.out.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory() as folder,
        page_server.served(
            shutil.copytree(arguments.index, Path(folder) / "copy.idx"),  # files are added to it
            *("--questions", arguments.questions),
        ) as url,
        sync_playwright() as running,
    ):
        browser = running.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for look, (width, height, scheme) in LOOKS.items():
            for state, (path, reach) in STATES.items():
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme
                )
                page = context.new_page()
                page.set_default_timeout(WAIT)
                page.goto(url + path)
                reach(page)
                page.wait_for_timeout(800)  # for what moves to come to rest
                page.screenshot(path=arguments.out / f"{state}-{look}.png")
                context.close()
                print(f"{state}-{look}.png", flush=True)
        browser.close()


def settled(page: Any) -> None:
    page.locator("h1").first.wait_for()
    page.locator(SETTLED).wait_for()


def loading(page: Any) -> None:
    page.locator("h1").first.wait_for()


def opened(*buttons: str, told: str) -> Callable[[Any], None]:
    def reach(page: Any) -> None:
        settled(page)
        for button in buttons:
            page.get_by_text(button).first.click()
        page.get_by_text(told).first.wait_for()
        page.locator(SETTLED).wait_for()

    return reach


def uploaded(page: Any) -> None:
    """One file that's taken and one that isn't."""
    settled(page)
    files = {
        "mill.txt": "The mill on the hill was built by Ida Flint in 1851.",
        "broken.pdf": "no PDF",
    }
    page.locator("input[type=file]").set_input_files(
        [
            {"name": name, "mimeType": "application/octet-stream", "buffer": text.encode()}
            for name, text in files.items()
        ]
    )
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator("table[role=status]").wait_for()
    page.locator(SETTLED).wait_for()


LOOKS = {
    "wide-light": (1280, 900, "light"),
    "wide-dark": (1280, 900, "dark"),
    "narrow-light": (390, 844, "light"),
    "narrow-dark": (390, 844, "dark"),
}
ASKED = f"/?q={quote(QUESTION)}"
STATES: dict[str, tuple[str, Callable[[Any], None]]] = {
    "loading": ("/", loading),  # first, while the model isn't loaded yet
    "empty": ("/", settled),
    "answers": (ASKED, settled),
    "why": (ASKED, opened("Why", told="Likely to be right")),
    "verdict": (
        ASKED,
        opened("Right?", "Right passage, wrong words", told="Mark the right words"),
    ),
    "passages": (ASKED, opened("Also read", told="Found by")),
    "times": (ASKED, opened("How fast", told="In all")),
    "filtered": (f"{ASKED}&filter=type%3Dmd", settled),
    "no-answer": (f"/?q={quote(UNANSWERED)}", settled),
    "error": ("/?q=%20", settled),
    "document": (ASKED, opened("\u2068", told="Back")),
    "collection": ("/collection", settled),
    "upload": ("/collection", uploaded),
}


if __name__ == "__main__":
    main()
