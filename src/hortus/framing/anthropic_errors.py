"""Errors in Anthropic's form, both ways: what its SDKs raise the right class for, and what a host's error means.

Those SDKs send again on 408, 409, 429 and 5xx, unless `x-should-retry: false` says that it is useless or costs twice.
https://docs.claude.com/en/api/errors, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from msgspec import UNSET, Raw, UnsetType

from hortus.canon.dialect import ErrorReply
from hortus.canon.errors import (
    CallerFault,
    ContentRefused,
    ContextTooLong,
    HostFault,
    HostNotFound,
    HostOverloaded,
    HostQuotaExhausted,
    HostRateLimited,
    HostRefused,
    HostRejected,
    HostTimedOut,
    HostTooLarge,
    OverBudget,
    OverLimit,
    RequestError,
    RulesFault,
    TooLarge,
    Unauthenticated,
    UnknownHostId,
    UnknownPath,
    UnknownRoute,
)
from hortus.canon.translation import NO_HEADERS
from hortus.framing.counting import UNREADABLE
from hortus.framing.openai_errors import read_error as read_any_error
from hortus.framing.openai_errors import reply_headers
from hortus.framing.sse import write_frame

_OVERLOADED_STATUS = 529
"""Anthropic's own, for which its SDKs have a class."""

_NO_STATUS = 500
"""Of an error inside a stream: what a host that failed would have answered with."""

_TYPES: tuple[tuple[type[RequestError], str], ...] = (
    (UnknownPath, "not_found_error"),
    (UnknownRoute, "not_found_error"),
    (UnknownHostId, "not_found_error"),
    (TooLarge, "request_too_large"),
    (CallerFault, "invalid_request_error"),
    (Unauthenticated, "authentication_error"),
    (OverLimit, "rate_limit_error"),
    (OverBudget, "rate_limit_error"),
    (RulesFault, "permission_error"),
    (HostNotFound, "not_found_error"),
    (HostTooLarge, "request_too_large"),
    (HostRejected, "invalid_request_error"),
    (HostRateLimited, "rate_limit_error"),
    (HostOverloaded, "overloaded_error"),
    (HostTimedOut, "timeout_error"),
    (RequestError, "api_error"),
)

_OUT_OF_MONEY: Mapping[str, object] = MappingProxyType({"error_code": "enforced_spend_limit_reached"})
"""By which Anthropic tells a budget that is used up from a rate: a 429 too."""

_CLASSES: Mapping[str, type[HostFault]] = MappingProxyType(
    {
        "invalid_request_error": HostRejected,
        "billing_error": HostRefused,
        "request_too_large": HostTooLarge,
        "timeout_error": HostTimedOut,
        "api_error": HostFault,
    }
)
"""Those of Anthropic's words that other makers do not use too."""

# As seen in answers of the API, 2024 to 2026.
_PHRASES: tuple[tuple[str, type[HostRejected | HostRefused]], ...] = (
    ("prompt is too long", ContextTooLong),
    ("exceed context limit", ContextTooLong),
    ("content filtering policy", ContentRefused),
    ("credit balance is too low", HostRefused),
)

_ENCODE = msgspec.json.Encoder().encode


class _Error(msgspec.Struct):
    type: str = ""
    message: str = ""
    details: dict[str, object] | UnsetType | None = UNSET


class _Body(msgspec.Struct):
    error: _Error
    type: str = "error"
    request_id: str | None = None


_DECODE = msgspec.json.Decoder(_Body).decode


def render_error(error: RequestError, receipt_id: str) -> ErrorReply:
    """Return status, headers and body for a request that ends with `error`."""
    status = _OVERLOADED_STATUS if isinstance(error, HostOverloaded) else error.status
    body = _ENCODE(_describe(error, receipt_id or None))
    return ErrorReply(status=status, headers=reply_headers(error), body=body)


def render_stream_error(error: RequestError, receipt_id: str) -> bytes:
    """Return the frame that ends a stream with `error`; the SDKs raise APIStatusError on it."""
    return write_frame(_ENCODE(_describe(error, receipt_id or None)), b"error")


def _describe(error: RequestError, receipt_id: str | None) -> _Body:
    where = f"{error.path}: " if error.path else ""
    hint = f" {error.hint}" if error.hint else ""
    is_out = isinstance(error, OverBudget | HostQuotaExhausted)
    details: dict[str, object] | UnsetType = dict(_OUT_OF_MONEY) if is_out else UNSET
    told = _Error(type=_type_of(type(error)), message=f"{where}{error.message}{hint}", details=details)
    return _Body(told, request_id=receipt_id)


def _type_of(kind: type[RequestError]) -> str:
    return next(name for cls, name in _TYPES if issubclass(kind, cls))


def read_error(status: int, body: bytes, headers: Mapping[str, str] = NO_HEADERS) -> RequestError:
    """Return a host's error as ours, whatever the body is."""
    del headers  # they say nothing of it
    error = read_any_error(status, body)
    try:
        told = _DECODE(body).error
    except UNREADABLE:
        told = _Error()
    kind = _CLASSES.get(told.type, type(error))
    if isinstance(told.details, dict) and told.details.items() >= _OUT_OF_MONEY.items():
        kind = HostQuotaExhausted
    return _refined(kind, error.message)(error.message)


def read_stream_error(raw: Raw) -> tuple[str, str]:
    """Return the code and the host's words for an error inside a stream; `raw` is its `error` member."""
    error = read_error(_NO_STATUS, b'{"type":"error","error":%b}' % bytes(raw))
    return error.code, error.message


def _refined(kind: type[RequestError], message: str) -> type[RequestError]:
    if not issubclass(kind, HostRejected):
        return kind
    words = message.lower()
    return next((cls for phrase, cls in _PHRASES if phrase in words), kind)
