"""A teacher's logits, computed once and kept: for later epochs and, in a folder, for later runs."""

import hashlib
import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.atomic_files import replace_file
from engine.encoder.packing import join
from engine.errors import CheckpointError
from engine.reading.reader import Reader, ReaderOutput
from engine.training.batches import Batch, Packed
from engine.training.examples import ExampleSet

_LOWEST = torch.finfo(torch.float16).min
_TOGETHER = 500
"""Pairs in a file."""


class KeptTeacher:
    """A teacher that reads each pair of question and window once, whatever batch they are in.

    Its logits are kept in fp16, four bytes a token. States aren't: they are two hundred times as
    large. In a `folder` they are found by every run with the same teacher, whatever its files.
    With `kept_only` it reads nothing: where the folder has no logits of a pair, `null` is NaN.

    Raises: CheckpointError if the folder can't be read, or holds another teacher's.
    """

    def __init__(
        self,
        teacher: Reader,
        examples: ExampleSet,
        folder: Path | None = None,
        *,
        kept_only: bool = False,
    ) -> None:
        self._teacher = teacher
        self._examples = examples
        self._folder = folder
        self._kept_only = kept_only
        self._new: list[str] = []
        self._known = {} if folder is None else _read(folder, teacher)

    @torch.no_grad()
    def read(self, batch: Batch) -> ReaderOutput:
        """As `Batch.read_by`, without layers."""
        names = [
            pair_name(self._examples, batch.examples[question], batch.drawn[window])
            for question, window in batch.pairs.tolist()
        ]
        new = [number for number, name in enumerate(names) if f"{name}.pair" not in self._known]
        if new and not self._kept_only:
            unread = Packed(batch.questions, batch.windows, batch.pairs[new])
            output = unread.read_by(self._teacher)
            spans = torch.stack([output.start, output.end]).clamp_min(_LOWEST).half().cpu()
            of_pairs = torch.stack([output.null, output.relevance]).half().cpu()
            parts = spans.split(output.packing.sizes, dim=1)
            for number, span, of_pair in zip(new, parts, of_pairs.T, strict=True):
                self._known[f"{names[number]}.span"] = span.clone()
                self._known[f"{names[number]}.pair"] = of_pair.clone()
            self._new += dict.fromkeys(names[number] for number in new)
            if len(self._new) >= _TOGETHER:
                self.save()
        device = self._teacher.device
        questions = batch.questions.packing
        packing, _ = join(questions, batch.windows.packing, batch.pairs)
        untold = torch.full((2,), torch.nan).half()
        of_tokens = [
            self._known.get(f"{name}.span", torch.zeros(2, size).half())
            for name, size in zip(names, packing.sizes, strict=True)
        ]
        start, end = torch.cat(of_tokens, dim=1).float().to(device)
        of_pairs = torch.stack([self._known.get(f"{name}.pair", untold) for name in names], dim=1)
        null, relevance = of_pairs.float().to(device)
        return ReaderOutput(
            start=start,
            end=end,
            null=null,
            relevance=relevance,
            layers=[],
            packing=packing,
            passage_start=questions.lengths[batch.pairs[:, 0].to(device)],
        )

    def save(self) -> None:
        """Write what is new into the folder, if there is one."""
        if self._folder is None or not self._new:
            return
        kept = {f"{name}.{of}": self._known[f"{name}.{of}"] for name in self._new for of in _PARTS}
        replace_file(
            self._folder / f"{self._new[0]}.safetensors", lambda path: save_file(kept, path)
        )
        self._new = []


_PARTS = ("span", "pair")


def pair_name(examples: ExampleSet, example: int, window: int) -> str:
    """The name of a question with a window, by their wordpieces: 32 hexadecimal digits."""
    digest = hashlib.blake2b(examples.examples[example].question.tobytes(), digest_size=16)
    digest.update(b"/" + examples.windows[window].ids.tobytes())
    return digest.hexdigest()


def _read(folder: Path, teacher: Reader) -> dict[str, Tensor]:
    """The logits in a folder, by name and part; the folder is made the teacher's if it's new."""
    digest = hashlib.blake2b(digest_size=16)
    for tensor in teacher.state_dict().values():
        # In bf16, in which only some devices run it: so a run goes on on another.
        digest.update(tensor.cpu().to(torch.bfloat16).view(torch.uint8).numpy())
    named = folder / "teacher.json"
    known: dict[str, Tensor] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not named.exists():
            replace_file(named, lambda path: path.write_text(json.dumps(digest.hexdigest())))
        if json.loads(named.read_text()) != digest.hexdigest():
            raise CheckpointError(
                f"{folder} holds the logits of another teacher; name a new folder"
            )
        for file in sorted(folder.glob("*.safetensors")):
            known.update(load_file(file))
    except (OSError, ValueError, SafetensorError) as error:
        raise CheckpointError(f"{folder} can't be read: {error}; name a new folder") from None
    return known
