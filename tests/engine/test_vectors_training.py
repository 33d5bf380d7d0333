"""Vector layers come closer to the base encoder's vectors, and nothing else moves."""

import math
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from engine.encoder.convert import with_vector_layers
from engine.encoder.packing import Packing
from engine.encoder.split import PASSAGE_TYPE, QUESTION_TYPE, SplitEncoder, with_special
from engine.errors import SourceError
from engine.reader import Reader
from engine.squad import SquadParagraph
from engine.tokenization import Tokenizer
from engine.training.examples import ExampleSet, cut_examples
from engine.training.vectors import (
    Prefixes,
    VectorObjective,
    VectorRecipe,
    VectorTargets,
    base_vectors,
    length_groups,
    mean_vectors,
    train_vectors,
    vector_loss,
    vector_targets,
)

RECIPE = VectorRecipe(epochs=20, batch_size=2, learning_rate=1e-3)


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
        for ids, cls, kind in (
            ([e.question.tolist() for e in examples.examples], tokenizer.cls, QUESTION_TYPE),
            ([w.ids.tolist() for w in examples.windows], None, PASSAGE_TYPE),
        ):
            packed, packing = with_special(ids, cls=cls, sep=tokenizer.sep)
            found.append(encoder.pool(encoder.encode_alone(packed, packing, kind), packing))
    return float((torch.cat(found) * torch.cat([targets.questions, targets.windows])).sum(1).mean())


def test_training_lowers_the_loss_and_moves_the_vectors_to_the_base(
    encoder: SplitEncoder, tokenizer: Tokenizer, examples: ExampleSet, targets: VectorTargets
) -> None:
    losses: list[float] = []
    before = cosines(encoder, tokenizer, examples, targets)
    train_vectors(
        encoder, tokenizer, examples, targets, RECIPE,
        on_progress=lambda step, steps, loss: losses.append(loss),
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
    recipe = replace(RECIPE, epochs=epochs, batch_size=1, warm_up=warm_up)
    train_vectors(
        encoder, tokenizer, examples, targets, recipe,
        on_progress=lambda step, steps_in_all, _: steps.append((step, steps_in_all)),
    )  # fmt: skip
    n = round(3 * epochs)
    assert steps == [(step, n) for step in range(1, n + 1)]


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
        ids = tokenizer.encode(f"town: {text}").ids.tolist()
        packed, packing = with_special([ids], cls=tokenizer.cls, sep=tokenizer.sep)
        with torch.no_grad():
            last = base.encode_joint(base.encode_alone(packed, packing, 0), packing)[-1]
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


def test_length_groups_hold_everything_once_from_short_to_long_under_the_limit() -> None:
    rng = random.Random(0)
    lengths = [rng.randint(1, 40) for _ in range(100)]
    groups = length_groups(lengths, tokens=50)
    flat = [i for group in groups for i in group]
    assert sorted(flat) == list(range(100))
    assert [lengths[i] for i in flat] == sorted(lengths)
    assert all(sum(lengths[i] for i in group) <= 50 for group in groups)
    assert length_groups([99, 3], tokens=50) == [[1], [0]], "one alone may be longer"
    assert length_groups([], tokens=50) == []


def test_each_window_is_asked_the_questions_that_it_answers(
    examples: ExampleSet, targets: VectorTargets
) -> None:
    assert targets.gold == [e.gold for e in examples.examples]
    assert targets.asked_of == {0: [0, 1], 1: [2, 3], 2: [4, 5]}


def test_vector_loss_by_hand() -> None:
    east, north = [1.0, 0.0], [0.0, 1.0]
    # Question 0 is answered by window 1, though the base encoder has it at window 0.
    targets = VectorTargets(torch.tensor([east]), torch.tensor([east, north]), [1])
    objective = VectorObjective(temperature=1.0, hard=0.5, align=3.0)
    loss = vector_loss(torch.tensor([north]), torch.tensor([north]), [0], [1], targets, objective)
    # Against windows (east, north) the question's vector has softmax (1, e) / (1 + e), the base
    # encoder's (e, 1) / (1 + e), of which half goes to window 1. The window has one question.
    e = math.e
    wanted = (0.5 * e / (1 + e), 0.5 / (1 + e) + 0.5)
    cross_entropy = wanted[0] * math.log(1 + e) + wanted[1] * (math.log(1 + e) - 1)
    assert loss.item() == pytest.approx(cross_entropy + 3.0 * 1 + 0 + 3.0 * 0, abs=1e-5)


def test_a_window_without_questions_follows_the_base_encoder_alone() -> None:
    east, north = [1.0, 0.0], [0.0, 1.0]
    targets = VectorTargets(torch.tensor([east, north]), torch.tensor([east, north]), [0, 0])
    objective = VectorObjective(temperature=1.0, hard=1.0, align=0.0)
    alone = vector_loss(torch.tensor([east]), torch.tensor([north]), [0], [1], targets, objective)
    e = math.e
    question = math.log(1 + e) - 1
    window = (math.log(1 + e) + e * (math.log(1 + e) - 1)) / (1 + e)
    assert alone.item() == pytest.approx(question + window, abs=1e-5)
