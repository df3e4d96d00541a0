"""Errors in Google's form, both ways: what its SDKs raise the right class for, and what a host's error means.

https://ai.google.dev/gemini-api/docs/troubleshooting and https://google.aip.dev/193, read 2026-11.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import msgspec

from hortus.canon.dialect import ErrorReply
from hortus.canon.errors import (
    AlreadyDone,
    AlreadyRunning,
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
from hortus.framing.openai_errors import class_of, message_of, wait_of

_STATUSES: tuple[tuple[type[RequestError], str], ...] = (
    (UnknownPath, "NOT_FOUND"),
    (UnknownRoute, "NOT_FOUND"),
    (UnknownHostId, "NOT_FOUND"),
    (TooLarge, "INVALID_ARGUMENT"),
    (AlreadyRunning, "ABORTED"),
    (AlreadyDone, "ALREADY_EXISTS"),
    (CallerFault, "INVALID_ARGUMENT"),
    (Unauthenticated, "UNAUTHENTICATED"),
    (OverLimit, "RESOURCE_EXHAUSTED"),
    (OverBudget, "RESOURCE_EXHAUSTED"),
    (RulesFault, "PERMISSION_DENIED"),
    (HostNotFound, "NOT_FOUND"),
    (HostRejected, "INVALID_ARGUMENT"),
    (HostRateLimited, "RESOURCE_EXHAUSTED"),
    (HostRefused, "FAILED_PRECONDITION"),
    (HostTimedOut, "DEADLINE_EXCEEDED"),
    (HostOverloaded, "UNAVAILABLE"),
    (HostFault, "UNAVAILABLE"),
    (RequestError, "INTERNAL"),
)

_OUT_OF_MONEY = frozenset({OverBudget.code.upper(), HostQuotaExhausted.code.upper()})
"""How a Hortus tells a budget that is used up from a rate; Google has one word for both."""

_CLASSES: Mapping[str, type[HostFault]] = MappingProxyType(
    {
        "INVALID_ARGUMENT": HostRejected,
        "OUT_OF_RANGE": HostRejected,
        "FAILED_PRECONDITION": HostRefused,  # a country or an account that Google does not serve
        "UNAUTHENTICATED": HostRefused,
        "PERMISSION_DENIED": HostRefused,
        "NOT_FOUND": HostNotFound,
        "RESOURCE_EXHAUSTED": HostRateLimited,
        "UNAVAILABLE": HostOverloaded,
        "DEADLINE_EXCEEDED": HostTimedOut,
        "INTERNAL": HostFault,
    }
)

# As seen in answers of the API, 2024 to 2026.
_PHRASES: tuple[tuple[re.Pattern[str], type[HostFault]], ...] = (
    (re.compile(r"API_KEY_|API key (?:not valid|expired|not found)"), HostRefused),
    (
        re.compile(r"token count .*exceeds the maximum|maximum (?:number of|context)|context (?:length|window)"),
        ContextTooLong,
    ),
    (re.compile(r"payload size exceeds"), HostTooLarge),
    (re.compile(r"blocked (?:by|due to)|PROHIBITED_CONTENT|usage guidelines"), ContentRefused),
)

_TYPE = "type.googleapis.com/google.rpc."
_DELAY = re.compile(r"(\d{1,9}(?:\.\d{0,9})?)s")
_LONGEST_MESSAGE = 2000

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder().decode


def render_error(error: RequestError, receipt_id: str) -> ErrorReply:
    """Return status, headers and body for a request that ends with `error`."""
    headers = [("content-type", "application/json; charset=UTF-8")]
    if wait_s := wait_of(error):
        headers.append(("retry-after", str(wait_s)))
    if error.status == 401:  # noqa: PLR2004 -- HTTP's Unauthorized, which must name a scheme
        headers.append(("www-authenticate", "Bearer"))
    return ErrorReply(status=error.status, headers=tuple(headers), body=_ENCODE(describe(error, receipt_id)))


def render_stream_error(error: RequestError, receipt_id: str) -> bytes:
    """Return the event that ends a stream with `error`; the SDKs raise APIError on it."""
    return b"data: " + _ENCODE(describe(error, receipt_id)) + b"\r\n\r\n"


def describe(error: RequestError, receipt_id: str = "") -> dict[str, object]:
    """Return the body for `error`."""
    where = f"{error.path}: " if error.path else ""
    hint = f" {error.hint}" if error.hint else ""
    status = next(word for cls, word in _STATUSES if isinstance(error, cls))
    return {
        "error": {
            "code": error.status,
            "message": f"{where}{error.message}{hint}",
            "status": status,
            "details": list(_details(error, receipt_id)),
        }
    }


def _details(error: RequestError, receipt_id: str) -> Iterator[dict[str, object]]:
    yield {"@type": f"{_TYPE}ErrorInfo", "reason": error.code.upper(), "domain": "hortus"}
    if error.path:
        violation = {"field": error.path, "description": error.message}
        yield {"@type": f"{_TYPE}BadRequest", "fieldViolations": [violation]}
    if error.retry_helps and (wait_s := wait_of(error)):
        yield {"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{wait_s}s"}
    if receipt_id:
        yield {"@type": f"{_TYPE}RequestInfo", "requestId": receipt_id}


def read_error(status: int, body: bytes, headers: Mapping[str, str] = NO_HEADERS) -> RequestError:
    """Return what a host's error means; total, whatever the body is.

    >>> type(read_error(400, b'{"error": {"message": "API key not valid.", "status": "INVALID_ARGUMENT"}}')).__name__
    'HostRefused'
    """
    del headers  # they say nothing of it
    said = _decoded(body)
    message = message_of(said)[:_LONGEST_MESSAGE] or f"The host answered with status {status} and said no more."
    found = _inner(said)
    word = found.get("status")
    kind: type[RequestError] | None = _CLASSES.get(word) if isinstance(word, str) else None
    if kind is None or kind is HostRejected:
        kind = class_of(status or _code_of(found), said)
    return _refined(kind, message, found)(message, retry_after_s=_delay_of(found))


def _refined(kind: type[RequestError], message: str, error: Mapping[str, object]) -> type[RequestError]:
    if kind is HostRateLimited:
        is_out = any(detail.get("reason") in _OUT_OF_MONEY for detail in _details_of(error))
        return HostQuotaExhausted if is_out else kind
    details = str(error.get("details"))
    said = (cls for words, cls in _PHRASES if words.search(message) or words.search(details))
    return next(said, kind) if kind is HostRejected else kind


def _decoded(body: bytes) -> object:
    try:
        said: object = _DECODE(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        text = body.decode(errors="replace").strip()
        return "" if text.startswith("<") else text  # a page for people, mostly of a proxy in between
    return said[0] if isinstance(said, list) and said else said  # a stream without `alt=sse` is an array


def _inner(said: object) -> dict[str, object]:
    error = said.get("error") if isinstance(said, dict) else None
    return error if isinstance(error, dict) else {}


def _code_of(error: Mapping[str, object]) -> int:
    code = error.get("code")
    return code if isinstance(code, int) else 0


def _delay_of(error: Mapping[str, object]) -> int | None:
    """Return the seconds after which Google says to try again."""
    for detail in _details_of(error):
        delay = detail.get("retryDelay")
        match = _DELAY.fullmatch(delay) if isinstance(delay, str) else None
        if match:
            return math.ceil(float(match[1]))
    return None


def _details_of(error: Mapping[str, object]) -> list[dict[str, object]]:
    details = error.get("details")
    return [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []
