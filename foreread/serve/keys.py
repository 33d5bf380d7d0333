"""API keys, of which the server knows hashes alone: a line `NAME HASH` for each."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from engine.errors import ConfigurationError, reason_of

VARIABLE = "FOREREAD_KEYS"
_LINE = re.compile(r"([\w.-]+)\s+([0-9a-f]{64})")


def new_key(name: str) -> tuple[str, str]:
    """A key, which nobody guesses, and its line. Raises: ConfigurationError for an odd name."""
    key = secrets.token_urlsafe(32)
    line = f"{name} {_hash(key)}"
    if not _LINE.fullmatch(line):
        raise ConfigurationError(f"a key's name has letters, digits, - and _, not {name!r}")
    return key, line


def read_keys(file: Path | None, environment: Mapping[str, str]) -> dict[str, str]:
    """The hashes of the keys in a file and in the environment, by name.

    Raises: ConfigurationError if the file can't be read, holds none, or a line isn't a key's.
    """
    lines = environment.get(VARIABLE, "").replace(",", "\n").splitlines()
    if file is not None:
        try:
            lines += file.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{file} can't be read ({reason_of(error)})") from None
    keys: dict[str, str] = {}
    for line in (line.strip() for line in lines):
        if not line or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if not found or found[1] in keys:
            raise ConfigurationError(
                "a line of keys is a name of its own and a hash; make one with: foreread serve "
                "--new-key NAME"
            )
        keys[found[1]] = found[2]
    if file is not None and not keys:
        raise ConfigurationError(
            f"{file} holds no key; make one with: foreread serve --new-key NAME"
        )
    return keys


def owner(key: str, keys: Mapping[str, str]) -> str | None:
    """Whose key it is, in a time that doesn't tell how near it comes to one."""
    given = _hash(key)
    found = [name for name, known in keys.items() if hmac.compare_digest(given, known)]
    return found[0] if found else None


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
