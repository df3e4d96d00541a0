"""The `usage` object: what Anthropic counts apart (fresh, read from the cache, written to it) is one input here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from msgspec import UNSET, Raw, UnsetType

from hortus.canon.nodes import Extras
from hortus.canon.usage import Usage
from hortus.dialects.anthropic_messages.pen import Object
from hortus.dialects.anthropic_messages.wire import NAME, OutputDetails, UsageObject, given
from hortus.framing.metering import read_members, usage_of
from hortus.framing.opening import NULL, Notes
from hortus.framing.paths import join_paths
from hortus.framing.reading import read_open

_NAMES = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
_DETAILS = "output_tokens_details"
_ENCODE = msgspec.json.Encoder().encode


Said = Mapping[str, object]
"""What a host said of its use so far, members by name."""


def said_in(raw: Raw, before: Said = MappingProxyType({})) -> Said:
    """Return the members of a usage object; those that are missing or null are those of `before`."""
    members = read_members(raw) or {}
    return {**before, **{name: value for name, value in members.items() if value is not None}}


def count(said: Said) -> Usage | None:
    """Return what was used, None where nothing is said or it makes no sense."""
    return usage_of(NAME, said)


def read_usage(raw: Raw, notes: Notes, *, said: Said, place: str = "") -> Usage | None:
    """Return the usage, None where nothing is said or it makes no sense.

    Args:
        raw: The object.
        notes: Of the answer; what else is said is noted as nothing that another dialect could miss.
        said: `said_in` of the object.
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
    usage = count(said)
    thinks = usage is not None and usage.reasoning_tokens > 0
    _note_details(wire.output_tokens_details, notes, place=place, is_expected=thinks)
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
