"""The base encoder's vectors that a training follows, with a bar while they are computed."""

from pathlib import Path

from engine.commands import console
from engine.encoder.split import SplitEncoder
from engine.text.tokenization import Tokenizer
from engine.training.examples import ExampleSet
from engine.training.material import kept_vector_targets
from engine.training.vectors import VectorTargets


def base_targets(
    base: SplitEncoder, tokenizer: Tokenizer, examples: ExampleSet, folder: Path
) -> VectorTargets:
    """As `kept_vector_targets`, with a bar on stderr: the first time it takes minutes."""
    with console.progress_bar("encoding", 1000) as bar:
        return kept_vector_targets(
            base,
            tokenizer,
            examples,
            folder,
            on_progress=lambda done, total: bar(1000 * done // total, ""),
            say=console.say,
        )
