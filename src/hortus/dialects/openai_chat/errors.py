"""Errors both ways: each of `canon.errors` in OpenAI's form, so that its SDKs raise what their users catch.

And what hosts answer, as one of them.

Those SDKs send again on 408, 409, 429 and 5xx, unless `x-should-retry: false` says that it is useless or costs twice.
"""

from __future__ import annotations

from types import MappingProxyType

import msgspec

from hortus.canon.dialect import ErrorReply
from hortus.canon.errors import (
    BY_CODE,
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
    Unauthenticated,
)
from hortus.framing.counting import UNREADABLE
from hortus.framing.sse import write_frame

_TYPES: tuple[tuple[type[RequestError], str], ...] = (
    (CallerFault, "invalid_request_error"),
    (Unauthenticated, "invalid_request_error"),  # so does OpenAI, with the code `invalid_api_key`
    (RulesFault, "permission_error"),
    (HostRejected, "invalid_request_error"),
    (HostRateLimited, "rate_limit_error"),
    (HostFault, "server_error"),
    (OurFault, "server_error"),
)

_RETRY_AFTER_S = 1
"""Where trying again helps and nobody knows when."""

_ENCODE = msgspec.json.Encoder().encode


class _Error(msgspec.Struct):
    message: str
    type: str
    param: str | None
    code: str


class _Body(msgspec.Struct):
    error: _Error


def render_error(error: RequestError, receipt_id: str) -> ErrorReply:
    """Return status, headers and body for a request that ends with `error`."""
    del receipt_id  # it is in the header that every answer has; OpenAI's error object has no place for it
    headers = [("content-type", "application/json")]
    if error.may_have_cost or not error.retry_helps:
        headers.append(("x-should-retry", "false"))
    else:
        headers.append(("retry-after", str(error.retry_after_s or _RETRY_AFTER_S)))
    if error.status == 401:  # noqa: PLR2004 -- HTTP's Unauthorized, which must name a scheme
        headers.append(("www-authenticate", "Bearer"))
    return ErrorReply(status=error.status, headers=tuple(headers), body=_ENCODE(_Body(_describe(error))))


def render_stream_error(error: RequestError, receipt_id: str) -> bytes:
    """Return the frame that ends a stream with `error`; the SDKs raise APIError on it."""
    del receipt_id  # as above
    return write_frame(_ENCODE(_Body(_describe(error))))


def _describe(error: RequestError) -> _Error:
    message = f"{error.message} {error.hint}" if error.hint else error.message
    kind = next(name for cls, name in _TYPES if isinstance(error, cls))
    return _Error(message=message, type=kind, param=error.path, code=error.code)


_INTERNAL = 500
_DEEPEST = 3
"""Errors stand in a list, in `error`, and in that again, but no deeper."""

_LONGEST_MESSAGE = 2_000
"""Characters of a host's words that are passed on."""

_BY_CODE: MappingProxyType[str, type[HostFault]] = MappingProxyType(
    {
        # https://platform.openai.com/docs/guides/error-codes, read 2026-11
        "context_length_exceeded": ContextTooLong,
        "string_above_max_length": ContextTooLong,
        "content_filter": ContentRefused,  # Azure too, as is the next
        "content_policy_violation": ContentRefused,
        "invalid_api_key": HostRefused,
        "model_not_found": HostNotFound,
        "insufficient_quota": HostRateLimited,
        "rate_limit_exceeded": HostRateLimited,
        # llama.cpp, Together, Groq, Azure as recorded 2025 and 2026
        "exceed_context_size_error": ContextTooLong,
        "request_too_large": HostTooLarge,
        "authentication_error": HostRefused,
        "DeploymentNotFound": HostNotFound,
        "RateLimitReached": HostRateLimited,
        "tool_use_failed": HostRejected,
        "overloaded_error": HostOverloaded,
    }
)
"""What a `code` or `type` says more exactly than a status."""

_BY_STATUS: MappingProxyType[int, type[HostFault]] = MappingProxyType(
    {
        401: HostRefused,
        402: HostRefused,  # no credit left: an admin must act
        403: HostRefused,
        404: HostNotFound,
        408: HostTimedOut,
        413: HostTooLarge,
        429: HostRateLimited,
        498: HostOverloaded,  # Groq: flex tier has no capacity. https://console.groq.com/docs/errors, read 2026-11
        503: HostOverloaded,
        504: HostTimedOut,
        529: HostOverloaded,
    }
)


_DECODE_LIST = msgspec.json.Decoder(list[msgspec.Raw]).decode
_DECODE_TEXT = msgspec.json.Decoder(str).decode
_DECODE_NUMBER = msgspec.json.Decoder(int).decode


class _Told(msgspec.Struct):
    message: msgspec.Raw = msgspec.Raw(b"")
    code: msgspec.Raw = msgspec.Raw(b"")
    type: msgspec.Raw = msgspec.Raw(b"")
    detail: msgspec.Raw = msgspec.Raw(b"")
    error: msgspec.Raw = msgspec.Raw(b"")


_DECODE_TOLD = msgspec.json.Decoder(_Told).decode


def read_error(status: int, body: bytes) -> RequestError:
    """Return what a host's error says, whatever its body is."""
    told = _read_told(body)
    words = _text(told.message) or _text(told.detail) or _text(told.error)
    message = words or f"The host answered with status {status} and no words that can be read."
    return class_of(status, _text(told.code), _text(told.type))(message[:_LONGEST_MESSAGE])


def read_stream_error(data: bytes) -> RequestError:
    """Return what an event with an error says; where it names a code of Hortus, that is the class."""
    told = _read_told(data)
    words = _text(told.message) or _text(told.error) or "The host ended the stream with an error."
    code = _text(told.code)
    kind = BY_CODE.get(code or "") or class_of(_number(told.code) or _INTERNAL, code, _text(told.type))
    return kind(words[:_LONGEST_MESSAGE])


def class_of(status: int, *words: str | None) -> type[HostFault]:
    """Return the class for a status and what the error calls itself."""
    known = next((_BY_CODE[word] for word in words if word is not None and word in _BY_CODE), None) or _BY_STATUS.get(
        status
    )
    if known is not None:
        return known
    return HostRejected if 400 <= status < _INTERNAL else HostFault  # noqa: PLR2004 -- HTTP's client errors


def _read_told(body: bytes) -> _Told:
    """Return the error object, at the top or in `error`, alone or first in a list."""
    told = _Told()
    for _ in range(_DEEPEST):
        try:
            if body.lstrip().startswith(b"["):
                body = bytes(_DECODE_LIST(body)[0])
            told = _DECODE_TOLD(body)
        except (*UNREADABLE, IndexError):
            break
        body = bytes(told.error)
        if not body.startswith((b"{", b"[")):
            break
    return told


def _text(raw: msgspec.Raw) -> str | None:
    try:
        return _DECODE_TEXT(raw).strip() or None
    except msgspec.DecodeError:
        return None


def _number(raw: msgspec.Raw) -> int | None:
    try:
        return _DECODE_NUMBER(raw)
    except msgspec.DecodeError:
        return None
