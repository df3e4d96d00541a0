"""Errors of this dialect: those of OpenAI, but for the frames that end a stream."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from hortus.canon.errors import RequestError
from hortus.dialects.openai_responses.pen import ENCODE
from hortus.framing.openai_errors import ErrorObject, describe, read_error
from hortus.framing.sse import write_frame


class ErrorEvent(msgspec.Struct):
    """The frame of an error: OpenAI documents it flat and sends it nested, on which its SDKs raise APIError."""

    sequence_number: int
    code: str
    message: str
    param: str | None
    error: ErrorObject
    type: str = "error"


def render_stream_error(error: RequestError, receipt_id: str) -> bytes:
    """Return the frame that ends a stream with `error`."""
    del receipt_id  # as in whole answers
    return write_error(error, sequence_number=0)


def write_error(error: RequestError, *, sequence_number: int) -> bytes:
    """Return the frame of an error."""
    said = describe(error)
    event = ErrorEvent(sequence_number, code=said.code, message=said.message, param=said.param, error=said)
    return write_frame(ENCODE(event), b"error")


def read_failure(raw: Raw) -> RequestError:
    """Return the error that an answer or an event reports, of which there is no status."""
    return read_error(0, bytes(raw))
