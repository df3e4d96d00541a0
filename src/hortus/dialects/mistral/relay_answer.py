"""What a whole answer says of itself: usage and the model that answered. The answer's bytes are never changed."""

from __future__ import annotations

import msgspec

from hortus.canon.dialect import Answer, Operation
from hortus.canon.usage import Usage
from hortus.dialects.mistral.vocabulary import NAME
from hortus.framing.counting import UNREADABLE, estimate_whole, read_served_model
from hortus.framing.metering import read_members, usage_of
from hortus.framing.sound import usual_seconds

_NOTHING = msgspec.Raw(b"null")
_PAGES = "ocr"
_SOUND = "transcriptions"


class _Head(msgspec.Struct):
    model: msgspec.Raw = _NOTHING
    usage: msgspec.Raw = _NOTHING


class _Pages(msgspec.Struct):
    pages: list[msgspec.Raw] | None = None
    usage_info: msgspec.Raw = _NOTHING


class _Choices(msgspec.Struct):
    choices: list[msgspec.Raw] | None = None


_DECODE_HEAD = msgspec.json.Decoder(_Head).decode
_DECODE_PAGES = msgspec.json.Decoder(_Pages).decode
_DECODE_CHOICES = msgspec.json.Decoder(_Choices).decode


def read_usage(raw: msgspec.Raw) -> Usage | None:
    """Return the usage in `raw`, None where there is none or it makes no sense."""
    members = read_members(raw)
    return None if members is None else usage_of(NAME, members)


def read_answer(operation: Operation, body: bytes, input_bytes: int) -> Answer:
    """Return usage and served model of a whole answer; what the host leaves out is estimated."""
    try:
        head = _DECODE_HEAD(body)
    except UNREADABLE:
        return Answer(usage=_estimate(operation, b"{}", input_bytes=input_bytes), served_model=None)
    if operation.name == _PAGES:
        usage: Usage | None = _pages_of(body)
    else:
        usage = read_usage(head.usage)
    if usage is None:
        usage = _estimate(operation, body, input_bytes=input_bytes)
    return Answer(usage=usage, served_model=read_served_model(head.model))


def _pages_of(body: bytes) -> Usage:
    """Return the pages that were read, as the host says or as they came: they are paid for, not tokens."""
    try:
        found = _DECODE_PAGES(body)
    except UNREADABLE:
        return Usage(is_estimated=True)
    usage = read_usage(found.usage_info)
    return usage if usage is not None else Usage(pages=len(found.pages or ()), is_estimated=True)


def _estimate(operation: Operation, body: bytes, *, input_bytes: int) -> Usage:
    if operation.name == _SOUND:
        return Usage(seconds=usual_seconds(input_bytes), is_estimated=True)
    output_bytes = 0
    if operation.can_stream:  # others have no output tokens
        try:
            output_bytes = sum(len(bytes(choice)) for choice in _DECODE_CHOICES(body).choices or ())
        except UNREADABLE:
            output_bytes = len(body)
    return estimate_whole(input_bytes=input_bytes, output_bytes=output_bytes)
