"""Words that line ends part: when the hyphen goes, and when it stays."""

import pytest

from indexer.readers import plain_text
from indexer.readers.hyphens import Words, joined, without_line_hyphens
from indexer.readers.limits import Limits
from indexer.readers.outcome import RawFile


@pytest.mark.parametrize(
    ("left", "right", "whole"),
    [
        ("Professor Alder-", "man, who", "Professor Alderman, who"),
        ("electrophotomul\u00ad", "tiplier", "electrophotomultiplier"),
        ("Mül\u2010", "ler", "Müller"),
        ("Müller-", "Lüdenscheidt", "Müller-Lüdenscheidt"),
        ("ALDER-", "MAN", "ALDERMAN"),
        ("a well-", "known man", "a well-known man"),
        ("a water-", "based paint", "a water-based paint"),
        ("her mother-in-", "law", "her mother-in-law"),
        ("an e-", "mail", "an e-mail"),
        ("2019-", "2020", "2019-2020"),
        ("2019–", "2020", "2019–2020"),
        ("1974-05-", "12", "1974-05-12"),
        ("COVID-", "19", "COVID-19"),
        ("see https://example.org/a-", "b", "see https://example.org/a-b"),
    ],
)
def test_a_hyphen_at_a_line_end_goes_or_stays(left: str, right: str, whole: str) -> None:
    assert joined(left, right, Words.of("")) == whole


@pytest.mark.parametrize(
    ("left", "right"),
    [("Haupt-", "und Nebensatz"), ("a dash -", "or two"), ("no hyphen", "here"), ("end.-", "x")],
)
def test_what_is_no_word_in_two_parts_stays_two(left: str, right: str) -> None:
    assert joined(left, right, Words.of("")) is None


def test_the_form_that_the_document_has_elsewhere_decides() -> None:
    assert joined("a cost-", "effective", Words.of("is cost-effective")) == "a cost-effective"
    assert joined("a cost-", "effective", Words.of("is costeffective")) == "a costeffective"
    assert joined("well-", "known", Words.of("a wellknown man")) == "wellknown"


def test_a_text_keeps_its_lines_where_words_are_joined() -> None:
    text = "Its chair was Alder-\r\nman, who\r\n drew in 2019-\n2020.\nA soft\u00adly lit\n\n- x\n"
    assert without_line_hyphens(text) == (
        "Its chair was Alderman,\r\nwho\r\n drew in 2019-2020.\nA softly lit\n\n- x\n"
    )


def test_a_plain_text_is_read_with_its_words_whole() -> None:
    (found,) = plain_text.read(RawFile("a.txt", "a", b"by Alder-\nman in 1974"), Limits())
    assert found.text == "by Alderman\nin 1974"
