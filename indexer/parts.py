"""A machine's share of the files, where several machines build one index."""

import hashlib
import re
from dataclasses import dataclass

from engine.errors import SourceError


@dataclass(frozen=True)
class Part:
    """Part `number` of `of`, from 1: the files whose absolute paths a hash assigns to it."""

    number: int
    of: int

    def holds(self, path: str) -> bool:
        digest = hashlib.blake2b(path.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.of == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def parse_part(written: str) -> Part:
    """A part from its text. Raises: SourceError if it isn't I/N with I from 1 to N."""
    found = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", written)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise SourceError(f"expected a part such as 1/4, the first of four, got {written!r}")
    return Part(int(found[1]), int(found[2]))
