"""What Cohere says that a request used: what it charges (`billed_units`) counts, what its models saw is kept beside.

`tokens` holds the template around the client's words too (hundreds of tokens), and `cached_tokens` is a part of that:
what is charged holds cached tokens for sure only where both are the same. Seen in recordings, 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Raw

from hortus.canon.usage import Usage
from hortus.dialects.cohere_v2.pen import Object
from hortus.dialects.cohere_v2.wire import NAME
from hortus.framing.metering import read_members, usage_of
from hortus.framing.opening import Notes

_BILLED, _SEEN = "billed_units", "tokens"
_INPUT, _CACHED = "input_tokens", "cached_tokens"


def read_usage(raw: Raw) -> Usage | None:
    """Return the usage of a chat, None where there is none or it makes no sense.

    >>> read_usage(Raw(b'{"billed_units": {"input_tokens": 5}, "tokens": {"input_tokens": 607}}')).input_tokens
    5
    """
    members = read_members(raw)
    if members is None:
        return None
    billed, seen = _inner(members, _BILLED), _inner(members, _SEEN)
    counts = {**seen, **billed}
    if counts.get(_INPUT) == seen.get(_INPUT):
        counts[_CACHED] = members.get(_CACHED)
    return usage_of(NAME, counts)


def read_meta(raw: Raw) -> Usage | None:
    """Return the usage in the `meta` of vectors and rankings; pictures are charged in tokens beside those of texts."""
    members = read_members(raw)
    billed = dict(_inner(members, _BILLED)) if members is not None else {}
    pictures, texts = billed.get("image_tokens"), billed.get("input_tokens", 0)
    if type(pictures) is int and type(texts) is int:
        billed["input_tokens"] = texts + pictures
    return usage_of(NAME, billed)


def read_noted_usage(raw: Raw, notes: Notes) -> Usage | None:
    """Return the usage of a chat, and note it as it came."""
    notes.hush("usage", raw)
    return read_usage(raw)


def write_usage(usage: Usage | None) -> Object:
    """Return the usage of a chat for a client of another host."""
    usage = usage or Usage()
    counts: Object = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    seen = dict(counts)
    if usage.reasoning_tokens:
        seen["reasoning_tokens"] = usage.reasoning_tokens
    written: Object = {_BILLED: counts, _SEEN: seen}
    if usage.cached_input_tokens:
        written[_CACHED] = usage.cached_input_tokens
    return written


def write_meta(usage: Usage | None) -> Object:
    """Return the `meta` of vectors and rankings for a client of another host."""
    usage = usage or Usage()
    counts = {"search_units": usage.search_units} if usage.search_units else {"input_tokens": usage.input_tokens}
    return {"api_version": {"version": "2"}, _BILLED: counts}


def _inner(members: Mapping[str, object], name: str) -> Mapping[str, object]:
    inner = members.get(name)
    return {key: value for key, value in inner.items() if value is not None} if isinstance(inner, dict) else {}
