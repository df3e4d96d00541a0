"""How receipts, attempts and waiting records stand in their tables.

Each row is a tuple in the order of its table's columns, in values that a driver takes as they are.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from hortus.canon.usage import Usage
from hortus.receipts.records import Attempt, Hold, JournalRecord, Receipt
from hortus.store.prepared import Row

Mark = tuple[str, int]
"""What a record is within its receipt: its kind and its attempt's number."""

USAGE_COLUMNS = ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens", "is_estimated")
"""Members of usage that have columns of their own."""

MORE_USAGE = tuple(name for name in Usage.__struct_fields__ if name not in USAGE_COLUMNS)
"""The others."""

_ENCODER = msgspec.json.Encoder()
_NO_USAGE: Row = (None,) * len(USAGE_COLUMNS)


def receipt_row(receipt: Receipt, seq: int | None = None) -> Row:
    """Return the columns of a receipt; `seq` is its place in the chain."""
    return (
        receipt.receipt_id,
        receipt.opened_at_ms,
        receipt.settled_at_ms,
        receipt.status,
        receipt.caller.key_id,
        receipt.caller.project_id,
        receipt.request_id,
        receipt.dialect,
        receipt.operation,
        receipt.route,
        receipt.model,
        receipt.endpoint,
        receipt.is_stream,
        receipt.http_status,
        receipt.error_code,
        *_usage(receipt.usage),
        _amount(receipt.cost),
        receipt.currency,
        receipt.traceparent,
        receipt.snapshot_version,
        receipt.maker,
        receipt.idempotency,
        receipt.request_digest,
        _more_usage(receipt.usage),
        seq,
        receipt.policy,
        _list(receipt.rulings),
        _list(receipt.findings),
        _list(receipt.shadow),
        receipt.cached_from,
    )


def attempt_row(receipt_id: str, attempt: Attempt) -> Row:
    """Return the columns of an attempt."""
    return (
        receipt_id,
        attempt.number,
        attempt.endpoint,
        attempt.model,
        attempt.host,
        attempt.status,
        attempt.opened_at_ms,
        attempt.settled_at_ms,
        attempt.region,
        attempt.model_version,
        attempt.served_model,
        attempt.http_status,
        attempt.error_code,
        *_usage(attempt.usage),
        _amount(attempt.reserved),
        _amount(attempt.cost),
        attempt.currency,
        attempt.price_id,
        attempt.first_byte_ms,
        attempt.host_request_id,
        _list(attempt.adaptations),
        attempt.input_bytes,
        attempt.output_bytes,
        attempt.host_dialect,
        _list(attempt.losses),
        _list(attempt.answer_losses),
        attempt.maker,
        _list(attempt.holds),
        _list(attempt.charges),
        _list(attempt.rates),
        attempt.answer_digest,
        _more_usage(attempt.usage),
        attempt.is_kept,
    )


def waiting_row(record: JournalRecord, mark: Mark, *, writer: str) -> Row:
    """Return the columns of a record whose request is not over."""
    kind, number = mark
    return (record.receipt_id, number, kind, writer, _ENCODER.encode(record))


def _usage(usage: Usage | None) -> Row:
    if usage is None:
        return _NO_USAGE
    return tuple([getattr(usage, name) for name in USAGE_COLUMNS])


def _more_usage(usage: Usage | None) -> str | None:
    """Return as JSON what the columns of usage do not hold, None where that is nothing."""
    if usage is None:
        return None
    rest = {name: value for name in MORE_USAGE if (value := getattr(usage, name)) or value == ""}
    return _ENCODER.encode(rest).decode() if rest else None


def _list(values: tuple[str, ...] | tuple[Hold, ...]) -> str | None:
    return _ENCODER.encode(values).decode() if values else None


def _amount(value: Decimal | None) -> str | None:
    """Spell an amount as `schema.Amount` does."""
    if value is None:
        return None
    text = str(value)  # quicker by half, and the same unless it has an exponent
    return format(value, "f") if "E" in text else text
