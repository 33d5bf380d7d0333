"""The progress of a training, and of what comes before it, as bars and as lines for a log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.commands import bars, console
from engine.encoder.split import SplitEncoder
from engine.text.tokenization import Tokenizer
from engine.training.examples import ExampleSet
from engine.training.loop import TrainingProgress
from engine.training.material import kept_vector_targets
from engine.training.vectors import VectorTargets


def base_targets(
    base: SplitEncoder, tokenizer: Tokenizer, examples: ExampleSet, folder: Path
) -> VectorTargets:
    """As `kept_vector_targets`, with a bar on stderr: the first time it takes minutes."""
    with bars.progress_bar("encoding", 1000) as bar:
        return kept_vector_targets(
            base,
            tokenizer,
            examples,
            folder,
            on_progress=lambda done, total: bar(1000 * done // total, ""),
            say=console.say,
        )


@contextmanager
def training_bar() -> Iterator[Callable[[TrainingProgress], None]]:
    """A bar for a training's `on_progress`. Each twentieth of its steps gets a line of its own.

    If no bar is drawn, as in a log, those lines are all there is.
    """
    with bars.progress_bar("training", 1000) as bar:

        def show(p: TrainingProgress) -> None:
            left = f"{console.duration(p.seconds_left)} left"
            note = f"step {p.step} of {p.steps}, loss {p.loss:.3f}, {left}"
            bar(1000 * p.step // p.steps, note)
            if 20 * p.step // p.steps > 20 * (p.step - 1) // p.steps:
                console.say(note)

        with console.going_on("its state is kept"):
            yield show
