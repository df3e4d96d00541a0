"""The meters of one process, over `prometheus_client`; its files are summed over all processes by control.

`PROMETHEUS_MULTIPROC_DIR` must be set before this module is imported; the parent process does that.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values

from hortus.telemetry import metrics
from hortus.telemetry.metrics import Metric

Labels = tuple[str, ...]


def count_as(process: str) -> None:
    """Let this process go on in the files of its predecessor of the same name, before the first meter is made.

    By itself `prometheus_client` names files by process id: they would pile up with each restart, and gauges of dead
    processes would be counted for ever.
    """
    if values.ValueClass is not values.MutexValue:  # only where the figures are shared at all
        values.ValueClass = values.MultiProcessValue(lambda: process)  # type: ignore[no-untyped-call]  # its own


class Meters:
    """Counts what requests do. Counting is a few additions; `flush` carries the sums to the shared files.

    Args:
        registry: Where the meters belong; one of its own in tests.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = _Sums(metrics.REQUESTS, registry)
        self._request_seconds = _Distributions(metrics.REQUEST_SECONDS, registry)
        self._attempts = _Sums(metrics.ATTEMPTS, registry)
        self._first_byte = _Distributions(metrics.FIRST_BYTE_SECONDS, registry)
        self._tokens = _Sums(metrics.TOKENS, registry)
        self._cost = _Sums(metrics.COST, registry)
        self._losses = _Sums(metrics.LOSSES, registry)
        self._errors = _Sums(metrics.ERRORS, registry)
        self._running = _gauge(metrics.RUNNING, registry, mode="livesum")
        self._snapshot = _gauge(metrics.SNAPSHOT_VERSION, registry, mode="livemin")

    def count_request(self, route: str, status: str, *, seconds: float) -> None:
        """A request has ended."""
        self._requests.add((route, status), 1)
        self._request_seconds.add((route,), seconds)

    def count_error(self, code: str) -> None:
        """A request has ended with an error."""
        self._errors.add((code,), 1)

    def count_attempt(self, endpoint: str, outcome: str, *, first_byte_s: float | None) -> None:
        """A call to an endpoint has ended."""
        self._attempts.add((endpoint, outcome), 1)
        if first_byte_s is not None:
            self._first_byte.add((endpoint,), first_byte_s)

    def count_tokens(self, endpoint: str, *, input_tokens: int, output_tokens: int) -> None:
        """Tokens were used."""
        self._tokens.add((endpoint, "input"), input_tokens)
        self._tokens.add((endpoint, "output"), output_tokens)

    def count_cost(self, endpoint: str, currency: str, *, amount: float) -> None:
        """Money was spent."""
        self._cost.add((endpoint, currency), amount)

    def count_loss(self, endpoint: str, side: str, *, weight: str) -> None:
        """A translation did not carry something of the `request` or of the `answer`."""
        self._losses.add((endpoint, side, weight), 1)

    def flush(self, *, running: int, snapshot_version: int) -> None:
        """Carry everything counted since the last time to the shared files.

        Args:
            running: Requests that are being answered.
            snapshot_version: The configuration in use, 0 before the first one.
        """
        for meter in (self._requests, self._attempts, self._tokens, self._cost, self._losses, self._errors):
            meter.flush()
        self._request_seconds.flush()
        self._first_byte.flush()
        self._running.set(running)
        self._snapshot.set(snapshot_version)


class _Sums:
    """A counter whose additions wait for `flush`: an addition to a shared file costs ten times as much."""

    def __init__(self, metric: Metric, registry: CollectorRegistry) -> None:
        name = metric.name.removesuffix("_total")
        self._counter = Counter(name, metric.sentence, metric.labels, registry=registry)
        self._waiting: dict[Labels, float] = {}

    def add(self, labels: Labels, amount: float) -> None:
        self._waiting[labels] = self._waiting.get(labels, 0) + amount

    def flush(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for labels, amount in waiting.items():
            self._counter.labels(*labels).inc(amount)


class _Distributions:
    """A histogram whose observations wait for `flush`."""

    def __init__(self, metric: Metric, registry: CollectorRegistry) -> None:
        self._histogram = Histogram(
            metric.name, metric.sentence, metric.labels, registry=registry, buckets=metric.buckets
        )
        self._bounds = (*metric.buckets, math.inf)
        self._waiting: dict[Labels, list[float]] = {}

    def add(self, labels: Labels, value: float) -> None:
        counts = self._waiting.get(labels)
        if counts is None:
            counts = self._waiting[labels] = [0.0] * (len(self._bounds) + 1)
        counts[bisect_left(self._bounds, value)] += 1
        counts[-1] += value

    def flush(self) -> None:
        """Add sums to buckets, for which `prometheus_client` has no public way; a test watches that it stays so."""
        waiting, self._waiting = self._waiting, {}
        for labels, counts in waiting.items():
            child = self._histogram.labels(*labels)
            child._sum.inc(counts[-1])  # noqa: SLF001 -- see above
            for bucket, count in zip(child._buckets, counts[:-1], strict=True):  # noqa: SLF001 -- see above
                if count:
                    bucket.inc(count)


def _gauge(metric: Metric, registry: CollectorRegistry, *, mode: Literal["livesum", "livemin"]) -> Gauge:
    return Gauge(metric.name, metric.sentence, metric.labels, registry=registry, multiprocess_mode=mode)
