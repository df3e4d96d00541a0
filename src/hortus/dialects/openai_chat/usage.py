"""The `usage` object of answers and streams, in tokens as Hortus counts them."""

from __future__ import annotations

import msgspec

from hortus.canon.usage import Usage

BYTES_PER_TOKEN = 4
"""Bytes of English text per token, by rule of thumb; used for estimates only, which are marked as such."""

MOST_TOKENS = 1_000_000_000_000
"""Above any count that can be true, and far below what a column of a store holds: more than this makes no sense."""

UNREADABLE = (msgspec.DecodeError, RecursionError)
"""How reading a host's JSON fails; nesting by the thousand is the second."""


class _InputDetails(msgspec.Struct):
    cached_tokens: int | None = None


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None


_DECODE = msgspec.json.Decoder(_Usage).decode


def read_usage(raw: msgspec.Raw | None) -> Usage | None:
    """Return the usage in `raw`, None where there is none or it makes no sense.

    Some hosts leave the reasoning out of `completion_tokens` while `total_tokens` counts it (seen with Gemini's
    compatible API and with xAI, 2026): then what the total has beyond the input is the output.

    >>> read_usage(msgspec.Raw(b'{"prompt_tokens": 66, "completion_tokens": 6, "total_tokens": 100}'))
    Usage(input_tokens=66, output_tokens=34, cached_input_tokens=0, reasoning_tokens=0, is_estimated=False)
    """
    if not raw:
        return None
    try:
        found = _DECODE(raw)
    except UNREADABLE:
        return None
    given, total = found.prompt_tokens, found.total_tokens
    if given is None or given < 0:
        return None
    output = max(found.completion_tokens or 0, (total or 0) - given, 0)
    if max(given, output) > MOST_TOKENS:
        return None
    input_details, output_details = found.prompt_tokens_details, found.completion_tokens_details
    return Usage(
        input_tokens=given,
        output_tokens=output,
        cached_input_tokens=_part(input_details.cached_tokens if input_details else 0, given),
        reasoning_tokens=_part(output_details.reasoning_tokens if output_details else 0, output),
    )


def _part(count: int | None, whole: int) -> int:
    """Return a part that is no more than its whole: some hosts report more cached input than there was."""
    return min(max(count, 0), whole) if count else 0


def estimate(*, input_bytes: int, output_tokens: int) -> Usage:
    """Return what a request will have used where its host does not say."""
    return Usage(
        input_tokens=-(-input_bytes // BYTES_PER_TOKEN), output_tokens=max(output_tokens, 0), is_estimated=True
    )
