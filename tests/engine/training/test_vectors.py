"""Vector layers come closer to the base encoder's vectors, and nothing else moves."""

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.commands import bars
from engine.commands.train.progress import base_targets
from engine.datasets.squad import SquadParagraph
from engine.encoder.packing import Packing
from engine.encoder.selection import with_vector_layers
from engine.encoder.split import SplitEncoder
from engine.encoder.states import passage_texts, question_texts
from engine.errors import SourceError
from engine.reading.reader import Reader
from engine.text.tokenization import Tokenizer
from engine.training.examples import ExampleSet, cut_examples
from engine.training.loop import Pace, TrainingProgress
from engine.training.vectors import (
    Prefixes,
    VectorObjective,
    VectorRecipe,
    VectorTargets,
    base_vectors,
    mean_vectors,
    train_vectors,
    vector_loss,
    vector_targets,
)

pytestmark = pytest.mark.usefixtures("one_thread")

RECIPE = VectorRecipe(epochs=20, batch_size=2, pace=Pace(1e-3))


@pytest.fixture(scope="module")
def examples(tokenizer: Tokenizer, paragraphs: list[SquadParagraph]) -> ExampleSet:
    return cut_examples(paragraphs, tokenizer, limit=60)


@pytest.fixture
def base(make_reader: Callable[..., Reader]) -> SplitEncoder:
    return make_reader(lower=(), upper=(1, 2, 3, 4)).encoder


@pytest.fixture
def encoder(make_reader: Callable[..., Reader], base: SplitEncoder) -> SplitEncoder:
    return with_vector_layers(make_reader(upper=(4,)).encoder, base, (3, 4))


@pytest.fixture
def targets(base: SplitEncoder, tokenizer: Tokenizer, examples: ExampleSet) -> VectorTargets:
    return vector_targets(base, tokenizer, examples, Prefixes())


def cosines(
    encoder: SplitEncoder, tokenizer: Tokenizer, examples: ExampleSet, targets: VectorTargets
) -> float:
    """Mean cosine of the encoder's own vectors to the targets."""
    found = []
    with torch.no_grad():
        for texts in (
            question_texts([e.question for e in examples.examples], tokenizer),
            passage_texts([w.ids for w in examples.windows], tokenizer),
        ):
            found.append(encoder.pool(encoder.encode_alone(texts)))
    return float((torch.cat(found) * torch.cat([targets.questions, targets.windows])).sum(1).mean())


def test_encoding_with_the_base_tells_how_far_it_is(
    base: SplitEncoder, tokenizer: Tokenizer, examples: ExampleSet
) -> None:
    told: list[tuple[int, int]] = []
    vector_targets(
        base, tokenizer, examples, Prefixes(), on_progress=lambda *so_far: told.append(so_far)
    )
    asked, read = examples.examples, examples.windows
    characters = sum(len(one.text) for one in (*asked, *read))
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert {total for _, total in told} == {characters}
    assert told[-1] == (characters, characters)


def test_a_bar_shows_how_far_the_base_is_until_its_vectors_are_kept(
    base: SplitEncoder,
    tokenizer: Tokenizer,
    examples: ExampleSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[float] = []

    @contextmanager
    def progress_bar(_description: str, total: int) -> Iterator[Callable[[int, str], None]]:
        yield lambda done, _note: shown.append(done / total)

    monkeypatch.setattr(bars, "progress_bar", progress_bar)
    made = base_targets(base, tokenizer, examples, tmp_path)
    assert shown[-1] == 1
    shown.clear()
    kept = base_targets(base, tokenizer, examples, tmp_path)
    assert not shown
    assert torch.equal(kept.windows, made.windows)


def test_training_lowers_the_loss_and_moves_the_vectors_to_the_base(
    encoder: SplitEncoder, tokenizer: Tokenizer, examples: ExampleSet, targets: VectorTargets
) -> None:
    losses: list[float] = []
    before = cosines(encoder, tokenizer, examples, targets)
    train_vectors(
        encoder, tokenizer, examples, targets, RECIPE,
        on_progress=lambda p: losses.append(p.loss),
    )  # fmt: skip
    assert len(losses) == 30  # 20 times 3 windows, two at a time
    assert sum(losses[-3:]) < 0.8 * sum(losses[:3])
    assert cosines(encoder, tokenizer, examples, targets) > before + 0.1


def test_only_vector_layers_change(
    encoder: SplitEncoder, tokenizer: Tokenizer, examples: ExampleSet, targets: VectorTargets
) -> None:
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    train_vectors(encoder, tokenizer, examples, targets, RECIPE)
    for name, value in encoder.state_dict().items():
        assert torch.equal(value, before[name]) != name.startswith("vector."), name
    assert all(p.grad is None for n, p in encoder.named_parameters() if n[:6] != "vector")


@pytest.mark.parametrize("epochs", [1.0, 0.4, 1.5, 3.0, 6.0])
@pytest.mark.parametrize("warm_up", [0.1, 0.5, 1.0])
def test_a_run_of_any_number_of_steps_ends(
    encoder: SplitEncoder,
    tokenizer: Tokenizer,
    examples: ExampleSet,
    targets: VectorTargets,
    epochs: float,
    warm_up: float,
) -> None:
    steps: list[tuple[int, int]] = []
    recipe = replace(RECIPE, epochs=epochs, batch_size=1, pace=Pace(1e-3, warm_up=warm_up))
    train_vectors(
        encoder, tokenizer, examples, targets, recipe,
        on_progress=lambda p: steps.append((p.step, p.steps)),
    )  # fmt: skip
    n = round(3 * epochs)
    assert steps == [(step, n) for step in range(1, n + 1)]


def test_a_run_that_was_stopped_goes_on_to_the_same_vectors(
    encoder: SplitEncoder,
    tokenizer: Tokenizer,
    examples: ExampleSet,
    targets: VectorTargets,
    tmp_path: Path,
) -> None:
    resumed = copy.deepcopy(encoder)
    stopped = copy.deepcopy(encoder)
    train_vectors(encoder, tokenizer, examples, targets, RECIPE)

    class StoppedError(Exception):
        pass

    def stop(p: TrainingProgress) -> None:
        if p.step == 12:  # behind the saving of step 11
            raise StoppedError

    with pytest.raises(StoppedError):
        train_vectors(
            stopped, tokenizer, examples, targets, RECIPE,
            resume_folder=tmp_path, save_every_seconds=-1.0, on_progress=stop,
        )  # fmt: skip
    steps: list[int] = []
    train_vectors(
        resumed, tokenizer, examples, targets, RECIPE,
        resume_folder=tmp_path, on_progress=lambda p: steps.append(p.step),
    )  # fmt: skip
    assert steps[0] == 12
    for name, value in encoder.vector.state_dict().items():
        torch.testing.assert_close(resumed.vector.state_dict()[name], value, rtol=0, atol=1e-5)


def test_no_questions_or_no_epochs_are_an_error_that_says_so(
    encoder: SplitEncoder, tokenizer: Tokenizer, examples: ExampleSet, targets: VectorTargets
) -> None:
    none = ExampleSet(examples.windows, [])
    for given, recipe in ((none, RECIPE), (examples, replace(RECIPE, epochs=0.0))):
        with pytest.raises(SourceError, match="no step at all"):
            train_vectors(encoder, tokenizer, given, targets, recipe)


def test_base_vectors_are_the_mean_of_the_last_layer_of_each_text_alone(
    base: SplitEncoder, tokenizer: Tokenizer
) -> None:
    texts = ["Who lit the lamp?", "the iron bridge", "Anna"]
    found = base_vectors(base, tokenizer, texts, "town: ")
    for text, vector in zip(texts, found, strict=True):
        asked = question_texts([tokenizer.encode(f"town: {text}").ids], tokenizer)
        with torch.no_grad():
            last = base.encode_joint(base.encode_alone(asked))[-1]
        wanted = last.mean(0) / last.mean(0).norm()
        torch.testing.assert_close(vector, wanted, atol=0.03, rtol=0)  # bf16 against fp32
        assert vector.norm().item() == pytest.approx(1.0, abs=1e-5)


def test_a_text_beyond_the_positions_has_a_vector(base: SplitEncoder, tokenizer: Tokenizer) -> None:
    found = base_vectors(base, tokenizer, ["lamp " * 1000], "")
    assert torch.isfinite(found).all()


def test_mean_vectors_by_hand() -> None:
    states = torch.tensor([[3.0, 0.0], [3.0, 8.0], [0.0, -2.0]])
    found = mean_vectors(states, Packing([2, 1]))
    torch.testing.assert_close(found, torch.tensor([[0.6, 0.8], [0.0, -1.0]]))


def test_targets_are_the_base_encoders_vectors_with_its_prefixes(
    base: SplitEncoder, tokenizer: Tokenizer, examples: ExampleSet, targets: VectorTargets
) -> None:
    texts = [e.text for e in examples.examples], [w.text for w in examples.windows]
    torch.testing.assert_close(
        targets.questions, base_vectors(base, tokenizer, texts[0], "query: ")
    )
    torch.testing.assert_close(
        targets.windows, base_vectors(base, tokenizer, texts[1], "passage: ")
    )


def test_vector_loss_by_hand() -> None:
    east, north = [1.0, 0.0], [0.0, 1.0]
    targets = VectorTargets(torch.tensor([north, east]), torch.tensor([east, north]))
    objective = VectorObjective(temperature=1.0, align=3.0)
    loss = vector_loss(torch.tensor([north]), torch.tensor([north]), [1], [1], targets, objective)
    # Against windows (east, north) question 1 has softmax (1, e) / (1 + e) where the base encoder
    # has (e, 1) / (1 + e), and a right angle to its vector. Window 1 is where it should be: what
    # is left is the entropy of (e, 1) / (1 + e) against questions (north, east).
    e = math.e
    high, low = e / (1 + e), 1 / (1 + e)
    question = -(high * math.log(low) + low * math.log(high))
    window = -(high * math.log(high) + low * math.log(low))
    assert loss.item() == pytest.approx(question + 3.0 * 1 + window + 3.0 * 0, abs=1e-5)


def test_each_pass_takes_every_question_and_window_once(
    encoder: SplitEncoder,
    tokenizer: Tokenizer,
    examples: ExampleSet,
    targets: VectorTargets,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    read: list[int] = []

    def noting(*arguments: Any) -> torch.Tensor:
        asked.extend(arguments[2])
        read.extend(arguments[3])
        return vector_loss(*arguments)

    monkeypatch.setattr("engine.training.vectors.vector_loss", noting)
    train_vectors(encoder, tokenizer, examples, targets, replace(RECIPE, epochs=2.0))
    assert sorted(asked[:6]) == sorted(asked[6:]) == list(range(6))
    assert sorted(read[:3]) == sorted(read[3:]) == list(range(3))
