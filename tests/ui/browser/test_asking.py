"""The page in a real browser: asked, linked to, pressed and looked at as visitors do."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from engine.answering.results import Answer
from engine.answering.shown import ShownPassage
from ui import render
from ui.copying import copied
from ui.feedback import read_feedback

# What is looked at as it will be: a page is drawn bit by bit.
expect = pytest.importorskip(
    "playwright.sync_api", reason="Playwright isn't installed: pip install playwright"
).expect
expect.set_options(timeout=60_000)

QUESTION = "Who designed the lighthouse?"
CITATION = "\u2068"  # begins each part of one

# What a browser shows of each passage: the text before the mark, the mark, the whole.
MARKS = """passages => passages.map(passage => {
  const mark = passage.querySelector("mark");
  const before = document.createRange();
  before.setStart(passage, 0);
  before.setEndBefore(mark);
  return [before.toString(), mark.textContent, passage.textContent];
})"""


def ask(page: Any, question: str) -> None:
    box = page.get_by_role("textbox", name="Question")
    box.fill(question)
    box.press("Enter")
    answered(page, question)


def answered(page: Any, question: str) -> None:
    """Wait until the answers to this question are there, whole."""
    page.wait_for_function(
        "q => new URL(location).searchParams.get('q') === q", arg=question, polling=50
    )
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.locator(".fr-answer h2").first.wait_for()


def shown_marks(page: Any) -> list[list[str]]:
    found: list[list[str]] = page.locator(".fr-answer .fr-passage").evaluate_all(MARKS)
    return found


def expected(answer: Answer) -> list[str]:
    """Before the mark, the mark, and all, with lines ended as HTML ends them."""
    shown = answer.shown
    parts = (shown.text[: shown.start], shown.answer, shown.text)
    return [part.replace("\r\n", "\n") for part in parts]


def test_answers_are_marked_at_exactly_their_characters(
    site: Any, open_page: Callable[..., Any]
) -> None:
    page = open_page(site.url)
    ask(page, QUESTION)
    answers = site.engine.ask(QUESTION).answers
    marks = shown_marks(page)
    assert marks == [expected(answer) for answer in answers[: len(marks)]]
    assert page.locator(".fr-answer h2").first.text_content() in (
        answers[0].shown.answer,
        "No answer found",
    )


def test_a_later_occurrence_is_marked_although_the_words_stand_earlier_too(
    site: Any, open_page: Callable[..., Any]
) -> None:
    """Any span of the repeated text but the first stands in it earlier too."""
    for question in ("lamp lit", "the keeper slept", "Who lit the lamp?", "What was lit?"):
        for number, answer in enumerate(site.engine.ask(question).answers):
            text, start = answer.passage.text, answer.start - answer.passage.start
            if 0 <= text.find(answer.text) < start:
                page = open_page(
                    f"{site.url}/document?id={answer.passage.document}"
                    f"&start={answer.start}&end={answer.end}"
                )
                page.locator(".fr-document mark").wait_for()
                (mark,) = page.locator(".fr-document").evaluate_all(MARKS)
                document = site.engine.document(answer.passage.document)
                assert mark == [document.text[: answer.start], answer.text, document.text]
                if number == 0:
                    page = open_page(f"{site.url}/?q={quote(question)}")
                    answered(page, question)
                    assert shown_marks(page)[0] == expected(answer)
                    return
    pytest.fail("no answer stands in its passage earlier too; ask others")


def test_a_link_asks_its_question(site: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(f"{site.url}/?q={quote(QUESTION)}")
    answered(page, QUESTION)
    expect(page.get_by_role("textbox", name="Question")).to_have_value(QUESTION)
    assert shown_marks(page)[0] == expected(site.engine.ask(QUESTION).answers[0])


def test_the_document_opens_at_the_answer_and_leads_back(
    site: Any, open_page: Callable[..., Any]
) -> None:
    page = open_page(f"{site.url}/?q={quote(QUESTION)}")
    answered(page, QUESTION)
    answer = site.engine.ask(QUESTION).answers[0]
    page.get_by_text(CITATION).first.click()
    page.locator(".fr-document mark").wait_for()
    (mark,) = page.locator(".fr-document").evaluate_all(MARKS)
    document = site.engine.document(answer.passage.document)
    assert mark == [document.text[: answer.start], answer.text, document.text]
    page.wait_for_function(
        """() => {
          const place = document.querySelector(".fr-document mark").getBoundingClientRect();
          return place.top >= 0 && place.bottom <= innerHeight;
        }"""
    )
    page.get_by_role("link", name="Back").click()
    answered(page, QUESTION)


def test_the_box_has_focus_and_the_keyboard_reaches_everything(
    site: Any, open_page: Callable[..., Any]
) -> None:
    page = open_page(site.url)
    page.wait_for_function("document.activeElement.getAttribute('aria-label') === 'Question'")
    page.get_by_role("button", name="Who designed the lighthouse?").wait_for()
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    answered(page, QUESTION)
    page.get_by_role("textbox", name="Question").focus()
    reached = []
    for _ in range(9):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim()"))
    told = " ".join(reached)
    assert told.index("Ask") < told.index("Copy with source") < told.index("Why")
    page.get_by_role("button", name="Why").first.focus()
    page.keyboard.press("Enter")
    page.get_by_text("Likely to be right").wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("Likely to be right").wait_for(state="hidden")


def test_hostile_text_stays_text(site: Any, open_page: Callable[..., Any]) -> None:
    document = next(
        hit.document
        for hit in site.engine.ask("What costs $5?").passages
        if "window.hacked" in hit.text
    )
    text = site.engine.document(document).text
    page = open_page(f"{site.url}/document?id={document}&start=0&end=8")
    page.locator(".fr-document mark").wait_for()
    expect(page.locator("h1").first).to_have_text("hostile_<b>")
    assert page.locator(".fr-document").text_content() == text
    question = "What costs $5 or $6, _not_ :smile:?"
    page = open_page(site.url)
    page.get_by_role("button", name=question.replace(":", ":\u2060")).click()
    answered(page, question)
    ask(page, QUESTION)
    page.get_by_text("Also read").click()
    page.locator(".fr-list").wait_for()
    page.get_by_role("link", name="History").click()
    shown = page.get_by_role("link", name="What costs").text_content()
    assert shown.replace("\u2060", "").strip() == question
    assert page.evaluate("window.hacked") is None


def test_two_visitors_see_each_their_own_answers(site: Any, open_page: Callable[..., Any]) -> None:
    questions = ("When was the bridge opened?", "Who sailed the ship south?")
    pages = [open_page(site.url) for _ in questions]
    for _ in range(3):
        for page, question in zip(pages, questions, strict=True):
            box = page.get_by_role("textbox", name="Question")
            box.fill(question)
            box.press("Enter")
        for page, question in zip(pages, questions, strict=True):
            answered(page, question)
            assert shown_marks(page)[0] == expected(site.engine.ask(question).answers[0])


@pytest.mark.parametrize("path", ["/", f"/?q={quote(QUESTION)}", "/collection"])
def test_nothing_is_wider_than_a_small_phone(
    site: Any, open_page: Callable[..., Any], path: str
) -> None:
    page = open_page(site.url + path, width=360, height=740)
    page.locator("h1").first.wait_for()
    if "q=" in path:
        answered(page, QUESTION)
        page.get_by_role("button", name="Why").first.click()
        page.get_by_text("Likely to be right").wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    widest = page.evaluate(
        """Math.max(...[...document.querySelectorAll(".stMain, .stMain *")]
          .filter(one => one.checkVisibility())
          .map(one => Math.ceil(one.getBoundingClientRect().right)))"""
    )
    assert widest <= 360


WITHOUT_CLIPBOARD = """() => {
  navigator.clipboard.writeText = () => Promise.reject();
  document.execCommand = () => { window.copied = document.activeElement.value; };
}"""
IN_SIGHT = """element => {
  const place = element.getBoundingClientRect();
  return place.left >= 0 && place.right <= innerWidth && place.top >= 0 &&
    place.bottom <= innerHeight && document.elementFromPoint(
      place.left + place.width / 2, place.top + place.height / 2).contains(element) ||
    element.contains(document.elementFromPoint(
      place.left + place.width / 2, place.top + place.height / 2));
}"""


def test_a_narrow_screen_has_pages_and_filters_in_sight(
    site: Any, open_page: Callable[..., Any]
) -> None:
    page = open_page(f"{site.url}/?q={quote(QUESTION)}", width=390, height=844)
    answered(page, QUESTION)
    for name in ("Ask", "Collection"):
        assert page.get_by_role("link", name=name, exact=True).evaluate(IN_SIGHT)
    assert page.get_by_text("Filters").evaluate(IN_SIGHT)
    page.get_by_text("Filters").click()
    page.get_by_label("lighthouse.txt").check(force=True)
    page.get_by_text("File is").wait_for()
    assert "lighthouse.txt" in page.evaluate("new URL(location).searchParams.get('filter')")
    page.get_by_role("link", name="Collection", exact=True).click()
    expect(page.locator("h1")).to_have_text("Collection")


def test_the_question_and_the_way_on_stay_over_a_long_document(
    site: Any, open_page: Callable[..., Any]
) -> None:
    answers = site.engine.ask(QUESTION).answers
    place = f"start={answers[0].start}&end={answers[0].end}&q={quote(QUESTION)}"
    page = open_page(
        f"{site.url}/document?id={answers[0].passage.document}&{place}", width=390, height=240
    )
    page.locator(".fr-document mark").wait_for()
    expect(page).to_have_title(f"{QUESTION} · Foreread")
    page.get_by_text(f"Answer 1 of {len(answers)}").wait_for()
    page.locator(".stMain").evaluate("main => main.scrollTo(0, main.scrollHeight)")
    assert page.locator(".fr-asked").evaluate(IN_SIGHT)
    for name in ("Back", "Next"):
        assert page.get_by_role("link", name=name).evaluate(IN_SIGHT)
    page.get_by_role("link", name="Next").click()
    page.get_by_text(f"Answer 2 of {len(answers)}").wait_for()
    expect(page.locator(".fr-document mark")).to_have_text(answers[1].text)
    page.get_by_role("link", name="Back").click()
    answered(page, QUESTION)


def test_an_answer_is_copied_with_its_source(site: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(f"{site.url}/?q={quote(QUESTION)}")
    answered(page, QUESTION)
    answer = site.engine.ask(QUESTION).answers[0]
    page.evaluate(WITHOUT_CLIPBOARD)
    page.get_by_role("button", name="Copy with source").first.click()
    expect(page.locator(".fr-copy").first).to_have_text("Copied")
    assert page.evaluate("window.copied") == copied(answer)
    expect(page.locator(".fr-copy").first).to_have_text("Copy with source")


def test_the_rest_of_a_passage_is_folded_until_it_is_asked_for(
    site: Any, open_page: Callable[..., Any]
) -> None:
    page = open_page(f"{site.url}/?q={quote(QUESTION)}")
    answered(page, QUESTION)
    # Passages of the small model are too short to have a rest.
    block = render.place_block(ShownPassage("One. The bridge. Three.", 9, 15, 5, 16))
    page.locator(".fr-answer").first.evaluate(
        "(answer, block) => answer.insertAdjacentHTML('afterend', block)", block
    )
    place = page.locator(".fr-place:has(details)").first
    around = place.locator(".fr-around").first
    expect(around).to_be_hidden()
    place.get_by_text("The whole passage").click()
    expect(around).to_be_visible()


def test_a_verdict_is_stored_as_given(site: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(f"{site.url}/?q={quote(QUESTION)}")
    answered(page, QUESTION)
    answer = site.engine.ask(QUESTION).answers[0]
    page.get_by_role("button", name="Right?").first.click()
    page.get_by_text("Right", exact=True).click()
    page.get_by_role("button", name="Send").click()
    page.get_by_text("Thank you").wait_for()
    (said,) = read_feedback(site.index)
    assert (said.question, said.verdict) == (QUESTION, "right")
    assert said.passage[said.start : said.end] == answer.text
    assert said.passage_start + said.start == answer.start


@pytest.mark.parametrize("by", ["keyboard", "mouse"])
def test_the_right_words_are_marked_in_the_passage(
    site: Any, open_page: Callable[..., Any], by: str
) -> None:
    question = "Who repaired the bridge in 1927?"
    page = open_page(f"{site.url}/?q={quote(question)}&filter=type%3Dmd")  # which is English
    answered(page, question)
    answer = site.engine.ask(question, filters="type=md").answers[0]
    page.get_by_role("button", name="Right?").first.click()
    page.get_by_text("Right passage, wrong words").click()
    box = page.get_by_label("Mark the right words")
    word = re.search(r"[a-z]{3}", answer.passage.text)  # no white space, which isn't marked
    assert word is not None
    if by == "keyboard":
        box.focus()
        box.press("ControlOrMeta+Home")
        for _ in range(word.start()):
            box.press("ArrowRight")
        for _ in range(3):
            box.press("Shift+ArrowRight")
    else:
        box.press("ControlOrMeta+Home")
        box.dblclick(position={"x": 20, "y": 20})
    words = page.locator(".fr-words mark").text_content()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    box.press("x")  # which changes nothing
    page.get_by_role("button", name="Send").click()
    page.get_by_text("Thank you").wait_for()
    said = read_feedback(site.index)[-1]
    assert (said.question, said.verdict) == (question, "wrong words")
    assert said.passage == answer.passage.text
    assert said.corrected is not None
    start, end = said.corrected
    assert said.passage[start:end] == words
    if by == "keyboard":
        assert (start, end) == word.span()
    else:
        assert words.split() == [words], "one word"


def test_a_filter_chosen_is_linked_to_and_kept(site: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(f"{site.url}/?q={quote(QUESTION)}")
    answered(page, QUESTION)
    page.get_by_text("Filters").click()
    option = page.get_by_role("option", name="Markdown (1)")
    while not option.is_visible():  # a list that opens while the page is drawn anew is closed
        page.get_by_role("combobox", name="Kind").click()
        page.wait_for_timeout(1000)
    option.click()
    page.wait_for_function("new URL(location).searchParams.get('filter') === 'type=md'")
    page.get_by_text("Kind is Markdown").wait_for()
    linked = open_page(page.url)
    linked.get_by_text("Kind is Markdown").wait_for()
    (only,) = {hit.source for hit in site.engine.ask(QUESTION, filters="type=md").passages}
    for one in (page, linked):
        expect(one.get_by_text(CITATION).first).to_contain_text(only)
        expect(one.get_by_text(CITATION).get_by_text("lighthouse.txt")).to_have_count(0)


def test_an_added_file_is_answered_from_a_moment_later_until_it_is_removed(
    site: Any, open_page: Callable[..., Any]
) -> None:
    question = "Who built the mill on the hill?"
    text = "The mill on the hill was built by Ida Flint <i>in 1851</i>."
    page = open_page(site.url + "/collection")
    page.locator("input[type=file]").set_input_files(
        {"name": "mill <b>$1$.txt", "mimeType": "text/plain", "buffer": text.encode()}
    )
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("status").get_by_text("added").wait_for()
    expect(page.get_by_role("rowheader", name="mill <b>$1$.txt")).to_be_visible()
    assert text in [hit.text for hit in site.engine.ask(question).passages]
    # Of this document alone, so that the first answer stands in its passage.
    only = quote('title="mill <b>$1$"')
    page.goto(f"{site.url}/?q={quote(question)}&filter={only}")
    answered(page, question)
    expect(page.locator(".stMain")).to_contain_text("Ida Flint <i>in 1851</i>")
    page.get_by_role("link", name="Collection").click()
    page.get_by_text("Only those added here").click()
    # Streamlit takes the old list's rows away only when all of the new one stand.
    expect(page.locator(".st-key-documents a")).to_have_count(1)
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("status").get_by_text("removed").wait_for()
    assert text not in [hit.text for hit in site.engine.ask(question).passages]


ASKED = f"/?q={quote(QUESTION)}"
STATES = {
    "empty": ("/", "Questions to try", []),
    "answers": (ASKED, "passages read in", []),
    "no answer": (f"/?q={quote('zzz')}", "No answer found", []),
    "why": (ASKED, "Likely to be right", ["Why"]),
    "verdict": (ASKED, "Mark the right words", ["Right?", "Right passage, wrong words"]),
    "times": (ASKED, "In all", ["How fast"]),
    "cite": (ASKED, "Copy as BibTeX", ["Cite"]),
    "keys": (ASKED, "Use these keys", ["Keys"]),
    "no history": ("/history", "Nothing was asked", []),
    "history": (ASKED, "kept in this browser", ["History"]),
    "judging": (ASKED, "Is this answer right?", ["History", "Right?"]),
    "error": ("/?q=%20", "ask with at least one word", []),
    "collection": ("/collection", "Size on disk", []),
    "document": (ASKED, "Back", [CITATION]),
    "missing document": ("/document?id=none", "none", []),
}


LOOKS = {"wide": {}, "narrow": {"width": 390, "height": 844}, "dark": {"dark": True}}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("state", STATES)
def test_no_state_has_a_serious_fault_of_accessibility(
    site: Any, open_page: Callable[..., Any], state: str, look: str
) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright",
        reason="axe-core isn't installed: pip install axe-playwright-python",
    )
    path, told, opened = STATES[state]
    page = open_page(site.url + path, **LOOKS[look])
    if opened:
        answered(page, QUESTION)
    for name in opened:
        page.get_by_text(name).first.click()
    page.get_by_text(told).first.wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    found = axe.Axe().run(page).response["violations"]
    serious = {
        fault["id"]: [node["html"][:200] for node in fault["nodes"]]
        for fault in found
        if fault["impact"] in ("serious", "critical")
    }
    assert serious == {}, json.dumps(serious, indent=1)
