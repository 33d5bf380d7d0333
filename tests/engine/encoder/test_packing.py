"""Packed sequences: padding and back, and joining pairs, lose and mix up nothing."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.encoder.packing import Packing, join
from engine.encoder.states import States, join_states, passage_texts, question_texts
from engine.text.tokenization import Tokenizer

LENGTHS = st.lists(st.integers(1, 7), min_size=1, max_size=6)


@given(lengths=LENGTHS)
@settings(deadline=None, derandomize=True)
def test_padding_puts_each_token_in_its_place_and_unpadding_brings_it_back(
    lengths: list[int],
) -> None:
    packing = Packing(lengths)
    packed = torch.arange(1.0, 2 * sum(lengths) + 1).view(-1, 2)
    padded = packing.pad(packed)
    assert padded.shape == (len(lengths), max(lengths), 2)
    for row, own in enumerate(packed.split(lengths)):
        assert torch.equal(padded[row, : len(own)], own)
        assert not padded[row, len(own) :].any()
    assert torch.equal(packing.unpad(padded), packed)


def test_sequence_position_and_starts_of_a_packing_by_hand() -> None:
    packing = Packing([2, 1, 3])
    assert packing.sequence.tolist() == [0, 0, 1, 2, 2, 2]
    assert packing.position.tolist() == [0, 1, 0, 0, 1, 2]
    assert packing.starts.tolist() == [0, 2, 3]
    assert (packing.total, packing.longest, len(packing)) == (6, 3, 3)


def test_only_keys_beyond_a_sequence_are_biased() -> None:
    assert Packing([2, 2]).key_bias(torch.float32) is None
    bias = Packing([1, 3]).key_bias(torch.float32)
    assert bias is not None
    assert bias.shape == (2, 1, 1, 3)
    low = torch.finfo(torch.float32).min
    assert bias[:, 0, 0].tolist() == [[0, low, low], [0, 0, 0]]


@pytest.mark.parametrize("lengths", [[], [2, 0], [-1]])
def test_lengths_must_be_positive(lengths: list[int]) -> None:
    with pytest.raises(ValueError, match="lengths must be positive"):
        Packing(lengths)


@given(data=st.data(), first=LENGTHS, second=LENGTHS)
@settings(deadline=None, derandomize=True)
def test_joining_lays_the_first_of_each_pair_before_the_second(
    data: st.DataObject, first: list[int], second: list[int]
) -> None:
    pair = st.tuples(st.integers(0, len(first) - 1), st.integers(0, len(second) - 1))
    pairs = data.draw(st.lists(pair, min_size=1, max_size=6))
    left = [[f"a{i}.{j}" for j in range(n)] for i, n in enumerate(first)]
    right = [[f"b{i}.{j}" for j in range(n)] for i, n in enumerate(second)]
    tokens = [token for sequence in (*left, *right) for token in sequence]
    joint, index = join(Packing(first), Packing(second), torch.tensor(pairs))
    wanted = [left[a] + right[b] for a, b in pairs]
    assert joint.lengths.tolist() == [len(sequence) for sequence in wanted]
    assert [tokens[i] for i in index.tolist()] == [t for sequence in wanted for t in sequence]


def test_joined_states_are_those_of_question_then_passage() -> None:
    questions = torch.tensor([[1.0], [2.0], [3.0]])
    passages = torch.tensor([[10.0], [20.0], [30.0], [40.0]])
    joint = join_states(
        States(questions, Packing([2, 1])),
        States(passages, Packing([1, 3])),
        torch.tensor([[1, 1], [0, 0]]),
    )
    assert joint.hidden[:, 0].tolist() == [3, 20, 30, 40, 1, 2, 10]
    assert joint.packing.lengths.tolist() == [4, 3]


def test_states_of_several_texts_come_back_one_by_one() -> None:
    each = [torch.ones(2, 3), torch.zeros(1, 3)]
    together = States.of(each)
    assert together.packing.lengths.tolist() == [2, 1]
    for text, again in zip(each, together.one_by_one(), strict=True):
        assert torch.equal(text, again)


def test_special_pieces_frame_each_text_and_tell_its_type(tokenizer: Tokenizer) -> None:
    cls, sep = tokenizer.cls, tokenizer.sep
    pieces = [np.array([5, 6], np.int32), np.array([], np.int32)]
    asked = question_texts(pieces, tokenizer)
    assert asked.ids.tolist() == [cls, 5, 6, sep, cls, sep]
    assert (asked.packing.lengths.tolist(), asked.type_id) == ([4, 2], 0)
    read = passage_texts(pieces, tokenizer)
    assert read.ids.tolist() == [5, 6, sep, sep]
    assert (read.packing.lengths.tolist(), read.type_id) == ([3, 1], 1)


def test_tokens_of_a_pair_lie_elsewhere_where_only_one_is_the_questions() -> None:
    assert Packing([2, 3]).elsewhere() is None, "a text alone is one segment"
    joint, _ = join(Packing([1, 2]), Packing([2, 1]), torch.tensor([[0, 0], [1, 1]]))
    found = joint.elsewhere()
    assert found is not None
    assert found[:, 0].int().tolist() == [
        [[0, 1, 1], [1, 0, 0], [1, 0, 0]],
        [[0, 0, 1], [0, 0, 1], [1, 1, 0]],
    ]
