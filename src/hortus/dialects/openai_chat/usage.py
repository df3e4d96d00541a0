"""The `usage` object of answers and streams, in tokens as Hortus counts them, and back."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import UNSET, Raw, UnsetType

from hortus.canon.usage import Usage
from hortus.dialects.openai_chat.pen import Body
from hortus.dialects.openai_chat.vocabulary import NAME
from hortus.framing.metering import read_members, usage_of
from hortus.framing.noted_usage import note_usage
from hortus.framing.opening import Notes


def read_usage(raw: Raw, *, tier: object = None) -> Usage | None:
    """Return the usage in `raw`, None where there is none or it makes no sense; `tier` is what the answer says of it.

    Some hosts leave the reasoning out of `completion_tokens` while `total_tokens` counts it (seen with Gemini's
    compatible API and with xAI, 2026): then what the total has beyond the input is the output.

    >>> read_usage(msgspec.Raw(b'{"prompt_tokens": 66, "completion_tokens": 6, "total_tokens": 100}')).output_tokens
    34
    """
    members = read_members(raw)
    return None if members is None else usage_of(NAME, members, tier=tier)


def read_noted_usage(
    raw: Raw, notes: Notes, *, write: Callable[[Usage], Body], tier: Raw | UnsetType = UNSET
) -> Usage | None:
    """Return the usage in `raw`, and note whatever else it says, below `usage`; `tier` as in `read_usage`."""
    return note_usage(raw, notes, dialect=NAME, write=write, tier=tier)


def write_usage(usage: Usage) -> Body:
    """Return a chat's `usage` object."""
    given: Body = {"cached_tokens": usage.cached_input_tokens}
    if usage.cache_write_tokens:
        given["cache_write_tokens"] = usage.cache_write_tokens
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": given,
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }
