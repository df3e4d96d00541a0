"""Why the model stopped, in Google's words and numbers, and in the canonical ones.

https://ai.google.dev/api/generate-content#FinishReason and
https://cloud.google.com/vertex-ai/docs/reference/rest/v1beta1/GenerateContentResponse, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hortus.canon.response import Stop

_STOPS: Mapping[str, Stop] = {
    "STOP": "end",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
}
"""Any other one (MALFORMED_FUNCTION_CALL, LANGUAGE, OTHER, …) has no canonical word."""

_BY_NUMBER = (
    "FINISH_REASON_UNSPECIFIED",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "MODEL_ARMOR",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "IMAGE_OTHER",
    "UNEXPECTED_TOOL_CALL",
    "NO_IMAGE",
)
"""Vertex' numbers, for its clients that ask for `enum-encoding=int`."""

_WORDS: Mapping[Stop, str] = {
    "end": "STOP",
    "stop_sequence": "STOP",
    "tool_calls": "STOP",
    "length": "MAX_TOKENS",
    "refusal": "SAFETY",
    "content_filter": "SAFETY",
    "pause": "OTHER",
    "other": "OTHER",
}

_DECODE = msgspec.json.Decoder(str | int).decode


def read_stop(raw: msgspec.Raw, *, has_calls: bool) -> Stop:
    """Return what a `finishReason` means; after calls of functions, too, Google says STOP.

    >>> read_stop(msgspec.Raw(b'"STOP"'), has_calls=True), read_stop(msgspec.Raw(b"2"), has_calls=False)
    ('tool_calls', 'length')
    """
    try:
        said = _DECODE(raw)
    except msgspec.DecodeError:
        return "other"
    if isinstance(said, int):
        said = _BY_NUMBER[said] if 0 <= said < len(_BY_NUMBER) else ""
    return _settled(_STOPS.get(said, "other"), has_calls=has_calls)


def as_read(stop: Stop, *, has_calls: bool) -> Stop:
    """Return what a reason is read as once it is written."""
    return _settled(_STOPS.get(_WORDS[stop], "other"), has_calls=has_calls)


def _settled(stop: Stop, *, has_calls: bool) -> Stop:
    return "tool_calls" if has_calls and stop == "end" else stop


def write_stop(stop: Stop, *, as_number: bool) -> str | int:
    """Return the `finishReason` for a canonical reason."""
    word = _WORDS[stop]
    return _BY_NUMBER.index(word) if as_number else word
