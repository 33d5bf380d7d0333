"""The reading process: it may hang, crash or use up memory, and nothing else does.

It reads one file after another from its standard input. The kernel ends it when a file takes too
long, even in a parser that never returns to Python, and refuses it more memory.
"""

import signal
import sys
from collections.abc import Iterator

from indexer.readers.checked import read_checked
from indexer.readers.confined import confine
from indexer.readers.formats import format_of, reader_of
from indexer.readers.limits import Limits
from indexer.readers.messages import (
    limits_of_argument,
    receive_file,
    send_end,
    send_item,
)
from indexer.readers.outcome import Item, RawFile


def serve(limits: Limits) -> None:
    """Read the files that come, until there are no more."""
    files, replies = confine(limits.memory_bytes)
    while (received := receive_file(files)) is not None:
        file, suffix = received

        def read(file: RawFile, limits: Limits, suffix: str = suffix) -> Iterator[Item]:
            yield from reader_of(format_of(suffix, file.data))(file, limits)

        items = read_checked(file, read, limits)
        left = limits.seconds
        while True:
            # Time counts while the file is read, not while its documents are sent.
            signal.setitimer(signal.ITIMER_REAL, left)
            item = next(items, None)
            left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
            if item is None:
                break
            send_item(replies, item)
        send_end(replies)


if __name__ == "__main__":
    serve(limits_of_argument(sys.argv[1]))
