"""The base encoder's vectors that a training goes by, with a bar while they are made."""

from pathlib import Path
from typing import TYPE_CHECKING

from engine.commands import console

if TYPE_CHECKING:
    from engine.encoder.split import SplitEncoder
    from engine.text.tokenization import Tokenizer
    from engine.training.examples import ExampleSet
    from engine.training.vectors import VectorTargets


def base_targets(
    base: "SplitEncoder", tokenizer: "Tokenizer", examples: "ExampleSet", folder: Path
) -> "VectorTargets":
    """As `kept_vector_targets`, and told on stderr: it takes minutes the first time."""
    from engine.training.material import kept_vector_targets

    with console.progress_bar("encoding", 1000) as bar:
        return kept_vector_targets(
            base,
            tokenizer,
            examples,
            folder,
            on_progress=lambda done, total: bar(1000 * done // total, ""),
            say=console.say,
        )
