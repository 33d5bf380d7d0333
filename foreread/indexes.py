"""The indexes that a server or an assistant is given, by their names."""

from collections.abc import Sequence
from pathlib import Path

from engine.errors import ConfigurationError
from engine.retrieval.address import IndexAddress, parse_named_index


def indexes_by_name(written: Sequence[str]) -> dict[str, IndexAddress]:
    """Indexes by name, from `NAME=INDEX`, or `INDEX`, which is called as its folder is.

    Folders are absolute.

    Raises: ConfigurationError if none is given, or two have one name; IndexStoreError for no
    address.
    """
    found: dict[str, IndexAddress] = {}
    for one in written:
        name, address = parse_named_index(one)
        if name in found:
            raise ConfigurationError(
                f"two indexes are called {name}; name them apart: --index NAME=INDEX"
            )
        found[name] = address.expanduser().absolute() if isinstance(address, Path) else address
    if not found:
        raise ConfigurationError("no index is named; name one with --index, or in foreread.toml")
    return found
