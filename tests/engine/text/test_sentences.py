import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.text.sentences import sentence_spans


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It rained. They stayed in!  Why?", ["It rained.", "They stayed in!", "Why?"]),
        ("これは文です。次の文。", ["これは文です。", "次の文。"]),
        ("هل نام؟ نعم نام.", ["هل نام؟", "نعم نام."]),
        ("वह गया। वह आया।", ["वह गया।", "वह आया।"]),
        ("Он спал… Она читала.", ["Он спал… Она читала."]),
    ],
)
def test_sentences_end_at_the_marks_of_their_script(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_abbreviations_initials_and_decimals_do_not_end_a_sentence() -> None:
    text = "Dr. J. R. Smith paid $3.50 to Mr. Jones. He left."
    assert sentences(text) == ["Dr. J. R. Smith paid $3.50 to Mr. Jones.", "He left."]


def test_a_single_line_end_does_not_end_a_sentence() -> None:
    assert sentences("a wrapped\r\nline goes\non here") == ["a wrapped\r\nline goes\non here"]


@pytest.mark.parametrize("blank", ["\n\n", "\r\n\r\n", "\r\r", "\n \t\n", "\u2029", "\f"])
def test_a_blank_line_always_ends_a_sentence(blank: str) -> None:
    assert sentences(f"no stop here{blank}nor there") == ["no stop here", "nor there"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# Head\nbody", ["# Head", "body"]),
        ("Head\r\n====\r\nbody", ["Head\r\n====", "body"]),
        ("- one\n- two", ["- one", "- two"]),
        ("1. one\n2. two", ["1. one", "2. two"]),
        ("said\n> quoted", ["said", "> quoted"]),
        ("| a | b |\n| c | d |", ["| a | b |", "| c | d |"]),
    ],
)
def test_markdown_blocks_end_sentences(text: str, expected: list[str]) -> None:
    starts = {start for start, _ in sentence_spans(text)}
    assert {text.find(block) for block in expected} <= starts


def test_a_year_at_a_line_start_is_no_list_item() -> None:
    text = "It was in the year\n1984. that"
    assert not any(s.startswith("1984") for s in sentences(text))


def test_long_texts_without_a_stop_are_cut_at_white_space() -> None:
    text = "word " * 20_000
    found = sentences(text)
    assert len(found) > 1
    assert {w for s in found for w in s.split()} == {"word"}
    assert sum(len(s.split()) for s in found) == 20_000


def test_sentences_are_the_same_wherever_a_window_of_the_segmenter_falls() -> None:
    text = "One more sentence stands here. " * 2_000
    assert set(sentences(text)) == {"One more sentence stands here."}


def test_a_long_run_of_combining_marks_stays_with_its_letter() -> None:
    text = "b" * 4095 + "a" + "\u0301" * 9_000 + "c"
    assert all(unicodedata.combining(s[0]) == 0 for s in sentences(text))


LETTERS = ["Ab", "é", "e\u0301", "ﬁ", "👨\u200d👩\u200d👧", "🏳\ufe0f", "سلام", "שלום", "中文", "ก็"]
SPACES = [" ", "\n", "\r\n", "\r", "\n\n", "\t", "\u00a0", "\u3000", "\u200b", "\u2029", "\x1c"]
MARKS = [". ", "! ", "? ", "。", "؟ ", "।", "…", '"', "”", ")", "(", "# ", "- ", "1. ", "==", "a.b"]
PARTS = st.sampled_from([*LETTERS, *SPACES, *MARKS])


@settings(max_examples=300)
@given(st.lists(PARTS | st.characters(exclude_categories=["Cs"]), max_size=60).map("".join))
def test_sentences_cover_all_but_white_space_in_order(text: str) -> None:
    position = 0
    for start, end in sentence_spans(text):
        assert position <= start < end <= len(text)
        assert text[position:start].strip() == ""
        assert text[start:end] == text[start:end].strip()
        position = end
    assert text[position:].strip() == ""


def test_what_no_utf8_has_parts_sentences_as_any_sign_does() -> None:
    text = "One \ud800 ends. Two."
    assert [text[start:end] for start, end in sentence_spans(text)] == ["One \ud800 ends.", "Two."]
