"""Batches hold what they were drawn from, and targets point at the answers."""

import random
from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.datasets.squad import SquadParagraph
from engine.encoder.packing import join
from engine.text.tokenization import Tokenizer
from engine.training.batches import Batch, Mixture, make_batch, plan_epoch
from engine.training.examples import Example, ExampleSet, cut_examples

ALWAYS_ALL = Mixture(gold_only=0.0, unanswered=0.0, negatives=2)


@pytest.fixture(scope="module")
def collection(tokenizer: Tokenizer, paragraphs: list[SquadParagraph]) -> ExampleSet:
    """Six questions on three windows, each window a negative of the questions on the others."""
    cut = cut_examples(paragraphs, tokenizer, limit=60)
    examples = [
        replace(e, negatives=tuple(w for w in range(len(cut.windows)) if w != e.gold))
        for e in cut.examples
    ]
    return ExampleSet(cut.windows, examples)


def joint_ids(batch: Batch) -> tuple[list[list[int]], list[int]]:
    """The ids of each pair as they are read, and of all pairs end to end."""
    joint, index = join(batch.questions.packing, batch.windows.packing, batch.pairs)
    ids = torch.cat([batch.questions.ids, batch.windows.ids])[index]
    return [own.tolist() for own in ids.split(joint.lengths.tolist())], ids.tolist()


def wanted_ids(tokenizer: Tokenizer, example: Example, collection: ExampleSet, window: int):
    question = [tokenizer.cls, *example.question.tolist(), tokenizer.sep]
    return [*question, *collection.windows[window].ids.tolist(), tokenizer.sep]


@given(seed=st.integers(0, 10_000))
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_targets_point_at_the_answers_in_the_joint_packing(
    tokenizer: Tokenizer, paragraphs: list[SquadParagraph], collection: ExampleSet, seed: int
) -> None:
    rng = random.Random(seed)
    numbers = rng.sample(range(6), rng.randint(1, 6))
    asked = [collection.examples[number] for number in numbers]
    answers = {q.question: q.answers[0][0] for p in paragraphs for q in p.questions}
    mixture = Mixture(gold_only=0.3, unanswered=0.3, negatives=rng.randint(1, 3))
    batch = make_batch(numbers, collection, tokenizer, mixture, rng)
    pairs, tokens = joint_ids(batch)
    assert batch.targets.group.tolist() == batch.pairs[:, 0].tolist()
    for number, example in enumerate(asked):
        own = [i for i, group in enumerate(batch.targets.group.tolist()) if group == number]
        assert own, "each question is read against something"
        start, end, relevant = (
            int(t[number]) for t in (batch.targets.start, batch.targets.end, batch.targets.relevant)
        )
        right = wanted_ids(tokenizer, example, collection, example.gold)
        if relevant < 0:
            assert (start, end) == (-1, -1)
            assert right not in [pairs[i] for i in own]
            continue
        assert relevant in own
        assert pairs[relevant] == right
        answer = tokenizer.encode(answers[example.text]).ids.tolist()
        assert tokens[start : end + 1] == answer
        before = sum(len(pair) for pair in pairs[:relevant])
        assert before <= start <= end < before + len(right)


def test_a_question_that_its_paragraph_does_not_answer_is_read_against_it_alone(
    tokenizer: Tokenizer, collection: ExampleSet
) -> None:
    asked = replace(collection.examples[0], spans=())
    unanswered = ExampleSet(collection.windows, [asked, *collection.examples[1:]])
    for seed in range(20):
        batch = make_batch([0, 2], unanswered, tokenizer, ALWAYS_ALL, random.Random(seed))
        pairs, _ = joint_ids(batch)
        own = wanted_ids(tokenizer, asked, unanswered, asked.gold)
        assert [p for p, g in zip(pairs, batch.targets.group, strict=True) if g == 0] == [own]
        assert [int(t[0]) for t in (batch.targets.start, batch.targets.relevant)] == [-1, -1]
        assert int(batch.targets.relevant[1]) >= 0


def test_every_pair_is_a_question_with_one_of_its_windows(
    tokenizer: Tokenizer, collection: ExampleSet
) -> None:
    batch = make_batch(range(6), collection, tokenizer, ALWAYS_ALL, random.Random(0))
    assert len(batch.pairs) == 6 * 3
    assert sorted(batch.drawn) == [0, 1, 2], "a window that several questions share is there once"
    pairs, _ = joint_ids(batch)
    wanted = [
        wanted_ids(tokenizer, e, collection, w) for e in collection.examples for w in range(3)
    ]
    assert sorted(pairs) == sorted(wanted)


def windows_read(batch: Batch, number: int) -> int:
    return int((batch.targets.group == number).sum())


def test_gold_only_reads_each_question_with_its_own_window(
    tokenizer: Tokenizer, collection: ExampleSet
) -> None:
    mixture = Mixture(gold_only=1.0, unanswered=0.0, negatives=2)
    batch = make_batch(range(6), collection, tokenizer, mixture, random.Random(0))
    assert [windows_read(batch, n) for n in range(6)] == [1] * 6
    assert batch.targets.relevant.tolist() == list(range(6))


def test_unanswered_reads_each_question_with_negatives_alone(
    tokenizer: Tokenizer, collection: ExampleSet
) -> None:
    mixture = Mixture(gold_only=0.0, unanswered=1.0, negatives=2)
    batch = make_batch(range(6), collection, tokenizer, mixture, random.Random(0))
    assert [windows_read(batch, n) for n in range(6)] == [2] * 6
    for target in (batch.targets.start, batch.targets.end, batch.targets.relevant):
        assert target.tolist() == [-1] * 6


def test_a_question_without_negatives_is_read_with_its_own_window(
    tokenizer: Tokenizer, collection: ExampleSet
) -> None:
    examples = [replace(e, negatives=()) for e in collection.examples]
    alone = ExampleSet(collection.windows, examples)
    mixture = Mixture(gold_only=0.0, unanswered=1.0)
    batch = make_batch(range(6), alone, tokenizer, mixture, random.Random(0))
    assert [windows_read(batch, n) for n in range(6)] == [1] * 6
    assert (batch.targets.relevant >= 0).all()


def test_no_more_negatives_are_read_than_there_are(
    tokenizer: Tokenizer, collection: ExampleSet
) -> None:
    mixture = Mixture(gold_only=0.0, unanswered=0.0, negatives=9)
    batch = make_batch(range(6), collection, tokenizer, mixture, random.Random(0))
    assert [windows_read(batch, n) for n in range(6)] == [3] * 6


def test_mixtures_are_drawn_in_the_shares_they_name(
    tokenizer: Tokenizer, collection: ExampleSet
) -> None:
    mixture = Mixture(gold_only=0.5, unanswered=0.2, negatives=2)
    asked = list(range(6)) * 200
    batch = make_batch(asked, collection, tokenizer, mixture, random.Random(0))
    counts = torch.bincount(batch.targets.group)
    unanswered = batch.targets.relevant < 0
    n = len(asked)
    for drawn, share in (
        (counts == 1, 0.5),
        (unanswered, 0.2),
        ((counts == 3) & ~unanswered, 0.3),
    ):
        # Four standard deviations of a binomial.
        assert abs(int(drawn.sum()) / n - share) < 4 * (share * (1 - share) / n) ** 0.5


def test_one_of_several_answers_is_drawn(tokenizer: Tokenizer, collection: ExampleSet) -> None:
    example = replace(collection.examples[0], spans=((1, 2), (4, 4)))
    mixture = Mixture(gold_only=1.0, unanswered=0.0)
    collection = ExampleSet(collection.windows, [example])
    batch = make_batch([0] * 60, collection, tokenizer, mixture, random.Random(0))
    pieces = torch.stack([batch.targets.start, batch.targets.end], 1)
    joint, _ = join(batch.questions.packing, batch.windows.packing, batch.pairs)
    inside = pieces - joint.starts[:, None] - batch.questions.packing.lengths[:, None]
    assert {tuple(span) for span in inside.tolist()} == {(1, 2), (4, 4)}


@given(size=st.integers(1, 8), share=st.integers(1, 4), seed=st.integers(0, 1000))
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_an_epoch_holds_every_example_once(
    collection: ExampleSet, size: int, share: int, seed: int
) -> None:
    many = ExampleSet(
        collection.windows,
        collection.examples * 5,
    )
    plan = plan_epoch(many, size=size, share=share, rng=random.Random(seed))
    assert sorted(number for batch in plan for number in batch) == list(range(30))
    assert all(1 <= len(batch) < size + share for batch in plan)
    assert sum(len(batch) < size for batch in plan) <= 1
    assert plan_epoch(many, size=size, share=share, rng=random.Random(seed)) == plan


def test_questions_on_one_window_come_together_up_to_the_share(collection: ExampleSet) -> None:
    plan = plan_epoch(collection, size=2, share=2, rng=random.Random(0))
    assert sorted([collection.examples[n].gold for n in batch] for batch in plan) == [
        [0, 0],
        [1, 1],
        [2, 2],
    ]


def test_epochs_are_shuffled_anew(collection: ExampleSet) -> None:
    rng = random.Random(0)
    plans = [plan_epoch(collection, size=1, share=1, rng=rng) for _ in range(2)]
    assert plans[0] != plans[1]
