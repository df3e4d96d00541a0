"""Errors in Anthropic's form, both ways: what its SDKs raise the right class for, and what a host's error means.

Those SDKs send again on 408, 409, 429 and 5xx, unless `x-should-retry: false` says that it is useless or costs twice.
https://docs.claude.com/en/api/errors, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from hortus.canon.dialect import ErrorReply
from hortus.canon.errors import (
    CallerFault,
    ContentRefused,
    ContextTooLong,
    HostFault,
    HostNotFound,
    HostOverloaded,
    HostRateLimited,
    HostRefused,
    HostRejected,
    HostTimedOut,
    HostTooLarge,
    OurFault,
    RequestError,
    RulesFault,
    TooLarge,
    Unauthenticated,
    UnknownHostId,
    UnknownPath,
    UnknownRoute,
)
from hortus.framing.sse import write_frame

_OVERLOADED_STATUS = 529
"""Anthropic's own, for which its SDKs have a class."""

_TYPES: tuple[tuple[type[RequestError], str], ...] = (
    (UnknownPath, "not_found_error"),
    (UnknownRoute, "not_found_error"),
    (UnknownHostId, "not_found_error"),
    (TooLarge, "request_too_large"),
    (CallerFault, "invalid_request_error"),
    (Unauthenticated, "authentication_error"),
    (RulesFault, "permission_error"),
    (HostNotFound, "not_found_error"),
    (HostTooLarge, "request_too_large"),
    (HostRejected, "invalid_request_error"),
    (HostRateLimited, "rate_limit_error"),
    (HostOverloaded, "overloaded_error"),
    (HostTimedOut, "timeout_error"),
    (HostFault, "api_error"),
    (OurFault, "api_error"),
)

_CLASSES: Mapping[str, type[HostFault]] = MappingProxyType(
    {
        "invalid_request_error": HostRejected,
        "authentication_error": HostRefused,
        "permission_error": HostRefused,
        "billing_error": HostRefused,
        "not_found_error": HostNotFound,
        "request_too_large": HostTooLarge,
        "rate_limit_error": HostRateLimited,
        "timeout_error": HostTimedOut,
        "overloaded_error": HostOverloaded,
        "api_error": HostFault,
    }
)

_STATUSES: Mapping[int, type[HostFault]] = MappingProxyType(
    {
        401: HostRefused,
        402: HostRefused,
        403: HostRefused,
        404: HostNotFound,
        408: HostTimedOut,
        413: HostTooLarge,
        429: HostRateLimited,
        503: HostOverloaded,
        504: HostTimedOut,
        529: HostOverloaded,
    }
)

# As seen in answers of the API, 2024 to 2026.
_PHRASES: tuple[tuple[str, type[HostRejected | HostRefused]], ...] = (
    ("prompt is too long", ContextTooLong),
    ("exceed context limit", ContextTooLong),
    ("content filtering policy", ContentRefused),
    ("credit balance is too low", HostRefused),
)

_RETRY_AFTER_S = 1
"""Where trying again helps and nobody knows when."""

_LONGEST_MESSAGE = 2000

_ENCODE = msgspec.json.Encoder().encode


class _Error(msgspec.Struct):
    type: str = ""
    message: str = ""


class _Body(msgspec.Struct):
    error: _Error
    type: str = "error"
    request_id: str | None = None


class _AnyBody(msgspec.Struct):
    """Whatever members hosts and proxies put their words into."""

    error: msgspec.Raw = msgspec.Raw(b"null")
    message: msgspec.Raw = msgspec.Raw(b"null")
    detail: msgspec.Raw = msgspec.Raw(b"null")


_DECODE = msgspec.json.Decoder(_AnyBody).decode
_DECODE_ERROR = msgspec.json.Decoder(_Error).decode
_DECODE_TEXT = msgspec.json.Decoder(str).decode


def render_error(error: RequestError, receipt_id: str) -> ErrorReply:
    """Return status, headers and body for a request that ends with `error`."""
    headers = [("content-type", "application/json")]
    if error.may_have_cost or not error.retry_helps:
        headers.append(("x-should-retry", "false"))
    elif error.status >= 500:  # noqa: PLR2004 -- HTTP's server errors
        headers.append(("retry-after", str(error.retry_after_s or _RETRY_AFTER_S)))
    if error.status == 401:  # noqa: PLR2004 -- HTTP's Unauthorized, which must name a scheme
        headers.append(("www-authenticate", "Bearer"))
    status = _OVERLOADED_STATUS if isinstance(error, HostOverloaded) else error.status
    return ErrorReply(status=status, headers=tuple(headers), body=_ENCODE(_describe(error, receipt_id or None)))


def render_stream_error(error: RequestError, receipt_id: str) -> bytes:
    """Return the frame that ends a stream with `error`; the SDKs raise APIStatusError on it."""
    return write_frame(_ENCODE(_describe(error, receipt_id or None)), b"error")


def _describe(error: RequestError, receipt_id: str | None) -> _Body:
    where = f"{error.path}: " if error.path else ""
    hint = f" {error.hint}" if error.hint else ""
    return _Body(_Error(type=_type_of(type(error)), message=f"{where}{error.message}{hint}"), request_id=receipt_id)


def _type_of(kind: type[RequestError]) -> str:
    return next(name for cls, name in _TYPES if issubclass(kind, cls))


def read_error(status: int, body: bytes) -> RequestError:
    """Return a host's error as ours, whatever the body is."""
    error = _read_body(body)
    message = error.message.strip()[:_LONGEST_MESSAGE] or f"The host answered with status {status}."
    return _class_of(error, _STATUSES.get(status) or _by_hundred(status))(message)


def read_stream_error(raw: msgspec.Raw) -> tuple[str, str]:
    """Return the code and the host's words for an error inside a stream; `raw` is its `error` member."""
    error = _read_member(raw)
    message = error.message.strip()[:_LONGEST_MESSAGE] or "The host reported an error inside the stream."
    return _class_of(error, HostFault).code, message


def _by_hundred(status: int) -> type[HostFault]:
    return HostRejected if 400 <= status < 500 else HostFault  # noqa: PLR2004 -- HTTP's client errors


def _class_of(error: _Error, otherwise: type[HostFault]) -> type[HostFault]:
    words = error.message.lower()
    kind = _CLASSES.get(error.type, otherwise)
    if issubclass(kind, HostRejected | HostTooLarge):
        return next((cls for phrase, cls in _PHRASES if phrase in words), kind)
    return kind


def _read_body(body: bytes) -> _Error:
    try:
        found = _DECODE(body)
    except (msgspec.DecodeError, RecursionError):
        return _Error()
    error = _read_member(found.error)
    words = error.message or _text(found.message) or _text(found.detail) or _text(found.error)
    return _Error(type=error.type, message=words)


def _read_member(raw: msgspec.Raw) -> _Error:
    try:
        return _DECODE_ERROR(raw)
    except (msgspec.DecodeError, RecursionError):
        return _Error()


def _text(raw: msgspec.Raw) -> str:
    try:
        return _DECODE_TEXT(raw)
    except msgspec.DecodeError:
        return ""
