"""What reading costs: what is read, in whose turn, and how memory is counted."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.checkpoint import Checkpoint, load_checkpoint
from engine.datasets.squad import SquadParagraph
from engine.errors import ForereadError, SourceError
from engine.evaluation import costs
from engine.evaluation.costs import (
    Load,
    bytes_per_token,
    pair_loads,
    read_load,
    search_loads,
    stored_states,
    timed_in_turn,
    times_faster,
)
from engine.evaluation.memory import Requested, measure_memory, reshaped
from engine.reading.reader import ReaderOutput
from engine.reading.skipping import EveryToken, LastLayer
from engine.reading.spans import best_spans
from engine.text.tokenization import Tokenizer


@pytest.fixture(scope="module")
def cut(make_model: Callable[..., Path]) -> Checkpoint:
    return load_checkpoint(make_model(), dtype=torch.float32)


@pytest.fixture(scope="module")
def loads(cut: Checkpoint, paragraphs: list[SquadParagraph]) -> list[Load]:
    return search_loads(paragraphs, cut.tokenizer, passages=5, limit=40, question_limit=64, most=3)


def test_a_search_s_load_is_one_question_against_so_many_passages(loads: list[Load]) -> None:
    assert len(loads) == 3
    for load in loads:
        assert len(load.questions) == 1
        assert len(load.passages) == 5
        assert load.pairs == [(0, 0), (0, 1), (0, 2), (0, 3), (0, 4)]
        assert max(len(ids) for ids in load.passages) <= 40


def test_pairs_are_questions_with_their_own_paragraph(
    tokenizer: Tokenizer, paragraphs: list[SquadParagraph]
) -> None:
    (load,) = pair_loads(paragraphs, tokenizer, batch=8, limit=500, question_limit=64, most=5)
    wanted = [
        (tokenizer.encode(q.question).ids.tolist(), tokenizer.encode(p.context).ids.tolist())
        for p in paragraphs
        for q in p.questions
    ]
    assert load.pairs == [(i, i) for i in range(8)]
    found = [(load.questions[a].tolist(), load.passages[b].tolist()) for a, b in load.pairs]
    assert all(pair in wanted for pair in found)


def test_a_file_without_questions_has_no_costs(tokenizer: Tokenizer) -> None:
    blank = [SquadParagraph("t", 0, "A lamp.", ())]
    with pytest.raises(SourceError, match="questions and paragraphs"):
        pair_loads(blank, tokenizer, batch=1, limit=40, question_limit=64, most=1)
    with pytest.raises(SourceError, match="questions and paragraphs"):
        search_loads(blank, tokenizer, passages=1, limit=40, question_limit=64, most=1)


def test_reading_stored_states_finds_what_reading_everything_finds(
    cut: Checkpoint, loads: list[Load], monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs: list[ReaderOutput] = []

    def keep(output: ReaderOutput, k: int) -> object:
        outputs.append(output)
        return best_spans(output, k)

    monkeypatch.setattr(costs, "best_spans", keep)
    for stored in (None, stored_states(cut, loads[0])):
        read_load(cut, loads[0], skipping=EveryToken(), stored=stored)
    whole, cached = outputs
    torch.testing.assert_close(cached.start, whole.start, atol=0.05, rtol=0.01)
    torch.testing.assert_close(cached.relevance, whole.relevance, atol=0.05, rtol=0.01)


def test_reading_stored_states_runs_no_lower_layer_over_passages(
    cut: Checkpoint, loads: list[Load]
) -> None:
    stored = stored_states(cut, loads[0])
    tokens: list[int] = []
    hook = cut.reader.encoder.lower[0].register_forward_pre_hook(
        lambda _, given: tokens.append(len(given[0]))
    )
    read_load(cut, loads[0], skipping=EveryToken(), stored=stored)
    hook.remove()
    assert tokens == [len(loads[0].questions[0]) + 2], "the question's, once"


def test_paths_take_turns_at_every_load() -> None:
    order: list[str] = []
    paths = {name: (lambda i, name=name: order.append(f"{name}{i}")) for name in "ab"}
    taken = timed_in_turn(paths, 2, warm_up=1)
    assert order == ["a0", "b0", "a0", "b0", "a1", "b1"]
    assert [len(values) for values in taken.values()] == [2, 2]


def test_times_faster_is_the_median_of_ratios() -> None:
    assert times_faster([10.0, 40.0, 9.0], [1.0, 10.0, 3.0]) == 4.0


def test_bytes_a_token_are_the_codec_s_and_none_without_a_cut(
    cut: Checkpoint, make_model: Callable[..., Path]
) -> None:
    assert bytes_per_token(cut) == 2 * 32
    eight = replace(cut, settings=replace(cut.settings, codec="int8"))
    assert bytes_per_token(eight) == 32 + 4
    assert bytes_per_token(load_checkpoint(make_model(lower=(), upper=(1, 2)))) == 0


def test_what_operations_ask_for_is_summed_by_hand() -> None:
    given = torch.zeros(4, 4)
    with Requested() as requested:
        a = given + 1  # 64 bytes
        a.view(16)[2:].add_(1)  # a view, and in place: none
        _, places = a.max(dim=0)  # 4 floats and 4 int64
        torch.empty(3, dtype=torch.float64)  # 24
    assert requested.bytes == 64 + 16 + 32 + 24
    assert places.shape == (4,)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells peaks")
def test_a_process_of_its_own_tells_what_reading_takes(
    make_model: Callable[..., Path], paragraphs: list[SquadParagraph]
) -> None:
    folder = make_model(lower=(), upper=(1, 2, 3, 4))
    tokenizer = load_checkpoint(folder).tokenizer
    (load,) = search_loads(paragraphs, tokenizer, passages=8, limit=40, question_limit=64, most=1)
    whole = measure_memory(folder, load, cached=False, skipping=EveryToken(), threads=1)
    shape = ((1, 2, 3), (4,))
    cached = measure_memory(
        folder, load, cached=True, skipping=EveryToken(), threads=1, layers=shape
    )
    assert 0 < cached.requested_mib < 0.6 * whole.requested_mib
    assert whole.process_mib > 50
    with pytest.raises(ForereadError, match="failed in its process"):
        measure_memory(folder / "no", load, cached=False, skipping=EveryToken())


def test_a_checkpoint_takes_another_shape_for_its_costs(
    make_model: Callable[..., Path], loads: list[Load]
) -> None:
    whole = load_checkpoint(make_model(lower=(), upper=(1, 2, 3, 4)))
    other = reshaped(whole, (1, 2), (4,))
    assert (other.reader.encoder.config.lower, other.reader.encoder.config.upper) == ((1, 2), (4,))
    assert other.dtype == whole.dtype
    read_load(other, loads[0], skipping=LastLayer(2), stored=stored_states(other, loads[0]))
