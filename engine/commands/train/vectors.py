"""`engine train vectors`: retrieval vectors behind a finished reader."""

import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import torch
import typer

from engine.checkpoint import load_checkpoint, save_checkpoint
from engine.commands import console
from engine.commands.options import DEVICE, JSON
from engine.commands.train.options import BASE, EPOCHS, FILES, SEED
from engine.commands.train.progress import base_targets, training_bar
from engine.encoder.selection import with_vector_layers
from engine.training.compatibility import load_base
from engine.training.distillation import parse_numbers
from engine.training.examples import cut_examples
from engine.training.material import split_paragraphs
from engine.training.run import check_out, work_folder
from engine.training.vectors import VectorRecipe, train_vectors


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
    save_checkpoint(taught, checkpoint.tokenizer, settings, model, checkpoint.codec_tensors)
    shutil.rmtree(work, ignore_errors=True)
    result = {"model": str(model), "layers": list(numbers), "epochs": epochs}
    console.show(result, as_json=as_json, human=lambda r: f"{r['model']}: vectors trained")
