"""A teacher's kept logits are those that it would give again."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from trainings import train_spans

from engine.datasets.squad import SquadParagraph
from engine.errors import CheckpointError
from engine.reading.reader import Reader
from engine.text.tokenization import Tokenizer
from engine.training.batches import Mixture, make_batch
from engine.training.distillation import Shape, parse_losses, split_recipe, student_of
from engine.training.examples import ExampleSet, cut_examples
from engine.training.kept_teacher import KeptTeacher
from engine.training.losses import distillation_loss
from engine.training.negatives import with_negatives

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def examples(tokenizer: Tokenizer, paragraphs: list[SquadParagraph]) -> ExampleSet:
    return with_negatives(cut_examples(paragraphs, tokenizer, limit=60))


def counted(teacher: Reader) -> list[int]:
    """Filled with the number of pairs of each reading."""
    pairs: list[int] = []
    teacher.register_forward_pre_hook(lambda _, arguments: pairs.append(len(arguments[2])))
    return pairs


def test_kept_logits_are_fresh_ones_in_another_batch_too(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, examples: ExampleSet
) -> None:
    teacher, student = make_reader(lower=(), upper=(1, 2, 3, 4)), make_reader()
    kept = KeptTeacher(teacher, examples)
    read = counted(teacher)
    mixture = Mixture(gold_only=1.0, unanswered=0.0)
    for numbers, new in (([0, 1, 2], 3), ([2, 3], 1), ([3, 0, 1], 0)):
        batch = make_batch(numbers, examples, tokenizer, mixture, random.Random(0))
        read.clear()
        with torch.no_grad():
            found = kept.read(batch)
            assert sum(read) == new
            fresh, own = batch.read_by(teacher), batch.read_by(student)
        inside = fresh.start > torch.finfo(torch.float32).min
        for name in ("start", "end"):
            mine, theirs = getattr(found, name), getattr(fresh, name)
            torch.testing.assert_close(mine[inside], theirs[inside], atol=1e-3, rtol=1e-3)
            assert (mine[~inside] < -6e4).all()
        for name in ("null", "relevance"):
            mine, theirs = getattr(found, name), getattr(fresh, name)
            torch.testing.assert_close(mine, theirs, atol=1e-3, rtol=1e-3)
        losses = [distillation_loss(own, taught, batch.targets, 2.0) for taught in (found, fresh)]
        torch.testing.assert_close(*losses, atol=1e-3, rtol=1e-3)


def test_of_what_is_not_kept_nothing_is_learnt(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, examples: ExampleSet, tmp_path: Path
) -> None:
    """The loss of a batch is its kept questions' share; the others get no gradient from it."""
    teacher, student = make_reader(lower=(), upper=(1, 2, 3, 4)), make_reader()
    mixture = Mixture(gold_only=1.0, unanswered=0.0)
    some, every = (
        make_batch(numbers, examples, tokenizer, mixture, random.Random(0))
        for numbers in ([0, 1], [0, 1, 2, 3])
    )
    kept = KeptTeacher(teacher, examples, tmp_path)
    kept.read(some)
    kept.save()
    read = counted(teacher)
    only = KeptTeacher(teacher, examples, tmp_path, kept_only=True)
    losses = []
    for batch in (some, every):
        found = only.read(batch)
        loss = distillation_loss(batch.read_by(student), found, batch.targets, 2.0)
        student.zero_grad()
        loss.backward()
        assert all(p.grad is None or p.grad.isfinite().all() for p in student.parameters())
        losses.append(loss.item() * batch.targets.n_questions)
    assert read == []
    assert found.null.isnan().tolist() == [False, False, True, True]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


@pytest.mark.parametrize(("losses", "again"), [("kd", False), ("kd+lrs", True)])
def test_a_teacher_reads_again_only_where_its_states_are_wanted(
    make_reader: Callable[..., Reader],
    tokenizer: Tokenizer,
    examples: ExampleSet,
    losses: str,
    again: bool,
) -> None:
    teacher, shape = make_reader(lower=(), upper=(1, 2, 3, 4)), Shape((1, 2), (3, 4))
    read = counted(teacher)
    recipe = split_recipe(
        shape, parse_losses(losses), teacher,
        epochs=6, batch_size=2, share=1, learning_rate=1e-3, seed=0,
    )  # fmt: skip
    train_spans(student_of(teacher, shape), examples, tokenizer, recipe, teacher=teacher)
    most = len(examples.examples) + sum(len(e.negatives) for e in examples.examples)
    assert (sum(read) > most) == again


def test_another_run_finds_the_logits_of_its_teacher_in_a_folder(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, examples: ExampleSet, tmp_path: Path
) -> None:
    """It knows questions and windows by their wordpieces, in whatever order its files have them."""
    teacher = make_reader(lower=(), upper=(1, 2, 3, 4))
    mixture = Mixture(gold_only=1.0, unanswered=0.0)
    first = KeptTeacher(teacher, examples, tmp_path)
    batch = make_batch([0, 1, 2], examples, tokenizer, mixture, random.Random(0))
    wanted = first.read(batch)
    first.save()
    turned = ExampleSet(examples.windows, examples.examples[::-1])
    last = len(examples.examples) - 1
    same = make_batch([last, last - 1, last - 2], turned, tokenizer, mixture, random.Random(0))
    read = counted(teacher)
    found = KeptTeacher(teacher, turned, tmp_path).read(same)
    assert read == []
    for name in ("start", "end", "null", "relevance"):
        torch.testing.assert_close(getattr(found, name), getattr(wanted, name))
    with pytest.raises(CheckpointError, match="holds the logits of another teacher"):
        KeptTeacher(make_reader(lower=(), upper=(1, 2, 3, 4), seed=1), examples, tmp_path)
    (tmp_path / "broken.safetensors").write_bytes(b"no")
    with pytest.raises(CheckpointError, match="can't be read"):
        KeptTeacher(teacher, examples, tmp_path)
