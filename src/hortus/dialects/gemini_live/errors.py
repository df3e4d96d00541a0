"""Errors of the Live API: as Google's before the WebSocket is open; after that only the close frame tells."""

from __future__ import annotations

from types import MappingProxyType

import msgspec

from hortus.canon.dialect import ErrorReply
from hortus.canon.errors import RequestError

_WORDS = MappingProxyType(
    {
        400: "INVALID_ARGUMENT",
        401: "UNAUTHENTICATED",
        403: "PERMISSION_DENIED",
        404: "NOT_FOUND",
        429: "RESOURCE_EXHAUSTED",
        503: "UNAVAILABLE",
        504: "DEADLINE_EXCEEDED",
    }
)
"""https://cloud.google.com/apis/design/errors, recalled 2026-11."""

_ENCODE = msgspec.json.Encoder().encode


def render_error(error: RequestError, receipt_id: str) -> ErrorReply:
    """Return an error in Google's form."""
    del receipt_id  # it stands in a header
    message = error.message if error.hint is None else f"{error.message} {error.hint}"
    said = {"code": error.status, "message": message, "status": _WORDS.get(error.status, "INTERNAL")}
    return ErrorReply(error.status, (("content-type", "application/json"),), _ENCODE({"error": said}))


def no_message(error: RequestError, receipt_id: str) -> None:
    """Return nothing: the API has no message for an error."""
    del error, receipt_id
