"""How the records of one request become its receipt. Pure; the order in which records come does not matter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import reduce

from hortus.base.money import EXACT
from hortus.canon.usage import COUNTS, Usage
from hortus.receipts.records import Attempt, Caller, JournalRecord, Opened, Receipt, Refused, Settled

INTERRUPTED = "interrupted"
REFUSED = "refused"

LOST = "unknown"
"""Stands for endpoint, model and host where an attempt's `Opened` was lost with a damaged part of the journal."""


def fold(records: Iterable[JournalRecord], *, is_writer_dead: bool = False) -> Receipt | None:
    """Return the receipt of one request, None while more of its records must come.

    Args:
        records: All records of one receipt id; doubles count once, the first wins.
        is_writer_dead: Nothing more will come: open attempts are `interrupted` and charged at their reservation.
    """
    opened: dict[int, Opened] = {}
    settled: dict[int, Settled] = {}
    receipt_id = ""
    for record in records:
        receipt_id = record.receipt_id
        if isinstance(record, Opened):
            opened.setdefault(record.attempt, record)
        elif isinstance(record, Settled):
            settled.setdefault(record.attempt, record)
        else:
            return _from_refusal(record)
    if not is_writer_dead and not _is_over(opened, settled):
        return None
    numbers = sorted(opened.keys() | settled.keys())
    if not numbers:
        return None
    attempts = tuple([_attempt(number, opened.get(number), settled.get(number)) for number in numbers])
    return _join(attempts, first=opened.get(numbers[0]), receipt_id=receipt_id)


def _is_over(opened: dict[int, Opened], settled: dict[int, Settled]) -> bool:
    return opened.keys() == settled.keys() and any(record.is_last for record in settled.values())


def _attempt(number: int, opened: Opened | None, settled: Settled | None) -> Attempt:
    if settled is not None:
        return _ended(number, opened, settled)
    assert opened is not None  # noqa: S101 -- a number comes from one of the two
    return _interrupted(number, opened)


def _ended(number: int, opened: Opened | None, settled: Settled) -> Attempt:
    begun = opened or _UNKNOWN
    # By place, here and in `_join`: keywords take seven times as long, and every receipt passes here
    return Attempt(
        number,
        begun.endpoint,
        begun.model,
        begun.host,
        settled.status,
        opened.at_ms if opened else settled.at_ms,
        settled.at_ms,
        begun.region,
        begun.model_version,
        settled.served_model,
        settled.http_status,
        settled.error_code,
        settled.usage,
        begun.reserved,
        settled.cost,
        begun.currency,
        begun.price_id,
        settled.first_byte_ms,
        settled.host_request_id,
        begun.adaptations,
        begun.input_bytes,
        settled.output_bytes,
        begun.host_dialect,
        begun.losses,
        settled.losses,
        begun.maker,
        begun.holds,
        settled.charges,
        begun.rates,
        settled.answer_digest,
        settled.is_kept,
    )


def _interrupted(number: int, opened: Opened) -> Attempt:
    return Attempt(
        number=number,
        endpoint=opened.endpoint,
        model=opened.model,
        host=opened.host,
        status=INTERRUPTED,
        opened_at_ms=opened.at_ms,
        region=opened.region,
        model_version=opened.model_version,
        reserved=opened.reserved,
        cost=opened.reserved,
        currency=opened.currency,
        price_id=opened.price_id,
        adaptations=opened.adaptations,
        input_bytes=opened.input_bytes,
        host_dialect=opened.host_dialect,
        losses=opened.losses,
        maker=opened.maker,
        holds=opened.holds,
        charges=opened.holds,
        rates=opened.rates,
    )


_UNKNOWN = Opened(
    receipt_id="",
    attempt=0,
    at_ms=0,
    caller=Caller(),
    dialect="",
    operation="",
    route="",
    endpoint=LOST,
    model=LOST,
    host=LOST,
    is_stream=False,
    request_id="",
    input_bytes=0,
    snapshot_version=0,
)
"""Stands for an opening that the journal has lost."""


def _join(attempts: tuple[Attempt, ...], *, first: Opened | None, receipt_id: str) -> Receipt:
    last = attempts[-1]
    cost, currency = _sum_cost(attempts)
    opened = first or _UNKNOWN
    return Receipt(
        receipt_id,
        attempts[0].opened_at_ms,
        last.status,
        opened.caller,
        opened.request_id,
        last.settled_at_ms,
        None,  # the project's name, which only the store knows
        opened.dialect or None,
        opened.operation or None,
        opened.route or None,
        last.model,
        last.endpoint,
        opened.is_stream,
        last.http_status,
        last.error_code,
        _sum_usage([attempt.usage for attempt in attempts if attempt.usage]),
        cost,
        currency,
        opened.traceparent,
        opened.snapshot_version or None,
        attempts,
        last.maker,
        opened.idempotency,
        opened.request_digest,
        opened.policy,
        opened.rulings,
        opened.findings,
        opened.shadow,
        opened.cached_from,
    )


def _sum_cost(attempts: Sequence[Attempt]) -> tuple[Decimal | None, str | None]:
    """Return the sum and its currency; amounts of different currencies have no sum, each attempt keeps its own."""
    currency = attempts[0].currency
    if len(attempts) == 1:
        return (attempts[0].cost if currency is not None else None), currency
    if any(attempt.currency != currency for attempt in attempts):
        return None, None
    known = [attempt.cost for attempt in attempts if attempt.cost is not None]
    is_known = currency is not None and len(known) == len(attempts)
    return (reduce(EXACT.add, known, Decimal(0)) if is_known else None), currency


def _sum_usage(usages: list[Usage]) -> Usage | None:
    if len(usages) <= 1:
        return usages[0] if usages else None

    counts = {name: sum(getattr(usage, name) for usage in usages) for name in COUNTS}
    tiers, regions = {usage.service_tier for usage in usages}, {usage.region for usage in usages}
    return Usage(
        **counts,
        is_estimated=any(usage.is_estimated for usage in usages),
        service_tier=tiers.pop() if len(tiers) == 1 else None,
        region=regions.pop() if len(regions) == 1 else None,
    )


def _from_refusal(record: Refused) -> Receipt:
    return Receipt(
        receipt_id=record.receipt_id,
        opened_at_ms=record.at_ms,
        settled_at_ms=record.at_ms,
        status=REFUSED,
        caller=record.caller,
        request_id=record.request_id,
        dialect=record.dialect,
        operation=record.operation,
        route=record.route,
        http_status=record.http_status,
        error_code=record.error_code,
        cost=Decimal(0),
        traceparent=record.traceparent,
        policy=record.policy,
        rulings=record.rulings,
        findings=record.findings,
        shadow=record.shadow,
    )
