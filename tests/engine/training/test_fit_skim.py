"""How far to skim is measured on passages that answer and passages that don't."""

from collections.abc import Callable

import pytest
import torch

from engine.datasets.squad import SquadParagraph, SquadQuestion
from engine.reading.block_skim import BlockSkim
from engine.reading.read import ReadingOptions
from engine.reading.reader import Reader
from engine.reading.skipping import EveryToken, LastLayer
from engine.text.tokenization import Tokenizer
from engine.training.skimming import LAST_LAYERS, choices_of, fit_skim

LONG = " ".join(f"Anna lit lamp {number} on the iron bridge." for number in range(12))


@pytest.fixture
def long_paragraphs() -> list[SquadParagraph]:
    return [
        SquadParagraph(
            f"{number}", "", f"{number} {LONG}", (SquadQuestion("q", "Who lit it?", ()),)
        )
        for number in range(6)
    ]


def with_last_layer_scaled(reader: Reader, by: float) -> Reader:
    """Its last layer gives each state `by` times what it was; -1 turns likeliest to unlikeliest."""
    last = reader.encoder.upper[-1]
    with torch.no_grad():
        for parameter in last.parameters():
            parameter.zero_()
        last.attention_norm.weight.fill_(1.0)
        last.feed_forward_norm.weight.fill_(by)
    return reader


def test_a_last_layer_that_changes_nothing_may_be_skimmed_most(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, long_paragraphs: list[SquadParagraph]
) -> None:
    reader = with_last_layer_scaled(make_reader().eval(), 1.0)
    assert fit_skim(reader, tokenizer, long_paragraphs, ReadingOptions(120)) == LAST_LAYERS[0]
    assert LAST_LAYERS[0] == LastLayer(8)


def test_a_last_layer_that_turns_everything_round_may_not_be_skimmed(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, long_paragraphs: list[SquadParagraph]
) -> None:
    reader = with_last_layer_scaled(make_reader().eval(), -1.0)
    assert fit_skim(reader, tokenizer, long_paragraphs, ReadingOptions(120)) == EveryToken()


def test_without_questions_nothing_is_skimmed(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer
) -> None:
    assert fit_skim(make_reader().eval(), tokenizer, [], ReadingOptions(120)) == EveryToken()
    silent = SquadParagraph("Lamps", 0, "Anna lit the lamp.", ())
    assert fit_skim(make_reader().eval(), tokenizer, [silent], ReadingOptions(120)) == EveryToken()


def test_a_threshold_is_fitted_for_heads_that_look_at_blocks(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, long_paragraphs: list[SquadParagraph]
) -> None:
    """Heads that find every block likely may drop what falls below the highest threshold."""
    policy = BlockSkim(0.0, (1,))
    reader = make_reader(lower=(), upper=(1, 2, 3)).eval()
    reader.add_skipping(policy)
    choices = choices_of(reader, policy)
    assert [choice.threshold for choice in choices[:2]] == [0.5, 0.3]
    reader.skipping["1"].forward = lambda seen: torch.full((len(seen),), 9.0)
    fitted = fit_skim(reader, tokenizer, long_paragraphs, ReadingOptions(120), choices)
    assert fitted == BlockSkim(0.5, (1,))
    assert choices_of(reader) == ()
    assert choices_of(make_reader()) == LAST_LAYERS
