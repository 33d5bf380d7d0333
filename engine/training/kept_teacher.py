"""A teacher's logits, computed once and kept for the epochs that follow."""

import torch
from torch import Tensor

from engine.encoder.packing import join
from engine.reading.reader import Reader, ReaderOutput
from engine.training.batches import Batch, Packed

_LOWEST = torch.finfo(torch.float16).min


class KeptTeacher:
    """A teacher that reads each example's pair with a window once, whatever batch they are in.

    Its logits are kept in fp16, four bytes a token. States aren't: they are two hundred times as
    large.
    """

    def __init__(self, teacher: Reader) -> None:
        self._teacher = teacher
        self._known: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}

    @torch.no_grad()
    def read(self, batch: Batch) -> ReaderOutput:
        """As `Batch.read_by`, without layers."""
        keys = [(batch.examples[q], batch.drawn[w]) for q, w in batch.pairs.tolist()]
        new = [number for number, key in enumerate(keys) if key not in self._known]
        if new:
            unread = Packed(batch.questions, batch.windows, batch.pairs[new])
            output = unread.read_by(self._teacher)
            spans = torch.stack([output.start, output.end]).clamp_min(_LOWEST).half().cpu()
            of_pairs = torch.stack([output.null, output.relevance]).half().cpu()
            parts = spans.split(output.packing.sizes, dim=1)
            for number, span, of_pair in zip(new, parts, of_pairs.T, strict=True):
                self._known[keys[number]] = span.clone(), of_pair.clone()
        known = [self._known[key] for key in keys]
        device = self._teacher.device
        start, end = torch.cat([span for span, _ in known], dim=1).float().to(device)
        null, relevance = torch.stack([of_pair for _, of_pair in known], dim=1).float().to(device)
        questions = batch.questions.packing
        packing, _ = join(questions, batch.windows.packing, batch.pairs)
        return ReaderOutput(
            start=start,
            end=end,
            null=null,
            relevance=relevance,
            layers=[],
            packing=packing,
            passage_start=questions.lengths[batch.pairs[:, 0].to(device)],
        )
