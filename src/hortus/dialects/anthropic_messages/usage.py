"""The `usage` object: what Anthropic counts apart (fresh, read from the cache, written to it) is one input here."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Raw, UnsetType

from hortus.canon.nodes import Extras
from hortus.canon.usage import Usage
from hortus.dialects.anthropic_messages.pen import Object
from hortus.dialects.anthropic_messages.wire import OutputDetails, UsageObject, given
from hortus.framing.counting import MOST_TOKENS
from hortus.framing.opening import NULL, Notes
from hortus.framing.paths import join_paths
from hortus.framing.reading import read_open

_NAMES = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
_DETAILS = "output_tokens_details"
_ENCODE = msgspec.json.Encoder().encode


def read_usage(raw: Raw, notes: Notes, *, before: Usage | None = None, place: str = "") -> Usage:
    """Return the usage; counts that are missing are those of `before`.

    Args:
        raw: The object.
        notes: Of the answer; what else is said is noted as nothing that another dialect could miss.
        before: What the stream said earlier.
        place: Where in a stream this is (`start`, `delta`), for the notations.

    Raises:
        InvalidRequest: A member is of the wrong type.
    """
    wire, unknown = read_open(raw, UsageObject, at="usage")
    for path, member in unknown.items():
        notes.hush(join_paths("usage", path), member)
    for name in _NAMES:
        value = getattr(wire, name)
        if value is UNSET:
            notes.form(f"{place}-usage.{name}")
        elif value is None:
            notes.hush(f"usage.{name}", NULL)
    usage = count(wire, before or Usage())
    _note_details(wire.output_tokens_details, notes, place=place, is_expected=usage.reasoning_tokens > 0)
    return usage


def _note_details(details: OutputDetails | UnsetType | None, notes: Notes, *, place: str, is_expected: bool) -> None:
    if isinstance(details, UnsetType):
        if is_expected:
            notes.form(f"{place}-usage.{_DETAILS}")
    elif details is None:
        notes.hush(f"usage.{_DETAILS}", NULL)
    elif given(details.thinking_tokens) is None:
        notes.hush(f"usage.{_DETAILS}", Raw(_ENCODE(details)))
    else:
        notes.form(f"{place}+usage.{_DETAILS}")


def count(wire: UsageObject, before: Usage) -> Usage:
    """Return the counts of a usage object, those of `before` where they are missing."""
    fresh = _either(given(wire.input_tokens), fresh_tokens(before))
    cached = _either(given(wire.cache_read_input_tokens), before.cached_input_tokens)
    written = _either(given(wire.cache_creation_input_tokens), before.cache_write_tokens)
    output = _either(given(wire.output_tokens), before.output_tokens)
    details = wire.output_tokens_details
    thought = given(details.thinking_tokens) if isinstance(details, OutputDetails) else None
    return Usage(
        input_tokens=fresh + cached + written,
        output_tokens=output,
        cached_input_tokens=cached,
        reasoning_tokens=min(_either(thought, before.reasoning_tokens), output),
        cache_write_tokens=written,
    )


def fresh_tokens(usage: Usage) -> int:
    """Return the input tokens that had nothing to do with the cache."""
    return max(usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens, 0)


def write_usage(usage: Usage | None, own: Extras, *, place: str = "") -> Object:
    """Return the usage object without what only this dialect says in it; `own` is what it says of the answer."""
    usage = usage or Usage()
    counts = (fresh_tokens(usage), usage.cache_write_tokens, usage.cached_input_tokens, usage.output_tokens)
    written: Object = {}
    for name, number in zip(_NAMES, counts, strict=True):
        is_null = number == 0 and f"usage.{name}" in own.silent
        if not is_null and f"{place}-usage.{name}" not in own.forms:
            written[name] = number
    is_left_out = f"{place}-usage.{_DETAILS}" in own.forms
    if f"{place}+usage.{_DETAILS}" in own.forms or (usage.reasoning_tokens and not is_left_out):
        written[_DETAILS] = {"thinking_tokens": usage.reasoning_tokens}
    return written


def _either(number: int | None, other: int) -> int:
    return other if number is None else min(max(number, 0), MOST_TOKENS)
