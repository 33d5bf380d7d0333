"""`indexer info`: what an index holds, and the fields to filter questions by."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from engine.commands import console
from engine.commands.options import INDEX, JSON
from engine.errors import one_line
from engine.retrieval.opening import open_backend
from indexer.last_look import read_last_look

VALUES = 20  # of each field, in JSON
SHOWN = 5  # of them, for people
LONGEST = 40  # characters of a value, for people


def info(index: INDEX, as_json: JSON = False) -> None:
    """What an index holds, its size on disk by part, and the fields to filter questions by.

    Example: indexer info --index papers.idx
    """
    with open_backend(index) as backend:
        description = backend.describe().to_dict()
        with backend.snapshot() as snapshot:
            fields = [one.to_dict() for one in snapshot.fields(VALUES)]
    look = read_last_look(index)
    watched = {"watched": asdict(look)} if look else {}
    console.show({**description, **watched, "fields": fields}, as_json=as_json, human=info_text)


def info_text(description: dict[str, Any]) -> str:
    lines = []
    for name, value in description.items():
        if name == "fields":
            lines += ["  fields:" if value else "  fields: none", *map(_field_text, value)]
            continue
        if name in ("created", "changed"):
            value = datetime.fromtimestamp(value).strftime("%Y-%m-%d %H:%M")
        elif name == "bytes_on_disk":
            lines += _room(value)
            continue
        elif name == "watched":
            value = _look_text(value)
        elif isinstance(value, dict):
            value = ", ".join(f"{key} {v}" for key, v in value.items())
        lines.append(f"  {name.replace('_', ' ')}: {value}")
    return "\n".join(lines)


def _field_text(found: dict[str, Any]) -> str:
    """A field's kinds, with its range or some of its values."""
    line = f"    {found['name']} ({' or '.join(found['kinds'])}): {found['documents']} documents"
    if found["minimum"] is not None:
        line += f", {found['minimum']} to {found['maximum']}"
    if (example := found["day_or_month_first"]) is not None:
        line += f", {example} with the day first (else --column {found['name']}=month-first)"
    if found["minimum"] is not None and len(found["kinds"]) == 1:
        return line
    # If there are many values, those of a single document say little.
    told = [pair for pair in found["values"] if pair[1] > 1 or found["distinct"] <= SHOWN][:SHOWN]
    shown = [f"{_short(value)} ({count})" for value, count in told]
    if more := found["distinct"] - len(told):
        shown.append(f"{more} more" if told else f"{more} different ones")
    return one_line(f"{line}; {', '.join(shown)}")


def _look_text(look: dict[str, Any]) -> str:
    at = datetime.fromtimestamp(look["looked"]).strftime("%Y-%m-%d %H:%M:%S")
    away = f"; not there, and kept: {', '.join(look['away'])}" if look["away"] else ""
    trouble = f"; {look['trouble']}" if look["trouble"] else ""
    return one_line(f"last looked at {at}{away}{trouble}")


def _short(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _room(parts: dict[str, int]) -> list[str]:
    """The room of all parts, and a row for each that is worth one, the largest first."""
    total = sum(parts.values())
    largest = sorted(parts.items(), key=lambda part: -part[1])
    rows = [
        f"    {name:<16}{console.mebibytes(size):>12}{size / max(1, total):>8.1%}"
        for name, size in largest
        if size > total / 1000
    ]
    return [f"  bytes on disk: {console.mebibytes(total)}", *rows]
