"""The `usage` object: what Bedrock counts apart (fresh, read from the cache, written to it) is one input here."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from hortus.canon.nodes import Extras
from hortus.canon.usage import Usage
from hortus.dialects.bedrock_converse.pen import Object
from hortus.dialects.bedrock_converse.wire import NAME
from hortus.framing.counting import UNREADABLE
from hortus.framing.metering import read_members, usage_of
from hortus.framing.opening import Notes
from hortus.framing.paths import join_name

_INPUT, _OUTPUT, _TOTAL = "inputTokens", "outputTokens", "totalTokens"
_READ, _WRITTEN = "cacheReadInputTokens", "cacheWriteInputTokens"
_DETAILS = "cacheDetails"
_ALWAYS = (_INPUT, _OUTPUT, _TOTAL)
_ENCODE = msgspec.json.Encoder().encode
_OBJECT = msgspec.json.Decoder(dict[str, Raw]).decode


class _Detail(msgspec.Struct, rename="camel"):
    ttl: str = ""
    input_tokens: int = 0


_DECODE_DETAILS = msgspec.json.Decoder(list[_Detail]).decode


def count(raw: Raw, tier: object = None) -> Usage | None:
    """Return what was used, None where nothing is said or it makes no sense."""
    members = read_members(raw)
    if members is None:
        return None
    return usage_of(NAME, members | {_DETAILS: _by_ttl(members.get(_DETAILS))}, tier=tier)


def _by_ttl(details: object) -> Mapping[str, int] | None:
    """Return the tokens that were written to the cache, by how long they stay there."""
    try:
        items = _DECODE_DETAILS(_ENCODE(details or []))
    except UNREADABLE:
        return None
    found: dict[str, int] = {}
    for item in items:
        found[item.ttl] = found.get(item.ttl, 0) + item.input_tokens
    return found


def read_usage(raw: Raw, notes: Notes, *, tier: object = None) -> Usage | None:
    """Return the usage, None where nothing is said or it makes no sense.

    What `write_usage` would not write again is noted, as nothing that another dialect could miss.
    """
    usage = count(raw, tier)
    try:
        said = _OBJECT(raw)
    except UNREADABLE:
        notes.form("-usage")
        notes.hush("usage", raw)
        return usage
    written = _counts(usage or Usage())
    for name in _ALWAYS:
        if name not in said:
            notes.form(f"-usage.{name}")
    for name, value in said.items():
        if name not in written or bytes(value) != b"%d" % written[name]:
            notes.hush(join_name("usage", name), value)
        elif name not in _ALWAYS:
            notes.form(f"+usage.{name}")
    return usage


def write_usage(usage: Usage | None, own: Extras) -> Object:
    """Return the usage object without what only this dialect says in it; `own` is what it says of the answer."""
    usage = usage or Usage()
    is_own = "own" in own.forms
    written: Object = {}
    for name, number in _counts(usage).items():
        is_said = name in _ALWAYS or (f"+usage.{name}" in own.forms if is_own else number > 0)
        is_left_out = f"-usage.{name}" in own.forms or f"usage.{name}" in own.silent
        if is_said and not is_left_out:
            written[name] = number
    if usage.cache_write_long_tokens and not is_own:
        written[_DETAILS] = _details(usage)
    return written


def _details(usage: Usage) -> list[Object]:
    """Return what was written to the cache, by how long it stays there."""
    short = usage.cache_write_tokens - usage.cache_write_long_tokens
    both = (("1h", usage.cache_write_long_tokens), ("5m", short))
    return [{"ttl": ttl, _INPUT: number} for ttl, number in both if number]


def _counts(usage: Usage) -> dict[str, int]:
    fresh = max(usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens, 0)
    return {
        _INPUT: fresh,
        _OUTPUT: usage.output_tokens,
        _TOTAL: usage.input_tokens + usage.output_tokens,
        _READ: usage.cached_input_tokens,
        _WRITTEN: usage.cache_write_tokens,
    }
