"""Training learns, goes on where it stopped, and touches only what it should."""

import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from trainings import train_spans, with_losses

from engine.datasets.squad import SquadParagraph, SquadQuestion
from engine.encoder.selection import reselect
from engine.errors import CheckpointError, SourceError, TrainingError
from engine.evaluation.reading import predict, score
from engine.reading.cascade import Cascade
from engine.reading.reader import Reader
from engine.text.tokenization import Tokenizer
from engine.training.batches import Mixture
from engine.training.examples import ExampleSet, cut_examples
from engine.training.loop import Pace, TrainingProgress
from engine.training.negatives import with_negatives
from engine.training.recipe import Recipe
from engine.training.span_task import SpanTask
from engine.training.vectors import Prefixes, vector_targets

pytestmark = pytest.mark.usefixtures("one_thread")

RECIPE = Recipe(
    epochs=3,
    batch_size=2,
    share=2,
    pace=Pace(2e-3),
    mixture=Mixture(gold_only=0.3, unanswered=0.2, negatives=1),
)


@pytest.fixture(scope="module")
def examples(tokenizer: Tokenizer, paragraphs: list[SquadParagraph]) -> ExampleSet:
    return with_negatives(cut_examples(paragraphs, tokenizer, limit=60))


def weights(reader: Reader) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in reader.state_dict().items()}


class StoppedError(Exception):
    pass


def test_a_reader_learns_a_few_questions_by_heart(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, paragraphs: list[SquadParagraph]
) -> None:
    reader = make_reader()
    asked = paragraphs[:2]
    four = cut_examples(asked, tokenizer, limit=60)
    recipe = replace(
        RECIPE, epochs=60, batch_size=4, mixture=Mixture(gold_only=1.0, unanswered=0.0)
    )
    losses: list[float] = []

    def step_loss(p: TrainingProgress) -> None:
        # The running mean is 0.98 of itself and 0.02 of the step's.
        before = means[-1] if means else None
        means.append(p.loss)
        losses.append(p.loss if before is None else (p.loss - 0.98 * before) / 0.02)

    means: list[float] = []
    train_spans(reader, four, tokenizer, recipe, on_progress=step_loss)
    assert len(losses) == 60
    assert losses[-1] < losses[0] / 4
    found = score(list(predict(reader, tokenizer, asked)))
    assert found == {"em": 100.0, "f1": 100.0, "questions": 4.0}


def test_everything_is_trained_but_piece_embeddings(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, examples: ExampleSet
) -> None:
    reader = make_reader()
    before = weights(reader)
    train_spans(reader, examples, tokenizer, RECIPE)
    same = {name for name, value in weights(reader).items() if torch.equal(value, before[name])}
    assert same == {"encoder.embeddings.pieces.weight"}


def test_frozen_layers_and_the_embeddings_stay_as_they_are(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, examples: ExampleSet
) -> None:
    reader = make_reader()
    before = weights(reader)
    train_spans(reader, examples, tokenizer, replace(RECIPE, freeze=2))
    same = {name for name, value in weights(reader).items() if torch.equal(value, before[name])}
    frozen = ("encoder.embeddings.", "encoder.lower.0.", "encoder.lower.1.")
    assert same == {name for name in before if name.startswith(frozen)}
    with pytest.raises(CheckpointError, match="5 layers can't be frozen; the model has 4"):
        train_spans(make_reader(), examples, tokenizer, replace(RECIPE, freeze=5))


def test_a_policy_s_new_heads_begin_alike_so_that_a_run_knows_itself_again(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, examples: ExampleSet
) -> None:
    recipe = replace(RECIPE, cascade=Cascade(1, 2), seed=3)
    begun = []
    for seed in (1, 2):
        reader = make_reader()
        torch.manual_seed(seed)
        SpanTask(reader, examples, tokenizer, recipe).begin()
        begun.append(weights(reader))
    assert "skipping.relevance.weight" in begun[0]
    assert all(torch.equal(value, begun[1][name]) for name, value in begun[0].items())


def test_with_all_layers_frozen_the_heads_learn(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, examples: ExampleSet
) -> None:
    reader = make_reader()
    before = weights(reader)
    train_spans(reader, examples, tokenizer, replace(RECIPE, freeze=4))
    same = {name for name, value in weights(reader).items() if torch.equal(value, before[name])}
    assert same == {name for name in before if name.startswith("encoder.")}


def test_questions_without_an_answer_teach_that_there_is_none(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, paragraphs: list[SquadParagraph]
) -> None:
    first, second = paragraphs[:2]
    strange = replace(second.questions[0], id="strange", answers=())
    asked = [replace(first, questions=(*first.questions, strange)), second]
    recipe = replace(
        RECIPE, epochs=60, batch_size=5, mixture=Mixture(gold_only=1.0, unanswered=0.0)
    )
    reader = make_reader()
    train_spans(reader, cut_examples(asked, tokenizer, limit=60), tokenizer, recipe)
    margins = {p.question.id: p.margin for p in predict(reader, tokenizer, asked)}
    assert {name for name, margin in margins.items() if margin < 0} == {"strange"}


def test_a_run_goes_on_where_its_teacher_runs_in_another_dtype(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, examples: ExampleSet, tmp_path: Path
) -> None:
    """As on a device that multiplies bf16 behind one that doesn't."""
    recipe = with_losses(replace(RECIPE, epochs=1), soft=1.0)
    steps: list[int] = []
    for dtype in (torch.float32, torch.bfloat16):
        teacher = make_reader(lower=(), upper=(1, 2, 3, 4)).to(dtype)
        train_spans(
            make_reader(), examples, tokenizer, recipe, teacher=teacher,
            resume_folder=tmp_path, save_every_seconds=-1.0,
            on_progress=lambda p: steps.append(p.step),
        )  # fmt: skip
    assert steps == [1, 2, 3]


def test_the_same_recipe_gives_the_same_weights_and_another_seed_others(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, examples: ExampleSet
) -> None:
    readers = [make_reader() for _ in range(3)]
    for reader, seed in zip(readers, (0, 0, 1), strict=True):
        train_spans(reader, examples, tokenizer, replace(RECIPE, seed=seed))
    first, second, third = (weights(reader) for reader in readers)
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert not torch.equal(first["span.weight"], third["span.weight"])


def test_a_training_drops_the_same_again_and_learns_otherwise_than_without(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, examples: ExampleSet
) -> None:
    readers = [make_reader() for _ in range(3)]
    for reader, share in zip(readers, (0.2, 0.2, 0.0), strict=True):
        train_spans(reader, examples, tokenizer, replace(RECIPE, dropout=share))
        torch.rand(3)  # what came before doesn't matter
    first, second, third = (weights(reader) for reader in readers)
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert not torch.equal(first["span.weight"], third["span.weight"])


@pytest.mark.parametrize("stop", [1, 5, 8])
@pytest.mark.parametrize(("vector", "share"), [((), 0.0), ((3,), 0.0), ((), 0.2)])
def test_a_run_that_was_stopped_goes_on_to_the_same_weights(
    make_reader: Callable[..., Reader],
    tokenizer: Tokenizer,
    examples: ExampleSet,
    tmp_path: Path,
    stop: int,
    vector: tuple[int, ...],
    share: float,
) -> None:
    recipe = replace(RECIPE, dropout=share)
    whole = make_reader(vector=vector)
    train_spans(whole, examples, tokenizer, recipe)

    def stopping(p: TrainingProgress) -> None:
        if p.step == stop + 1:  # behind the saving of step `stop`
            raise StoppedError

    with pytest.raises(StoppedError):
        train_spans(
            make_reader(vector=vector),
            examples,
            tokenizer,
            recipe,
            resume_folder=tmp_path,
            save_every_seconds=-1.0,
            on_progress=stopping,
        )
    steps: list[int] = []
    resumed = make_reader(vector=vector)
    train_spans(
        resumed,
        examples,
        tokenizer,
        recipe,
        resume_folder=tmp_path,
        on_progress=lambda p: steps.append(p.step),
    )
    assert steps == list(range(stop + 1, 10)), "what was done isn't done again"
    for name, value in weights(whole).items():
        torch.testing.assert_close(weights(resumed)[name], value, rtol=0, atol=1e-7, msg=name)


@pytest.mark.parametrize("other", ["recipe", "questions", "start", "teacher"])
def test_a_state_of_another_run_is_neither_gone_on_with_nor_written_over(
    make_reader: Callable[..., Reader],
    tokenizer: Tokenizer,
    examples: ExampleSet,
    tmp_path: Path,
    other: str,
) -> None:
    saving = {"resume_folder": tmp_path, "save_every_seconds": -1.0}
    train_spans(make_reader(), examples, tokenizer, RECIPE, **saving)
    before = (tmp_path / "state.safetensors").read_bytes()
    moved = make_reader()
    with torch.no_grad():
        moved.span.bias += 1
    turned = replace(examples, examples=examples.examples[::-1])
    with pytest.raises(CheckpointError, match="is of another run, with another start, settings"):
        train_spans(
            moved if other == "start" else make_reader(),
            turned if other == "questions" else examples,
            tokenizer,
            replace(RECIPE, pace=Pace(2e-3, weight_decay=0.02)) if other == "recipe" else RECIPE,
            teacher=moved if other == "teacher" else None,
            **saving,
        )
    assert (tmp_path / "state.safetensors").read_bytes() == before


def test_a_state_that_cannot_be_read_is_named(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, examples: ExampleSet, tmp_path: Path
) -> None:
    (tmp_path / "state.safetensors").write_bytes(b"not a state")
    with pytest.raises(CheckpointError, match="remove it to train from the beginning"):
        train_spans(make_reader(), examples, tokenizer, RECIPE, resume_folder=tmp_path)


def test_a_state_that_does_not_fit_on_the_disk_leaves_the_one_before(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, examples: ExampleSet, tmp_path: Path
) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_the_disk(progress: TrainingProgress) -> None:
        if progress.step == 4:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))

    saving = {"resume_folder": tmp_path, "save_every_seconds": -1.0}
    try:
        with pytest.raises(CheckpointError, match=r"too large.*resumes from the state before"):
            train_spans(
                make_reader(), examples, tokenizer, RECIPE, on_progress=fill_the_disk, **saving
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    steps: list[int] = []
    train_spans(
        make_reader(), examples, tokenizer, RECIPE,
        on_progress=lambda p: steps.append(p.step), **saving,
    )  # fmt: skip
    assert steps[0] == 4


def test_vectors_are_trained_alongside_where_there_is_a_base_to_follow(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, examples: ExampleSet
) -> None:
    base = make_reader(lower=(), upper=(1, 2, 3, 4)).encoder
    targets = vector_targets(base, tokenizer, examples, Prefixes())
    reader = make_reader(vector=(3,))
    recipe = with_losses(replace(RECIPE, epochs=30), hard=0.0, relevance=0.0, vectors=1.0)
    losses: list[float] = []
    before = weights(reader)
    train_spans(
        reader, examples, tokenizer, recipe, base=targets,
        on_progress=lambda p: losses.append(p.loss),
    )  # fmt: skip
    assert losses[-1] < 0.9 * losses[0]
    moved = {
        name for name, value in weights(reader).items() if not torch.equal(value, before[name])
    }
    assert any(name.startswith("encoder.vector.") for name in moved)
    assert any(name.startswith("encoder.lower.") for name in moved), "the layers below learn too"


@pytest.mark.parametrize(
    ("epochs", "wanted"),
    [(1, 3), (0.5, 2), (1.5, 4), (0.34, 1), (0.01, 1)],  # 3 batches an epoch; 1.5 rounds to even
)
def test_parts_of_an_epoch_are_steps(
    make_reader: Callable[..., Reader],
    tokenizer: Tokenizer,
    examples: ExampleSet,
    epochs: float,
    wanted: int,
) -> None:
    seen: list[tuple[int, int]] = []
    evaluated: list[int] = []
    train_spans(
        make_reader(),
        examples,
        tokenizer,
        replace(RECIPE, epochs=epochs),
        on_progress=lambda p: seen.append((p.step, p.steps)),
        evaluate=lambda _, step: evaluated.append(step),
        evaluate_every=2,
    )
    assert seen == [(step, wanted) for step in range(1, wanted + 1)]
    assert evaluated == sorted({*range(2, wanted + 1, 2), wanted})


def test_no_questions_or_no_epochs_are_an_error_that_says_so(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, examples: ExampleSet
) -> None:
    none = ExampleSet(examples.windows, [])
    for given, recipe in ((none, RECIPE), (examples, replace(RECIPE, epochs=0))):
        with pytest.raises(SourceError, match="no step at all"):
            train_spans(make_reader(), given, tokenizer, recipe)


def test_a_run_that_only_warms_up_is_no_error(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, examples: ExampleSet
) -> None:
    train_spans(
        make_reader(), examples, tokenizer, replace(RECIPE, epochs=1, pace=Pace(2e-3, warm_up=1.0))
    )


def test_a_student_comes_closer_to_its_teacher(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, examples: ExampleSet
) -> None:
    teacher = make_reader(lower=(), upper=(1, 2, 3, 4))
    student = Reader(reselect(teacher.encoder, lower=(1, 2), upper=(3, 4)))
    before = weights(teacher)
    recipe = with_losses(
        replace(RECIPE, epochs=40), hard=0.0, relevance=0.0, soft=1.0, states=1.0, matches=(2, 3)
    )
    losses: list[float] = []
    train_spans(
        student,
        examples,
        tokenizer,
        recipe,
        teacher=teacher,
        on_progress=lambda p: losses.append(p.loss),
    )
    assert losses[-1] < 0.8 * losses[0]
    assert all(torch.equal(value, before[name]) for name, value in weights(teacher).items())


def test_a_student_as_its_teacher_is_has_nothing_to_learn_but_the_answers(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, examples: ExampleSet
) -> None:
    losses: dict[str, float] = {}

    def first_loss(name: str) -> Callable[[TrainingProgress], None]:
        def keep(p: TrainingProgress) -> None:
            losses.setdefault(name, p.loss)

        return keep

    train_spans(make_reader(), examples, tokenizer, RECIPE, on_progress=first_loss("alone"))
    taught = with_losses(RECIPE, soft=5.0, states=5.0, matches=(0, 1))
    train_spans(
        make_reader(),
        examples,
        tokenizer,
        taught,
        teacher=make_reader(),
        on_progress=first_loss("taught"),
    )
    assert losses["taught"] == pytest.approx(losses["alone"], abs=1e-4)


def test_a_loss_that_is_not_a_number_stops_the_run_with_its_step(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, examples: ExampleSet
) -> None:
    reader = make_reader()
    with torch.no_grad():
        reader.span.bias.fill_(torch.nan)
    with pytest.raises(TrainingError, match="at step 0; lower the learning rate"):
        train_spans(reader, examples, tokenizer, RECIPE)


def test_a_paragraph_of_nothing_is_answered_with_nothing(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, paragraphs: list[SquadParagraph]
) -> None:
    asked = (SquadQuestion("q", "Who?", ()), SquadQuestion("r", " ", ()))
    blank = SquadParagraph("t", 0, " \n", asked)
    found = list(predict(make_reader(), tokenizer, [paragraphs[0], blank]))
    assert [p.question.id for p in found] == ["Lighthouse-0", "Lighthouse-1", "q", "r"]
    assert [p.text for p in found[2:]] == ["", ""]
    assert found[2].margin == -torch.inf
    assert all(p.text and p.text in paragraphs[0].context for p in found[:2])


def test_a_paragraph_beyond_the_positions_is_read_as_far_as_they_go(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer
) -> None:
    context = " ".join(["lamp"] * 500)
    asked = (SquadQuestion("q", "Who " * 300, ()),)
    (found,) = predict(make_reader(), tokenizer, [SquadParagraph("t", 0, context, asked)])
    assert found.text
