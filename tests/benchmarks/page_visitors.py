"""Many visitors asking at once: no error, and nobody sees another's answers.

    python tests/benchmarks/page_visitors.py INDEX QUESTIONS [--visitors 8] [--seconds 60]

Each visitor is a session of its own in one Chromium and asks questions that no other asks at the
time. An answer is right if the page shows the words that the engine, asked alone, answers with.
"""

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "ui" / "browser"))
import page_server
from playwright.async_api import Browser, async_playwright

from engine.datasets.squad import read_questions
from engine.search import SearchEngine

WAIT = 120_000  # milliseconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--visitors", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60.0)
    arguments = parser.parse_args()
    questions = read_questions(arguments.questions, 8 * arguments.visitors)
    with SearchEngine.open(arguments.index) as engine:
        expected = {}
        for question in questions:
            result = engine.ask(question)
            shown = "No answer found" if result.no_answer else result.answers[0].text
            expected[question] = " ".join(shown.split())
    with page_server.served(arguments.index) as url:
        found = asyncio.run(visit(url, expected, arguments.visitors, arguments.seconds))
    print(json.dumps(found))
    sys.exit(1 if found["wrong"] else 0)


async def visit(
    url: str, expected: dict[str, str], visitors: int, seconds: float
) -> dict[str, Any]:
    """How many questions were answered, and what went wrong."""
    program = page_server.chromium()
    if program is None:
        sys.exit("error: there's no Chromium; apt-get install chromium")
    async with async_playwright() as running:
        browser = await running.chromium.launch(executable_path=program, args=["--no-sandbox"])
        questions = list(expected)
        each = [questions[number::visitors] for number in range(visitors)]
        tasks = [_visitor(browser, url, own, expected, seconds) for own in each]
        told = await asyncio.gather(*tasks)
        await browser.close()
    return {
        "visitors": visitors,
        "asked": sum(asked for asked, _ in told),
        "wrong": [fault for _, faults in told for fault in faults],
    }


async def _visitor(
    browser: Browser, url: str, questions: list[str], expected: dict[str, str], seconds: float
) -> tuple[int, list[str]]:
    context = await browser.new_context()
    page = await context.new_page()
    page.set_default_timeout(WAIT)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    await page.goto(url)
    box = page.get_by_role("textbox", name="Question")
    end = time.monotonic() + seconds
    asked = 0
    while time.monotonic() < end:
        question = questions[asked % len(questions)]
        await box.fill(question)
        await box.press("Enter")
        await page.wait_for_function(
            "q => new URL(location).searchParams.get('q') === q", arg=question, polling=50
        )
        await page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        shown = await page.locator(".fr-answer h2").first.text_content()
        if " ".join((shown or "").split()) != expected[question]:
            faults.append(f"{question}: {shown!r} instead of {expected[question]!r}")
        asked += 1
    await context.close()
    return asked, faults


if __name__ == "__main__":
    main()
