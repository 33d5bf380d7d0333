"""What a page that stays open is for: history, citations, keys, collections, and its frame."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import page_server
import pytest
from test_asking import QUESTION, WITHOUT_CLIPBOARD, answered, ask

from ui import export
from ui.history import Entry

expect = pytest.importorskip(
    "playwright.sync_api", reason="Playwright isn't installed: pip install playwright"
).expect
expect.set_options(timeout=60_000)

FOCUSED = "document.activeElement.closest('article')?.getAttribute('aria-label')"


def focused(page: Any, name: str | None) -> None:
    page.wait_for_function(f"name => ({FOCUSED} ?? null) === name", arg=name)


def test_history_outlives_the_visit_and_a_verdict_is_given_there(
    site: Any, open_page: Callable[..., Any]
) -> None:
    page = open_page(f"{site.url}/?q={quote(QUESTION)}")
    answered(page, QUESTION)
    page.wait_for_function("localStorage.getItem('foreread-history')?.includes('lighthouse')")
    page.goto(f"{site.url}/history")  # a visit of its own
    page.get_by_text("1 question, kept in this browser alone").wait_for()
    page.get_by_role("button", name="Right?").click()
    page.get_by_text("Wrong passage").click()
    page.get_by_role("button", name="Send").click()
    page.get_by_text("Thank you").wait_for()
    page.wait_for_function("localStorage.getItem('foreread-history').includes('wrong passage')")
    page.goto(f"{site.url}/history")
    page.get_by_text("you said: wrong passage").wait_for()
    page.get_by_role("link", name=QUESTION).click()
    answered(page, QUESTION)
    page.goto(f"{site.url}/history")
    page.get_by_role("button", name="Forget all").click()
    page.get_by_text("Nothing was asked").wait_for()
    page.goto(f"{site.url}/history")
    page.get_by_text("Nothing was asked").wait_for()


@pytest.mark.parametrize("kept", ["{", "[]", '{"entries": [1, {"question": "<b>"}], "x": 2}'])
def test_a_browser_that_keeps_nonsense_has_no_history(
    site: Any, open_page: Callable[..., Any], kept: str
) -> None:
    page = open_page(f"{site.url}/history")
    page.get_by_text("Nothing was asked").wait_for()
    page.evaluate("kept => localStorage.setItem('foreread-history', kept)", kept)
    page.goto(f"{site.url}/history")
    page.get_by_text("Nothing was asked").wait_for()


def test_an_answer_is_cited_in_each_format(site: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(f"{site.url}/?q={quote(QUESTION)}")
    answered(page, QUESTION)
    result = site.engine.ask(QUESTION)
    entry = Entry.of(result, result.answers[0], "some")
    page.evaluate(WITHOUT_CLIPBOARD)
    page.get_by_role("button", name="Cite").first.click()
    for one in export.FORMATS[::2]:  # CSV has the time in it
        page.get_by_role("button", name=f"Copy as {one.name}").click()
        page.get_by_text("Copied").wait_for()
        assert page.evaluate("window.copied") == one.write([entry]).rstrip()
        page.get_by_text("Copied").wait_for(state="hidden")
    with page.expect_download() as told:
        page.get_by_role("button", name="Download CSV").click()
    assert told.value.suggested_filename == "answer.csv"
    head, row, _ = Path(told.value.path()).read_text(encoding="utf-8-sig").split("\n")
    assert head.startswith("question,answer,")
    assert row.startswith(export.comma_separated([replace(entry, asked=0)]).split("\n")[1][:40])


def test_keys_ask_and_go_from_answer_to_answer(site: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(f"{site.url}/?q={quote(QUESTION)}")
    answered(page, QUESTION)
    box = page.get_by_role("textbox", name="Question")
    box.focus()
    box.press("End")
    page.keyboard.type("/np")
    expect(box).to_have_value(QUESTION + "/np")
    page.get_by_text("Unlikely:").click()
    page.locator("article").nth(1).wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    for key, name in (("n", "Answer 1"), ("n", "Answer 2"), ("p", "Answer 1"), ("p", "Answer 1")):
        page.keyboard.press(key)
        focused(page, name)
    page.keyboard.press("Control+/")
    focused(page, "Answer 1")
    page.keyboard.press("Tab")  # nothing is a trap
    assert page.evaluate("document.activeElement.matches('summary, a, button')")
    page.keyboard.press("/")
    expect(box).to_be_focused()
    page.get_by_text("Keys", exact=True).click()
    page.get_by_label("Use these keys").uncheck()
    page.get_by_text("Keys", exact=True).focus()
    page.keyboard.press("/")
    page.keyboard.press("n")
    expect(box).not_to_be_focused()
    focused(page, None)


def test_keys_go_from_answer_to_answer_in_documents(
    site: Any, open_page: Callable[..., Any]
) -> None:
    first, second, *_ = site.engine.ask(QUESTION).answers
    place = f"id={first.passage.document}&start={first.start}&end={first.end}&q={quote(QUESTION)}"
    page = open_page(f"{site.url}/document?{place}")
    page.get_by_role("link", name="Next").wait_for()
    page.keyboard.press("n")
    page.get_by_text("Answer 2 of").wait_for()
    expect(page.locator(".fr-document mark")).to_have_text(second.text)
    page.get_by_role("link", name="Previous").wait_for()
    page.keyboard.press("p")
    page.get_by_text("Answer 1 of").wait_for()


def test_visitors_choose_among_collections_and_a_broken_one_takes_no_other_along(
    site: Any,
    open_page: Callable[..., Any],
    tmp_path: Path,
    build: Callable[..., Path],
    model_folder: Path,
) -> None:
    (tmp_path / "mill.txt").write_text("The mill on the hill was built by Ida Flint in 1851.")
    (tmp_path / "gone.idx" / "store").mkdir(parents=True)
    build([tmp_path / "mill.txt"], tmp_path / "mills.idx")
    indexes = ("--index", f"mills={tmp_path / 'mills.idx'}", "--index", str(tmp_path / "gone.idx"))
    with page_server.served(site.index, *indexes, "--model", model_folder) as url:
        page = open_page(url)
        ask(page, QUESTION)
        page.get_by_role("combobox", name="Ask in").click()
        page.get_by_role("option", name="mills").click()
        page.get_by_text("mill.txt").first.wait_for()
        assert "in=mills" in page.url
        expect(page.get_by_text("lighthouse.txt")).to_have_count(0)
        page.get_by_role("link", name="Collection").click()
        page.get_by_text("1 in all").wait_for()
        page.get_by_role("link", name="mill", exact=True).click()
        expect(page.locator(".fr-document")).to_contain_text("Ida Flint")
        page.goto(f"{url}/?in=gone")
        expect(page.get_by_role("alert")).to_contain_text("gone.idx")
        page.goto(f"{url}/?in=none")
        expect(page.get_by_role("alert")).to_contain_text("there is no collection none")
        page.goto(f"{url}/history")
        page.get_by_text("2 questions").wait_for()


def test_the_frame_is_there_while_nothing_has_loaded(site: Any, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.url)
    expect(page.locator("#fr-frame")).to_contain_text("Opening the documents and their model…")
    expect(page.locator("#fr-frame")).to_be_visible()
    context.close()


def test_the_frame_gives_way_to_the_page(site: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(site.url)
    expect(page.locator("#fr-frame")).to_be_hidden()
    page.locator("h1").wait_for()
