"""The `engine` command: everything that asks, measures or trains."""

from engine.commands import console
from engine.commands.lazy_group import lazy_group, with_version

# Where each command is, with the first line of its help.
ENGINE = {
    "engine.commands.ask:ask": "Answer QUESTION with exact spans of the documents of an index.",
    "engine.commands.calibrate:calibrate": (
        "Fit reranking and confidence to QUESTIONS about the documents of an index."
    ),
    "engine.commands.evaluate:evaluate": (
        "EM, F1, recall and latency over QUESTIONS, by the official rules; or accuracy."
    ),
    "engine.commands.bench:bench": (
        "Time cached states against the same weights uncached, and against a teacher."
    ),
    "engine.commands.convert:convert": (
        "Cut a transformers checkpoint into lower and upper layers, span head kept if it has one."
    ),
    "engine.commands.prune:prune": (
        "Remove the heads and feed-forward units above the cut that matter least, without training."
    ),
    "engine.commands.sweep:sweep": (
        "Train students of every shape, loss and seed; measure quality, time, memory and room."
    ),
}
TRAIN = {
    "engine.commands.train.teacher:teacher": "Train the undecomposed reader from a base encoder.",
    "engine.commands.train.split:split": (
        "Cut a reader in two and distil it from the undecomposed one that it starts from."
    ),
    "engine.commands.train.vectors:vectors": (
        "Train the layers that turn a text's states into its retrieval vector, and only these."
    ),
    "engine.commands.train.label:label": (
        "Answer questions that nobody has answered, for `engine train split` to train on."
    ),
    "engine.commands.train.average:average": (
        "Average the weights of checkpoints, each as much as the others."
    ),
    "engine.commands.train.boolean:boolean": (
        "Train a reader to answer yes/no questions, spans too if --spans is given."
    ),
    "engine.commands.train.choice:choice": (
        "Train a reader to choose between the options of a question."
    ),
}

app = with_version(
    lazy_group("engine", "Ask an index questions, measure it, train its reader.", ENGINE)
)
training = "Train a reader: teacher, then split, then vectors; then: engine calibrate."
app.add_typer(lazy_group("train", training, TRAIN), short_help=training)


def run() -> None:
    console.run(app)
