"""What Prometheus reads: the counters of all processes, summed, and gauges of the installation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar, get_args

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.multiprocess import MultiProcessCollector

from hortus.control import models
from hortus.control.declaring import list_deployments
from hortus.control.plane import Plane
from hortus.control.reporting import store_bytes
from hortus.jobs.records import OVER, State
from hortus.jobs.reports import Metric as Step
from hortus.telemetry.metrics import Metric

ENGINE_STATES = ("starting", "ready", "failed", "stopped", "waiting")

BUILD = Metric("hortus_build", "gauge", "", ("version",), "Version that runs; always 1.")
NEWEST_SNAPSHOT = Metric(
    "hortus_snapshot_newest_version", "gauge", "", (), "Version of the configuration as control compiled it last."
)
FILE_REFUSED = Metric("hortus_config_file_refused", "gauge", "", (), "1 while hortus.toml is refused.")
STORE_BYTES = Metric("hortus_store_bytes", "gauge", "bytes", (), "Size of the store with its log.")
ENGINE_STATE = Metric(
    "hortus_engine_state", "gauge", "", ("deployment", "state"), "1 for the state in which a deployment is, else 0."
)
ENGINE_RESTARTS = Metric("hortus_engine_restarts", "gauge", "", ("deployment",), "Restarts of a deployment's engine.")
ENGINE_BYTES = Metric("hortus_engine_memory_bytes", "gauge", "bytes", ("deployment",), "Memory of an engine.")

JOBS = Metric("hortus_jobs", "gauge", "", ("state",), "Trainings that are not over, by their state.")
JOB_STEP = Metric("hortus_job_step", "gauge", "", ("job",), "Newest step of a training that runs.")
JOB_LOSS = Metric("hortus_job_loss", "gauge", "", ("job",), "Its loss at that step.")
JOB_SPEED = Metric("hortus_job_tokens_per_second", "gauge", "", ("job",), "Its tokens in a second.")

GAUGES = (
    *(BUILD, NEWEST_SNAPSHOT, FILE_REFUSED, STORE_BYTES, ENGINE_STATE, ENGINE_RESTARTS, ENGINE_BYTES),
    *(JOBS, JOB_STEP, JOB_LOSS, JOB_SPEED),
)
"""What control adds to `telemetry.metrics.METRICS`."""


_Labels = TypeVar("_Labels", bound=tuple[str, ...])


class InstallationFigures:
    """Gauges that are read off the installation at each scrape."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def collect(self) -> Iterator[Family]:
        """Return the gauges."""
        plane = self._plane
        version = plane.snapshot.version if plane.snapshot is not None else 0
        yield _family(BUILD, {(plane.installation.version,): 1})
        yield _family(NEWEST_SNAPSHOT, {(): version})
        yield _family(FILE_REFUSED, {(): plane.file.state == "refused"})
        yield _family(STORE_BYTES, {(): store_bytes(plane)})
        engines = list_deployments(plane, models.Everything()).deployments
        yield _family(ENGINE_STATE, {(one.name, word): one.state == word for one in engines for word in ENGINE_STATES})
        yield _family(ENGINE_RESTARTS, {(one.name,): one.restarts for one in engines})
        known = {(one.name,): one.memory_bytes for one in engines if one.memory_bytes is not None}
        yield _family(ENGINE_BYTES, known)
        yield from _of_jobs(plane)


def _of_jobs(plane: Plane) -> Iterator[Family]:
    jobs = plane.ports.jobs.unfinished()
    states = sorted(get_args(State))
    yield _family(JOBS, {(word,): sum(job.state == word for job in jobs) for word in states if word not in OVER})
    newest = {(job.id,): _newest(plane, job.id) for job in jobs if job.state == "running"}
    figures = {labels: one for labels, one in newest.items() if one is not None}
    yield _family(JOB_STEP, {labels: one.step for labels, one in figures.items()})
    yield _family(JOB_LOSS, {labels: one.loss for labels, one in figures.items()})
    speeds = {labels: one.tokens_per_s for labels, one in figures.items()}
    yield _family(JOB_SPEED, {labels: speed for labels, speed in speeds.items() if speed is not None})


def _newest(plane: Plane, job_id: str) -> Step | None:
    found = plane.ports.jobs.events(job_id, limit=1, kind="metrics")
    return msgspec.json.decode(found[0].event.data, type=Step) if found else None


def _family(metric: Metric, values: Mapping[_Labels, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(metric.name, metric.sentence, labels=metric.labels)
    for labels, value in values.items():
        family.add_metric(labels, float(value))
    return family


def render_metrics(plane: Plane) -> tuple[str, str]:
    """Return the exposition text and its content type."""
    registry = CollectorRegistry()
    if plane.installation.metrics.is_dir():
        MultiProcessCollector(registry, path=str(plane.installation.metrics))  # type: ignore[no-untyped-call]  # its own
    registry.register(InstallationFigures(plane))
    return generate_latest(registry).decode(), CONTENT_TYPE_LATEST
