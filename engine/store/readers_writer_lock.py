"""A readers–writer lock between threads."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class ReadersWriterLock:
    """Shared by many or held by one alone. A waiting writer goes before readers that come later."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside: Counter[int] = Counter()  # by thread
        self._waiting = 0

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Share it with others. A thread that shares it already may do so again."""
        thread = threading.get_ident()
        with self._changed:
            # A thread that shares it must never wait for a writer that waits for that thread.
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
        """Hold it alone.

        Raises: RuntimeError if this thread shares it already and would wait for itself.
        """
        with self._changed:
            if self._inside[threading.get_ident()]:
                raise RuntimeError("a thread that reads the index can't change it meanwhile")
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: not +self._inside)
                yield  # the condition's lock stays held, so nobody enters
            finally:
                self._waiting -= 1
                self._changed.notify_all()
