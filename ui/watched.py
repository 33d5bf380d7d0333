"""What `foreread watch` last saw of an index's folders, in words."""

import time

from engine.retrieval.address import parse_index_address
from indexer.last_look import LastLook, read_last_look
from ui.plain_words import when

NAMED = 3  # folders


def lines(index: str) -> list[str]:
    """What is told of the last look; nothing if nobody has watched the index."""
    look = read_last_look(parse_index_address(index))
    return [] if look is None else in_words(look, time.time())


def in_words(look: LastLook, now: float) -> list[str]:
    # A look over many files takes time too.
    watching = now - look.looked <= 3 * look.every + 60
    told = [
        f"Folders last looked at: {when(look.looked)}{'' if watching else '; not watched now'}."
    ]
    if look.trouble:
        told.append(f"That look failed: {look.trouble}")
    if look.away:
        more = f" and {len(look.away) - NAMED} more" if len(look.away) > NAMED else ""
        told.append(f"Not there then, and kept as read: {', '.join(look.away[:NAMED])}{more}.")
    return told
