"""A gate that many threads may stand in at once, or one alone."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Shared by many or held by one, who is let in before those that come later to share it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside: Counter[int] = Counter()  # by thread
        self._waiting = 0

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Stand in it with others. A thread that does already may do so again."""
        thread = threading.get_ident()
        with self._changed:
            # Who is inside must never wait for who waits for it to leave.
            self._changed.wait_for(lambda: not self._waiting or self._inside[thread] > 0)
            self._inside[thread] += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside[thread] -= 1
                if not self._inside[thread]:
                    del self._inside[thread]
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Stand in it alone.

        Raises: RuntimeError if this thread stands in it already, which would wait for itself.
        """
        with self._changed:
            if self._inside[threading.get_ident()]:
                raise RuntimeError("a thread that reads the index can't change it meanwhile")
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: not +self._inside)
                yield  # holding the condition's lock, so that none comes in
            finally:
                self._waiting -= 1
                self._changed.notify_all()
