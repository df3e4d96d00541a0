"""Counters and distributions over `prometheus_client` whose additions wait for a flush: one costs next to nothing."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from hortus.telemetry.metrics import Metric

Labels = tuple[str, ...]


class Sums:
    """A counter whose additions wait for `flush`: an addition to a shared file costs ten times as much."""

    def __init__(self, metric: Metric, registry: CollectorRegistry) -> None:
        name = metric.name.removesuffix("_total")
        self._counter = Counter(name, metric.sentence, metric.labels, registry=registry)
        self._waiting: dict[Labels, float] = {}

    def add(self, labels: Labels, amount: float) -> None:
        """Take note of an addition."""
        self._waiting[labels] = self._waiting.get(labels, 0) + amount

    def flush(self) -> None:
        """Carry what was added to the shared file."""
        waiting, self._waiting = self._waiting, {}
        for labels, amount in waiting.items():
            (self._counter.labels(*labels) if labels else self._counter).inc(amount)


class Distributions:
    """A histogram whose observations wait for `flush`."""

    def __init__(self, metric: Metric, registry: CollectorRegistry) -> None:
        self._histogram = Histogram(
            metric.name, metric.sentence, metric.labels, registry=registry, buckets=metric.buckets
        )
        self._bounds = (*metric.buckets, math.inf)
        self._waiting: dict[Labels, list[float]] = {}

    def add(self, labels: Labels, value: float) -> None:
        """Take note of an observation."""
        counts = self._waiting.get(labels)
        if counts is None:
            counts = self._waiting[labels] = [0.0] * (len(self._bounds) + 1)
        counts[bisect_left(self._bounds, value)] += 1
        counts[-1] += value

    def flush(self) -> None:
        """Add sums to buckets, for which `prometheus_client` has no public way; a test watches that it stays so."""
        waiting, self._waiting = self._waiting, {}
        for labels, counts in waiting.items():
            child = self._histogram.labels(*labels) if labels else self._histogram
            child._sum.inc(counts[-1])  # noqa: SLF001 -- see above
            for bucket, count in zip(child._buckets, counts[:-1], strict=True):  # noqa: SLF001 -- see above
                if count:
                    bucket.inc(count)


def make_gauge(
    metric: Metric, registry: CollectorRegistry, *, mode: Literal["livesum", "livemin", "livemax", "livemostrecent"]
) -> Gauge:
    """Return a gauge; `mode` says how those of several processes become one."""
    return Gauge(metric.name, metric.sentence, metric.labels, registry=registry, multiprocess_mode=mode)
