"""The `indexer` command: everything that makes and describes an index."""

from engine.commands import console
from engine.commands.lazy_group import lazy_group, with_version

# Where each command is, with the first line of its help.
INDEXER = {
    "indexer.commands.build:build": (
        "Read SOURCES, files and folders of documents, into an index."
    ),
    "indexer.commands.info:info": (
        "What an index holds, its size on disk by part, and the fields to filter questions by."
    ),
    "indexer.commands.changes:add": (
        "Bring an index in step with SOURCES: new and changed files are read, others left alone."
    ),
    "indexer.commands.changes:update": (
        "Bring an index in step with all the files and folders that it was made from."
    ),
    "indexer.commands.changes:remove": (
        "Remove files, folders and documents from an index. The files themselves stay."
    ),
    "indexer.commands.copy:copy": (
        "Copy an index between a folder and a cluster, as it is: nothing is encoded again."
    ),
    "indexer.commands.verify:verify": (
        "Check every record's checksum, and the three stores against each other."
    ),
    "indexer.commands.verify:repair": (
        "Drop damaged documents, naming them, and rebuild what is derived and wrong."
    ),
    "indexer.commands.compact:compact": (
        "Give back the room of removed documents. Searches go on meanwhile."
    ),
    "indexer.commands.estimate:estimate": (
        "Tell the size and the time of a build before it, from a sample of SOURCES."
    ),
    "indexer.commands.export_import:export_": (
        "Write an index to one FILE, for a copy or another machine."
    ),
    "indexer.commands.export_import:import_": (
        "Make an index of an exported FILE; the model has to be the one that it was made with."
    ),
    "indexer.commands.migrate:migrate": (
        "Encode an index anew by another model, from the text that it stores."
    ),
}

app = with_version(
    lazy_group(
        "indexer",
        "Build an index from files and folders, keep it in step with them, and describe it.",
        INDEXER,
    )
)


def run() -> None:
    console.run(app)
