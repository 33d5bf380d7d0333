"""Pieces carry the code points they cover, whatever the script."""

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.errors import CheckpointError
from engine.text.tokenization import Tokenizer

FRAGMENTS = [
    "lamp", "Anna", "the", "1851", "straße", "жаба", "قلم كتاب", "שָׁלוֹם", "क\u0940ख\u094dग", "กี่ขา",
    "日本語", "中文。", "한국", "각", "e\u0301", "o\u0308\u0327", "q\u0301\u0323\u0308", "\u0301",
    "👩\u200d🚀", "👍🏽", "🇫🇷", "❤\ufe0f", "ﬁ", "ﬃ", "ﷺ", "½", "①", "Ａ", "İ", "ẞ",
    " ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u2003", "\u3000", "\u200b", "\u200f", "\u00ad",
    ".", ",", "(", "-", "…", "▁", "<s>", "</s>", "\ufeff", "\u0000",
]  # fmt: skip
TEXTS = st.lists(
    st.one_of(st.sampled_from(FRAGMENTS), st.characters(exclude_categories=["Cs"])), max_size=14
).map("".join)


def is_mark(letter: str) -> bool:
    return unicodedata.category(letter).startswith("M")


@given(text=TEXTS)
@example("e\u0301 lamp\r\nlamp")
@example("क\u0940")
@example("q\u0301\u0323")
@example(" \u0301lamp")
@settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_every_span_of_pieces_is_a_clean_stretch_of_the_text(family: Tokenizer, text: str) -> None:
    pieces = family.encode(text)
    assert pieces.ids.dtype == pieces.offsets.dtype == np.int32
    assert pieces.offsets.shape == (len(pieces), 2)
    starts, ends = pieces.offsets[:, 0].tolist(), pieces.offsets[:, 1].tolist()
    assert starts == sorted(starts)
    assert ends == sorted(ends)
    for start, end in zip(starts, ends, strict=True):
        assert 0 <= start < end <= len(text)
        assert not text[start].isspace()
        assert not text[end - 1].isspace()
        # A mark is never parted from the letter before it; one behind a space has none.
        assert end == len(text) or not is_mark(text[end])
        assert start == 0 or not is_mark(text[start]) or text[start - 1].isspace()


@given(text=TEXTS)
@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_batch_is_its_texts_one_by_one(family: Tokenizer, text: str) -> None:
    texts = [text, "", f"lamp {text}"]
    for together, alone in zip(
        family.encode_batch(texts), [family.encode(t) for t in texts], strict=True
    ):
        assert together.ids.tolist() == alone.ids.tolist()
        assert together.offsets.tolist() == alone.offsets.tolist()


def test_a_word_piece_does_not_count_the_space_before_it(tokenizer: Tokenizer) -> None:
    text = " the lamp\r\n  was  lit "
    pieces = tokenizer.encode(text)
    covered = [text[start:end] for start, end in pieces.offsets]
    assert covered == ["the", "lamp", "was", "lit"]
    assert pieces.offsets.tolist() == [[1, 4], [5, 9], [13, 16], [18, 21]]


def test_offsets_count_code_points_not_bytes(tokenizer: Tokenizer) -> None:
    text = "👩\u200d🚀 日本 lamp"
    pieces = tokenizer.encode(text)
    assert pieces.offsets[-1].tolist() == [7, 11]
    assert text[7:11] == "lamp"


def test_a_folded_ligature_covers_the_one_code_point_it_was(tokenizer: Tokenizer) -> None:
    text = "lamp ﬁt"  # the ligature becomes f, i
    pieces = tokenizer.encode(text)
    covered = [text[start:end] for start, end in pieces.offsets]
    assert covered[0] == "lamp"
    assert covered[-3:] == ["ﬁ", "ﬁ", "t"]


def test_a_vowel_sign_with_a_piece_of_its_own_is_not_parted_from_its_letter(
    tokenizer: Tokenizer,
) -> None:
    pieces = tokenizer.encode("गकी")
    assert pieces.offsets[-3:].tolist() == [[0, 1], [1, 3], [1, 3]]


def test_half_a_surrogate_pair_is_one_code_point_like_any(tokenizer: Tokenizer) -> None:
    text = "lamp \ud83d lit"
    pieces = tokenizer.encode(text)
    assert text[slice(*pieces.offsets[0])] == "lamp"
    assert text[slice(*pieces.offsets[-1])] == "lit"
    assert pieces.offsets[-1].tolist() == [7, 10]


def test_texts_of_nothing_but_space_have_no_pieces(family: Tokenizer) -> None:
    for text in ("", " ", "\r\n\t\u00a0\u3000"):
        pieces = family.encode(text)
        assert len(pieces) == 0
        assert pieces.offsets.shape == (0, 2)


def test_special_pieces_are_not_added_but_known_of_either_family(family: Tokenizer) -> None:
    ids = family.encode("lamp").ids.tolist()
    assert family.cls not in ids
    assert family.sep not in ids
    assert family.cls != family.sep


def test_a_saved_tokenizer_cuts_as_before(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path)
    again = Tokenizer.load(tmp_path)
    text = "Who lit the lamps of Anna's 1851 lighthouse? 日本 e\u0301"
    assert again.encode(text).ids.tolist() == tokenizer.encode(text).ids.tolist()
    assert again.encode(text).offsets.tolist() == tokenizer.encode(text).offsets.tolist()
    assert (again.cls, again.sep) == (tokenizer.cls, tokenizer.sep)
    assert again.vocabulary_size == tokenizer.vocabulary_size


def test_truncation_and_padding_stored_in_the_file_are_ignored(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    tokenizer.save(tmp_path)
    path = tmp_path / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["truncation"] = {
        "direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0
    }  # fmt: skip
    content["padding"] = {
        "strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": None,
        "pad_id": 1, "pad_type_id": 0, "pad_token": "<pad>",
    }  # fmt: skip
    path.write_text(json.dumps(content), encoding="utf-8")
    assert len(Tokenizer.load(tmp_path).encode("the lamp was lit")) == 4


def test_a_missing_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"has no tokenizer\.json"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"model": {"type": "Magic"}}', "\x00\x01"])
def test_a_broken_tokenizer_is_named_in_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content, encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"tokenizer\.json can't be read as a tokenizer") as e:
        Tokenizer.load(tmp_path)
    assert "\n" not in str(e.value)


def test_a_tokenizer_without_special_pieces_says_which_it_lacks(tmp_path: Path) -> None:
    content = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None,
        "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"},
    }  # fmt: skip
    (tmp_path / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"\[CLS\], <cls>, <s>"):
        Tokenizer.load(tmp_path)
