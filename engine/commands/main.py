"""The `engine` command: everything that asks, measures or trains."""

import typer

from engine.commands import (
    ask,
    bench,
    calibrate,
    console,
    convert,
    evaluate,
    sweep,
    train,
    train_average,
    train_label,
    train_tasks,
)

app = typer.Typer(
    name="engine",
    help="Ask an index questions, measure it, train its reader.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("ask")(ask.ask)
app.command("calibrate")(calibrate.calibrate)
app.command("evaluate")(evaluate.evaluate)
app.command("bench")(bench.bench)
app.command("convert")(convert.convert)
app.command("sweep")(sweep.sweep)
train.train.command("label")(train_label.label)
train.train.command("average")(train_average.average)
train.train.command("boolean")(train_tasks.boolean)
train.train.command("choice")(train_tasks.choice)
app.add_typer(train.train, name="train")


def run() -> None:
    console.run(app)
