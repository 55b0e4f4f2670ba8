"""What the service counts, in the form that Prometheus reads.

Its registry is its own: other programs in the same process keep theirs. With several workers every one writes its
numbers into files of a common folder (``PROMETHEUS_MULTIPROC_DIR``), and whichever is asked adds them up.
"""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import InfoMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from textaxa.server._service import Service

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable, read by prometheus_client when it is imported: where workers put their numbers."""

SECONDS = (0.002, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Metrics:
    """Counters of one worker, and the text in which all are told."""

    def __init__(self, service: "Service") -> None:
        own = CollectorRegistry()
        self._own, self._service = own, service
        self.requests = Counter("textaxa_requests", "Requests answered.", ["route", "method", "status"], registry=own)
        self.seconds = Histogram(
            "textaxa_request_seconds", "Seconds from header to answer.", ["route"], buckets=SECONDS, registry=own
        )
        self.texts = Counter("textaxa_texts", "Texts classified.", ["model"], registry=own)
        self.batch_texts = Histogram(
            "textaxa_batch_texts", "Texts computed together.", ["model"], buckets=SIZES, registry=own
        )
        self.batch_seconds = Histogram(
            "textaxa_batch_seconds", "Seconds of one computation.", ["model"], buckets=SECONDS, registry=own
        )
        self.tokens = Counter("textaxa_tokens", "Tokens computed.", ["model"], registry=own)
        self.queue = Gauge(
            "textaxa_queue", "What waits to be computed.", ["unit"], registry=own, multiprocess_mode="livesum"
        )
        self.reloads = Counter("textaxa_reloads", "Models loaded anew.", ["outcome"], registry=own)
        own.register(_Models(service))

    def batch(self, model: str, texts: int, tokens: int, seconds: float) -> None:
        """Count one computation, and what waits after it: with several workers only each itself knows its queue."""
        self.batch_texts.labels(model).observe(texts)
        self.batch_seconds.labels(model).observe(seconds)
        self.tokens.labels(model).inc(tokens)
        self._count_queue()

    def told(self) -> bytes:
        """Give all numbers as text, those of other workers added."""
        self._count_queue()
        return generate_latest(_of_all_workers(self._service) if os.environ.get(SHARED) else self._own)

    def _count_queue(self) -> None:
        for unit, waiting in self._service.depth().items():
            self.queue.labels(unit).set(waiting)


class _Models:
    """Tells which models are served, as they are now: a gauge would keep the versions of before."""

    def __init__(self, service: "Service") -> None:
        self._service = service

    def collect(self) -> Iterator[InfoMetricFamily]:
        """Give name, version and task of every model."""
        family = InfoMetricFamily("textaxa_model", "Models that are served.", labels=["model"])
        for name in self._service.names:
            served = self._service.get(name)
            family.add_metric([name], {"version": served.version, "task": served.task})
        yield family


def _of_all_workers(service: "Service") -> CollectorRegistry:
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    registry.register(_Models(service))
    return registry
