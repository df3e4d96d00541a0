"""One stream as it passes, unchanged: usage, end, errors and given ids are read from copies."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from hortus.canon.dialect import StreamUsage
from hortus.dialects.openai_responses.relay_ids import given_ids
from hortus.dialects.openai_responses.usage import Told, count
from hortus.framing.counting import UNREADABLE
from hortus.framing.opening import NULL
from hortus.framing.sse import Frame
from hortus.framing.sse_passing import PassingEvents

_ENDS = frozenset(("response.completed", "response.incomplete", "response.failed"))
_BEGINNINGS = frozenset(("response.created", "response.in_progress", "response.queued"))


class _Event(msgspec.Struct):
    type: str = ""
    response: Raw = NULL
    error: Raw = NULL


class _Response(Told):
    model: Raw = NULL


_DECODE = msgspec.json.Decoder(_Event).decode
_DECODE_RESPONSE = msgspec.json.Decoder(_Response).decode


def open_stream(wants_usage: bool) -> StreamUsage:  # noqa: FBT001 -- the record calls it with one argument
    """Return a reader of one stream; each delta counts as one token, which is how most hosts stream."""
    del wants_usage  # these streams always report it
    return PassingEvents(_read)


def _read(stream: PassingEvents, frame: Frame) -> None:
    if frame.data is None:
        return
    if frame.event is not None and frame.event.endswith(b".delta"):  # nearly always
        stream.say()
        return
    try:
        event = _DECODE(frame.data)
        if event.type.endswith(".delta"):
            stream.say()
        elif event.type == "error" or event.error != NULL:
            stream.is_failed = True
        elif event.type in _ENDS or event.type in _BEGINNINGS:
            _read_response(stream, event)
    except UNREADABLE:
        return  # `[DONE]`, or not ours to judge: it passes as it is


def _read_response(stream: PassingEvents, event: _Event) -> None:
    response = _DECODE_RESPONSE(event.response)
    if stream.model is None and response.model != NULL:
        stream.model = response.model
    stream.given_ids = given_ids(event.response) or stream.given_ids
    stream.usage = count(response) or stream.usage
    stream.is_failed |= event.type == "response.failed"
    stream.is_finished |= event.type in _ENDS and event.type != "response.failed"
