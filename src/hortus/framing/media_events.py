"""Streams about sound and pictures as they pass: every byte goes on, usage, end and errors are read from copies.

Each event names its type; one that ends in `.done` or `.completed` is the last of its kind and reports what was used.
vLLM ends as chats do. https://developers.openai.com/api/reference/resources/audio, recalled 2026-11.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from hortus.canon.usage import COUNTS, Usage
from hortus.framing.counting import BYTES_PER_TOKEN, UNREADABLE, estimate
from hortus.framing.metering import read_members, usage_of
from hortus.framing.sse import Frame
from hortus.framing.sse_passing import PassingEvents

FRAME_LIMIT_BYTES = 64 * 1024 * 1024
"""Longest event: a large picture in base64."""

_NOTHING = Raw(b"null")
_ENDS = (".done", ".completed")
_PICTURE = ".completed"
_FAILED = frozenset(("error", "response.failed"))
_CHAT = "openai_chat"
_DONE = b"[DONE]"


class _Event(msgspec.Struct, gc=False):
    type: str = ""
    delta: Raw = _NOTHING
    text: Raw = _NOTHING
    usage: Raw = _NOTHING
    error: Raw = _NOTHING
    model: Raw = _NOTHING


_DECODE = msgspec.json.Decoder(_Event).decode


def read_media_usage(dialect: str, raw: Raw | bytes) -> Usage | None:
    """Return what a usage object says, in the dialect's words or in those of chats, as some programs have it."""
    members = read_members(raw)
    if members is None:
        return None
    return usage_of(dialect, members) or usage_of(_CHAT, members)


def open_events(dialect: str) -> PassingEvents:
    """Return a reader of one stream whose usage objects are this dialect's."""

    def read(stream: PassingEvents, frame: Frame) -> None:
        _read(stream, frame, dialect=dialect)

    return PassingEvents(read, count=_count, limit_bytes=FRAME_LIMIT_BYTES)


def _count(stream: PassingEvents, input_bytes: int) -> Usage:
    """Count the words that were delivered: of sound and pictures their bytes say nothing."""
    del input_bytes
    return estimate(input_bytes=0, output_tokens=-(-stream.said_bytes // BYTES_PER_TOKEN))


def _read(stream: PassingEvents, frame: Frame, *, dialect: str) -> None:
    if frame.data is None:
        return
    if frame.data.startswith(_DONE):
        stream.is_finished = True
        return
    try:
        event = _DECODE(frame.data)
    except UNREADABLE:
        return
    if event.delta is not _NOTHING:
        stream.say(len(bytes(event.delta)) - 2)
    stream.model = event.model if event.model is not _NOTHING else stream.model
    if event.type in _FAILED or bytes(event.error) != b"null":
        stream.is_failed = True
    if event.type.endswith(_ENDS):
        stream.is_finished = True
    _take_usage(stream, event, dialect=dialect)


def _take_usage(stream: PassingEvents, event: _Event, *, dialect: str) -> None:
    """Add what an event reports; a picture that is complete counts as one, whether that is said or not."""
    said = read_media_usage(dialect, event.usage) if event.usage is not _NOTHING else None
    if event.type.endswith(_PICTURE):
        said = msgspec.structs.replace(said or Usage(), images=1)
    if said is not None:
        stream.usage = said if stream.usage is None else _sum(stream.usage, said)


def _sum(one: Usage, other: Usage) -> Usage:
    return msgspec.structs.replace(one, **{name: getattr(one, name) + getattr(other, name) for name in COUNTS})
