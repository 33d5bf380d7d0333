"""The progress of a training, as a bar and as lines for a log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engine.commands import console
from engine.training.loop import TrainingProgress


@contextmanager
def training_bar() -> Iterator[Callable[[TrainingProgress], None]]:
    """A bar for a training's `on_progress`. Each twentieth of its steps gets a line of its own.

    If no bar is drawn, as in a log, those lines are all there is.
    """
    with console.progress_bar("training", 1000) as bar:

        def show(p: TrainingProgress) -> None:
            left = f"{console.duration(p.seconds_left)} left"
            note = f"step {p.step} of {p.steps}, loss {p.loss:.3f}, {left}"
            bar(1000 * p.step // p.steps, note)
            if 20 * p.step // p.steps > 20 * (p.step - 1) // p.steps:
                console.say(note)

        try:
            yield show
        except KeyboardInterrupt:
            console.say("stopped; the same command continues from here")
            raise
