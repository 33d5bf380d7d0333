"""Block-Skim: which blocks there are, what the heads see, and what is read on."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from engine.encoder.config import BIASED, LEARNED
from engine.encoder.packing import Packing
from engine.encoder.states import passage_texts, question_texts
from engine.reading.block_skim import BLOCK, BlockSkim, blocks_of, diagonal, likeliest
from engine.reading.read import READ_WHOLE, every_pair, read_pairs
from engine.reading.reader import Reader, ReaderOutput
from engine.text.tokenization import Tokenizer

SKIM = BlockSkim(threshold=0.5, after=(1,))
LOWEST = torch.finfo(torch.float32).min


def test_blocks_begin_with_the_passage() -> None:
    """Pairs of 4 + 70 and 2 + 32 tokens: blocks of 32, 32 and 6, and one of 32."""
    blocks = blocks_of(Packing([74, 34]), torch.tensor([4, 2]))
    assert blocks.pair.tolist() == [0, 0, 0, 1]
    assert blocks.place.tolist() == [4, 36, 68, 2]
    assert blocks.length.tolist() == [32, 32, 6, 32]
    of_token = [-1] * 4 + [0] * 32 + [1] * 32 + [2] * 6 + [-1] * 2 + [3] * 32
    assert blocks.of_token.tolist() == of_token


def test_blocks_keep_their_bounds_when_others_are_gone() -> None:
    packing = Packing([74, 34])
    before = blocks_of(packing, torch.tensor([4, 2]))
    thinned = packing.keep(before.of_token != 1)
    assert thinned.sizes == [42, 34]
    after = blocks_of(thinned, torch.tensor([4, 2]))
    assert after.place.tolist() == [4, 36, 2]
    assert after.length.tolist() == [32, 6, 32]


def test_a_head_sees_attention_within_its_block_alone() -> None:
    packing = Packing([3 + 40, 1 + 32])
    attention = torch.rand(2, 4, 43, 43)
    cut = diagonal(attention, blocks_of(packing, torch.tensor([3, 1])))
    assert cut.shape == (3, 4, BLOCK, BLOCK)
    torch.testing.assert_close(cut[0], attention[0, :, 3:35, 3:35])
    torch.testing.assert_close(cut[1, :, :8, :8], attention[0, :, 35:43, 35:43])
    assert cut[1, :, 8:].abs().sum() == cut[1, :, :, 8:].abs().sum() == 0
    torch.testing.assert_close(cut[2], attention[1, :, 1:33, 1:33])


def test_the_likeliest_block_of_each_pair_is_found() -> None:
    blocks = blocks_of(Packing([74, 34]), torch.tensor([4, 2]))
    assert likeliest(torch.tensor([1.0, 3.0, 2.0, -5.0]), blocks, 2).tolist() == [3.0, -5.0]


@pytest.fixture(params=[LEARNED, BIASED])
def reader(request: pytest.FixtureRequest, make_reader: Callable[..., Reader]) -> Reader:
    config = make_reader(lower=(), upper=(1, 2, 3)).encoder.config
    torch.manual_seed(0)
    made = Reader.shaped(replace(config, position_kind=request.param))
    made.add_skipping(SKIM)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return made.eval()


def read(
    reader: Reader, tokenizer: Tokenizer, passages: list[str], skim: BlockSkim
) -> ReaderOutput:
    questions = question_texts([tokenizer.encode("who lit the lamp?").ids], tokenizer)
    texts = passage_texts([tokenizer.encode(p).ids for p in passages], tokenizer)
    options = replace(READ_WHOLE, skipping=skim)
    return read_pairs(reader, questions, texts, every_pair(1, len(passages)), options)


def judged(reader: Reader, logits: list[float]) -> None:
    """Have the head give these logits, whatever it sees."""
    reader.skipping["1"].forward = lambda seen: torch.tensor(logits)  # type: ignore[method-assign]


LONG = " ".join(["the old iron bridge by the mill was long"] * 9)  # 81 words, a piece each
SHORT = "Anna Bell lit the lamp"


def whole(reader: Reader, tokenizer: Tokenizer, passages: list[str]) -> ReaderOutput:
    return read(reader, tokenizer, passages, replace(SKIM, threshold=0.0))


def test_at_a_threshold_of_nought_everything_is_read(reader: Reader, tokenizer: Tokenizer) -> None:
    judged(reader, [-9.0] * 4)
    found = whole(reader, tokenizer, [LONG, SHORT])
    plain = read_pairs(
        reader,
        question_texts([tokenizer.encode("who lit the lamp?").ids], tokenizer),
        passage_texts([tokenizer.encode(p).ids for p in (LONG, SHORT)], tokenizer),
        every_pair(1, 2),
        READ_WHOLE,
    )
    for name in ("start", "end", "null", "relevance"):
        torch.testing.assert_close(getattr(found, name), getattr(plain, name))


def test_a_dropped_block_has_no_spans_and_is_not_attended_to(
    reader: Reader, tokenizer: Tokenizer
) -> None:
    """Of the long passage's three blocks the second goes; of the short one nothing can."""
    judged(reader, [2.0, -2.0, 2.0, -2.0])
    found = read(reader, tokenizer, [LONG, SHORT], SKIM)
    begin = int(found.passage_start[0])
    starts = found.start[: found.packing.sizes[0]]
    dropped = starts[begin + BLOCK : begin + 2 * BLOCK]
    assert bool((dropped == -torch.inf).all())
    assert bool(starts[begin : begin + BLOCK].isfinite().all())
    everything = whole(reader, tokenizer, [LONG, SHORT])
    assert not torch.allclose(found.null[0], everything.null[0])
    torch.testing.assert_close(found.null[1], everything.null[1])


def test_a_passage_keeps_its_likeliest_block(reader: Reader, tokenizer: Tokenizer) -> None:
    judged(reader, [-5.0, -3.0, -4.0])
    found = read(reader, tokenizer, [LONG], SKIM)
    begin = int(found.passage_start[0])
    kept = found.start.isfinite().nonzero()[:, 0].tolist()
    answerable = [place for place in kept if found.start[place] > LOWEST]
    assert answerable == list(range(begin + BLOCK, begin + 2 * BLOCK))


def test_a_batch_is_skipped_as_its_passages_are_one_by_one(
    reader: Reader, tokenizer: Tokenizer
) -> None:
    together = read(reader, tokenizer, [LONG, SHORT], SKIM)
    alone = [read(reader, tokenizer, [p], SKIM) for p in (LONG, SHORT)]

    def logits(outputs: list[ReaderOutput]) -> Tensor:
        return torch.cat([output.start for output in outputs])

    torch.testing.assert_close(logits([together]), logits(alone))
