"""The meters of one process, over `prometheus_client`; its files are summed over all processes by control.

`PROMETHEUS_MULTIPROC_DIR` must be set before this module is imported; the parent process does that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Literal, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from hortus.telemetry import metrics
from hortus.telemetry.metrics import Metric

_Child = TypeVar("_Child")


class Meters:
    """Counts what requests do; children of labels are made once and kept.

    Args:
        registry: Where the meters belong; one of its own in tests.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = _Cached(_counter(metrics.REQUESTS, registry).labels)
        self._request_seconds = _Cached(_histogram(metrics.REQUEST_SECONDS, registry).labels)
        self._attempts = _Cached(_counter(metrics.ATTEMPTS, registry).labels)
        self._first_byte = _Cached(_histogram(metrics.FIRST_BYTE_SECONDS, registry).labels)
        self._tokens = _Cached(_counter(metrics.TOKENS, registry).labels)
        self._cost = _Cached(_counter(metrics.COST, registry).labels)
        self._errors = _Cached(_counter(metrics.ERRORS, registry).labels)
        self._running = _gauge(metrics.RUNNING, registry, mode="livesum")
        self._snapshot = _gauge(metrics.SNAPSHOT_VERSION, registry, mode="livemin")

    def count_request(self, route: str, status: str, *, seconds: float) -> None:
        """A request has ended."""
        self._requests.get(route, status).inc()
        self._request_seconds.get(route).observe(seconds)

    def count_error(self, code: str) -> None:
        """A request has ended with an error."""
        self._errors.get(code).inc()

    def count_attempt(self, endpoint: str, outcome: str, *, first_byte_s: float | None) -> None:
        """A call to an endpoint has ended."""
        self._attempts.get(endpoint, outcome).inc()
        if first_byte_s is not None:
            self._first_byte.get(endpoint).observe(first_byte_s)

    def count_tokens(self, endpoint: str, *, input_tokens: int, output_tokens: int) -> None:
        """Tokens were used."""
        if input_tokens:
            self._tokens.get(endpoint, "input").inc(input_tokens)
        if output_tokens:
            self._tokens.get(endpoint, "output").inc(output_tokens)

    def count_cost(self, endpoint: str, currency: str, *, amount: float) -> None:
        """Money was spent."""
        if amount:
            self._cost.get(endpoint, currency).inc(amount)

    def show_running(self, count: int) -> None:
        """So many requests are being answered."""
        self._running.set(count)

    def show_snapshot(self, version: int) -> None:
        """This configuration is in use."""
        self._snapshot.set(version)


class _Cached(Generic[_Child]):
    """Children of one meter by the values of their labels; `labels()` alone costs as much as counting."""

    def __init__(self, make: Callable[..., _Child]) -> None:
        self._make = make
        self._children: dict[tuple[str, ...], _Child] = {}

    def get(self, *values: str) -> _Child:
        child = self._children.get(values)
        if child is None:
            child = self._children[values] = self._make(*values)
        return child


def _counter(metric: Metric, registry: CollectorRegistry) -> Counter:
    return Counter(metric.name.removesuffix("_total"), metric.sentence, metric.labels, registry=registry)


def _histogram(metric: Metric, registry: CollectorRegistry) -> Histogram:
    return Histogram(metric.name, metric.sentence, metric.labels, registry=registry, buckets=metric.buckets)


def _gauge(metric: Metric, registry: CollectorRegistry, *, mode: Literal["livesum", "livemin"]) -> Gauge:
    return Gauge(metric.name, metric.sentence, metric.labels, registry=registry, multiprocess_mode=mode)
