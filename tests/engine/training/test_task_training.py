"""Yes/no and multiple choice are learnt as entries that compete, resumably, spans kept or not."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from trainings import train_judging, with_losses

from engine.datasets.questions import BooleanQuestion, ChoiceQuestion
from engine.datasets.squad import SquadParagraph
from engine.encoder.selection import reselect
from engine.errors import CheckpointError, SourceError
from engine.evaluation.reading import predict, score
from engine.evaluation.tasks import accuracy, judge_boolean, judge_choice
from engine.reading.read import ReadingOptions, read_pairs
from engine.reading.reader import Reader
from engine.text.tokenization import Tokenizer
from engine.training import judging_task
from engine.training.batches import Mixture
from engine.training.entry_losses import entries_distillation, entries_loss, segment_logsumexp
from engine.training.examples import cut_examples
from engine.training.loop import Pace
from engine.training.negatives import with_other_windows
from engine.training.recipe import Recipe
from engine.training.task_batches import TaskBatch, make_task_batch
from engine.training.task_examples import CHOICE_LIMIT, TaskSet, cut_boolean, cut_choice

pytestmark = pytest.mark.usefixtures("one_thread")

LAMP = "The lamp of the lighthouse was lit in 1851."
BRIDGE = "The iron bridge was opened by Anna Bell."
BOOLEAN = [
    BooleanQuestion("Was the lamp lit in 1851?", "", LAMP, True),
    BooleanQuestion("Was the lamp lit in 1903?", "", LAMP, False),
    BooleanQuestion("Was the bridge opened by Anna Bell?", "", BRIDGE, True),
    BooleanQuestion("Was the bridge opened by Dora Reed?", "", BRIDGE, False),
]
CHOICE = [
    ChoiceQuestion("When was the lamp lit?", LAMP, ("1903", "1851", "1872"), 1),
    ChoiceQuestion("The iron _ was opened.", BRIDGE, ("lamp", "mill", "bridge"), 2),
]
RECIPE = Recipe(
    epochs=3,
    batch_size=2,
    share=2,
    pace=Pace(2e-3),
    mixture=Mixture(gold_only=0.5, unanswered=0.2, negatives=1),
)
OWN = Mixture(gold_only=1.0, unanswered=0.0)


@pytest.fixture(scope="module")
def boolean(tokenizer: Tokenizer) -> TaskSet:
    return with_other_windows(cut_boolean(BOOLEAN, tokenizer, limit=60))


@pytest.fixture(scope="module")
def choice(tokenizer: Tokenizer) -> TaskSet:
    return cut_choice(CHOICE, tokenizer, limit=60)


def weights(reader: Reader) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in reader.state_dict().items()}


def changed(reader: Reader, before: dict[str, torch.Tensor]) -> set[str]:
    """The parts of which something moved: the head of the name, or of an encoder's part."""
    moved = (n for n, v in reader.state_dict().items() if not torch.equal(v, before.get(n, v + 1)))
    return {".".join(n.split(".")[: 2 if n.startswith(("encoder", "more")) else 1]) for n in moved}


def batch_of(tasks: TaskSet, tokenizer: Tokenizer, mixture: Mixture, seed: int = 0) -> TaskBatch:
    numbers = range(len(tasks.examples))
    return make_task_batch(numbers, tasks, tokenizer, mixture, random.Random(seed))


def test_a_passage_is_cut_once_for_all_its_questions(boolean: TaskSet) -> None:
    assert [window.text for window in boolean.windows] == [LAMP, BRIDGE]
    assert [e.golds for e in boolean.examples] == [(0,), (0,), (1,), (1,)]
    assert [e.answer for e in boolean.examples] == [1, 0, 1, 0]


def test_a_long_passage_gives_all_its_windows_to_its_question(tokenizer: Tokenizer) -> None:
    pieces = len(tokenizer.encode(LAMP))
    (example,) = cut_boolean(BOOLEAN[:1], tokenizer, limit=pieces - 2).examples
    assert example.golds == (0, 1)


def test_of_a_long_yes_no_question_the_beginning_is_kept(tokenizer: Tokenizer) -> None:
    (whole,) = cut_boolean(BOOLEAN[:1], tokenizer, limit=60).examples
    (cut,) = cut_boolean(BOOLEAN[:1], tokenizer, limit=60, question_limit=3).examples
    assert len(whole.asked[0]) > 3
    assert cut.asked[0].tolist() == whole.asked[0][:3].tolist()


def test_what_holds_no_word_is_left_out(tokenizer: Tokenizer) -> None:
    empty = [replace(BOOLEAN[0], passage=" "), replace(BOOLEAN[0], question="")]
    assert cut_boolean(empty, tokenizer, limit=60).examples == []
    blank = replace(CHOICE[0], question="", options=("", "1851"))
    assert cut_choice([blank], tokenizer, limit=60).examples == []


def test_of_a_long_choice_the_end_is_kept_where_the_option_stands(tokenizer: Tokenizer) -> None:
    question = replace(CHOICE[0], question="the lamp " * CHOICE_LIMIT)
    asked = cut_choice([question], tokenizer, limit=60).examples[0].asked
    assert {len(ids) for ids in asked} == {CHOICE_LIMIT}
    ends = [tokenizer.encode(option).ids.tolist() for option in question.options]
    assert [ids.tolist()[-len(end) :] for ids, end in zip(asked, ends, strict=True)] == ends


def test_negatives_are_windows_of_other_passages(boolean: TaskSet) -> None:
    assert [e.negatives for e in boolean.examples] == [(1,), (1,), (0,), (0,)]


def test_entries_of_yes_no_are_no_and_yes_of_each_window_and_neither(
    tokenizer: Tokenizer, boolean: TaskSet
) -> None:
    batch = batch_of(boolean, tokenizer, OWN)
    # A window each: no and yes of the four, then neither of the four.
    assert batch.group.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 0, 1, 2, 3]
    right = [False, True, True, False, False, True, True, False]
    assert batch.right.tolist() == [*right, False, False, False, False]
    unanswered = batch_of(boolean, tokenizer, Mixture(gold_only=0.0, unanswered=1.0))
    assert unanswered.right.tolist() == [False] * 8 + [True] * 4
    both = batch_of(boolean, tokenizer, Mixture(gold_only=0.0, unanswered=0.0))
    assert len(both.pairs) == 8
    assert both.right.sum() == 4, "windows of other passages are never right"


def test_entries_of_a_choice_are_its_options(tokenizer: Tokenizer, choice: TaskSet) -> None:
    batch = batch_of(choice, tokenizer, RECIPE.mixture)
    assert batch.group.tolist() == [0, 0, 0, 1, 1, 1]
    assert batch.right.tolist() == [False, True, False, False, False, True]
    assert batch.pairs.tolist() == [[0, 0], [1, 0], [2, 0], [3, 1], [4, 1], [5, 1]]


def test_every_example_of_a_batch_has_a_right_entry(tokenizer: Tokenizer, boolean: TaskSet) -> None:
    for seed in range(20):
        batch = batch_of(boolean, tokenizer, RECIPE.mixture, seed)
        assert set(batch.group[batch.right].tolist()) == {0, 1, 2, 3}


def test_logits_stand_in_the_order_of_their_entries(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, boolean: TaskSet
) -> None:
    reader = make_reader()
    reader.add_head("boolean")
    batch = batch_of(boolean, tokenizer, OWN)
    with torch.no_grad():
        output = read_pairs(
            reader, batch.questions, batch.windows, batch.pairs, ReadingOptions(dtype=torch.float32)
        )
    assert output.boolean is not None
    entries = batch.entries(output)
    assert entries[:8].tolist() == output.boolean.flatten().tolist()
    assert entries[8:].tolist() == [0.0] * 4
    with pytest.raises(ValueError, match="no head for choices"):
        replace(batch, head="choice").entries(output)


def test_the_loss_is_what_right_entries_lack_of_all_together() -> None:
    # 1 + 3 of 8 are right for the first; 2 of 4 for the second.
    logits = torch.tensor([1.0, 4.0, 3.0, 2.0, 2.0]).log()
    group = torch.tensor([0, 0, 0, 1, 1])
    right = torch.tensor([True, False, True, True, False])
    loss = entries_loss(logits, group, right)
    assert float(loss) == pytest.approx((math.log(2) + math.log(2)) / 2)
    assert float(entries_loss(logits, group, torch.ones(5).bool())) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("scale", [1.0, 50.0, 1e4])
def test_logsumexp_of_segments_is_that_of_each(scale: float) -> None:
    torch.manual_seed(0)
    logits = (scale * torch.randn(9)).requires_grad_()
    segments = torch.tensor([2, 0, 0, 2, 1, 2, 0, 1, 1])
    found = segment_logsumexp(logits, segments, 3)
    wanted = torch.stack([logits[segments == s].logsumexp(0) for s in range(3)])
    torch.testing.assert_close(found, wanted)
    found.sum().backward()
    assert torch.isfinite(logits.grad).all()


def test_distillation_is_kl_between_softened_entries() -> None:
    student = torch.tensor([0.3, -0.2, 1.0, 0.5])
    teacher = torch.tensor([2.0, 1.0, -1.0, 0.0])
    group = torch.tensor([0, 1, 0, 1])
    kl = 0.0
    for number in (0, 1):
        t, s = ((v[group == number] / 2).log_softmax(0) for v in (teacher, student))
        kl += float((t.exp() * (t - s)).sum()) / 2
    assert float(entries_distillation(student, teacher, group, 2.0)) == pytest.approx(4 * kl)
    assert float(entries_distillation(teacher, teacher, group, 2.0)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("lower", [(), (1, 2)], ids=["undecomposed", "cut"])
def test_a_reader_learns_yes_and_no_by_heart(
    make_reader: Callable[..., Reader],
    tokenizer: Tokenizer,
    boolean: TaskSet,
    lower: tuple[int, ...],
) -> None:
    reader = make_reader(lower=lower, upper=tuple(range(len(lower) + 1, 5)))
    recipe = replace(RECIPE, epochs=150, batch_size=4, pace=Pace(1e-3))
    train_judging(reader, boolean, tokenizer, recipe)
    judged = list(judge_boolean(reader, tokenizer, BOOLEAN))
    assert accuracy(judged) == {"accuracy": 100.0, "majority": 50.0, "questions": 4}
    elsewhere = [replace(q, passage=BRIDGE if q.passage == LAMP else LAMP) for q in BOOLEAN]
    for here, there in zip(judged, judge_boolean(reader, tokenizer, elsewhere), strict=True):
        assert sum(there.probabilities) < sum(here.probabilities), "another passage tells less"


def test_a_reader_learns_to_choose_by_heart(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, choice: TaskSet
) -> None:
    reader = make_reader()
    train_judging(reader, choice, tokenizer, replace(RECIPE, epochs=60))
    judged = list(judge_choice(reader, tokenizer, CHOICE))
    assert accuracy(judged)["accuracy"] == 100
    assert all(sum(j.probabilities) == pytest.approx(1) for j in judged)


@pytest.mark.parametrize("kind", ["boolean", "choice"])
def test_a_batch_read_in_parts_tells_what_it_does_as_a_whole(
    make_reader: Callable[..., Reader],
    tokenizer: Tokenizer,
    kind: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tasks: TaskSet = request.getfixturevalue(kind)
    recipe = replace(RECIPE, epochs=1, batch_size=4)
    losses, batches = {}, []

    def count(numbers: Sequence[int], *args: Any) -> TaskBatch:
        batches.append(list(numbers))
        return make_task_batch(numbers, *args)

    monkeypatch.setattr(judging_task, "make_task_batch", count)
    for at_once in (1, 100):
        monkeypatch.setattr(judging_task, "PAIRS_AT_ONCE", at_once)
        train_judging(
            make_reader(), tasks, tokenizer, recipe,
            on_progress=lambda p, at_once=at_once: losses.setdefault(at_once, p.loss),
        )  # fmt: skip
    *parts, whole = batches
    assert parts == [[number] for number in whole], "one question at a time"
    assert losses[1] == pytest.approx(losses[100], rel=1e-3)


def test_spans_vectors_and_pieces_stay_as_they_were_without_spans_alongside(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, boolean: TaskSet
) -> None:
    reader = make_reader(vector=(3,))
    reader.add_head("choice")
    before = weights(reader)
    train_judging(reader, boolean, tokenizer, RECIPE)
    wanted = {"more.boolean", "encoder.lower", "encoder.upper", "encoder.embeddings"}
    assert changed(reader, before) == wanted
    pieces = "encoder.embeddings.pieces.weight"
    assert torch.equal(reader.state_dict()[pieces], before[pieces])


def test_spans_alongside_are_learnt_too(
    make_reader: Callable[..., Reader],
    tokenizer: Tokenizer,
    boolean: TaskSet,
    paragraphs: list[SquadParagraph],
) -> None:
    asked = paragraphs[:2]
    examples = cut_examples(asked, tokenizer, limit=60)
    reader = make_reader()
    recipe = replace(RECIPE, epochs=80, batch_size=4, mixture=OWN)
    train_judging(reader, boolean, tokenizer, recipe, spans=examples)
    assert accuracy(list(judge_boolean(reader, tokenizer, BOOLEAN)))["accuracy"] == 100
    assert score(list(predict(reader, tokenizer, asked)))["f1"] == 100


def test_a_cut_reader_comes_closer_to_an_undecomposed_teacher(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, boolean: TaskSet
) -> None:
    teacher = make_reader(lower=(), upper=(1, 2, 3, 4))
    teacher.add_head("boolean")
    student = teacher.with_encoder(reselect(teacher.encoder, lower=(1, 2), upper=(3, 4)))
    before = weights(teacher)
    recipe = with_losses(replace(RECIPE, epochs=40), hard=0.0, soft=1.0, states=1.0, matches=(2, 3))
    losses: list[float] = []
    train_judging(
        student, boolean, tokenizer, recipe, teacher=teacher,
        on_progress=lambda p: losses.append(p.loss),
    )  # fmt: skip
    assert losses[-1] < 0.8 * losses[0]
    assert all(torch.equal(value, before[name]) for name, value in weights(teacher).items())


@pytest.mark.parametrize("spans", [False, True], ids=["alone", "beside spans"])
def test_a_run_that_was_stopped_goes_on_to_the_same_weights(
    make_reader: Callable[..., Reader],
    tokenizer: Tokenizer,
    boolean: TaskSet,
    paragraphs: list[SquadParagraph],
    tmp_path: Path,
    spans: bool,
) -> None:
    examples = cut_examples(paragraphs, tokenizer, limit=60)
    beside = examples if spans else None
    whole = make_reader()
    train_judging(whole, boolean, tokenizer, RECIPE, spans=beside)

    class StoppedError(Exception):
        pass

    def stop(p: object) -> None:
        if getattr(p, "step", 0) == 4:  # behind the saving of step 3
            raise StoppedError

    saving = {"resume_folder": tmp_path, "spans": beside}
    with pytest.raises(StoppedError):
        train_judging(
            make_reader(), boolean, tokenizer, RECIPE, on_progress=stop,
            save_every_seconds=-1.0, **saving,
        )  # fmt: skip
    steps: list[int] = []
    resumed = make_reader()
    train_judging(
        resumed, boolean, tokenizer, RECIPE, on_progress=lambda p: steps.append(p.step), **saving
    )
    assert steps == [4, 5, 6]
    for name, value in weights(whole).items():
        torch.testing.assert_close(weights(resumed)[name], value, rtol=0, atol=1e-7, msg=name)
    other = replace(boolean, examples=boolean.examples[::-1])
    with pytest.raises(CheckpointError, match="is of another run"):
        train_judging(make_reader(), other, tokenizer, RECIPE, **saving)


def test_no_questions_or_no_epochs_are_an_error_that_says_so(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, boolean: TaskSet
) -> None:
    none = replace(boolean, examples=[])
    for given, recipe in ((none, RECIPE), (boolean, replace(RECIPE, epochs=0))):
        with pytest.raises(SourceError, match="no step at all"):
            train_judging(make_reader(), given, tokenizer, recipe)
