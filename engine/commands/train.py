"""`engine train`: the stages from a base encoder to a checkpoint that answers."""

import random
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.commands import console
from engine.commands.ask import JSON
from engine.errors import CheckpointError

if TYPE_CHECKING:
    from engine.encoder.split import SplitEncoder
    from engine.reader import Reader
    from engine.squad import SquadParagraph
    from engine.tokenization import Tokenizer
    from engine.training.examples import ExampleSet
    from engine.training.loop import Progress
    from engine.training.trainer import Recipe
    from engine.training.vectors import VectorTargets

train = typer.Typer(
    help="Train a reader: teacher, then split, then vectors; then: engine calibrate.",
    no_args_is_help=True,
)

FILES = Annotated[list[Path], typer.Argument(help="Training questions in SQuAD's layout.")]
OUT = Annotated[Path, typer.Option("--out", "-o", help="Folder for the checkpoint.")]
EPOCHS = Annotated[float, typer.Option(min=0.01, help="Passes over the questions.")]
SEED = Annotated[int, typer.Option(help="Seed of everything drawn.")]
BASE = Annotated[
    str, typer.Option(help="Base encoder: a folder or hub name that transformers loads.")
]
EVALUATE_EVERY = 400
EVALUATE_QUESTIONS = 250


@train.command()
def teacher(
    files: FILES,
    base: BASE,
    out: OUT,
    epochs: EPOCHS = 1.0,
    batch_size: Annotated[int, typer.Option(min=1)] = 16,
    learning_rate: Annotated[float, typer.Option(min=0.0)] = 1.5e-4,
    seed: SEED = 0,
    as_json: JSON = False,
) -> None:
    """Train the undecomposed reader from a base encoder.

    Example: engine train teacher train.json --base intfloat/multilingual-e5-small --out teacher
    """
    import torch

    from engine.encoder.convert import load_transformers, load_transformers_tokenizer
    from engine.reader import Reader
    from engine.training.batches import Mixture
    from engine.training.trainer import Recipe

    torch.manual_seed(seed)
    tokenizer = load_transformers_tokenizer(base)
    reader = Reader(load_transformers(base))
    recipe = Recipe(
        epochs=epochs,
        batch_size=batch_size,
        share=1,
        learning_rate=learning_rate,
        mixture=Mixture(gold_only=0.8, unanswered=0.08),
        seed=seed,
    )
    _train(reader, tokenizer, files, recipe, out, teacher=None, as_json=as_json)


@train.command()
def split(
    files: FILES,
    teacher: Annotated[Path, typer.Option(help="Checkpoint of the undecomposed reader.")],
    out: OUT,
    lower: Annotated[str, typer.Option(help="The teacher's layers below the cut.")] = "1-6",
    upper: Annotated[str, typer.Option(help="The teacher's layers above the cut.")] = "7,10,12",
    base: Annotated[
        str, typer.Option(help="Base encoder, whose vectors are trained towards alongside.")
    ] = "",
    vector: Annotated[
        str, typer.Option(help="The base's layers that carry a text on to its vector.")
    ] = "8,10,12",
    start: Annotated[
        Path | None, typer.Option(help="A split checkpoint to go on from, not the teacher.")
    ] = None,
    epochs: EPOCHS = 1.0,
    batch_size: Annotated[int, typer.Option(min=1)] = 24,
    share: Annotated[int, typer.Option(min=1, help="Questions on a window at once.")] = 3,
    learning_rate: Annotated[float, typer.Option(min=0.0)] = 2e-4,
    soft: Annotated[float, typer.Option(min=0.0, help="Weight of the teacher's spans.")] = 1.0,
    states: Annotated[float, typer.Option(min=0.0, help="Weight of its states.")] = 3.0,
    vectors: Annotated[float, typer.Option(min=0.0, help="Weight of the vectors.")] = 0.3,
    seed: SEED = 0,
    as_json: JSON = False,
) -> None:
    """Cut a reader in two and distil it from the undecomposed one that it starts from.

    Each upper layer is held to the states that the next one kept would have seen in the teacher.
    Example: engine train split train.json --teacher teacher --out split
    """
    from engine.checkpoint import load_checkpoint
    from engine.encoder.convert import load_transformers, reselect, with_vector_layers
    from engine.training.batches import Mixture
    from engine.training.trainer import Recipe

    below, above = parse_layers(lower), parse_layers(upper)
    taught_by = load_checkpoint(teacher)
    begun = load_checkpoint(start).reader if start else taught_by.reader
    encoder = reselect(begun.encoder, lower=below, upper=above)
    based_on = load_transformers(base) if base else None
    if based_on is not None:
        encoder = with_vector_layers(encoder, based_on, parse_layers(vector))
    student = begun.with_encoder(encoder)
    last = taught_by.reader.encoder.config.upper[-1]
    recipe = Recipe(
        epochs=epochs,
        batch_size=batch_size,
        share=share,
        learning_rate=learning_rate,
        mixture=Mixture(gold_only=0.75, unanswered=0.1),
        hard=0.5,
        soft=soft,
        states=states,
        matches=tuple(layer - 1 for layer in matched_layers(above, last)),
        vectors=vectors,
        seed=seed,
    )
    _train(
        student.requires_grad_(True),
        taught_by.tokenizer,
        files,
        recipe,
        out,
        teacher=taught_by.reader,
        base=based_on,
        as_json=as_json,
    )


@train.command()
def vectors(
    files: FILES,
    base: BASE,
    model: Annotated[Path, typer.Option(help="Checkpoint to give vectors; changed in place.")],
    layers: Annotated[
        str, typer.Option(help="The base's layers that carry a text on to its vector.")
    ] = "8,10,12",
    epochs: EPOCHS = 4.0,
    seed: SEED = 0,
    as_json: JSON = False,
) -> None:
    """Train the layers that turn a text's states into its retrieval vector, and only these.

    It goes on from the model's own where it has the same layers, else from the base's.
    Example: engine train vectors train.json --base intfloat/multilingual-e5-small --model split
    """
    import torch

    from engine.checkpoint import load_checkpoint, save_checkpoint
    from engine.encoder.convert import load_transformers, with_vector_layers
    from engine.training.examples import cut_examples
    from engine.training.vectors import VectorRecipe, train_vectors

    checkpoint = load_checkpoint(model, dtype=torch.float32)
    encoder = load_transformers(base)
    numbers = parse_layers(layers)
    taught = checkpoint.reader
    if taught.encoder.config.vector != numbers:
        taught = taught.with_encoder(with_vector_layers(taught.encoder, encoder, numbers))
    taught.encoder.vector.requires_grad_(True)
    paragraphs, _ = _split_paragraphs(files)
    limit = checkpoint.settings.passage_limit
    examples = cut_examples(paragraphs, checkpoint.tokenizer, limit=limit)
    work = model.with_name(model.name + ".training")
    targets = _vector_targets(encoder, checkpoint.tokenizer, examples, work)
    recipe = VectorRecipe(epochs=epochs, seed=seed)
    with console.progress_bar("vectors", 1000) as bar:

        def on_progress(step: int, steps: int, loss: float) -> None:
            bar(1000 * step // steps, f"step {step} of {steps}, loss {loss:.3f}")

        train_vectors(
            taught.encoder,
            checkpoint.tokenizer,
            examples,
            targets,
            recipe,
            on_progress=on_progress,
        )
    done = {**checkpoint.settings.training, "vectors": {**asdict(recipe), "layers": numbers}}
    settings = replace(checkpoint.settings, training=done)
    save_checkpoint(taught, checkpoint.tokenizer, settings, model)
    shutil.rmtree(work, ignore_errors=True)
    result = {"model": str(model), "layers": list(numbers), "epochs": epochs}
    console.show(result, as_json=as_json, human=lambda r: f"{r['model']}: vectors trained")


def parse_layers(text: str) -> tuple[int, ...]:
    """Layers as `1-6` or `7,10,12`. Raises: CheckpointError if that's not what it is."""
    layers: list[int] = []
    try:
        for part in text.split(","):
            first, dash, last = part.partition("-")
            numbers = range(int(first), int(last if dash else first) + 1)
            if not numbers:
                raise ValueError(part)
            layers += numbers
    except ValueError:
        raise CheckpointError(f"layers are named like 1-6 or 7,10,12, not {text!r}") from None
    return tuple(layers)


def matched_layers(upper: tuple[int, ...], last: int) -> tuple[int, ...]:
    """The teacher's layers whose output the next kept one would have seen; the last at the end."""
    return (*(following - 1 for following in upper[1:]), last)


def _train(
    reader: "Reader",
    tokenizer: "Tokenizer",
    files: list[Path],
    recipe: "Recipe",
    out: Path,
    *,
    teacher: "Reader | None",
    base: "SplitEncoder | None" = None,
    as_json: bool,
) -> None:
    from engine.checkpoint import Settings, save_checkpoint
    from engine.squad import take_questions
    from engine.training.examples import cut_examples
    from engine.training.negatives import with_negatives
    from engine.training.skimming import fit_skim
    from engine.training.trainer import train_reader

    settings = Settings()
    paragraphs, held_back = _split_paragraphs(files)
    examples = cut_examples(paragraphs, tokenizer, limit=settings.passage_limit)
    console.say(f"{len(examples.examples)} questions on {len(examples.windows)} passages")
    work = out.with_name(out.name + ".training")
    targets = _vector_targets(base, tokenizer, examples, work) if base else None
    examples = with_negatives(examples)
    quality: dict[str, float] = {}
    with console.progress_bar("training", 1000) as bar:
        train_reader(
            reader,
            examples,
            tokenizer,
            recipe,
            teacher=teacher,
            base=targets,
            resume_folder=work,
            on_progress=_showing(bar),
            evaluate=_measuring(tokenizer, held_back, quality),
            evaluate_every=EVALUATE_EVERY,
        )
    asked = take_questions(held_back, EVALUATE_QUESTIONS)
    done = replace(
        settings,
        skim=fit_skim(reader, tokenizer, asked, window=settings.passage_limit),
        training={"reader": {**asdict(recipe), "date": str(date.today())}},
        quality={"held back": quality},
    )
    save_checkpoint(reader, tokenizer, done, out)
    shutil.rmtree(work, ignore_errors=True)
    console.show({"model": str(out), **quality}, as_json=as_json, human=str)


def _vector_targets(
    base: "SplitEncoder", tokenizer: "Tokenizer", examples: "ExampleSet", work: Path
) -> "VectorTargets":
    """The base encoder's vectors, kept beside the run's state since they take minutes."""
    from safetensors.torch import load_file, save_file

    from engine.training.identity import identity
    from engine.training.vectors import Prefixes, VectorTargets, vector_targets

    of = identity(settings=repr(Prefixes()), examples=examples, networks=[base])
    kept = work / f"base-{of}.safetensors"
    if kept.is_file():
        found = load_file(kept)
        return VectorTargets(found["questions"], found["windows"])
    console.say(f"encoding {len(examples.windows)} passages with the base encoder")
    targets = vector_targets(base, tokenizer, examples, Prefixes())
    work.mkdir(parents=True, exist_ok=True)
    save_file({"questions": targets.questions, "windows": targets.windows}, kept)
    return targets


def _showing(bar: Callable[[int, str], None]) -> "Callable[[Progress], None]":
    def show(p: "Progress") -> None:
        note = f"step {p.step} of {p.steps}, loss {p.loss:.3f}, {p.seconds_left / 60:.0f} min left"
        bar(1000 * p.step // p.steps, note)
        if p.step % 100 == 0:
            console.say(note)

    return show


def _measuring(
    tokenizer: "Tokenizer", held_back: "list[SquadParagraph]", quality: dict[str, float]
) -> "Callable[[Reader, int], None]":
    from engine.evaluation.reading import predict, score
    from engine.squad import take_questions

    asked = take_questions(held_back, EVALUATE_QUESTIONS)

    def measure(reader: "Reader", step: int) -> None:
        quality.update(score(list(predict(reader, tokenizer, asked))))
        console.say(f"step {step}: held back EM {quality['em']:.1f}, F1 {quality['f1']:.1f}")

    return measure


def _split_paragraphs(files: list[Path]) -> "tuple[list[Any], list[Any]]":
    """Paragraphs to train on, and those held back, by a hash of their text."""
    from engine.squad import read_squad
    from engine.training.examples import is_tune

    paragraphs = [paragraph for file in files for paragraph in read_squad(file)]
    random.Random(0).shuffle(paragraphs)
    held_back = [p for p in paragraphs if is_tune(p.context)]
    return [p for p in paragraphs if not is_tune(p.context)], held_back
