"""Training data from files: examples with their negatives, and the held-out split."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from safetensors.torch import load_file, save_file

from engine.atomic_files import replace_file
from engine.checkpoint import Settings
from engine.datasets.formats import read_paragraphs
from engine.datasets.squad import SquadParagraph, SquadQuestion
from engine.encoder.split import SplitEncoder
from engine.errors import SourceError
from engine.text.alterations import ALTERATIONS, altered
from engine.text.languages import detect_language
from engine.text.tokenization import Tokenizer
from engine.training.examples import ExampleSet, cut_examples, is_tune
from engine.training.identity import identity
from engine.training.near_misses import with_near_misses
from engine.training.negatives import with_negatives
from engine.training.vectors import Prefixes, VectorTargets, vector_targets


@dataclass(frozen=True)
class Material:
    """Examples to train on, and the held-out paragraphs, which no training sees.

    `left_out` questions are in neither: they are empty, or their answer isn't found.
    """

    examples: ExampleSet
    held_back: list[SquadParagraph]
    left_out: int

    def __str__(self) -> str:
        told = f"{len(self.examples.examples)} questions on {len(self.examples.windows)} passages"
        if self.left_out:
            told += f"; {self.left_out} left out, whose answers aren't in their paragraph as said"
        return told


def split_paragraphs(
    files: Sequence[Path],
) -> tuple[list[SquadParagraph], list[SquadParagraph]]:
    """Paragraphs to train on and held-out ones, by a hash of their text.

    Raises: SourceError if a file can't be read or has another layout.
    """
    paragraphs = [paragraph for file in files for paragraph in read_paragraphs(file)]
    random.Random(0).shuffle(paragraphs)
    held_back = [p for p in paragraphs if is_tune(p.context)]
    return [p for p in paragraphs if not is_tune(p.context)], held_back


def gather_material(
    files: Sequence[Path],
    tokenizer: Tokenizer,
    settings: Settings,
    *,
    near: float = 0.0,
    typed: float = 0.0,
) -> Material:
    """Examples from files of SQuAD or Natural Questions, with negatives.

    Windows and questions have as many wordpieces as `settings` allow. Beside a share `near` of
    the answered questions stands a near miss (see `near_misses`). The share `typed` of the
    questions is put as some people type them, in one of `ALTERATIONS`.

    Raises: SourceError if a file can't be read, has another layout, or has answers of which most
    aren't in their paragraphs.
    """
    sets: list[ExampleSet] = []
    held_back: list[SquadParagraph] = []
    asked = 0
    for file in files:
        paragraphs, held_back_of_it = split_paragraphs([file])
        paragraphs = as_typed(with_near_misses(paragraphs, near), typed)
        held_back += held_back_of_it
        examples = cut_examples(
            paragraphs,
            tokenizer,
            limit=settings.passage_limit,
            question_limit=settings.question_limit,
        )
        _check_answers(file, paragraphs, examples)
        asked += sum(len(p.questions) for p in paragraphs)
        sets.append(examples)
    random.Random(0).shuffle(held_back)
    examples = ExampleSet.of_files(sets)
    return Material(with_negatives(examples), held_back, asked - len(examples.examples))


def as_typed(paragraphs: Sequence[SquadParagraph], share: float) -> list[SquadParagraph]:
    """The paragraphs with a share of their questions, always the same, as some people type them."""
    if not share:
        return list(paragraphs)
    language = detect_language(paragraph.context for paragraph in paragraphs).language
    kinds = sorted(ALTERATIONS)

    def put(question: SquadQuestion) -> SquadQuestion:
        rng = random.Random(f"typed/{question.id}")
        if rng.random() >= share:
            return question
        text = altered(question.question, rng.choice(kinds), language, question.id)
        return replace(question, question=text)

    return [replace(p, questions=tuple(map(put, p.questions))) for p in paragraphs]


def _check_answers(file: Path, paragraphs: Sequence[SquadParagraph], examples: ExampleSet) -> None:
    """Raises: SourceError if most answers of the file aren't in its paragraphs."""
    answered = sum(bool(q.answers) for p in paragraphs for q in p.questions)
    found = sum(bool(example.spans) for example in examples.examples)
    if 2 * found < answered:
        raise SourceError(
            f"{file}: only {found} of {answered} questions have an answer that stands in their "
            "paragraph; expected each `text` to be copied from its `context`"
        )


def kept_vector_targets(
    base: SplitEncoder,
    tokenizer: Tokenizer,
    examples: ExampleSet,
    folder: Path,
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    say: Callable[[str], None] = lambda _: None,
) -> VectorTargets:
    """The base encoder's vectors, on its device.

    They are kept in `folder`, since they take minutes.

    `on_progress` as in `vector_targets`.
    """
    device = base.embeddings.pieces.weight.device
    of = identity(settings=repr(Prefixes()), examples=examples, networks=[base])
    kept = folder / f"base-{of}.safetensors"
    if kept.is_file():
        found = load_file(kept)
        return VectorTargets(found["questions"], found["windows"]).to(device)
    say(f"encoding {len(examples.windows)} passages with the base encoder")
    targets = vector_targets(base, tokenizer, examples, Prefixes(), on_progress=on_progress)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {"questions": targets.questions, "windows": targets.windows}
    replace_file(kept, lambda path: save_file(tensors, path))
    return targets.to(device)
