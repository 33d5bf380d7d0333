"""The drawing process: it draws one page, and may hang, crash or use up memory meanwhile."""

import signal
import sys

from indexer.pictures.messages import receive_request, send_reply
from indexer.pictures.picture import draw
from indexer.readers.confined import confine
from indexer.readers.limits import Limits
from indexer.readers.messages import limits_of_argument
from indexer.readers.outcome import UnreadableError


def serve(limits: Limits) -> None:
    asked, replies = confine(limits.memory_bytes)
    signal.setitimer(signal.ITIMER_REAL, limits.seconds)
    data, number, wanted = receive_request(asked)
    try:
        send_reply(replies, draw(data, number, wanted, limits))
    except UnreadableError as error:
        send_reply(replies, str(error))
    except MemoryError:
        send_reply(replies, "it needs more memory than one page may take")
    except Exception as error:  # whatever a parser raises
        send_reply(replies, f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    serve(limits_of_argument(sys.argv[1]))
