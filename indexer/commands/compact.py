"""`indexer compact`: gives back the room of removed documents."""

from typing import Any

from engine.commands import console
from engine.commands.options import FOLDER, JSON
from indexer.compact import compact_index


def compact(index: FOLDER, as_json: JSON = False) -> None:
    """Give back the room of removed documents. Searches go on meanwhile.

    Example: indexer compact --index papers.idx
    """
    console.show(compact_index(index).to_dict(), as_json=as_json, human=_text)


def _text(report: dict[str, Any]) -> str:
    before, after = report["bytes_before"], report["bytes_after"]
    return f"{report['index']}: {console.mebibytes(before)} before, {console.mebibytes(after)} now"
