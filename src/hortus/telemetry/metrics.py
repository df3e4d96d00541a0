"""The table of metrics: name, kind, unit, labels, sentence. Documentation and meters are made from it.

Labels only take values out of the configuration or closed lists, so that their number is bounded.
"""

from __future__ import annotations

from typing import Literal

import msgspec

_LONG_WAIT_BUCKETS_S = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)


class Metric(msgspec.Struct, frozen=True):
    """One thing that is measured.

    Attributes:
        name: As Prometheus shows it (a counter's `_total` included).
        unit: Empty for plain counts.
        sentence: What it says, for people.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    labels: tuple[str, ...]
    sentence: str
    buckets: tuple[float, ...] = ()


REQUESTS = Metric(
    "hortus_requests_total",
    "counter",
    "",
    ("route", "status"),
    "Requests that ended, by route (`-` for none) and status class (`2xx`; `gone` where the client left).",
)
REQUEST_SECONDS = Metric(
    "hortus_request_seconds",
    "histogram",
    "seconds",
    ("route",),
    "From the head of a request to the end of its answer.",
    _LONG_WAIT_BUCKETS_S,
)
ATTEMPTS = Metric(
    "hortus_attempts_total",
    "counter",
    "",
    ("endpoint", "outcome"),
    "Calls to endpoints that ended, by outcome (`completed`, `failed`, `cancelled`, `timed_out`).",
)
FIRST_BYTE_SECONDS = Metric(
    "hortus_first_byte_seconds",
    "histogram",
    "seconds",
    ("endpoint",),
    "From the opening of a call to the head of the host's answer.",
    _LONG_WAIT_BUCKETS_S,
)
TOKENS = Metric(
    "hortus_tokens_total",
    "counter",
    "tokens",
    ("endpoint", "kind"),
    "Tokens used, by endpoint and kind (`input`, `output`); estimates included.",
)
COST = Metric(
    "hortus_cost_total",
    "counter",
    "currency",
    ("endpoint", "currency"),
    "Money spent where the price is known; receipts hold the exact amounts.",
)
LOSSES = Metric(
    "hortus_losses_total",
    "counter",
    "",
    ("endpoint", "side", "weight"),
    "What a translation did not carry, by side (`request`, `answer`) and weight (`meaning`, `tuning`, `advisory`).",
)
ERRORS = Metric("hortus_errors_total", "counter", "", ("code",), "Requests that ended with an error, by its code.")
RUNNING = Metric("hortus_requests_running", "gauge", "", (), "Requests that are being answered.")
SNAPSHOT_VERSION = Metric(
    "hortus_snapshot_version", "gauge", "", (), "Version of the configuration in use, the oldest of all workers."
)

METRICS: tuple[Metric, ...] = (
    REQUESTS,
    REQUEST_SECONDS,
    ATTEMPTS,
    FIRST_BYTE_SECONDS,
    TOKENS,
    COST,
    LOSSES,
    ERRORS,
    RUNNING,
    SNAPSHOT_VERSION,
)
"""All of them, in the order of the documentation."""
