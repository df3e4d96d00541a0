"""Errors in Amazon's form, both ways: what its SDKs raise the right class for, and what a host's error means.

The body is `{"message": …}`; the type stands in the header `x-amzn-errortype`, or as `__type` in the body.
https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html, read 2026-11.
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
    SignatureRefused,
    UnknownHostId,
    UnknownPath,
    UnknownRoute,
)
from hortus.canon.translation import NO_HEADERS
from hortus.framing.aws_frames import write_exception
from hortus.framing.counting import UNREADABLE
from hortus.framing.openai_errors import read_error as read_any_error
from hortus.framing.openai_errors import reply_headers

TYPE_HEADER = "x-amzn-errortype"

_THROTTLED, _INVALID = "ThrottlingException", "ValidationException"
_UNAVAILABLE, _INTERNAL = "ServiceUnavailableException", "InternalServerException"

_TYPES: tuple[tuple[type[RequestError], str], ...] = (
    (UnknownPath, "ResourceNotFoundException"),
    (UnknownRoute, "ResourceNotFoundException"),
    (UnknownHostId, "ResourceNotFoundException"),
    (CallerFault, _INVALID),
    (OverLimit, _THROTTLED),
    (OverBudget, "ServiceQuotaExceededException"),
    (SignatureRefused, "InvalidSignatureException"),
    (RulesFault, "AccessDeniedException"),
    (HostNotFound, "ResourceNotFoundException"),
    (HostRejected, _INVALID),
    (HostQuotaExhausted, "ServiceQuotaExceededException"),
    (HostRateLimited, _THROTTLED),
    (HostTimedOut, "ModelTimeoutException"),
    (HostOverloaded, _UNAVAILABLE),
    (HostFault, "ModelErrorException"),
    (RequestError, _INTERNAL),
)

_IN_STREAMS: Mapping[str, str] = MappingProxyType(
    {
        _INVALID: "validationException",
        _THROTTLED: "throttlingException",
        "ServiceQuotaExceededException": "throttlingException",
        _UNAVAILABLE: "serviceUnavailableException",
        "ModelErrorException": "modelStreamErrorException",
        "ModelTimeoutException": "modelStreamErrorException",
        _INTERNAL: "internalServerException",
        "ResourceNotFoundException": "validationException",
        "AccessDeniedException": "validationException",
        "InvalidSignatureException": "validationException",
    }
)
"""A stream knows fewer types, and spells them otherwise."""

_CLASSES: Mapping[str, type[HostFault]] = MappingProxyType(
    {
        "validation": HostRejected,
        "accessdenied": HostRefused,
        "unrecognizedclient": HostRefused,
        "invalidsignature": HostRefused,
        "expiredtoken": HostRefused,
        "missingauthenticationtoken": HostRefused,
        "incompletesignature": HostRefused,
        "resourcenotfound": HostNotFound,
        "throttling": HostRateLimited,
        "servicequotaexceeded": HostQuotaExhausted,
        "modelnotready": HostOverloaded,
        "modeltimeout": HostTimedOut,
        "modelerror": HostFault,
        "modelstreamerror": HostFault,
        "internalserver": HostFault,
        "serviceunavailable": HostOverloaded,
    }
)
"""Class for a type, in lower case and without `Exception`."""

# As seen in answers of the API, 2024 to 2026.
_PHRASES: tuple[tuple[str, type[HostRejected]], ...] = (
    ("input is too long", ContextTooLong),
    ("prompt is too long", ContextTooLong),
    ("too many input tokens", ContextTooLong),
    ("exceed context limit", ContextTooLong),
    ("maximum tokens you requested exceeds", ContextTooLong),
    ("content filtering policy", ContentRefused),
    ("model identifier is invalid", HostNotFound),
    ("request body is too large", HostTooLarge),
)

_STATUS_OF: Mapping[str, int] = MappingProxyType({"validation": 400, "throttling": 429, "serviceunavailable": 503})
_FAILED_MODEL = 424
_UNAUTHORIZED, _FORBIDDEN = 401, 403  # AWS knows the second one alone
_NO_STATUS = 500
"""Of an error inside a stream: what a host that failed would have answered with."""

_ENCODE = msgspec.json.Encoder().encode


class _Error(msgspec.Struct):
    type: str = msgspec.field(default="", name="__type")
    message: str = ""
    shouted: str = msgspec.field(default="", name="Message")


_DECODE = msgspec.json.Decoder(_Error).decode


def render_error(error: RequestError, receipt_id: str) -> ErrorReply:
    """Return status, headers and body for a request that ends with `error`."""
    del receipt_id  # it is in the header that every answer has
    headers = (*reply_headers(error), (TYPE_HEADER, _type_of(error)))
    status = _FORBIDDEN if error.status == _UNAUTHORIZED else error.status
    return ErrorReply(status=status, headers=headers, body=_ENCODE({"__type": _type_of(error), **_described(error)}))


def render_stream_error(error: RequestError, receipt_id: str) -> bytes:
    """Return the frame that ends a stream with `error`; the SDKs raise EventStreamError on it."""
    del receipt_id
    return write_exception(_IN_STREAMS[_type_of(error)], _ENCODE(_described(error)))


def _described(error: RequestError) -> dict[str, str]:
    where = f"{error.path}: " if error.path else ""
    hint = f" {error.hint}" if error.hint else ""
    return {"message": f"{where}{error.message}{hint}"}


def _type_of(error: RequestError) -> str:
    return next(name for cls, name in _TYPES if isinstance(error, cls))


def read_error(status: int, body: bytes, headers: Mapping[str, str] = NO_HEADERS) -> RequestError:
    """Return a host's error as ours, whatever the body is; its type stands in a header, seldom in the body."""
    try:
        told = _DECODE(body)
    except UNREADABLE:
        told = _Error()
    error = read_any_error(status, body)
    message = (told.message or told.shouted)[:2000] or error.message
    found = HostFault if status == _FAILED_MODEL else type(error)
    named = _CLASSES.get(_stem(headers.get(TYPE_HEADER) or told.type))
    kind = found if named is None or (named is not HostFault and issubclass(found, named)) else named
    return _refined(kind, message)(message)


def read_stream_error(kind: str, payload: bytes) -> tuple[str, str]:
    """Return the code and the host's words for an error inside a stream."""
    error = read_error(_STATUS_OF.get(_stem(kind), _NO_STATUS), payload)
    found = _CLASSES.get(_stem(kind))
    code = found.code if found is not None and not isinstance(error, found) else error.code
    return code, error.message


def _stem(kind: str) -> str:
    """Return a type without its namespace, address and ending.

    >>> _stem("com.amazon.coral#ThrottlingException:http://internal")
    'throttling'
    """
    return kind.rpartition("#")[2].partition(":")[0].lower().removesuffix("exception")


def _refined(kind: type[RequestError], message: str) -> type[RequestError]:
    if not issubclass(kind, HostRejected):
        return kind
    words = message.lower()
    return next((cls for phrase, cls in _PHRASES if phrase in words), kind)
