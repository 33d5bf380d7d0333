"""Shapes and losses as they are named, and what becomes of them in a run."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from trainings import train_spans, with_losses

from engine.datasets.squad import SquadParagraph
from engine.errors import CheckpointError
from engine.reading.reader import Reader
from engine.text.tokenization import Tokenizer
from engine.training.distillation import (
    Shape,
    parse_losses,
    parse_numbers,
    parse_shape,
    split_recipe,
    student_of,
)
from engine.training.examples import cut_examples
from engine.training.loop import Pace
from engine.training.recipe import Losses


def test_layers_are_named_by_ranges_and_lists() -> None:
    assert parse_numbers("1-4") == (1, 2, 3, 4)
    assert parse_numbers("5,8,12") == (5, 8, 12)
    assert parse_numbers("1-2,7") == (1, 2, 7)
    for wrong in ("", "a", "1-", "-3", "6-1", "1;2"):
        with pytest.raises(CheckpointError, match="1-6 or 7,10,12"):
            parse_numbers(wrong)


def test_a_kept_layer_is_matched_to_what_the_next_one_would_have_seen() -> None:
    # Layer 8 reads the output of 7, layer 12 that of 11; the last one gives that of 12.
    assert Shape((1, 2, 3, 4), (5, 8, 12)).matches(12) == (7, 11, 12)


def test_a_shape_without_a_colon_is_refused() -> None:
    with pytest.raises(CheckpointError, match=r"like 1-6:7,10,12, not '1-6'"):
        parse_shape("1-6")


LAYERS = st.lists(st.integers(1, 30), min_size=2, max_size=16, unique=True).map(sorted)


@given(LAYERS, st.data())
def test_a_shape_s_name_is_read_back_as_the_shape(layers: list[int], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(layers) - 1))
    shape = Shape(tuple(layers[:cut]), tuple(layers[cut:]))
    assert parse_shape(str(shape)) == shape


@pytest.mark.parametrize("text", ["3-4:1,2", "1-6:6,12", "1,1:3", "1-6:12,7"])
def test_layers_out_of_the_teacher_s_order_are_refused(text: str) -> None:
    with pytest.raises(CheckpointError, match="in the teacher's order, none twice"):
        parse_shape(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("none", Losses(0.5, 0, 0, 0)),
        ("kd", Losses(0.5, 1, 0, 0)),
        ("lrs", Losses(0.5, 0, 3, 0)),
        ("both", Losses(0.5, 1, 3, 0)),
        ("both+cut", Losses(0.5, 1, 3, 1)),
        ("ce:1.1+kd:.5+lrs:0.7", Losses(1.1, 0.5, 0.7, 0)),
        ("ce:0+kd", Losses(0, 1, 0, 0)),
    ],
)
def test_losses_are_terms_with_their_weights(text: str, wanted: Losses) -> None:
    assert parse_losses(text) == wanted


@pytest.mark.parametrize("text", ["", "kl", "kd+", "kd:x", "kd:-1", "kd:inf", "kd:nan"])
def test_other_losses_are_refused(text: str) -> None:
    with pytest.raises(CheckpointError, match=r"not '|, not"):
        parse_losses(text)


def recipe_of(shape: Shape, losses: Losses, teacher: Reader, epochs: float = 1.0):
    return split_recipe(
        shape, losses, teacher, epochs=epochs, batch_size=4, share=2, learning_rate=2e-3, seed=3
    )


def test_a_student_has_the_named_layers_and_its_teacher_s_heads(
    make_reader: Callable[..., Reader],
) -> None:
    teacher = make_reader(lower=(), upper=(1, 2, 3, 4))
    student = student_of(teacher, Shape((1, 2), (4,)))
    assert (student.encoder.config.lower, student.encoder.config.upper) == ((1, 2), (4,))
    assert torch.equal(student.span.weight, teacher.span.weight)
    wanted = teacher.encoder.upper[3].feed_forward.inner.weight
    assert torch.equal(student.encoder.upper[0].feed_forward.inner.weight, wanted)
    assert all(parameter.requires_grad for parameter in student.parameters())
    with pytest.raises(CheckpointError, match="layer 5 asked for"):
        student_of(teacher, Shape((1, 2), (5,)))


def test_a_recipe_matches_passages_to_what_the_layer_above_the_cut_saw(
    make_reader: Callable[..., Reader],
) -> None:
    teacher = make_reader(lower=(), upper=(1, 2, 3, 4))
    recipe = recipe_of(Shape((1,), (3, 4)), parse_losses("both+cut"), teacher)
    # Layer 3 saw the output of 2, which is number 1 from 0; 3 and 4 give those of 3 and 4.
    assert (recipe.losses.cut, recipe.losses.matches) == (1, (2, 3))
    weights = {"hard": 0.5, "soft": 1.0, "states": 3.0, "passages": 1.0}
    assert recipe.losses.of_terms() == weights


def test_matching_passages_needs_an_undecomposed_teacher(
    make_reader: Callable[..., Reader],
) -> None:
    with pytest.raises(CheckpointError, match="'cut' needs an undecomposed teacher"):
        recipe_of(Shape((1, 2), (3, 4)), Losses(passages=1.0), make_reader())


def test_passages_at_the_cut_come_closer_to_the_teacher_s(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, paragraphs: list[SquadParagraph]
) -> None:
    teacher, shape = make_reader(lower=(), upper=(1, 2, 3, 4)), Shape((1, 2), (3, 4))
    student = student_of(teacher, shape)
    upper = [parameter.clone() for parameter in student.encoder.upper.parameters()]
    recipe = recipe_of(shape, Losses(hard=0.0, passages=1.0), teacher, epochs=30.0)
    losses: list[float] = []
    train_spans(
        student,
        cut_examples(paragraphs, tokenizer, limit=60),
        tokenizer,
        # Nothing else pulls: relevance and the decay of weights are left out.
        with_losses(replace(recipe, pace=Pace(2e-3, weight_decay=0.0)), relevance=0.0),
        teacher=teacher,
        on_progress=lambda p: losses.append(p.loss),
    )
    assert 0 < losses[-1] < 0.9 * losses[0]
    same = zip(student.encoder.upper.parameters(), upper, strict=True)
    assert all(torch.equal(a, b) for a, b in same), "the cut's loss reaches no layer above it"


@pytest.mark.parametrize(("losses", "asked"), [("none", False), ("kd", True), ("cut", True)])
def test_a_teacher_runs_only_where_a_loss_listens_to_it(
    losses: str,
    asked: bool,
    make_reader: Callable[..., Reader],
    tokenizer: Tokenizer,
    paragraphs: list[SquadParagraph],
) -> None:
    teacher, shape = make_reader(lower=(), upper=(1, 2, 3, 4)), Shape((1, 2), (3, 4))
    ran: list[bool] = []
    teacher.register_forward_pre_hook(lambda *_: ran.append(True))
    train_spans(
        student_of(teacher, shape),
        cut_examples(paragraphs, tokenizer, limit=60),
        tokenizer,
        recipe_of(shape, parse_losses(losses), teacher),
        teacher=teacher,
    )
    assert bool(ran) == asked
