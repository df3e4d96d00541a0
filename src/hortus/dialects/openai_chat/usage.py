"""The `usage` object of answers and streams, in tokens as Hortus counts them, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
from msgspec import UNSET, Raw, UnsetType

from hortus.canon.usage import Usage
from hortus.dialects.openai_chat.pen import Body, encode
from hortus.dialects.openai_chat.vocabulary import NAME
from hortus.framing.metering import read_members, usage_of
from hortus.framing.opening import Notes
from hortus.framing.paths import join_name

_NOTHING = frozenset((b"0", b"0.0", b"null", b"{}", b"[]"))
"""Values of counts that say nothing."""

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_DECODE_ANY = msgspec.json.decode


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
    usage = read_usage(raw, tier=_told(tier))
    if usage is None:
        (notes.hush if bytes(raw) in _NOTHING else notes.keep)("usage", raw)
        return None
    said, known = dict(_leaves(raw, "usage")), dict(_leaves(Raw(encode(write(usage))), "usage"))
    for path, value in said.items():
        if path in known and _DECODE_ANY(known[path]) == _DECODE_ANY(value):
            continue
        is_ours = path in known or bytes(value) in _NOTHING
        (notes.hush if is_ours else notes.keep)(path, value)
    for path in [path for path in known if path not in said]:
        notes.form(f"-{path}")
    return usage


def _told(tier: Raw | UnsetType) -> object:
    return None if isinstance(tier, UnsetType) else _DECODE_ANY(tier)


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


def _leaves(raw: Raw, at: str) -> Iterator[tuple[str, Raw]]:
    """Return the values in an object and in the objects right below it, by path."""
    for name, value in _OBJECT.decode(raw).items():
        path = join_name(at, name)
        inner = _OBJECT.decode(value) if bytes(memoryview(value)[:1]) == b"{" else {}
        if inner:
            yield from ((join_name(path, deeper), one) for deeper, one in inner.items())
        else:
            yield path, value
