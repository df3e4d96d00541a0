"""Errors in Cohere's form, both ways: a message and an id without an object around them, the status says the rest.

Its SDKs raise a class by the status, and send again on 408, 429 and 5xx. An error inside a stream is a `message-end`.
https://docs.cohere.com/reference/errors, read 2026-11; its statuses 402 and 498 recalled.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from hortus.canon.dialect import ErrorReply
from hortus.canon.errors import (
    ContentRefused,
    ContextTooLong,
    HostFault,
    HostQuotaExhausted,
    HostRateLimited,
    HostRefused,
    HostRejected,
    OverBudget,
    RequestError,
)
from hortus.canon.translation import NO_HEADERS
from hortus.framing.openai_errors import read_error as read_any_error
from hortus.framing.openai_errors import reply_headers
from hortus.framing.sse import write_frame

_UNPAID = 402
"""The account's limit is reached: unlike a 429, no SDK sends that again."""

_BY_STATUS: Mapping[int, type[HostFault]] = MappingProxyType({_UNPAID: HostQuotaExhausted, 498: ContentRefused})
"""Statuses of Cohere's own; the last: a token of request or answer is on a list of those that are barred."""

# As the documentation quotes its messages, 2026-11.
_PHRASES: tuple[tuple[str, type[HostFault], type[HostFault]], ...] = (
    ("too many tokens", HostRejected, ContextTooLong),
    ("invalid api token", HostRejected, HostRefused),
    ("calls / month", HostRateLimited, HostQuotaExhausted),
)
"""Words of a message, the class that the status gives, and the one that they mean."""

_ENCODE = msgspec.json.Encoder().encode


class _Body(msgspec.Struct):
    id: str
    message: str


class _Delta(msgspec.Struct):
    error: str
    finish_reason: str = "ERROR"


class _End(msgspec.Struct):
    delta: _Delta
    type: str = "message-end"


def render_error(error: RequestError, receipt_id: str) -> ErrorReply:
    """Return status, headers and body for a request that ends with `error`."""
    body = _ENCODE(_Body(id=receipt_id, message=_words(error)))
    status = _UNPAID if isinstance(error, OverBudget | HostQuotaExhausted) else error.status
    return ErrorReply(status=status, headers=reply_headers(error), body=body)


def render_stream_error(error: RequestError, receipt_id: str) -> bytes:
    """Return the frame that ends a stream with `error`."""
    del receipt_id  # it is in the header that every answer has
    return write_frame(_ENCODE(_End(_Delta(_words(error)))), b"message-end")


def read_error(status: int, body: bytes, headers: Mapping[str, str] = NO_HEADERS) -> RequestError:
    """Return a host's error as ours, whatever the body is."""
    del headers  # they say nothing of it
    error = read_any_error(status, body)
    kind = _BY_STATUS.get(status, type(error))
    words = error.message.lower()
    found = (meant for phrase, said, meant in _PHRASES if phrase in words and issubclass(kind, said))
    return next(found, kind)(error.message)


def _words(error: RequestError) -> str:
    where = f"{error.path}: " if error.path else ""
    hint = f" {error.hint}" if error.hint else ""
    return f"{where}{error.message}{hint}"
