"""The one way to read: question and passage encoded alone, paired, and read together."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from engine.devices import best_dtype
from engine.encoder.config import EncoderConfig
from engine.encoder.states import States, Texts, passage_texts, question_texts
from engine.reading.reader import Reader, ReaderOutput
from engine.reading.skipping import EveryToken, Skipping
from engine.text.tokenization import PieceIds, Tokenizer


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
def read_every_pair(
    reader: Reader,
    tokenizer: Tokenizer,
    questions: Sequence[PieceIds],
    passages: Sequence[PieceIds],
    options: ReadingOptions,
) -> ReaderOutput:
    """Every passage read for every question, in wordpieces; the first question's come first."""
    return read_pairs(
        reader,
        question_texts(questions, tokenizer, reader.device),
        passage_texts(passages, tokenizer, reader.device),
        every_pair(len(questions), len(passages)),
        options,
    )


def every_pair(questions: int, passages: int) -> Tensor:
    """(questions · passages, 2): each question with each passage, the first question's first."""
    return torch.cartesian_prod(torch.arange(questions), torch.arange(passages)).view(-1, 2)


def products_in(dtype: torch.dtype, network: nn.Module) -> AbstractContextManager[object]:
    """A context in which `network` takes its products in `dtype`, if its weights have another.

    bf16 only where the device multiplies it: elsewhere fp32 is faster.
    """
    weight = next(network.parameters())
    wanted = dtype is not weight.dtype and dtype is best_dtype(weight.device) is not torch.float32
    return torch.autocast(weight.device.type, dtype=dtype) if wanted else nullcontext()
