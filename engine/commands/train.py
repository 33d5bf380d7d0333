"""`engine train`: the stages from a base encoder to a checkpoint that answers."""

import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from engine.checkpoint import load_checkpoint, load_teacher, save_checkpoint, settings_for
from engine.commands import console
from engine.commands.base_targets import base_targets
from engine.commands.options import DEVICE, JSON
from engine.commands.training_bar import training_bar
from engine.devices import chosen_device
from engine.encoder.from_transformers import load_transformers, load_transformers_tokenizer
from engine.encoder.selection import with_vector_layers
from engine.encoder.split import SplitEncoder
from engine.errors import SourceError
from engine.reading.reader import Reader
from engine.text.tokenization import Tokenizer
from engine.training.batches import Mixture
from engine.training.compatibility import check_pieces, load_base
from engine.training.distillation import (
    Shape,
    parse_losses,
    parse_numbers,
    split_recipe,
    student_of,
)
from engine.training.examples import cut_examples
from engine.training.loop import Pace
from engine.training.material import gather_material, split_paragraphs
from engine.training.recipe import Recipe
from engine.training.run import check_out, train_to_checkpoint, work_folder
from engine.training.vectors import VectorRecipe, train_vectors

FILES = Annotated[list[Path], typer.Argument(help="Training questions: SQuAD's or NQ's layout.")]
OUT = Annotated[Path, typer.Option("--out", "-o", help="Folder for the checkpoint.")]
EPOCHS = Annotated[float, typer.Option(min=0.01, help="Passes over the questions.")]
DROPOUT = Annotated[
    float, typer.Option(min=0.0, max=0.9, help="Share of what layers add that is dropped.")
]
SEED = Annotated[int, typer.Option(help="Seed of everything drawn.")]
BASE = Annotated[
    str, typer.Option(help="Base encoder: a folder or hub name that transformers loads.")
]


def teacher(
    files: FILES,
    out: OUT,
    base: BASE = "",
    start: Annotated[
        Path | None, typer.Option(help="An undecomposed checkpoint to go on from, not the base.")
    ] = None,
    epochs: EPOCHS = 1.0,
    batch_size: Annotated[int, typer.Option(min=1)] = 16,
    learning_rate: Annotated[float, typer.Option(min=0.0)] = 1.5e-4,
    dropout: DROPOUT = 0.0,
    seed: SEED = 0,
    device: DEVICE = "auto",
    as_json: JSON = False,
) -> None:
    """Train the undecomposed reader from a base encoder.

    Example: engine train teacher train.json --base intfloat/multilingual-e5-small --out teacher
    """
    if bool(base) == bool(start):
        raise SourceError("give either --base NAME_OR_DIR or --start DIR")
    torch.manual_seed(seed)
    if start:
        begun = load_teacher(start, dtype=torch.float32, device=device)
        tokenizer, reader = begun.tokenizer, begun.reader.requires_grad_(True)
    else:
        tokenizer = load_transformers_tokenizer(base)
        reader = Reader(load_transformers(base)).to(chosen_device(device))
    recipe = Recipe(
        epochs=epochs,
        batch_size=batch_size,
        share=1,
        pace=Pace(learning_rate),
        mixture=Mixture(gold_only=0.8, unanswered=0.08),
        dropout=dropout,
        seed=seed,
    )
    _train(reader, tokenizer, files, recipe, out, teacher=None, as_json=as_json)


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
    losses: Annotated[
        str,
        typer.Option(
            help="What is learned from: none, kd, lrs, both, or terms joined by + with a weight "
            "each, like ce:1+kd:2+lrs+cut."
        ),
    ] = "kd",
    vectors: Annotated[float, typer.Option(min=0.0, help="Weight of the vectors.")] = 0.3,
    dropout: DROPOUT = 0.0,
    seed: SEED = 0,
    device: DEVICE = "auto",
    as_json: JSON = False,
) -> None:
    """Cut a reader in two and distil it from the undecomposed one that it starts from.

    Each upper layer is held to the states that the next one kept would have seen in the teacher.
    Example: engine train split train.json --teacher teacher --out split
    """
    shape, weights = Shape(parse_numbers(lower), parse_numbers(upper)), parse_losses(losses)
    taught_by = load_teacher(teacher, device=device)
    # Trained in fp32, so begun in it: the teacher runs in what the processor does best.
    begun = load_checkpoint(start or teacher, dtype=torch.float32, device=device)
    check_pieces(taught_by.tokenizer, begun.tokenizer, begun.folder)
    based_on = None
    if base:
        based_on = load_base(base, begun.tokenizer, begun.hidden_width, begun.device)
    recipe = split_recipe(
        shape,
        weights,
        taught_by.reader,
        epochs=epochs,
        batch_size=batch_size,
        share=share,
        learning_rate=learning_rate,
        vectors=vectors,
        dropout=dropout,
        seed=seed,
    )
    _train(
        student_of(begun.reader, shape, base=based_on, vector=parse_numbers(vector)),
        begun.tokenizer,
        files,
        recipe,
        out,
        teacher=taught_by.reader,
        base=based_on,
        as_json=as_json,
    )


def vectors(
    files: FILES,
    base: BASE,
    model: Annotated[Path, typer.Option(help="Checkpoint to give vectors; changed in place.")],
    layers: Annotated[
        str, typer.Option(help="The base's layers that carry a text on to its vector.")
    ] = "8,10,12",
    epochs: EPOCHS = 4.0,
    seed: SEED = 0,
    device: DEVICE = "auto",
    as_json: JSON = False,
) -> None:
    """Train the layers that turn a text's states into its retrieval vector, and only these.

    It starts from the model's own layers if they are the same, else from the base's.
    Example: engine train vectors train.json --base intfloat/multilingual-e5-small --model split
    """
    checkpoint = load_checkpoint(model, dtype=torch.float32, device=device)
    check_out(model, in_place=True)
    encoder = load_base(base, checkpoint.tokenizer, checkpoint.hidden_width, checkpoint.device)
    numbers = parse_numbers(layers)
    taught = checkpoint.reader
    if taught.encoder.config.vector != numbers:
        taught = taught.with_encoder(with_vector_layers(taught.encoder, encoder, numbers))
        taught = taught.to(checkpoint.device)
    taught.encoder.vector.requires_grad_(True)
    paragraphs, _ = split_paragraphs(files)
    examples = cut_examples(
        paragraphs,
        checkpoint.tokenizer,
        limit=checkpoint.settings.passage_limit,
        question_limit=checkpoint.settings.question_limit,
    )
    work = work_folder(model)
    targets = base_targets(encoder, checkpoint.tokenizer, examples, work)
    recipe = VectorRecipe(epochs=epochs, seed=seed)
    with training_bar() as show:
        train_vectors(
            taught.encoder,
            checkpoint.tokenizer,
            examples,
            targets,
            recipe,
            resume_folder=work,
            on_progress=show,
        )
    done = {**checkpoint.settings.training, "vectors": {**asdict(recipe), "layers": numbers}}
    settings = replace(checkpoint.settings, training=done)
    save_checkpoint(taught, checkpoint.tokenizer, settings, model)
    shutil.rmtree(work, ignore_errors=True)
    result = {"model": str(model), "layers": list(numbers), "epochs": epochs}
    console.show(result, as_json=as_json, human=lambda r: f"{r['model']}: vectors trained")


def _train(
    reader: Reader,
    tokenizer: Tokenizer,
    files: list[Path],
    recipe: Recipe,
    out: Path,
    *,
    teacher: Reader | None,
    base: SplitEncoder | None = None,
    as_json: bool,
) -> None:
    check_out(out)
    material = gather_material(files, tokenizer, settings_for(reader.encoder.config))
    examples, work = material.examples, work_folder(out)
    console.say(str(material))
    targets = base_targets(base, tokenizer, examples, work) if base else None
    with training_bar() as show:
        quality = train_to_checkpoint(
            reader,
            tokenizer,
            material,
            recipe,
            out,
            teacher=teacher,
            base=targets,
            on_progress=show,
            say=console.say,
        )
    console.show({"model": str(out), **quality}, as_json=as_json, human=_text)


def _text(result: dict[str, Any]) -> str:
    if not result["questions"]:
        return f"{result['model']}: trained; no question was held back to measure it on"
    return (
        f"{result['model']}: EM {result['em']:.1f}, F1 {result['f1']:.1f} on "
        f"{result['questions']:.0f} questions held back"
    )
