"""Token counts of answers: `usageMetadata`, read and written.

Google counts thoughts and the tokens that its own tools brought in apart; here each is part of output or input.
https://ai.google.dev/api/generate-content#UsageMetadata, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from hortus.canon.usage import Usage
from hortus.dialects.gemini.members import NAME, Opened, camel
from hortus.framing.counting import UNREADABLE
from hortus.framing.metering import usage_of

_PROMPT, _TOOLS, _CACHED = "promptTokenCount", "toolUsePromptTokenCount", "cachedContentTokenCount"
_CANDIDATES, _THOUGHTS, _TOTAL = "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount"
_COUNTS = (_PROMPT, _TOOLS, _CACHED, _CANDIDATES, _THOUGHTS, _TOTAL)

USAGE = "usageMetadata"

_QUERIES = b"webSearchQueries"


class _Grounding(msgspec.Struct, rename="camel"):
    web_search_queries: list[str] | None = None


class _Candidate(msgspec.Struct, rename="camel"):
    grounding_metadata: _Grounding | None = None


class _Answer(msgspec.Struct):
    candidates: list[_Candidate] | None = None


_DECODE = msgspec.json.decode
_ANSWER = msgspec.json.Decoder(_Answer).decode


def read_usage(wire: Opened | None, *, known: Collection[str] = (), searches: int = 0) -> Usage | None:
    """Return the counts of a `usageMetadata`, None where it has none; all else of it is kept without a word.

    Args:
        wire: The object, None where there is none.
        known: Paths kept of earlier frames of a stream: what was kept once is kept again, so that it cannot go stale.
        searches: As `searches_in` says.
    """
    if wire is None:
        return None
    usage = count(wire.left(), searches=searches)
    raws = {name: raw for name in _COUNTS if (raw := wire.raw(name)) is not None}
    usual = write_usage(usage) if usage is not None else {}
    for name, raw in raws.items():
        if str(usual.get(name)).encode() != bytes(raw) or f"{USAGE}.{name}" in known:
            wire.keep(name, raw, is_silent=True)
    for name in usual.keys() - raws.keys():
        wire.form(f"absent:{USAGE}.{name}")
    wire.silence(*wire.names())
    return usage


def count(members: Mapping[str, msgspec.Raw], *, searches: int = 0) -> Usage | None:
    """Return what a host's counts mean, None where there are none or they make no sense."""
    try:
        said = {camel(name): _DECODE(raw) for name, raw in members.items()}
    except UNREADABLE:
        return None
    usage = usage_of(NAME, said, searches=searches)
    return usage if usage is not None and (usage.input_tokens or usage.output_tokens) else None


def searches_in(answer: bytes) -> int:
    """Return how often the web was searched for an answer, or a frame of one; an empty question is none."""
    if _QUERIES not in answer:
        return 0
    try:
        candidates = _ANSWER(answer).candidates or ()
    except UNREADABLE:
        return 0
    found = [one.grounding_metadata for one in candidates]
    return sum(sum(map(bool, one.web_search_queries or ())) for one in found if one is not None)


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
