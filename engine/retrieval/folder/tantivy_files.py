"""Checksums of Tantivy's files, which Tantivy writes at their ends and doesn't check itself.

A file ends with a footer of JSON, its length and a magic number, both uint32 little endian. The
footer's `crc` is the CRC-32 of everything before it.
"""

import json
import re
import struct
import zlib
from pathlib import Path

_END = struct.Struct("<II")
_MAGIC = 1337
_BLOCK = 1 << 20
_SEGMENT_FILE = re.compile(r"[0-9a-f]{32}(\.\d+)?\.[a-z]+")


def damaged_files(folder: Path) -> list[str]:
    """The names of the segment files in `folder` that don't match their checksums."""
    files = sorted(path for path in folder.iterdir() if _SEGMENT_FILE.fullmatch(path.name))
    return [path.name for path in files if not _fits(path)]


def _fits(path: Path) -> bool:
    size = path.stat().st_size
    with path.open("rb") as file:
        if size < _END.size:
            return False
        file.seek(size - _END.size)
        length, magic = _END.unpack(file.read(_END.size))
        body = size - _END.size - length
        if magic != _MAGIC or body < 0:
            return False
        file.seek(body)
        try:
            expected = json.loads(file.read(length))["crc"]
        except (ValueError, KeyError, TypeError):
            return False
        file.seek(0)
        found = 0
        while body:
            block = file.read(min(_BLOCK, body))
            found = zlib.crc32(block, found)
            body -= len(block)
    return bool(found == expected)
