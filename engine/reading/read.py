"""The one way to read: question and passage encoded alone, paired, and read together."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import product
from typing import TypeVar

import torch
from torch import Tensor, nn

from engine.devices import best_dtype
from engine.encoder.config import EncoderConfig
from engine.encoder.states import States, Texts, passage_texts, question_texts
from engine.reading.reader import Reader, ReaderOutput
from engine.reading.skipping import EveryToken
from engine.reading.upper import Skipping
from engine.text.tokenization import PieceIds, Tokenizer

T = TypeVar("T")
TOKENS_AT_ONCE = 4096
"""The most tokens of several texts that are read at once: more take memory and save no time."""


@dataclass(frozen=True)
class ReadingOptions:
    """How a reader reads; `Checkpoint.reading` gives a checkpoint's own.

    `window` is the number of wordpieces of a passage that are read at once, None for the limit of
    the model's positions. Of a question the first `question_limit` are read. Products are taken in
    `dtype`. `skipping` is what the upper layers leave out.
    """

    window: int | None = None
    question_limit: int = 64
    dtype: torch.dtype = torch.bfloat16
    skipping: Skipping = field(default_factory=EveryToken)

    def window_of(self, config: EncoderConfig) -> int:
        """`window`, or the limit of this shape of encoder beside the closing piece."""
        most = config.positions - 1
        return most if self.window is None else min(self.window, most)


READ_WHOLE = ReadingOptions()
"""Every token through every layer, products in bf16, as training reads."""


def read_pairs(
    reader: Reader,
    questions: Texts | States,
    passages: Texts | States,
    pairs: Tensor,
    options: ReadingOptions,
) -> ReaderOutput:
    """Read passage `pairs[i, 1]` for question `pairs[i, 0]`; shape of `pairs`: (n, 2).

    Texts run through the lower layers first. States come from the lower layers already, as from an
    index.
    """
    questions, passages = encode(reader, questions, options), encode(reader, passages, options)
    with products_in(options.dtype, reader):
        output: ReaderOutput = reader(questions, passages, pairs, options.skipping)
    return output


def encode(reader: Reader, texts: Texts | States, options: ReadingOptions) -> States:
    """Texts alone through the lower layers; states as they are."""
    if isinstance(texts, States):
        return texts
    with products_in(options.dtype, reader):
        return reader.encoder.encode_alone(texts)


@torch.inference_mode()
def read_in_batches(
    reader: Reader,
    tokenizer: Tokenizer,
    questions: Sequence[PieceIds],
    passages: Sequence[PieceIds],
    options: ReadingOptions,
) -> Iterator[ReaderOutput]:
    """Every passage read for every question, in wordpieces; the first question's come first.

    About `TOKENS_AT_ONCE` are read at once, so that memory is bounded however much there is.
    """
    device = reader.device
    asked: list[Tensor] = []
    for group in by_tokens(questions, len):
        framed = question_texts(group, tokenizer, device)
        asked += encode(reader, framed, options).one_by_one()
    read: list[Tensor] = []
    for group in by_tokens(passages, len):
        framed = passage_texts(group, tokenizer, device)
        read += encode(reader, framed, options).one_by_one()
    pairs = product(range(len(asked)), range(len(read)))
    for batch in by_tokens(pairs, lambda pair: len(asked[pair[0]]) + len(read[pair[1]])):
        # Only what is in the batch: the last windows for one question, the first for the next.
        of_questions, of_passages = (sorted(set(of_pair)) for of_pair in zip(*batch, strict=True))
        at_question, at_passage = (
            {number: at for at, number in enumerate(numbers)}
            for numbers in (of_questions, of_passages)
        )
        yield read_pairs(
            reader,
            States.of([asked[number] for number in of_questions]),
            States.of([read[number] for number in of_passages]),
            torch.tensor([(at_question[q], at_passage[p]) for q, p in batch]),
            options,
        )


def by_tokens(
    items: Iterable[T], tokens: Callable[[T], int], most: int | None = None
) -> Iterator[list[T]]:
    """Items in groups of at most so many tokens, by default `TOKENS_AT_ONCE`; none is empty."""
    group: list[T] = []
    held = 0
    for item in items:
        if group and held + tokens(item) > (most or TOKENS_AT_ONCE):
            yield group
            group, held = [], 0
        group.append(item)
        held += tokens(item)
    if group:
        yield group


def every_pair(questions: int, passages: int) -> Tensor:
    """(questions · passages, 2): each question with each passage, the first question's first."""
    return torch.cartesian_prod(torch.arange(questions), torch.arange(passages)).view(-1, 2)


def own_pairs(counts: Sequence[int]) -> Tensor:
    """(sum of counts, 2): each question with passages of its own, `counts[i]` of question i."""
    questions = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    return torch.stack([questions, torch.arange(sum(counts))], dim=1)


def products_in(dtype: torch.dtype, network: nn.Module) -> AbstractContextManager[object]:
    """A context in which `network` takes its products in `dtype`, if its weights have another.

    bf16 only where the device multiplies it: elsewhere fp32 is faster.
    """
    weight = next(network.parameters())
    wanted = dtype is not weight.dtype and dtype is best_dtype(weight.device) is not torch.float32
    return torch.autocast(weight.device.type, dtype=dtype) if wanted else nullcontext()
