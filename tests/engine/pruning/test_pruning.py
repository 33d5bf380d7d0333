"""Pruned layers: what is kept, what it does, and what takes over from what went."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from engine.datasets.squad import SquadParagraph
from engine.encoder.config import BIASED, DISTANCE, LEARNED, LayerShape
from engine.encoder.states import passage_texts, question_texts
from engine.errors import CheckpointError
from engine.pruning.choice import most_important, within_time
from engine.pruning.fast import FastPruning, layers_of, prune_fast
from engine.pruning.gates import LayerGates, gated
from engine.pruning.importance import LayerImportance, importance
from engine.pruning.latency import LayerTimes, measure_layers
from engine.pruning.refit import output_moments, refit
from engine.pruning.surgery import Kept, prune
from engine.reading.read import READ_WHOLE, every_pair, read_pairs
from engine.reading.reader import Reader
from engine.text.tokenization import Tokenizer
from engine.training.examples import cut_examples

KEPT = [
    Kept(torch.tensor([1, 3]), torch.arange(0, 64, 3)),
    Kept(torch.tensor([0]), torch.arange(10, 30)),
]


def started(reader: Reader, tokenizer: Tokenizer) -> Tensor:
    """The logits of starts for two questions on two passages."""
    questions = [tokenizer.encode(q).ids for q in ("who lit the lamp?", "when?")]
    passages = [tokenizer.encode(p).ids for p in ("Anna Bell lit the lamp", "it opened in 1872")]
    texts = question_texts(questions, tokenizer), passage_texts(passages, tokenizer)
    return read_pairs(reader, *texts, every_pair(2, 2), READ_WHOLE).start


def closed(layers: list, kept: list[Kept]) -> list[LayerGates]:
    gates = []
    for layer, stay in zip(layers, kept, strict=True):
        heads, units = torch.zeros(layer.attention.n_heads), torch.zeros(64)
        heads[stay.heads], units[stay.units] = 1, 1
        gates.append(LayerGates(heads, units))
    return gates


@pytest.fixture(params=[LEARNED, BIASED, DISTANCE])
def reader(request: pytest.FixtureRequest, make_reader: Callable[..., Reader]) -> Reader:
    config = replace(make_reader().encoder.config, position_kind=request.param)
    torch.manual_seed(0)
    made = Reader.shaped(config)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return made.eval()


def test_a_pruned_reader_reads_as_one_whose_gates_are_closed(
    reader: Reader, tokenizer: Tokenizer
) -> None:
    small = prune(reader, "upper", KEPT).eval()
    with (
        torch.no_grad(),
        gated(layers_of(reader, "upper"), closed(layers_of(reader, "upper"), KEPT)),
    ):
        wanted = started(reader, tokenizer)
    assert small.encoder.config.layer_shapes("upper") == [
        LayerShape(2, 8, 22),
        LayerShape(1, 8, 20),
    ]
    torch.testing.assert_close(started(small, tokenizer), wanted)
    assert not torch.allclose(wanted, started(reader, tokenizer))


def test_open_gates_change_nothing_and_are_taken_off(reader: Reader, tokenizer: Tokenizer) -> None:
    before, layers = started(reader, tokenizer), layers_of(reader, "upper")
    with gated(layers, [LayerGates.open(layer) for layer in layers]):
        torch.testing.assert_close(started(reader, tokenizer), before)
    with gated(layers, closed(layers, KEPT)):
        assert not torch.allclose(started(reader, tokenizer), before)
    torch.testing.assert_close(started(reader, tokenizer), before)


def test_importance_is_the_summed_square_of_each_losss_slope(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer
) -> None:
    reader = make_reader()
    layers = layers_of(reader, "upper")

    def loss(factor: float) -> Tensor:
        return factor * started(reader, tokenizer).clamp_min(-100).sum()

    both = importance(layers, [lambda: loss(1.0), lambda: loss(2.0)])
    one = importance(layers, [lambda: loss(1.0)])
    for twice, once in zip(both, one, strict=True):
        torch.testing.assert_close(twice.heads, 5 * once.heads)  # 1² + 2²
        torch.testing.assert_close(twice.units, 5 * once.units)
    step = 1e-2  # the slope by one head's gate, from two values of the loss
    values = []
    for gate in (1 + step, 1 - step):
        gates = [LayerGates.open(layer) for layer in layers]
        gates[0].heads.data[2] = gate
        with torch.no_grad(), gated(layers, gates):
            values.append(float(loss(1.0)))
    slope = (values[0] - values[1]) / (2 * step)
    assert float(one[0].heads[2]) == pytest.approx(slope**2, rel=0.02)


def test_each_layer_keeps_what_matters_most_in_it() -> None:
    measured = [
        LayerImportance(torch.tensor([3.0, 1.0, 2.0]), torch.tensor([1.0, 4.0, 9.0, 2.0])),
        LayerImportance(torch.tensor([10.0, 30.0, 20.0]), torch.tensor([0.4, 0.3, 0.2, 0.1])),
    ]
    kept = most_important(measured, heads=(2,), units=(3,))
    assert [k.heads.tolist() for k in kept] == [[0, 2], [1, 2]]
    assert [k.units.tolist() for k in kept] == [[1, 2, 3], [0, 1, 2]]
    assert most_important(measured, heads=(1,), units=None)[0].units.tolist() == [0, 1, 2, 3]
    with pytest.raises(CheckpointError, match="4 heads asked for, a layer has 3"):
        most_important(measured, heads=(4,), units=(1,))


def test_within_a_time_the_cheapest_importance_goes_first() -> None:
    """Heads cost 1 ms each, 64 units 2 ms.

    All takes 2 · (3 + 4) = 14 ms. For a millisecond, layer 0's least head costs 1, then its next 5;
    layer 1's 2, then 6; units cost 64 · .05 / 2 = 1.6 in layer 0 and 3.2 in layer 1.
    """
    times = LayerTimes({1: 1.0, 2: 2.0, 3: 3.0}, {64: 2.0, 128: 4.0})
    measured = [
        LayerImportance(torch.tensor([9.0, 1.0, 5.0]), torch.arange(128) * 1e-7 + 0.05),
        LayerImportance(torch.tensor([2.0, 6.0, 9.0]), torch.arange(128) * 1e-7 + 0.1),
    ]

    def left(milliseconds: float) -> list[tuple[list[int], int]]:
        kept = within_time(measured, times, milliseconds)
        return [(k.heads.tolist(), len(k.units)) for k in kept]

    assert left(14) == [([0, 1, 2], 128), ([0, 1, 2], 128)]
    assert left(13) == [([0, 2], 128), ([0, 1, 2], 128)]
    assert left(11) == [([0, 2], 64), ([0, 1, 2], 128)]
    assert left(10) == [([0, 2], 64), ([1, 2], 128)]
    assert left(8) == [([0, 2], 64), ([1, 2], 64)]
    with pytest.raises(CheckpointError, match=r"take 6\.0 ms here"):
        left(5.9)


def test_what_is_a_copy_of_what_stays_is_not_missed(reader: Reader, tokenizer: Tokenizer) -> None:
    """Of two heads and two units that put out the same, one can take over for both."""
    layers = layers_of(reader, "upper")
    with torch.no_grad():
        for layer in layers:
            for weight in (layer.feed_forward.inner.weight, layer.feed_forward.inner.bias):
                weight[32:] = weight[:32]
    kept = [Kept(torch.arange(4), torch.arange(32))] * 2
    small = prune(reader, "upper", kept)
    assert not torch.allclose(started(small, tokenizer), started(reader, tokenizer), atol=1e-2)
    moments = output_moments(layers, [lambda: started(reader, tokenizer)])
    refit(layers_of(small, "upper"), layers, kept, moments)
    torch.testing.assert_close(
        started(small, tokenizer), started(reader, tokenizer), atol=0.05, rtol=0.01
    )


def test_pruning_without_training_is_the_same_each_time(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, paragraphs: list[SquadParagraph]
) -> None:
    examples = cut_examples(paragraphs, tokenizer, limit=60)

    def pruned(selection: str) -> Reader:
        how = FastPruning(
            "upper", lambda m: most_important(m, heads=(2,), units=(16,)), selection, 4
        )
        return prune_fast(make_reader(), tokenizer, examples, how)

    for selection in ("fisher", "gain", "l0", "random"):
        first, again = pruned(selection), pruned(selection)
        assert first.encoder.config.layer_shapes("upper") == [LayerShape(2, 8, 16)] * 2
        assert first.encoder.config.layer_shapes("lower") == [LayerShape(4, 8, 64)] * 2
        torch.testing.assert_close(started(first, tokenizer), started(again, tokenizer))


def test_every_shape_that_could_be_kept_is_timed(make_reader: Callable[..., Reader]) -> None:
    config = make_reader().encoder.config
    times = measure_layers(
        config,
        LayerShape(4, 8, 80),
        lengths=[5, 9],
        step=32,
        dtype=torch.float32,
        device=torch.device("cpu"),
    )
    assert sorted(times.attention) == [1, 2, 3, 4]
    assert sorted(times.feed_forward) == [16, 48, 80]
    assert all(ms > 0 for ms in (*times.attention.values(), *times.feed_forward.values()))
