"""Errors of this dialect: every error of `canon.errors` as Mistral's object, and both of Mistral's shapes back.

Mistral answers `{"object": "error", …}`, and where it judges before the model does (keys, types of members)
`{"detail": "…"}` or `{"detail": [{"loc": […], "msg": "…"}]}`. https://docs.mistral.ai/api, read 2026-11.
"""

from __future__ import annotations

import msgspec

from hortus.canon.dialect import ErrorReply
from hortus.canon.errors import RequestError
from hortus.framing.openai_errors import describe, read_error, reply_headers
from hortus.framing.sse import write_frame

__all__ = ("read_error", "render_error", "render_stream_error")


_ENCODE = msgspec.json.Encoder().encode


class _Body(msgspec.Struct):
    message: str
    type: str
    param: str | None
    code: str
    raw_status_code: int
    object: str = "error"


def render_error(error: RequestError, receipt_id: str) -> ErrorReply:
    """Return status, headers and body for a request that ends with `error`."""
    del receipt_id  # it is in the header that every answer has; Mistral's error object has no place for it
    return ErrorReply(status=error.status, headers=reply_headers(error), body=_write(error))


def render_stream_error(error: RequestError, receipt_id: str) -> bytes:
    """Return the frame that ends a stream with `error`."""
    del receipt_id
    return write_frame(_write(error))


def _write(error: RequestError) -> bytes:
    said = describe(error)
    return _ENCODE(
        _Body(message=said.message, type=said.type, param=said.param, code=said.code, raw_status_code=error.status)
    )
