"""The `foreread-ui` command: the search page on this machine."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from engine.commands import console
from engine.commands.lazy_group import VERSION
from engine.commands.options import INDEX, MODEL
from engine.datasets.squad import read_questions
from engine.errors import CheckpointError, IndexNotFoundError, SourceError
from engine.retrieval.elastic.address import ClusterAddress
from ui.feedback import read_feedback, to_squad
from ui.settings import FILE_BYTES, PASSWORD_VARIABLE, PageSettings, visitors_folder

PAGE = Path(__file__).with_name("page.py")
EVERY_ADDRESS = ("0.0.0.0", "::")
LOOPBACK = ("127.0.0.1", "::1", "localhost")

app = typer.Typer(name="foreread-ui", pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def ui(
    index: INDEX,
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
    """Open a search page over an index, in a browser on this machine.

    With FOREREAD_UI_PASSWORD in the environment, the page asks visitors for that password.

    Example: foreread-ui --index papers.idx
    """
    in_cluster = isinstance(index, ClusterAddress)
    if in_cluster:
        # Torch comes with it, and a mistake in the options needn't wait for that.
        from engine.retrieval.opening import open_backend

        open_backend(index).close()  # the operator sees its errors here, visitors don't
    elif not (index / "store").is_dir():
        raise IndexNotFoundError(
            f"{index} holds no index; build one with: indexer build SOURCE --index {index}"
        )
    if in_cluster and uploads:
        raise SourceError("visitors' files are kept in an index folder; leave out --uploads")
    if model is not None and not model.is_dir():
        raise CheckpointError(f"{model} isn't a folder; name a checkpoint's folder with --model")
    if questions is not None:
        read_questions(questions, 1)
    if export_feedback is not None:
        write_feedback(visitors_folder(index), export_feedback)
        return
    if files is not None and not files.is_dir():
        raise SourceError(f"{files} isn't a folder; name the one that holds the source files")
    open_to_all = address not in LOOPBACK and not os.environ.get(PASSWORD_VARIABLE)
    if open_to_all:
        console.say(
            f"note: all who reach {address} can ask; {PASSWORD_VARIABLE} would ask for a password"
        )
    settings = PageSettings(
        index=str(index if in_cluster else index.resolve()),
        model=str(model.resolve()) if model is not None else None,
        questions=str(questions.resolve()) if questions is not None else None,
        files=str(files.resolve()) if files is not None else None,
        uploads=not (open_to_all or in_cluster) if uploads is None else uploads,
    )
    run_server(settings, server_options(address=address, port=port))


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
        "theme.light.primaryColor": "#2458a6",
        "theme.dark.primaryColor": "#3f74c4",
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
    """Serve the page behind its guard until interrupted."""
    # Imported here, so that a mistake in the options is reported at once.
    from starlette.middleware import Middleware
    from streamlit.starlette import App

    from ui.guard import Guard

    stay_offline()
    # An address that a proxy names is believed only of proxies that the operator names here: any
    # other sender would choose the address by which wrong passwords are counted.
    os.environ.setdefault("FORWARDED_ALLOW_IPS", "")
    password = os.environ.get(PASSWORD_VARIABLE, "")
    guard = Middleware(Guard, password=password, uploads=settings.uploads)
    sys.argv = [str(PAGE), *settings.to_arguments()]  # where Streamlit takes a page's words from
    App(PAGE, middleware=[guard]).run(config=options)


def stay_offline() -> None:
    """Keep Streamlit from asking a server on the internet for this machine's address.

    It does so when a request names a host that it doesn't know, and no option prevents it.
    """
    from streamlit import net_util

    net_util.get_external_ip = lambda: None


def run() -> None:
    console.run(app)
