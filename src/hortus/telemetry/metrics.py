"""The table of metrics: name, kind, unit, labels, sentence. Documentation and meters are made from it.

Labels only take values out of the configuration or closed lists, so that their number is bounded.
"""

from __future__ import annotations

from typing import Literal

import msgspec

_LONG_WAIT_BUCKETS_S = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)
_SHORT_WAIT_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


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

BREAKER_STATE = Metric(
    "hortus_breaker_state",
    "gauge",
    "",
    ("endpoint",),
    "Where an endpoint's breaker stands, in the worker that has it worst: 0 closed, 1 half-open, 2 open.",
)
BREAKER_TRANSITIONS = Metric(
    "hortus_breaker_transitions_total",
    "counter",
    "",
    ("endpoint", "to"),
    "Changes of an endpoint's breaker, by what it became (`closed`, `half_open`, `open`).",
)
QUEUE_WAITING = Metric(
    "hortus_queue_waiting", "gauge", "", ("endpoint",), "Requests that wait for room at an endpoint."
)
QUEUE_WAIT_SECONDS = Metric(
    "hortus_queue_wait_seconds",
    "histogram",
    "seconds",
    ("endpoint",),
    "How long requests waited for room at an endpoint; those that need not wait are not in it.",
    _LONG_WAIT_BUCKETS_S,
)
QUEUED = Metric(
    "hortus_queued_total",
    "counter",
    "",
    ("endpoint", "outcome"),
    "Requests that found an endpoint full, by what came of it (`entered`, `refused`, `left`).",
)
CACHE = Metric(
    "hortus_cache_total",
    "counter",
    "",
    ("route", "outcome"),
    "Requests on routes with a response cache, by outcome (`hit`, `miss`, `bypass` where they may not be cached).",
)

LIMIT_REFUSALS = Metric(
    "hortus_limit_refusals_total",
    "counter",
    "",
    ("measure",),
    "Requests that a limit or budget refused, by its measure (`requests`, `tokens`, `concurrent`, `money`).",
)
LEASE_ASKS = Metric(
    "hortus_lease_asks_total",
    "counter",
    "",
    ("outcome",),
    "Pools that workers asked the ledger for, by outcome (`granted`; `short` where what was needed is not there).",
)
LEASE_WAIT_SECONDS = Metric(
    "hortus_lease_wait_seconds",
    "histogram",
    "seconds",
    (),
    "How long requests waited for the ledger to lease them a part of a limit; those that need not wait are not in it.",
    _SHORT_WAIT_BUCKETS_S,
)
BUDGET_SPENT_RATIO = Metric(
    "hortus_budget_spent_ratio",
    "gauge",
    "ratio",
    ("limit",),
    "Part of a budget that receipts have taken in its current period; 1 is all of it.",
)
BOUND_EXCEEDED = Metric(
    "hortus_bound_exceeded_total",
    "counter",
    "",
    ("endpoint",),
    "Attempts that cost more than the upper bound that was reserved for them: a price row is wrong.",
)
IDEMPOTENCY_CONFLICTS = Metric(
    "hortus_idempotency_conflicts_total",
    "counter",
    "",
    ("reason",),
    "Requests refused for their `Idempotency-Key`, by reason (`running`, `done`).",
)
POLICY_RULINGS = Metric(
    "hortus_policy_rulings_total",
    "counter",
    "",
    ("rule",),
    "What policies said against endpoints or requests where a request was refused, by the rule.",
)
SHADOW_RULINGS = Metric(
    "hortus_shadow_rulings_total",
    "counter",
    "",
    ("policy", "rule"),
    "What shadow policies would have said; they refuse nothing.",
)
FINDINGS = Metric(
    "hortus_findings_total",
    "counter",
    "",
    ("kind",),
    "What guards found in requests, by kind (`email`, `iban`, `api_key` …).",
)
PLACES_BROKEN = Metric(
    "hortus_places_broken_total",
    "counter",
    "",
    ("endpoint",),
    "Answers whose host says that they were computed outside the place that its terms promise.",
)
CONTENT = Metric(
    "hortus_content_total",
    "counter",
    "",
    ("outcome",),
    "Exchanges of projects that keep content, by outcome (`kept`; `kept_without_body`: too long; `not_kept`: see log).",
)
CHAIN_RECORDS = Metric(
    "hortus_chain_records", "gauge", "", (), "Records in the chain of receipts and acts: the number of its head."
)
CHECKPOINT_TIME_SECONDS = Metric(
    "hortus_checkpoint_time_seconds",
    "gauge",
    "seconds",
    (),
    "When the chain was signed last, in seconds since 1970: the checkpoint's age is `time()` less this. 0 for never.",
)
SPANS = Metric(
    "hortus_spans_total",
    "counter",
    "",
    ("outcome",),
    "Spans made of receipts, by outcome (`sent`; `refused` by the collector; `dropped`, where too many waited).",
)
SPANS_UNSAMPLED = Metric(
    "hortus_spans_unsampled_total",
    "counter",
    "",
    (),
    "Receipts of which no span was made, because the caller's `traceparent` says that its trace is not recorded.",
)
SPANS_WAITING = Metric(
    "hortus_spans_waiting", "gauge", "", (), "Receipts whose spans wait to be sent; full is where `dropped` begins."
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
    BREAKER_STATE,
    BREAKER_TRANSITIONS,
    QUEUE_WAITING,
    QUEUE_WAIT_SECONDS,
    QUEUED,
    CACHE,
    LIMIT_REFUSALS,
    LEASE_ASKS,
    LEASE_WAIT_SECONDS,
    BUDGET_SPENT_RATIO,
    BOUND_EXCEEDED,
    IDEMPOTENCY_CONFLICTS,
    POLICY_RULINGS,
    SHADOW_RULINGS,
    FINDINGS,
    PLACES_BROKEN,
    CONTENT,
    CHAIN_RECORDS,
    CHECKPOINT_TIME_SECONDS,
    SPANS,
    SPANS_UNSAMPLED,
    SPANS_WAITING,
)
"""All of them, in the order of the documentation."""
