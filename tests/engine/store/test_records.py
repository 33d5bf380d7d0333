import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.documents import Document, Passage, Section
from engine.errors import IndexStoreError
from engine.store import records

# Everything that a str can hold: NULs, astral code points, even lone surrogates.
any_text = st.text(st.characters(exclude_categories=()))
maybe_text = st.none() | any_text
maybe_page = st.none() | st.integers(0, 10**6)
places = st.integers(0, 2**31 - 1)

documents = st.builds(
    Document,
    id=any_text,
    source=any_text,
    title=any_text,
    text=any_text,
    sections=st.lists(st.builds(Section, places, places, maybe_text, maybe_page)).map(tuple),
    metadata=st.dictionaries(any_text, any_text | st.integers() | st.floats(allow_nan=False)),
)


@st.composite
def passages(draw):
    n = draw(st.integers(0, 6))
    numbers = st.integers(-(2**31), 2**31 - 1)
    pieces = draw(st.lists(numbers, min_size=n, max_size=n))
    offsets = draw(st.lists(numbers, min_size=2 * n, max_size=2 * n))
    return Passage(
        id=draw(any_text),
        document_id=draw(any_text),
        start=draw(places),
        end=draw(places),
        pieces=np.array(pieces, np.int32),
        offsets=np.array(offsets, np.int32).reshape(n, 2),
        title=draw(any_text),
        heading=draw(maybe_text),
        page=draw(maybe_page),
    )


@given(documents, st.integers(0, 2**62), st.integers(0, 100))
def test_a_document_comes_back_as_it_was(document, first, count):
    keys = range(first, first + count)
    packed, text = records.pack_document(document, keys), records.pack_text(document.text)
    assert records.unpack_document(packed, records.unpack_text(text)) == document
    entry = records.unpack_entry(packed)
    assert (entry.id, entry.source, entry.title) == (document.id, document.source, document.title)
    assert entry.keys == keys


@given(passages(), any_text, st.integers(0, 2**62))
def test_a_passage_comes_back_as_it_was(passage, text, key):
    stored = records.unpack_passage(key, records.pack_passage(passage, text))
    assert (stored.key, stored.text) == (key, text)
    again = stored.passage
    for name in ("id", "document_id", "start", "end", "title", "heading", "page"):
        assert getattr(again, name) == getattr(passage, name)
    for name in ("pieces", "offsets"):
        assert getattr(again, name).dtype == np.int32
        np.testing.assert_array_equal(getattr(again, name), getattr(passage, name))


def test_a_passage_of_an_index_of_format_2_is_read():
    about = {"id": "a#0", "document": "a", "start": 5, "end": 14, "title": "A", "heading": None}
    fields = records.pack_json({**about, "page": 2, "pieces": 2})
    numbers = np.array([7, 30000, 5, 8, 9, 14], "<i4").tobytes()
    packed = struct.pack("<I", len(fields)) + fields + numbers + records.pack_text("the raven")
    stored = records.unpack_passage(3, packed)
    assert (stored.text, stored.passage.pieces.tolist()) == ("the raven", [7, 30000])
    assert stored.passage.offsets.tolist() == [[5, 8], [9, 14]]
    again = records.pack_passage(stored.passage, stored.text)
    assert records.unpack_passage(3, again).passage.offsets.tolist() == [[5, 8], [9, 14]]


def test_a_passage_takes_a_fifth_of_its_numbers():
    ends = np.arange(5, 605, 5, dtype=np.int32)
    offsets = np.stack((ends - 4, ends), axis=1)
    passage = Passage("a#0", "a", 0, 600, np.full(120, 30000, np.int32), offsets, "", None, None)
    assert len(records.pack_passage(passage, "the raven")) < 120 * 12 / 5


@pytest.mark.parametrize("cut", [4, 5, 30, -1])
def test_a_passage_cut_short_is_damage(cut: int):
    passage = Passage(
        "a#0", "a", 0, 9, np.array([7], np.int32), np.array([[0, 9]], np.int32), "", None, None
    )
    with pytest.raises(IndexStoreError, match="indexer verify"):
        records.unpack_passage(0, records.pack_passage(passage, "the raven")[:cut])


@given(st.binary())
def test_a_sealed_payload_opens_again(payload):
    assert records.unseal(records.seal(payload), "record") == payload


@given(st.binary(max_size=64), st.data())
def test_any_changed_bit_is_noticed(payload, data):
    sealed = bytearray(records.seal(payload))
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(IndexStoreError, match=r"passage 7.*indexer verify"):
        records.unseal(sealed, "passage 7")


def test_a_record_cut_short_is_noticed():
    with pytest.raises(IndexStoreError, match="damaged"):
        records.unseal(b"\x00\x00", "manifest")


@given(st.lists(st.integers(0, 2**63), min_size=2, max_size=2))
def test_keys_sort_in_lmdb_as_numbers_do(pair):
    low, high = sorted(pair)
    assert records.key_bytes(low) <= records.key_bytes(high)
    assert records.key_number(records.key_bytes(high)) == high
