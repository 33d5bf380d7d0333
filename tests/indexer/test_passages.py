from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.documents import Document, Passage, Section
from engine.errors import ForereadError
from engine.text.tokenization import Tokenizer
from indexer.passages import cut_passages


def document(text: str, sections: tuple[Section, ...] = ()) -> Document:
    return Document(id="d", source="d.txt", title="D", text=text, sections=sections)


def texts(doc: Document, tokenizer: Tokenizer, limit: int, overlap: int = 0) -> list[str]:
    return [doc.text[p.start : p.end] for p in cut_passages(doc, tokenizer, limit, overlap)]


def sentence(words: int, letter: str = "a") -> str:
    """`words` pieces of the `words` tokenizer, as one sentence."""
    return " ".join([letter.upper() * 3, *[letter * 3] * (words - 2), f"{letter * 3}."])


def test_a_text_that_fits_is_one_passage_without_the_space_round_it(words: Tokenizer) -> None:
    doc = document("  One two. Three four.\r\n")
    (passage,) = cut_passages(doc, words, limit=4)
    assert (passage.start, passage.end) == (2, 22)
    assert (passage.id, passage.document_id, passage.title) == ("d:0", "d", "D")
    assert passage.offsets.tolist() == [[2, 5], [6, 10], [11, 16], [17, 22]]
    assert passage.offsets.dtype == passage.pieces.dtype == np.int32


def test_passages_end_where_sentences_do(words: Tokenizer) -> None:
    parts = [sentence(4, "a"), sentence(4, "b"), sentence(4, "c"), sentence(4, "d")]
    doc = document(" ".join(parts))
    assert texts(doc, words, limit=9) == [" ".join(parts[:2]), " ".join(parts[2:])]


def test_a_text_a_little_over_the_limit_makes_two_passages_of_similar_size(
    words: Tokenizer,
) -> None:
    doc = document(" ".join(sentence(5) for _ in range(7)))  # 35 pieces, limit 30
    lengths = [len(p.pieces) for p in cut_passages(doc, words, limit=30)]
    assert sorted(lengths) == [15, 20]


def test_a_sentence_over_the_limit_is_cut_evenly_between_words(words: Tokenizer) -> None:
    doc = document(sentence(22))
    found = list(cut_passages(doc, words, limit=10))
    assert [len(p.pieces) for p in found] == [8, 7, 7]
    assert " ".join(doc.text[p.start : p.end] for p in found) == doc.text


def test_a_word_over_the_limit_is_cut_between_pieces(family: Tokenizer) -> None:
    doc = document("lamp" * 20)
    found = texts(doc, family, limit=8)
    assert len(found) > 1
    assert "".join(found) == doc.text


def test_a_long_sentence_is_cut_between_words_where_a_word_has_many_pieces(
    letters: Tokenizer,
) -> None:
    doc = document("lamp " * 9 + "lamps")  # 4 letters and a space, a piece for each letter
    found = texts(doc, letters, limit=12)
    assert len(found) > 3
    assert " ".join(found) == doc.text


def test_a_letter_with_more_marks_than_the_limit_is_cut_into_full_passages(
    letters: Tokenizer,
) -> None:
    doc = document("a" + "\u0301" * 40)  # 81 pieces: a mark is two bytes
    found = texts(doc, letters, limit=10)
    assert "".join(found) == doc.text
    assert len(found) <= 12


def test_pages_end_passages_even_where_all_would_fit(words: Tokenizer) -> None:
    doc = document("One page.\n\nTwo page.", (Section(0, 9, page=1), Section(11, 20, page=2)))
    found = list(cut_passages(doc, words, limit=50))
    assert [(doc.text[p.start : p.end], p.page) for p in found] == [
        ("One page.", 1),
        ("Two page.", 2),
    ]


def test_a_paragraph_runs_over_a_page_within_its_passage(words: Tokenizer) -> None:
    text = "Aa bb.\n\nCc dd ee.\n\nFf."
    doc = document(text, (Section(0, 10, page=1), Section(11, 17, page=2), Section(19, 22, page=3)))
    found = list(cut_passages(doc, words, limit=5))
    assert [(text[p.start : p.end], p.page, p.next_pages) for p in found] == [
        ("Aa bb.\n\nCc dd ee.", 1, ((11, 2),)),
        ("Ff.", 3, ()),
    ]


def test_headings_end_passages_where_not_all_fits(words: Tokenizer) -> None:
    first, second = sentence(6, "a"), sentence(6, "b")
    text = f"{first}\n\n{second}"
    sections = (Section(0, len(first) + 2, "A"), Section(len(first) + 2, len(text), "B"))
    doc = document(text, sections)
    assert [p.heading for p in cut_passages(doc, words, limit=8)] == ["A", "B"]
    (whole,) = cut_passages(doc, words, limit=12)
    assert (whole.start, whole.end, whole.heading) == (0, len(text), None)


def test_text_outside_sections_is_cut_too(words: Tokenizer) -> None:
    doc = document("Aa bb. Cc dd. Ee ff.", (Section(7, 13, "mid"),))
    found = list(cut_passages(doc, words, limit=3))
    assert [(doc.text[p.start : p.end], p.heading) for p in found] == [
        ("Aa bb.", None),
        ("Cc dd.", "mid"),
        ("Ee ff.", None),
    ]


def test_overlap_repeats_whole_sentences_that_fit_it(words: Tokenizer) -> None:
    parts = [sentence(3, letter) for letter in "abcd"]
    doc = document(" ".join(parts))
    found = texts(doc, words, limit=6, overlap=3)
    assert found[0] == " ".join(parts[:2])
    assert found[1] == " ".join(parts[1:3])
    assert found[2] == " ".join(parts[2:4])


def test_overlap_takes_words_where_the_last_sentence_is_longer_than_it(words: Tokenizer) -> None:
    doc = document(f"{sentence(6, 'a')} {sentence(6, 'b')}")
    assert texts(doc, words, limit=8, overlap=2) == [
        sentence(6, "a"),
        f"aaa aaa. {sentence(6, 'b')}",
    ]


@pytest.mark.parametrize(("limit", "overlap"), [(10, 10), (10, 11), (10, -1), (0, 0)])
def test_an_overlap_that_is_not_smaller_than_the_limit_is_refused_with_both(
    words: Tokenizer, limit: int, overlap: int
) -> None:
    with pytest.raises(ForereadError, match=f"overlap of {overlap} and a limit of {limit}"):
        cut_passages(document("One."), words, limit, overlap)


def test_a_text_without_pieces_has_no_passages(words: Tokenizer, family: Tokenizer) -> None:
    assert list(cut_passages(document(" \n\r\n\t"), words)) == []
    assert list(cut_passages(document(""), family)) == []


def test_a_single_character_of_too_many_pieces_keeps_the_limit(family: Tokenizer) -> None:
    found = list(cut_passages(document("ﷺ ﷺ"), family, limit=2))
    assert found
    assert all(len(p.pieces) <= 2 for p in found)


def test_a_long_single_line_is_cut_under_the_limit(words: Tokenizer) -> None:
    doc = document("word " * 50_000)
    lengths = [len(p.pieces) for p in cut_passages(doc, words, limit=160)]
    assert sum(lengths) == 50_000
    assert max(lengths) <= 160
    assert min(lengths) >= 40


SCRIPTS = [
    "The lamp was lit. ",
    "Dr. Ortega wrote it down at 5 p.m. in 1823! ",
    "e\u0301a\u0300\u0323 ",
    "ﬁne ﬂow ﷺ Ⅷ ½ ",
    "👨\u200d👩\u200d👧\u200d👦 ",
    "🏳\ufe0f\u200d🌈🇫🇷",
    "灯台守は夕暮れに灯をともした。",
    "守塔人在黄昏点灯。",
    "كتب الحارس الساعة في دفتر. ",
    "שָׁלוֹם עולם. ",
    "हिन्दी में लिखा। ",
    "ภาษาไทยไม่มีช่องว่าง",
    "Смотритель зажёг лампу. ",
    "\r\n",
    "\r\n\r\n",
    "\u200b\u00ad",
    "\u00a0\u3000",
    "# Head\r\n",
    "supercalifragilistic" * 3,
]
TEXTS = st.lists(
    st.sampled_from(SCRIPTS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    max_size=25,
).map("".join)


def check(text: str, passages: list[Passage], tokenizer: Tokenizer, limit: int) -> None:
    for passage in passages:
        stretch = text[passage.start : passage.end]
        assert stretch == stretch.strip()
        assert 0 < len(passage.pieces) == len(passage.offsets) <= limit
        starts, ends = passage.offsets[:, 0], passage.offsets[:, 1]
        assert passage.start <= starts.min()
        assert ends.max() <= passage.end
        assert (np.diff(starts) >= 0).all()
        assert (np.diff(ends) >= 0).all()
        for start, end in passage.offsets.tolist():
            assert start < end
            assert text[start:end] == text[start:end].strip()
        alone = tokenizer.encode(stretch)
        assert alone.ids[:limit].tolist() == passage.pieces.tolist()
        assert (alone.offsets[:limit] + passage.start).tolist() == passage.offsets.tolist()
    spans = [(p.start, p.end) for p in passages]
    assert spans == sorted(spans)
    assert [p.id for p in passages] == [f"d:{i}" for i in range(len(passages))]


def outside(text: str, passages: list[Passage]) -> list[str]:
    """What's between the passages, white space at its ends left out."""
    edges = [(0, 0), *((p.start, p.end) for p in passages), (len(text), len(text))]
    gaps = (text[a[1] : b[0]].strip() for a, b in pairwise(edges))
    return [gap for gap in gaps if gap]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS, limit=st.integers(1, 40), repeated=st.integers(0, 39))
@example(text="0" * 8 + "\f" + "0" * 8, limit=2, repeated=0)
@example(text="Dr. Ortega wrote it down at 5 p.m. in 1823! e\u0301a\u0323 ", limit=14, repeated=8)
@example(text="ﬁne ﬂow ﷺ Ⅷ ½ ", limit=12, repeated=3)
def test_passages_keep_the_limit_and_the_offsets_whatever_the_script(
    family: Tokenizer, text: str, limit: int, repeated: int
) -> None:
    passages = list(cut_passages(document(text), family, limit, overlap=repeated % limit))
    check(text, passages, family, limit)
    assert all(len(family.encode(gap)) == 0 for gap in outside(text, passages))
    if len(family.encode(text.strip())) <= limit:
        assert len(passages) <= 1


@settings(max_examples=80)
@given(text=TEXTS, cuts=st.lists(st.integers(0, 400), max_size=5), limit=st.integers(4, 40))
def test_each_place_in_a_passage_has_its_page_where_text_runs_on(
    family: Tokenizer, text: str, cuts: list[int], limit: int
) -> None:
    edges = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    pages = tuple(Section(a, b, page=number) for number, (a, b) in enumerate(pairwise(edges), 1))
    passages = list(cut_passages(document(text, pages), family, limit))
    check(text, passages, family, limit)
    for passage in passages:
        for place in range(passage.start, passage.end):
            begun = [page for start, page in passage.next_pages if start <= place]
            page = next(p for p in pages if p.start <= place < p.end)
            assert (begun[-1] if begun else passage.page) == page.page
