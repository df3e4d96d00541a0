"""Every error of `canon.errors` in OpenAI's form, so that OpenAI's SDKs raise the class that their users catch.

Those SDKs send again on 408, 409, 429 and 5xx, unless `x-should-retry: false` says that it is useless or costs twice.
"""

from __future__ import annotations

import msgspec

from hortus.canon.dialect import ErrorReply
from hortus.canon.errors import CallerFault, HostFault, OurFault, RequestError, RulesFault, Unauthenticated
from hortus.framing.sse import write_frame

_TYPES: tuple[tuple[type[RequestError], str], ...] = (
    (CallerFault, "invalid_request_error"),
    (Unauthenticated, "invalid_request_error"),  # so does OpenAI, with the code `invalid_api_key`
    (RulesFault, "permission_error"),
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
    elif error.status >= 500:  # noqa: PLR2004 -- HTTP's server errors
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
