"""Metrics for Prometheus: requests and their duration, batches, and the model that serves."""

from __future__ import annotations

from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

Kind = TypeVar("Kind", Counter, Gauge, Histogram)

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384)


class Metrics:
    """The metrics of one server."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._requests = self._of(Counter, "requests_total", "Requests answered", "protocol", "status")
        self._seconds = self._of(Histogram, "seconds", "From head to answer", "protocol", buckets=SECONDS)
        self._rows = self._of(Counter, "rows_total", "Rows scored")
        self._batch_requests = self._of(Histogram, "batch_requests", "Requests scored in one call", buckets=ROWS)
        self._batch_rows = self._of(Histogram, "batch_rows", "Rows scored in one call", buckets=ROWS)
        self.in_work = self._of(Gauge, "requests_in_work", "Requests that are being read, waiting or scored")
        self.connections = self._of(Gauge, "connections", "Connections that are open")
        text = "Connections ended: limit reached (full), no head in time (late), answer not read in time (unread)"
        self.refused = self._of(Counter, "connections_refused_total", text, "reason")
        self._reloads = self._of(Counter, "reloads_total", "New models that were loaded", "result")
        self._model = self._of(Gauge, "model", "The model that serves", "name", "version")

    def _of(self, kind: type[Kind], name: str, text: str, *labels: str, **options: Any) -> Kind:
        return kind(f"pipeline_serve_{name}", text, labels, registry=self._registry, **options)

    def answered(self, protocol: str, status: int, seconds: float) -> None:
        """Counts an answered request.

        Args:
            protocol: Its protocol.
            status: Its HTTP status.
            seconds: From the head to the answer.
        """
        self._requests.labels(protocol, status).inc()
        self._seconds.labels(protocol).observe(seconds)

    def scored(self, n_requests: int, n_rows: int) -> None:
        """Counts a call of the model.

        Args:
            n_requests: Requests in the batch.
            n_rows: Rows in the batch.
        """
        self._batch_requests.observe(n_requests)
        self._batch_rows.observe(n_rows)
        self._rows.inc(n_rows)

    def reloaded(self, result: str) -> None:
        """Counts another model, which `serves` or was `refused`."""
        self._reloads.labels(result).inc()

    def serves(self, name: str, version: str) -> None:
        """Sets the model that serves.

        Args:
            name: Its name.
            version: Its version.
        """
        self._model.clear()
        self._model.labels(name, version).set(1)

    def page(self) -> bytes:
        """All metrics in Prometheus's format."""
        return generate_latest(self._registry)
