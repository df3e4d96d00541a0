"""Errors of this dialect: those of OpenAI, in the frame that ends a stream."""

from __future__ import annotations

import msgspec

from hortus.canon.errors import RequestError
from hortus.dialects.openai_chat.pen import encode
from hortus.framing.openai_errors import ErrorObject, describe
from hortus.framing.sse import write_frame


class _Body(msgspec.Struct):
    error: ErrorObject


def render_stream_error(error: RequestError, receipt_id: str) -> bytes:
    """Return the frame that ends a stream with `error`; the SDKs raise APIError on it."""
    del receipt_id  # it is in the header that every answer has; OpenAI's error object has no place for it
    return write_frame(encode(_Body(describe(error))))
