"""Skimming: the last layer runs for the likeliest starts and ends alone."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from engine.encoder.config import BIASED, DISTANCE
from engine.encoder.packing import Packing
from engine.encoder.states import States, join_states
from engine.reading.reader import Reader, ReaderOutput
from engine.reading.skipping import last_layer

QUESTIONS, PASSAGES = Packing([3, 4]), Packing([9, 1, 5])
PAIRS = torch.tensor([[0, 1], [1, 0], [0, 2], [1, 2]])
LOWEST = torch.finfo(torch.float32).min


@pytest.fixture(params=["bert", "mpnet", "xlnet"])
def reader(request: pytest.FixtureRequest, make_reader: Callable[..., Reader]) -> Reader:
    made = make_reader(upper=(3, 4, 5))
    if request.param != "bert":
        kind = {"mpnet": BIASED, "xlnet": DISTANCE}[request.param]
        config = replace(made.encoder.config, family=request.param, position_kind=kind)
        torch.manual_seed(1)
        made = Reader.shaped(config)
        for parameter in made.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.2)
    return made.eval()


def states() -> tuple[States, States]:
    """Of two questions and three passages."""
    torch.manual_seed(2)
    questions, passages = torch.randn(QUESTIONS.total, 32), torch.randn(PASSAGES.total, 32)
    return States(questions, QUESTIONS), States(passages, PASSAGES)


@torch.no_grad()
def output(reader: Reader, skim: int) -> ReaderOutput:
    found: ReaderOutput = reader(*states(), PAIRS, last_layer(skim))
    return found


@torch.no_grad()
def early_logits(reader: Reader) -> list[torch.Tensor]:
    """The span head on the layer before the last, for each pair's tokens: (its tokens, 2)."""
    joint = join_states(*states(), PAIRS)
    before = reader.encoder.encode_joint(joint)[-2]
    return list(reader.span(before).split(joint.packing.lengths.tolist()))


def test_where_every_token_is_likely_enough_nothing_changes(reader: Reader) -> None:
    whole, skimmed = output(reader, 0), output(reader, 50)
    for name in ("start", "end", "null", "relevance"):
        torch.testing.assert_close(getattr(skimmed, name), getattr(whole, name))
    assert len(whole.layers) == 3
    assert skimmed.layers == []


@pytest.mark.parametrize("n", [1, 2, 3])
def test_only_the_likeliest_starts_and_ends_of_each_passage_are_read_to_the_end(
    reader: Reader, n: int
) -> None:
    whole, skimmed = output(reader, 0), output(reader, n)
    lengths = whole.packing.lengths.tolist()
    early = early_logits(reader)
    for row, (first, length) in enumerate(zip(whole.passage_start.tolist(), lengths, strict=True)):
        inside = range(first, length - 1)
        kept = {
            place
            for column in (0, 1)
            for place in sorted(inside, key=lambda i: -float(early[row][i, column]))[:n]
        }
        for full, skim in ((whole.start, skimmed.start), (whole.end, skimmed.end)):
            of_full, of_skim = full.split(lengths)[row], skim.split(lengths)[row]
            for place in range(length):
                if place in kept:
                    torch.testing.assert_close(of_skim[place], of_full[place])
                elif place in inside:
                    assert of_skim[place] == -torch.inf
                else:
                    assert of_skim[place] == of_full[place] == LOWEST


def test_null_and_relevance_are_exact_however_much_is_skimmed_over(reader: Reader) -> None:
    whole, skimmed = output(reader, 0), output(reader, 1)
    torch.testing.assert_close(skimmed.null, whole.null)
    torch.testing.assert_close(skimmed.relevance, whole.relevance)
