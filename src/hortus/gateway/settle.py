"""What is written down of each request: attempts opened and settled, refusals, metrics and the line in the log."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Literal, Protocol

import msgspec

from hortus.base.time import Clock
from hortus.canon.dialect import HostId, HostIdKind
from hortus.canon.errors import JournalFull, RefusedByPolicy, RequestError
from hortus.canon.loss import Loss
from hortus.canon.usage import Usage
from hortus.canon.work import Advance
from hortus.catalog.costs import cost_of
from hortus.catalog.places import ANYWHERE, is_within
from hortus.content.ports import NO_NOTE, HostIds, Note, NotKept
from hortus.gateway.advances import Correction, correction_of
from hortus.gateway.passage import Inquiry, Outgoing
from hortus.gateway.quotas import Held
from hortus.gateway.visit import Visit
from hortus.policy.levering import pull
from hortus.receipts.ports import Journal
from hortus.receipts.records import Hold, Opened, Refused, Settled
from hortus.snapshot.resolved import Target
from hortus.telemetry.meters import Meters

_ZERO = Decimal(0)

_log = logging.getLogger("hortus.gateway")

STRANGERS_PER_S = 10
"""Refusals of senders without a valid key that are journalled; a flood of them must not fill the disk."""


class AccessLine(msgspec.Struct, frozen=True, gc=False):
    """One request as the log shows it: ids and figures, never content or secrets."""

    receipt: str
    request: str
    client: str | None
    method: str
    operation: str | None
    route: str | None
    endpoint: str | None
    status: int
    error: str | None
    is_stream: bool
    is_gone: bool
    duration_ms: float
    key: str | None
    project: str | None
    input_tokens: int | None
    output_tokens: int | None


class AccessLog(Protocol):
    """Where lines go."""

    def write(self, line: AccessLine) -> None:
        """Write one line; never raises, never waits."""
        ...


class Ending(msgspec.Struct, frozen=True, gc=False):
    """How an attempt ended. `http_status` is the client's for the last attempt, the host's for others."""

    status: str
    is_last: bool = True
    http_status: int | None = None
    usage: Usage | None = None
    error_code: str | None = None
    output_bytes: int = 0
    served_model: str | None = None
    losses: tuple[Loss, ...] = ()
    correction: Correction | None = None


class Attempt:
    """One call to an endpoint: in the journal from `Books.open` on, settled exactly once."""

    __slots__ = ("first_byte_ms", "held", "host_request_id", "is_settled", "number", "opened_at_s", "target", "visit")

    def __init__(self, visit: Visit, target: Target, *, number: int, opened_at_s: float, held: Held) -> None:
        self.visit = visit
        self.target = target
        self.number = number
        self.opened_at_s = opened_at_s
        self.held = held
        self.first_byte_ms: int | None = None
        self.host_request_id: str | None = None
        self.is_settled = False


class Books:
    """Keeps the books of one worker.

    Args:
        journal: Where receipts go.
        host_ids: Where it is remembered whose an id of a host is.
        meters: Where figures go.
        log: Where lines go.
        clock: Tells the time.
    """

    def __init__(self, journal: Journal, meters: Meters, *, host_ids: HostIds, log: AccessLog, clock: Clock) -> None:
        self._host_ids = host_ids
        self._journal = journal
        self._meters = meters
        self._log = log
        self._clock = clock
        self._strangers_second = 0
        self._strangers = 0

    def open(
        self, visit: Visit, target: Target, *, number: int, inquiry: Inquiry, outgoing: Outgoing, held: Held
    ) -> Attempt:
        """Write down that an attempt is about to begin, and what is reserved for it.

        Raises:
            JournalFull: It cannot be written, so it must not begin.
        """
        endpoint, price, asked = target.endpoint, target.endpoint.price, inquiry.asked
        self._journal.open(
            Opened(  # by place, as in `settle` and `close`: so many keywords take six times as long
                visit.receipt_id,
                number,
                self._clock.now_ms(),
                visit.caller,
                visit.dialect.name,
                visit.operation.name if visit.operation else "",
                visit.route or asked.route,
                endpoint.name,
                endpoint.model,
                endpoint.host,
                asked.is_stream,
                visit.request_id,
                outgoing.size_bytes,
                inquiry.snapshot_version,
                visit.traceparent,
                endpoint.model_version,
                endpoint.region,
                held.reserved if price else None,
                price.currency if price else None,
                price.id if price else None,
                inquiry.adaptations + outgoing.adaptations,
                tuple(map(str, outgoing.losses)),
                outgoing.dialect if outgoing.dialect != visit.dialect.name else None,
                endpoint.maker,
                held.holds,
                held.rates,
                visit.idempotency,
                visit.request_digest,
                visit.judged.mark if visit.judged is not None else None,
                visit.rulings,
                visit.findings,
                visit.shadow,
                visit.cached_from,
            )
        )
        for loss in outgoing.losses:
            self._meters.count_loss(endpoint.name, "request", weight=loss.weight)
        if number == 1:
            self._count_judgement(visit)
        visit.is_opened = True
        visit.endpoint = endpoint.name
        return Attempt(visit, target, number=number, opened_at_s=self._clock.monotonic_s(), held=held)

    def age_s(self, visit: Visit) -> float:
        """Return for how long a request has been served."""
        return self._clock.monotonic_s() - visit.started_s

    def note_head(self, attempt: Attempt, host_request_id: bytes | None) -> None:
        """The head of the host's answer is here."""
        attempt.first_byte_ms = round((self._clock.monotonic_s() - attempt.opened_at_s) * 1000)
        if host_request_id is not None:
            name = host_request_id.decode("latin-1")[:128]
            attempt.host_request_id = name if name.isascii() and name.isprintable() else None

    def claim(self, attempt: Attempt, given_ids: tuple[HostId, ...], *, note: Note = NO_NOTE) -> None:
        """Remember whose the ids are that a host gave out; one that cannot be kept is unknown later on."""
        project_id, endpoint = attempt.visit.caller.project_id, attempt.target.endpoint.name
        if given_ids:
            attempt.visit.has_given_ids = True
        if project_id is None:  # nobody is served before `admit`
            return
        for kind, host_id in given_ids:
            if kind == "tuned_model" and attempt.target.endpoint.is_workshop:
                continue  # it is served under a route of its own
            try:
                self._host_ids.claim(project_id, endpoint, kind, host_id, note=note)
            except NotKept as error:
                _log.warning("owner of an id not kept: %s", error.message, extra={"receipt": attempt.visit.receipt_id})

    def release(self, kind: HostIdKind, host_id: str, *, receipt_id: str) -> None:
        """Forget what its host keeps no longer."""
        try:
            self._host_ids.release(kind, host_id)
        except NotKept as error:
            _log.warning("owner of an id not forgotten: %s", error.message, extra={"receipt": receipt_id})

    def pay(self, attempt: Attempt, usage: Usage | None) -> tuple[Decimal | None, tuple[Hold, ...]]:
        """Charge an attempt what it has used and give back the rest of what it held; return its cost and the charges.

        Nothing used costs nothing, nor does what is given again; without a price the cost is unknown.
        """
        if attempt.visit.cached_from is not None:
            return _ZERO, ()
        held = attempt.held
        cost = None if held.is_blind else _cost_of(attempt, usage)
        return cost, held.charge(usage, cost)

    def advance(self, attempt: Attempt, usage: Usage) -> Advance:
        """Return what work is charged that is begun with an attempt, to be set right once it has ended."""
        price = attempt.target.endpoint.price
        currency = price.currency if price is not None else None
        return Advance(usage, _cost_of(attempt, usage), currency, attempt.held.shares())

    def true_up(self, attempt: Attempt, kind: HostIdKind, host_id: str, *, used: Usage) -> Correction | None:
        """Return what sets right what ended work was charged; to the first who asks, and never again.

        Whoever has it must settle with it: where that cannot be, the charge stays as it was.
        """
        try:
            note = self._host_ids.take_advance(kind, host_id)
        except NotKept as error:
            _log.warning("charge not set right: %s", error.message, extra={"receipt": attempt.visit.receipt_id})
            return None
        return None if note is None else correction_of(note, used, price=attempt.target.endpoint.price)

    def settle(self, attempt: Attempt, ending: Ending) -> None:
        """Write down how an attempt ended."""
        if attempt.is_settled:
            return
        attempt.is_settled = True
        attempt.visit.is_completed = ending.status == "completed"
        usage = None if attempt.held.is_blind else ending.usage
        cost, charges = self.pay(attempt, usage)
        recorded = usage
        if ending.correction is not None:
            recorded, cost, charges = ending.correction.usage, ending.correction.cost, ending.correction.charges
            attempt.held.owe(ending.correction.owed)
        record = Settled(
            attempt.visit.receipt_id,
            attempt.number,
            self._clock.now_ms(),
            ending.status,
            ending.is_last,
            ending.http_status,
            recorded,
            cost,
            ending.error_code,
            attempt.first_byte_ms,
            ending.output_bytes,
            attempt.host_request_id,
            ending.served_model,
            tuple(map(str, ending.losses)),
            charges,
            attempt.visit.answer_digest,
            attempt.visit.keeping.is_kept if attempt.visit.keeping is not None else None,
        )
        try:
            self._journal.settle(record)
        except JournalFull:  # its `Opened` stands: the ledger makes it `interrupted`, charged at its reservation
            _log.error("receipt not settled, the journal is broken", extra={"receipt": record.receipt_id})
        if usage is not None:
            attempt.visit.usage = usage
            if usage.region is not None:
                self._compare_place(attempt, usage.region)
        self._count(attempt, ending, cost=cost)

    def _count(self, attempt: Attempt, ending: Ending, *, cost: Decimal | None) -> None:
        endpoint, usage, meters = attempt.target.endpoint, ending.usage, self._meters
        if attempt.visit.cached_from is not None:  # no host was called
            return
        first_byte_s = None if attempt.first_byte_ms is None else attempt.first_byte_ms / 1000
        for loss in ending.losses:
            meters.count_loss(endpoint.name, "answer", weight=loss.weight)
        meters.count_attempt(endpoint.name, ending.status, first_byte_s=first_byte_s)
        if usage is not None:
            meters.count_tokens(endpoint.name, input_tokens=usage.input_tokens, output_tokens=usage.output_tokens)
        if cost is None or cost <= 0 or endpoint.price is None:  # what is given back is no counter's
            return
        meters.count_cost(endpoint.name, endpoint.price.currency, amount=float(cost))
        if attempt.held.reserved is not None and cost > attempt.held.reserved:
            meters.count_bound_exceeded(endpoint.name)

    def refuse(self, visit: Visit, error: RequestError) -> None:
        """Write down a request that is answered without any attempt."""
        if visit.grant is None and not self._has_room_for_stranger(visit.now_ms):
            return
        if isinstance(error, RefusedByPolicy):
            self._meters.count_rulings(visit.rulings)
        self._count_judgement(visit)
        self._journal.refuse(
            Refused(
                receipt_id=visit.receipt_id,
                at_ms=visit.now_ms,
                caller=visit.caller,
                http_status=error.status,
                error_code=error.code,
                request_id=visit.request_id,
                dialect=visit.dialect.name if visit.operation else None,
                operation=visit.operation.name if visit.operation else None,
                route=visit.route or visit.asked_route,
                traceparent=visit.traceparent,
                policy=visit.judged.mark if visit.judged is not None else None,
                rulings=visit.rulings,
                findings=visit.findings,
                shadow=visit.shadow,
            )
        )

    def _count_judgement(self, visit: Visit) -> None:
        """Count once for each request what shadow policy and guards say of it."""
        if visit.shadow:
            self._meters.count_shadow(visit.shadow)
        if visit.findings:
            self._meters.count_findings(visit.findings)

    def _compare_place(self, attempt: Attempt, said: str) -> None:
        """Compare where the host says that it computed with what its terms promise, and tell of a difference."""
        endpoint, judged = attempt.target.endpoint, attempt.visit.judged
        if endpoint.facts is None or judged is None:
            return
        promised = pull(endpoint.facts, judged.levers.get(endpoint.name, ())).compute
        if promised is None or promised == ANYWHERE or is_within(said.upper(), promised):
            return
        self._meters.count_place_broken(endpoint.name)
        _log.warning(
            "the host of %s computed in %s, its terms promise %s",
            endpoint.name,
            said,
            promised,
            extra={"receipt": attempt.visit.receipt_id},
        )

    def note_conflict(self, reason: Literal["running", "done"]) -> None:
        """A request was refused because another one with its `Idempotency-Key` came first."""
        self._meters.count_conflict(reason)

    def note_cache(self, route: str, outcome: Literal["hit", "miss", "bypass"]) -> None:
        """A request has come to a route with a response cache."""
        self._meters.count_cache(route, outcome)

    def close(self, visit: Visit) -> None:
        """The request is over: count it and log it."""
        seconds = self._clock.monotonic_s() - visit.started_s
        outcome = "gone" if visit.is_gone or not visit.status else f"{visit.status // 100}xx"
        self._meters.count_request(visit.route or "-", outcome, seconds=seconds)
        if visit.error_code is not None:
            self._meters.count_error(visit.error_code)
        usage, grant = visit.usage, visit.grant
        self._log.write(
            AccessLine(
                visit.receipt_id,
                visit.request_id,
                visit.exchange.client,
                visit.exchange.method,
                visit.operation.name if visit.operation else None,
                visit.route,
                visit.endpoint,
                visit.status,
                visit.error_code,
                visit.is_stream,
                visit.is_gone,
                round(seconds * 1000, 2),
                grant.key_id if grant else None,
                grant.project if grant else None,
                usage.input_tokens if usage else None,
                usage.output_tokens if usage else None,
            )
        )

    def _has_room_for_stranger(self, now_ms: int) -> bool:
        second = now_ms // 1000
        if second != self._strangers_second:
            self._strangers_second, self._strangers = second, 0
        self._strangers += 1
        return self._strangers <= STRANGERS_PER_S


def _cost_of(attempt: Attempt, usage: Usage | None) -> Decimal | None:
    """Return what usage costs, None without a price."""
    held, price = attempt.held, attempt.target.endpoint.price
    if price is None:
        return None
    if usage is None:
        return _ZERO
    if held.work_price is None:
        return cost_of(usage, price)
    return cost_of(usage, held.work_price) if held.reserved is None else held.reserved
