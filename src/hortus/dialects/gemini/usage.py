"""Token counts of answers: `usageMetadata`, read and written.

Google counts thoughts and the tokens that its own tools brought in apart; here each is part of output or input.
https://ai.google.dev/api/generate-content#UsageMetadata, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from hortus.canon.usage import Usage
from hortus.dialects.gemini.members import Opened
from hortus.framing.counting import MOST_TOKENS, part_of

_PROMPT, _TOOLS, _CACHED = "promptTokenCount", "toolUsePromptTokenCount", "cachedContentTokenCount"
_CANDIDATES, _THOUGHTS, _TOTAL = "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount"
_COUNTS = (_PROMPT, _TOOLS, _CACHED, _CANDIDATES, _THOUGHTS, _TOTAL)

USAGE = "usageMetadata"

_NUMBER = msgspec.json.Decoder(int | float | str)


def read_usage(wire: Opened | None, *, known: Collection[str] = ()) -> Usage | None:
    """Return the counts of a `usageMetadata`, None where it has none; all else of it is kept without a word.

    Args:
        wire: The object, None where there is none.
        known: Paths kept of earlier frames of a stream: what was kept once is kept again, so that it cannot go stale.
    """
    if wire is None:
        return None
    raws = {name: raw for name in _COUNTS if (raw := wire.raw(name)) is not None}
    usage = count({name: _number(raw) for name, raw in raws.items()})
    usual = write_usage(usage) if usage is not None else {}
    for name, raw in raws.items():
        if str(usual.get(name)).encode() != bytes(raw) or f"{USAGE}.{name}" in known:
            wire.keep(name, raw, is_silent=True)
    for name in usual.keys() - raws.keys():
        wire.form(f"absent:{USAGE}.{name}")
    wire.silence(*wire.names())
    return usage


def count(counts: Mapping[str, int]) -> Usage | None:
    """Return what a host's counts mean, None where there are none or they make no sense."""
    given = counts.get(_PROMPT, 0) + counts.get(_TOOLS, 0)
    reasoning = counts.get(_THOUGHTS, 0)
    output = counts.get(_CANDIDATES, 0) + reasoning
    if not any(counts.values()) or min(counts.values()) < 0 or max(counts.values()) > MOST_TOKENS:
        return None
    return Usage(
        input_tokens=given,
        output_tokens=output,
        cached_input_tokens=part_of(counts.get(_CACHED), given),
        reasoning_tokens=reasoning,
    )


def write_usage(usage: Usage) -> dict[str, int]:
    """Return the counts as Google writes them; it leaves out those that are nothing."""
    counts = {
        _PROMPT: usage.input_tokens,
        _CACHED: usage.cached_input_tokens,
        _CANDIDATES: usage.output_tokens - usage.reasoning_tokens,
        _THOUGHTS: usage.reasoning_tokens,
        _TOTAL: usage.input_tokens + usage.output_tokens,
    }
    return {name: number for name, number in counts.items() if number}


def counts_in(members: Mapping[str, msgspec.Raw]) -> dict[str, int]:
    """Return those members that are counts."""
    return {name: _number(members[name]) for name in _COUNTS if name in members}


def _number(raw: msgspec.Raw) -> int:
    try:
        value = _NUMBER.decode(raw)
    except msgspec.DecodeError:
        return 0
    if isinstance(value, str):  # 64-bit numbers are strings in this JSON
        return int(value) if value.isascii() and value.isdecimal() and len(value) < len(str(MOST_TOKENS)) else 0
    return int(value) if abs(value) <= MOST_TOKENS else -1
