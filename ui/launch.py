"""The `foreread-ui` command: the search page on this machine."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.commands import console
from engine.commands.lazy_group import VERSION
from engine.commands.options import MODEL
from engine.datasets.squad import read_questions
from engine.errors import (
    CheckpointError,
    IndexNotFoundError,
    IndexUseError,
    SourceError,
)
from engine.retrieval.address import IndexAddress, parse_named_index
from engine.retrieval.elastic.address import ClusterAddress
from ui import theme
from ui.feedback import read_feedback, to_squad
from ui.settings import FILE_BYTES, PASSWORD_VARIABLE, PageSettings, visitors_folder

EVERY_ADDRESS = ("0.0.0.0", "::")
LOOPBACK = ("127.0.0.1", "::1", "localhost")

app = typer.Typer(name="foreread-ui", pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def ui(
    index: Annotated[
        # `Any`, since Typer knows no unions.
        list[Any],
        typer.Option(
            "--index",
            "-i",
            parser=parse_named_index,
            metavar="[NAME=]INDEX",
            help="The index: a folder or an address in a cluster. Several are given by name.",
        ),
    ],
    model: MODEL = None,
    questions: Annotated[
        Path | None,
        typer.Option(help="Sample questions to offer: a SQuAD file, or one a line."),
    ] = None,
    files: Annotated[
        Path | None,
        typer.Option(help="Let visitors download source files that lie in this folder."),
    ] = None,
    uploads: Annotated[
        bool | None,
        typer.Option(
            "--uploads/--no-uploads",
            help="Whether visitors may add files; by default on this machine or by password.",
        ),
    ] = None,
    export_feedback: Annotated[
        Path | None,
        typer.Option(help="Write the visitors' feedback to this file, as SQuAD JSON, and end."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="By default 8501, or the next that is free."),
    ] = None,
    address: Annotated[
        str, typer.Option(help="Who may connect; by default this machine alone.")
    ] = "127.0.0.1",
    version: VERSION = False,
) -> None:
    """Open a search page over an index, or several to choose among, on this machine.

    With FOREREAD_UI_PASSWORD in the environment, the page asks visitors for that password.

    Example: foreread-ui --index papers.idx
    """
    for name, one in index:
        if [other for other, _ in index].count(name) > 1:
            raise IndexUseError(f"two indexes are called {name}; name one with --index NAME=INDEX")
        check_index(one)
    in_cluster = any(isinstance(one, ClusterAddress) for _, one in index)
    if in_cluster and uploads:
        raise SourceError("visitors' files are kept in an index folder; leave out --uploads")
    if model is not None and not model.is_dir():
        raise CheckpointError(f"{model} isn't a folder; name a checkpoint's folder with --model")
    if questions is not None:
        read_questions(questions, 1)
    if export_feedback is not None:
        if len(index) > 1:
            raise IndexUseError("feedback is of one index; give --export-feedback one --index")
        write_feedback(visitors_folder(index[0][1]), export_feedback)
        return
    if files is not None and not files.is_dir():
        raise SourceError(f"{files} isn't a folder; name the one that holds the source files")
    open_to_all = address not in LOOPBACK and not os.environ.get(PASSWORD_VARIABLE)
    if open_to_all:
        console.say(
            f"note: all who reach {address} can ask; {PASSWORD_VARIABLE} would ask for a password"
        )
    named = tuple((name, written(one)) for name, one in index)
    settings = PageSettings(
        index=named[0][1],
        collections=named if len(named) > 1 else (),
        model=str(model.resolve()) if model is not None else None,
        questions=str(questions.resolve()) if questions is not None else None,
        files=str(files.resolve()) if files is not None else None,
        uploads=not (open_to_all or in_cluster) if uploads is None else uploads,
    )
    run_server(settings, server_options(address=address, port=port))


def check_index(address: IndexAddress) -> None:
    """Raises: ForereadError if there's no index, so that the operator sees it, not visitors."""
    if isinstance(address, ClusterAddress):
        # Torch comes with it, and a mistake in the options needn't wait for that.
        from engine.retrieval.opening import open_backend

        open_backend(address).close()
    elif not (address / "store").is_dir():
        raise IndexNotFoundError(
            f"{address} holds no index; build one with: indexer build SOURCE --index {address}"
        )


def written(address: IndexAddress) -> str:
    return str(address if isinstance(address, ClusterAddress) else address.resolve())


def server_options(*, address: str, port: int | None) -> dict[str, object]:
    """The options of the server that serves the page, by their names in Streamlit.

    The file watcher is off, because it walks every module of torch and nothing here needs it.
    Garbage collection after each run is off, because it delays the answers by a tenth of a second
    or more.
    """
    options: dict[str, object] = {
        "server.address": address,
        # With a name given, Streamlit needn't look for an address to print.
        "browser.serverAddress": "localhost" if address in EVERY_ADDRESS else address,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "runner.postScriptGC": False,
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal",
        "server.maxUploadSize": FILE_BYTES >> 20,
        # The terminal shows our faults in full, visitors don't see them.
        "client.showErrorDetails": "none",
        **theme.options(),
    }
    return options if port is None else {**options, "server.port": port}


def write_feedback(index: Path, file: Path) -> None:
    """Raises: SourceError if the file can't be written."""
    given = read_feedback(index)
    try:
        file.write_text(json.dumps(to_squad(given), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise SourceError(
            f"can't write {file} ({error.strerror}); name another file with --export-feedback"
        ) from error
    console.say(f"{len(given)} verdicts read; {file} can be given to engine train")


def run_server(settings: PageSettings, options: Mapping[str, object]) -> None:
    """Serve the page until interrupted."""
    # Imported here, so that a mistake in the options is reported at once.
    from ui.server import serve

    serve(settings, options)


def run() -> None:
    console.run(app)
