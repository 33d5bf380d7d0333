"""What Prometheus asks for: requests, questions, batches, and what waits."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from foreread.serve.batching import Room

MEDIA = CONTENT_TYPE_LATEST
_SECONDS = (0.01, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)


class Metrics:
    """The counts of one server."""

    def __init__(self, room: Room) -> None:
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            "foreread_request_seconds",
            "Time of requests.",
            ("method", "path", "status"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._questions = Counter(
            "foreread_questions", "Questions read.", ("collection",), registry=self._registry
        )
        self._batches = Histogram(
            "foreread_batch_questions",
            "Questions answered at once.",
            ("collection",),
            buckets=(1, 2, 4, 8, 16, 32),
            registry=self._registry,
        )
        self._reading = Counter(
            "foreread_reading_seconds",
            "Time spent on answering.",
            ("collection",),
            registry=self._registry,
        )
        waiting = Gauge(
            "foreread_waiting", "Questions that wait or are read.", registry=self._registry
        )
        waiting.set_function(lambda: room.taken)

    def requested(self, method: str, path: str, status: int, seconds: float) -> None:
        self._requests.labels(method, path, str(status)).observe(seconds)

    def answered(self, collection: str, questions: int, seconds: float) -> None:
        self._questions.labels(collection).inc(questions)
        self._batches.labels(collection).observe(questions)
        self._reading.labels(collection).inc(seconds)

    def text(self) -> bytes:
        return generate_latest(self._registry)
