"""The meters of one process, over `prometheus_client`; its files are summed over all processes by control.

`PROMETHEUS_MULTIPROC_DIR` must be set before this module is imported; the parent process does that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from prometheus_client import CollectorRegistry, values

from hortus.telemetry import metrics
from hortus.telemetry.sums import Distributions, Sums, make_gauge

Measure = Literal["requests", "tokens", "concurrent", "money"]
BreakerState = Literal["closed", "half_open", "open"]

_BREAKER_STATES: tuple[BreakerState, ...] = ("closed", "half_open", "open")
"""By the number that is shown."""


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
        self._requests = Sums(metrics.REQUESTS, registry)
        self._request_seconds = Distributions(metrics.REQUEST_SECONDS, registry)
        self._attempts = Sums(metrics.ATTEMPTS, registry)
        self._first_byte = Distributions(metrics.FIRST_BYTE_SECONDS, registry)
        self._tokens = Sums(metrics.TOKENS, registry)
        self._cost = Sums(metrics.COST, registry)
        self._losses = Sums(metrics.LOSSES, registry)
        self._errors = Sums(metrics.ERRORS, registry)
        self._refusals = Sums(metrics.LIMIT_REFUSALS, registry)
        self._lease_wait = Distributions(metrics.LEASE_WAIT_SECONDS, registry)
        self._bounds = Sums(metrics.BOUND_EXCEEDED, registry)
        self._conflicts = Sums(metrics.IDEMPOTENCY_CONFLICTS, registry)
        self._rulings = Sums(metrics.POLICY_RULINGS, registry)
        self._shadows = Sums(metrics.SHADOW_RULINGS, registry)
        self._findings = Sums(metrics.FINDINGS, registry)
        self._places = Sums(metrics.PLACES_BROKEN, registry)
        self._breakers = Sums(metrics.BREAKER_TRANSITIONS, registry)
        self._queued = Sums(metrics.QUEUED, registry)
        self._queue_wait = Distributions(metrics.QUEUE_WAIT_SECONDS, registry)
        self._cache = Sums(metrics.CACHE, registry)
        self._content = Sums(metrics.CONTENT, registry)
        self._counted = (
            *(self._requests, self._attempts, self._tokens, self._cost, self._losses, self._errors),
            *(self._refusals, self._bounds, self._conflicts, self._breakers, self._queued, self._cache),
            *(self._rulings, self._shadows, self._findings, self._places, self._content),
            *(self._request_seconds, self._first_byte, self._lease_wait, self._queue_wait),
        )
        self._breaker = make_gauge(metrics.BREAKER_STATE, registry, mode="livemax")
        self._waiting = make_gauge(metrics.QUEUE_WAITING, registry, mode="livesum")
        self._running = make_gauge(metrics.RUNNING, registry, mode="livesum")
        self._snapshot = make_gauge(metrics.SNAPSHOT_VERSION, registry, mode="livemin")

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

    def count_refusal(self, measure: Measure) -> None:
        """A limit or budget has refused a request."""
        self._refusals.add((measure,), 1)

    def count_lease_wait(self, seconds: float) -> None:
        """A request has waited for a lease."""
        self._lease_wait.add((), seconds)

    def count_bound_exceeded(self, endpoint: str) -> None:
        """An attempt has cost more than was reserved for it."""
        self._bounds.add((endpoint,), 1)

    def count_conflict(self, reason: Literal["running", "done"]) -> None:
        """A request was refused because another one came with its `Idempotency-Key` before."""
        self._conflicts.add((reason,), 1)

    def count_rulings(self, rulings: tuple[str, ...]) -> None:
        """A policy has refused a request: `ENDPOINT:RULE` each."""
        for ruling in rulings:
            self._rulings.add((ruling.rpartition(":")[2],), 1)

    def count_shadow(self, rulings: tuple[str, ...]) -> None:
        """A shadow policy would have said something: `POLICY:ENDPOINT:RULE` each."""
        for ruling in rulings:
            policy, rest = ruling.split(":", 1)
            self._shadows.add((policy, rest.rpartition(":")[2]), 1)

    def count_findings(self, findings: tuple[str, ...]) -> None:
        """Guards have found something in a request: `KIND:NUMBER` each."""
        for finding in findings:
            kind, _, number = finding.rpartition(":")
            self._findings.add((kind,), int(number))

    def count_place_broken(self, endpoint: str) -> None:
        """An answer was computed elsewhere than promised."""
        self._places.add((endpoint,), 1)

    def show_breaker(self, endpoint: str, state: BreakerState, *, is_new: bool = False) -> None:
        """Show where an endpoint's breaker stands; `is_new`: it has not changed, it was not known before."""
        self._breaker.labels(endpoint).set(_BREAKER_STATES.index(state))
        if not is_new:
            self._breakers.add((endpoint, state), 1)

    def show_waiting(self, endpoint: str, waiting: int) -> None:
        """Show how many requests wait for room at an endpoint."""
        self._waiting.labels(endpoint).set(waiting)

    def count_queued(self, endpoint: str, outcome: Literal["entered", "refused", "left"], *, seconds: float) -> None:
        """A request has found an endpoint full, and this is what came of it."""
        self._queued.add((endpoint, outcome), 1)
        self._queue_wait.add((endpoint,), seconds)

    def count_cache(self, route: str, outcome: Literal["hit", "miss", "bypass"]) -> None:
        """A request has come to a route with a response cache."""
        self._cache.add((route, outcome), 1)

    def count_content(self, outcome: Literal["kept", "kept_without_body", "not_kept"]) -> None:
        """A request and its answer were to be kept."""
        self._content.add((outcome,), 1)

    def flush(self, *, running: int, snapshot_version: int) -> None:
        """Carry everything counted since the last time to the shared files.

        Args:
            running: Requests that are being answered.
            snapshot_version: The configuration in use, 0 before the first one.
        """
        for meter in self._counted:
            meter.flush()
        self._running.set(running)
        self._snapshot.set(snapshot_version)


class LedgerMeters:
    """Counts what the ledger does. For one thread: the files behind it take no lock.

    Args:
        registry: Where the meters belong; one of its own in tests.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._asks = Sums(metrics.LEASE_ASKS, registry)
        self._spans = Sums(metrics.SPANS, registry)
        self._unsampled = Sums(metrics.SPANS_UNSAMPLED, registry)
        self._waiting = make_gauge(metrics.SPANS_WAITING, registry, mode="livemostrecent")
        self._spent = make_gauge(metrics.BUDGET_SPENT_RATIO, registry, mode="livemostrecent")
        self._chain = make_gauge(metrics.CHAIN_RECORDS, registry, mode="livemostrecent")
        self._checkpoint = make_gauge(metrics.CHECKPOINT_TIME_SECONDS, registry, mode="livemostrecent")
        self._limits: frozenset[str] = frozenset()

    def count_lease_ask(self, outcome: Literal["granted", "short"]) -> None:
        """A worker has asked for a pool."""
        self._asks.add((outcome,), 1)

    def count_spans(self, outcome: Literal["sent", "refused", "dropped"], *, count: int) -> None:
        """Spans have left, or never will."""
        self._spans.add((outcome,), count)

    def count_unsampled(self, count: int) -> None:
        """Receipts have no spans because their callers want none."""
        self._unsampled.add((), count)

    def show_budgets(self, spent: Mapping[str, float]) -> None:
        """Take the place of what was shown of budgets: names of limits, each with the part of it that is spent."""
        for gone in self._limits - spent.keys():
            self._spent.labels(gone).set(math.nan)  # a series in a shared file cannot be taken out
        for name, ratio in spent.items():
            self._spent.labels(name).set(ratio)
        self._limits = frozenset(spent)

    def show_chain(self, *, records: int, checkpoint_at_ms: int | None) -> None:
        """Show where the chain stands; `checkpoint_at_ms`: when it was signed last, None for never."""
        self._chain.set(records)
        self._checkpoint.set((checkpoint_at_ms or 0) / 1000)

    def flush(self, *, spans_waiting: int) -> None:
        """Carry everything counted since the last time to the shared files."""
        for meter in (self._asks, self._spans, self._unsampled):
            meter.flush()
        self._waiting.set(spans_waiting)
