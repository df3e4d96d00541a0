"""The `usage` object, both ways."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from hortus.canon.errors import CallerFault
from hortus.canon.usage import Usage
from hortus.dialects.openai_responses.pen import ENCODE, Object
from hortus.dialects.openai_responses.wire import NAME, UsageObject
from hortus.framing.counting import UNREADABLE
from hortus.framing.metering import read_members, usage_of
from hortus.framing.opening import NULL, Notes
from hortus.framing.paths import join_paths, put_back
from hortus.framing.reading import read_open
from hortus.framing.shallow import Members

PATH = "usage"

_CALL = b"web_search_call"
_SEARCH = "search"


class Told(msgspec.Struct):
    """What an answer says of what was used.

    Attributes:
        service_tier: How it was served.
        tool_usage: What the host's own tools used.
        output: The items, among them each search.
    """

    usage: Raw = NULL
    service_tier: object = None
    tool_usage: Raw = NULL
    output: Raw = NULL


class _Searching(msgspec.Struct):
    num_requests: int = 0


class _ToolUsage(msgspec.Struct):
    web_search: _Searching | None = None


class _Action(msgspec.Struct):
    type: str = _SEARCH


class _Item(msgspec.Struct):
    type: str = ""
    action: _Action | None = None


_TOOL_USAGE = msgspec.json.Decoder(_ToolUsage).decode
_ITEMS = msgspec.json.Decoder(list[_Item]).decode


def told_in(members: Members) -> Told:
    """Return the same of an answer's members."""
    tier = members.get("service_tier", NULL)
    return Told(
        usage=members.get("usage", NULL),
        service_tier=msgspec.json.decode(tier),
        tool_usage=members.get("tool_usage", NULL),
        output=members.get("output", NULL),
    )


def read_usage(told: Told, notes: Notes) -> Usage | None:
    """Return what a host says was used, None where it makes no sense; what else it says is noted."""
    raw = told.usage
    try:
        _, unknown = read_open(raw, UsageObject)
    except CallerFault:
        notes.hush(PATH, raw)
        return None
    usage = count(told)
    if usage is None:
        notes.hush(PATH, raw)
        return None
    again = write_usage(usage)
    put_back(again, unknown)
    if msgspec.json.decode(ENCODE(again)) != msgspec.json.decode(raw):
        notes.hush(PATH, raw)  # the same meaning in another shape
    for path, member in unknown.items():
        notes.keep(join_paths(PATH, path), member)
    return usage


def count(told: Told) -> Usage | None:
    """Return what a host says was used, None where there is nothing or it makes no sense."""
    members = read_members(told.usage)
    if members is None:
        return None
    return usage_of(NAME, members, searches=_searches(told), tier=told.service_tier)


def _searches(told: Told) -> int:
    """Return how often the web was searched; opening a page that was found is not charged.

    https://developers.openai.com/api/docs/pricing, read 2026-11: web search, per 1 000 calls.
    """
    counted = 0
    try:
        if told.tool_usage != NULL:
            counted = (_TOOL_USAGE(told.tool_usage).web_search or _Searching()).num_requests
        if _CALL in bytes(told.output):
            items = [item for item in _ITEMS(told.output) if item.type == _CALL.decode()]
            counted = max(counted, sum((item.action or _Action()).type == _SEARCH for item in items))
    except UNREADABLE:
        return counted
    return counted


def write_usage(usage: Usage) -> Object:
    """Return the `usage` object as OpenAI writes it."""
    took: Object = {"cached_tokens": usage.cached_input_tokens}
    if usage.cache_write_tokens:
        took["cache_write_tokens"] = usage.cache_write_tokens
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": took,
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
