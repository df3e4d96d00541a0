"""The `usage` object, both ways."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from hortus.canon.errors import CallerFault
from hortus.canon.usage import Usage
from hortus.dialects.openai_responses.pen import ENCODE, Object
from hortus.dialects.openai_responses.wire import InputDetails, OutputDetails, UsageObject, given
from hortus.framing.counting import MOST_TOKENS, part_of
from hortus.framing.opening import Notes
from hortus.framing.paths import join_paths, put_back
from hortus.framing.reading import read_open

PATH = "usage"


def read_usage(raw: Raw, notes: Notes) -> Usage | None:
    """Return what a host says was used, None where it makes no sense; what else it says is noted."""
    try:
        wire, unknown = read_open(raw, UsageObject)
    except CallerFault:
        notes.hush(PATH, raw)
        return None
    usage = _plausible(wire)
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


def count(raw: Raw) -> Usage | None:
    """Return what a host says was used, None where there is nothing or it makes no sense."""
    try:
        return _plausible(read_open(raw, UsageObject)[0])
    except CallerFault:
        return None


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


def _plausible(wire: UsageObject) -> Usage | None:
    took, gave = wire.input_tokens_details, wire.output_tokens_details
    cached = took.cached_tokens if isinstance(took, InputDetails) else None
    written = took.cache_write_tokens if isinstance(took, InputDetails) else None
    thought = gave.reasoning_tokens if isinstance(gave, OutputDetails) else None
    if not (0 <= wire.input_tokens <= MOST_TOKENS and 0 <= wire.output_tokens <= MOST_TOKENS):
        return None
    return Usage(
        input_tokens=wire.input_tokens,
        output_tokens=wire.output_tokens,
        cached_input_tokens=part_of(given(cached), wire.input_tokens),
        reasoning_tokens=part_of(given(thought), wire.output_tokens),
        cache_write_tokens=part_of(given(written), wire.input_tokens),
    )
