"""The `foreread` command: what people need day by day, in one place."""

from engine.commands import console
from engine.commands.lazy_group import lazy_group, with_version
from engine.commands.main import ENGINE
from indexer.commands.main import INDEXER

ASK = "engine.commands.ask:ask"
OWN = {
    "ui.launch:ui": "Open a search page over an index, in a browser on this machine.",
    "foreread.commands.serve:serve": "Not in this version yet: answering over HTTP.",
    "foreread.commands.mcp:mcp": "Not in this version yet: answering over MCP.",
}
# Where each command is, with the first line of its help. Those of `indexer` are here too.
FOREREAD = {ASK: ENGINE[ASK], **OWN, **INDEXER}

app = with_version(
    lazy_group(
        "foreread",
        "Index your documents, ask them, keep them in step. Measuring and training: engine --help.",
        FOREREAD,
    )
)


def run() -> None:
    console.run(app)
