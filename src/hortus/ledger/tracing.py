"""What a receipt looks like as a trace: one span for the request, one below it for each attempt. Pure.

Every id follows from the receipt's, so that a trace that is sent twice is one trace.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from operator import attrgetter

import msgspec

from hortus.receipts.folding import INTERRUPTED
from hortus.receipts.records import Attempt, Receipt
from hortus.telemetry import otlp
from hortus.telemetry.otlp import KeyValue, Span
from hortus.telemetry.spans import (
    ATTEMPT_ATTRIBUTES,
    REQUEST_ATTRIBUTES,
    SCHEMA_URL,
    SpanAttribute,
    new_span_id,
    new_trace_id,
)

_FAULTS = frozenset(("failed", "timed_out", INTERRUPTED))
_FIRST_ERROR, _FIRST_FAULT = 400, 500
_NS_IN_MS = "000000"

# https://www.w3.org/TR/trace-context/#traceparent-header, read 2026-11: version, trace, parent, flags
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")

_Get = Callable[[object], object]
_Wrap = Callable[..., otlp.Value]


class _Place(msgspec.Struct, frozen=True, gc=False):
    """A span's place in its trace."""

    trace_id: str
    parent_id: str
    flags: int


def is_sampled(receipt: Receipt) -> bool:
    """Tell whether the caller wants a trace: one that sends a `traceparent` says so in it."""
    caller = _TRACEPARENT.fullmatch(receipt.traceparent or "")
    return caller is None or bool(int(caller[3], 16) & otlp.IS_SAMPLED)


def trace_of(receipt: Receipt) -> list[Span]:
    """Return the spans of a receipt, the request's first."""
    place = _place_of(receipt)
    request = Span(
        place.trace_id,
        new_span_id(receipt.receipt_id, 0),
        _name(receipt.operation, receipt.route if receipt.attempts else None),
        otlp.SERVER,
        f"{receipt.opened_at_ms}{_NS_IN_MS}",
        f"{_end_of(receipt)}{_NS_IN_MS}",
        _REQUEST.values_of(receipt, receipt),
        place.flags,
        place.parent_id,
        otlp.Status(otlp.ERROR) if _is_our_fault(receipt) else otlp.Status(),
    )
    return [request, *(_attempt_span(receipt, attempt, request) for attempt in receipt.attempts)]


def write_traces(receipts: Iterable[Receipt], *, version: str) -> tuple[bytes, int]:
    """Return the body of a request to a collector, and how many spans are in it."""
    spans = [span for receipt in receipts for span in trace_of(receipt)]
    scope = otlp.ScopeSpans(otlp.Scope("hortus", version), spans, SCHEMA_URL)
    about = [
        KeyValue("service.name", otlp.StringValue("hortus")),
        KeyValue("service.version", otlp.StringValue(version)),
    ]
    return msgspec.json.encode(otlp.ExportRequest([otlp.ResourceSpans(otlp.Resource(about), [scope])])), len(spans)


def _attempt_span(receipt: Receipt, attempt: Attempt, request: Span) -> Span:
    ended_at_ms = attempt.opened_at_ms if attempt.settled_at_ms is None else attempt.settled_at_ms
    is_error = attempt.status in _FAULTS or (attempt.http_status or 0) >= _FIRST_ERROR
    return Span(
        request.trace_id,
        new_span_id(receipt.receipt_id, attempt.number),
        _name(receipt.operation, attempt.model),
        otlp.CLIENT,
        f"{attempt.opened_at_ms}{_NS_IN_MS}",
        f"{ended_at_ms}{_NS_IN_MS}",
        _ATTEMPT.values_of(receipt, attempt),
        otlp.IS_SAMPLED | otlp.PARENT_IS_KNOWN,
        request.span_id,
        otlp.Status(otlp.ERROR) if is_error else otlp.Status(),
    )


def _place_of(receipt: Receipt) -> _Place:
    """Return where the request's span stands: below the caller's, or on top of a trace of its own."""
    caller = _TRACEPARENT.fullmatch(receipt.traceparent or "")
    if caller is None:
        return _Place(new_trace_id(receipt.receipt_id), "", otlp.IS_SAMPLED | otlp.PARENT_IS_KNOWN)
    return _Place(caller[1], caller[2], otlp.IS_SAMPLED | otlp.PARENT_IS_KNOWN | otlp.PARENT_IS_REMOTE)


def _end_of(receipt: Receipt) -> int:
    """Return when the last thing that is known of a request happened."""
    if receipt.settled_at_ms is not None:
        return receipt.settled_at_ms
    return receipt.attempts[-1].opened_at_ms if receipt.attempts else receipt.opened_at_ms


def _is_our_fault(receipt: Receipt) -> bool:
    """Tell whether the caller was failed: what it did wrong itself is no error of a server's span."""
    # https://opentelemetry.io/docs/specs/semconv/http/http-spans/#status, read 2026-11: 4xx leaves a SERVER span unset
    status = receipt.http_status
    if receipt.status in _FAULTS:
        return status is None or not _FIRST_ERROR <= status < _FIRST_FAULT
    return status is not None and status >= _FIRST_FAULT


def _name(operation: str | None, target: str | None) -> str:
    return f"{operation or 'request'} {target}" if target else operation or "request"


class _Column:
    """The attributes of one kind of span, with the ways to their values worked out once."""

    def __init__(self, rows: Sequence[SpanAttribute], *, own: str) -> None:
        self._of_receipt = [_way(row) for row in rows if row.source.startswith("receipt.") and own != "receipt"]
        self._own = [_way(row) for row in rows if row.source.startswith(f"{own}.")]
        self._of_usage = [_way(row) for row in rows if row.source.startswith("usage.")]

    def values_of(self, receipt: Receipt, own: Receipt | Attempt) -> list[KeyValue]:
        """Return what there is to say; `own`: what the span is about."""
        said: list[KeyValue] = []
        _add(said, self._of_receipt, receipt)
        _add(said, self._own, own)
        if own.usage is not None:
            _add(said, self._of_usage, own.usage)
        return said


_Way = tuple[SpanAttribute, _Get, _Wrap]


def _add(said: list[KeyValue], ways: Sequence[_Way], subject: object) -> None:
    for row, get, wrap in ways:
        value = get(subject)
        if value or (row.is_always and value is not None):
            said.append(KeyValue(row.name, wrap(value)))


def _way(row: SpanAttribute) -> _Way:
    get: _Get = _error_type if row.name == "error.type" else attrgetter(row.source.partition(".")[2])
    if row.words:
        return row, lambda subject: row.words.get(str(get(subject)), get(subject)), otlp.StringValue
    return row, get, _WRAPS[row.kind]


def _error_type(ended: object) -> str | None:
    assert isinstance(ended, Receipt | Attempt)  # noqa: S101 -- only rows of these two have this name
    return ended.error_code or (ended.status if ended.status in _FAULTS else None)


def _wrap_int(number: int) -> otlp.Value:
    return otlp.IntValue(str(number))


def _wrap_amount(amount: Decimal) -> otlp.Value:
    return otlp.DoubleValue(float(amount))


def _wrap_all(texts: Sequence[str]) -> otlp.Value:
    return otlp.ArrayValue(otlp.Values(tuple([otlp.StringValue(text) for text in texts])))


_WRAPS: dict[str, _Wrap] = {
    "string": otlp.StringValue,
    "int": _wrap_int,
    "double": _wrap_amount,
    "boolean": otlp.BoolValue,
    "strings": _wrap_all,
}

_REQUEST = _Column(REQUEST_ATTRIBUTES, own="receipt")
_ATTEMPT = _Column(ATTEMPT_ATTRIBUTES, own="attempt")
