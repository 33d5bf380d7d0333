"""The heads of Block-Skim learn which blocks hold the answer."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from trainings import train_spans

from engine.datasets.squad import SquadParagraph
from engine.encoder.packing import Packing
from engine.errors import CheckpointError
from engine.reading.block_skim import blocks_of
from engine.reading.reader import Reader
from engine.text.tokenization import Tokenizer
from engine.training.batches import Mixture
from engine.training.block_loss import BlockTeaching, block_loss, holding
from engine.training.examples import cut_examples
from engine.training.loop import Pace
from engine.training.losses import Targets
from engine.training.recipe import Losses, Recipe

# Pairs of 4 + 70 and 2 + 32 tokens, in blocks of 32, 32, 6 and 32; the second begins at token 74.
BLOCKS = blocks_of(Packing([74, 34]), torch.tensor([4, 2]))


def targets(start: list[int], end: list[int]) -> Targets:
    numbers = torch.tensor(start), torch.tensor(end)
    return Targets(torch.tensor([0, 1]), *numbers, relevant=torch.tensor([0, -1]))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ([4, -1], [4, -1], [1, 0, 0, 0]),  # one token is enough
        ([35, -1], [36, -1], [1, 1, 0, 0]),  # on both sides of a bound
        ([4, 76], [70, 107], [1, 1, 1, 1]),
        ([-1, -1], [-1, -1], [0, 0, 0, 0]),
    ],
)
def test_a_block_holds_an_answer_if_a_token_of_it_lies_there(
    start: list[int], end: list[int], expected: list[int]
) -> None:
    assert holding(BLOCKS, targets(start, end)).tolist() == expected


def test_the_loss_is_the_weighted_cross_entropy_of_all_heads() -> None:
    """At logits of 0 each block costs log 2, one that holds the answer twenty times that."""
    looks = [(BLOCKS, torch.zeros(4))] * 2
    loss = block_loss(looks, targets([4, -1], [4, -1]), BlockTeaching((1, 2)))
    assert float(loss) == pytest.approx(0.1 * 2 * (20 + 3) * math.log(2) / 4)


@pytest.mark.usefixtures("one_thread")
def test_heads_are_trained_and_nothing_is_dropped_meanwhile(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, paragraphs: list[SquadParagraph]
) -> None:
    examples = cut_examples(paragraphs, tokenizer, limit=60)
    recipe = Recipe(
        epochs=1,
        batch_size=2,
        share=1,
        pace=Pace(1e-3),
        mixture=Mixture(gold_only=1.0, unanswered=0.0),
        losses=Losses(),
        blocks=BlockTeaching((1, 2)),
    )
    reader = make_reader(lower=(), upper=(1, 2, 3))
    train_spans(reader, examples, tokenizer, recipe)
    assert sorted(reader.skipping) == ["1", "2"]
    untrained = make_reader(lower=(), upper=(1, 2, 3))
    untrained.add_skipping(BlockTeaching((1, 2)).policy(0.0))
    moved = [
        not torch.equal(mine, theirs)
        for mine, theirs in zip(
            reader.skipping.parameters(), untrained.skipping.parameters(), strict=True
        )
    ]
    assert all(moved)
    # Without weight, the heads take nothing from what else is learned.
    plain, beside = (make_reader(lower=(), upper=(1, 2, 3)) for _ in range(2))
    train_spans(plain, examples, tokenizer, replace(recipe, blocks=None))
    idle = replace(recipe, blocks=BlockTeaching((1, 2), weight=0.0))
    train_spans(beside, examples, tokenizer, idle)
    for name, weight in plain.state_dict().items():
        # A bias of keys changes no softmax: what it is given is rounding alone.
        if not name.endswith("qkv.bias"):
            torch.testing.assert_close(beside.state_dict()[name], weight, atol=1e-4, rtol=1e-3)


def test_a_head_after_the_last_layer_is_refused(
    make_reader: Callable[..., Reader],
) -> None:
    with pytest.raises(CheckpointError, match="after upper layer 3 save nothing"):
        make_reader(lower=(), upper=(1, 2, 3)).add_skipping(BlockTeaching((3,)).policy(0.0))
