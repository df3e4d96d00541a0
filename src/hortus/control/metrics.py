"""What Prometheus reads: the counters of all processes, summed, and gauges of the installation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from hortus.control import models
from hortus.control.declaring import list_deployments
from hortus.control.plane import Plane
from hortus.control.reporting import store_bytes

ENGINE_STATES = ("starting", "ready", "failed", "stopped", "waiting")


class Collector(Protocol):
    """Something that Prometheus' registry asks for figures."""

    def collect(self) -> Iterator[Metric]:
        """Return the figures as they are now."""
        ...


class InstallationFigures:
    """Gauges that are read off the installation at each scrape."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def collect(self) -> Iterator[Metric]:
        """Return the gauges."""
        plane = self._plane
        build = GaugeMetricFamily("hortus_build", "Version that runs; always 1.", labels=["version"])
        build.add_metric([plane.installation.version], 1)
        yield build
        version = plane.snapshot.version if plane.snapshot is not None else 0
        yield GaugeMetricFamily("hortus_snapshot_version", "Version of the compiled configuration.", value=version)
        refused = float(plane.file.state == "refused")
        yield GaugeMetricFamily("hortus_config_file_refused", "Whether hortus.toml is refused.", value=refused)
        yield GaugeMetricFamily("hortus_store_bytes", "Size of the store with its log.", value=store_bytes(plane))
        yield from self._engines()

    def _engines(self) -> Iterator[Metric]:
        states = GaugeMetricFamily("hortus_engine_state", "1 for the state it is in.", labels=["deployment", "state"])
        restarts = GaugeMetricFamily("hortus_engine_restarts", "Restarts since its start.", labels=["deployment"])
        memory = GaugeMetricFamily("hortus_engine_memory_bytes", "Memory of the engine.", labels=["deployment"])
        for one in list_deployments(self._plane, models.Everything()).deployments:
            for state in ENGINE_STATES:
                states.add_metric([one.name, state], float(one.state == state))
            restarts.add_metric([one.name], one.restarts)
            if one.memory_bytes is not None:
                memory.add_metric([one.name], one.memory_bytes)
        yield from (states, restarts, memory)


def render_metrics(plane: Plane) -> tuple[str, str]:
    """Return the exposition text and its content type."""
    registry = CollectorRegistry()
    if plane.installation.metrics.is_dir():
        MultiProcessCollector(registry, path=str(plane.installation.metrics))  # type: ignore[no-untyped-call]  # its own
    registry.register(InstallationFigures(plane))
    return generate_latest(registry).decode(), CONTENT_TYPE_LATEST
