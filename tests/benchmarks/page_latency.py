"""From Enter to the answer on the page, against the engine's own time for the same question.

    python tests/benchmarks/page_latency.py INDEX QUESTIONS [--count 50]

The page is served by a process of its own and seen in Chromium, which has to be installed. What is
timed runs inside the browser: from the press of Enter until the first answer to that question
stands on the page. The engine's time is what the page itself tells of the question. Not a test:
it's timed.
"""

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "ui" / "browser"))
import page_server
from playwright.sync_api import sync_playwright

from engine.datasets.squad import read_questions

WARM_UP = 3
WAIT = 120_000  # milliseconds

# The status line, which comes before the answers, tells the engine's time of this question.
TIMED = """async question => {
  const box = document.querySelector('input[aria-label="Question"]');
  const put = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
  put.call(box, question);
  box.dispatchEvent(new Event("input", {bubbles: true}));
  await new Promise(resolve => setTimeout(resolve, 300));
  document.querySelectorAll(".fr-answer").forEach(one => one.dataset.old = "1");
  const started = performance.now();
  const keys = {key: "Enter", code: "Enter", keyCode: 13, bubbles: true};
  box.dispatchEvent(new KeyboardEvent("keydown", keys));
  return await new Promise((resolve, reject) => {
    const look = () => {
      if (document.querySelector(".fr-answer:not([data-old])")) {
        const said = document.querySelector("[role=status]").textContent;
        return resolve([performance.now() - started, Number(said.match(/in ([0-9]+) ms/)[1])]);
      }
      if (performance.now() - started > 60000) return reject("no answer in a minute");
      requestAnimationFrame(look);
    };
    look();
  });
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--count", type=int, default=50)
    arguments = parser.parse_args()
    questions = read_questions(arguments.questions, arguments.count + WARM_UP)
    print(json.dumps(measure(arguments.index, questions)))


def measure(index: Path, questions: list[str]) -> dict[str, Any]:
    program = page_server.chromium()
    if program is None:
        sys.exit("error: there's no Chromium; apt-get install chromium")
    with page_server.served(index) as url, sync_playwright() as running:
        browser = running.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(WAIT)
        page.goto(url)
        # The first questions pay for loading the model and for setting up.
        for question in questions[:WARM_UP]:
            box = page.get_by_role("textbox", name="Question")
            box.fill(question)
            box.press("Enter")
            page.wait_for_function(
                "q => new URL(location).searchParams.get('q') === q", arg=question, polling=50
            )
            page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        taken = [page.evaluate(TIMED, question) for question in questions[WARM_UP:]]
        browser.close()
    whole, engine = [t[0] for t in taken], [t[1] for t in taken]
    return {
        "questions": len(taken),
        "page_ms": median(whole),
        "engine_ms": median(engine),
        "over_engine_ms": median(w - e for w, e in taken),
        "over_engine_p95_ms": sorted(w - e for w, e in taken)[int(0.95 * (len(taken) - 1))],
    }


if __name__ == "__main__":
    main()
