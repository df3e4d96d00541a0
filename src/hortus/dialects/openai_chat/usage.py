"""The `usage` object of answers and streams, in tokens as Hortus counts them, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
from msgspec import Raw

from hortus.canon.usage import Usage
from hortus.dialects.openai_chat.pen import Body, encode
from hortus.framing.counting import MOST_TOKENS, UNREADABLE, part_of
from hortus.framing.opening import Notes
from hortus.framing.paths import join_name

_NOTHING = frozenset((b"0", b"0.0", b"null", b"{}", b"[]"))
"""Values of counts that say nothing."""

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_DECODE_ANY = msgspec.json.decode


class _InputDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None  # of OpenRouter


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


_NO_INPUT_DETAILS, _NO_OUTPUT_DETAILS = _InputDetails(), _OutputDetails()


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None


_DECODE = msgspec.json.Decoder(_Usage).decode


def read_usage(raw: msgspec.Raw) -> Usage | None:
    """Return the usage in `raw`, None where there is none or it makes no sense.

    Some hosts leave the reasoning out of `completion_tokens` while `total_tokens` counts it (seen with Gemini's
    compatible API and with xAI, 2026): then what the total has beyond the input is the output.

    >>> read_usage(msgspec.Raw(b'{"prompt_tokens": 66, "completion_tokens": 6, "total_tokens": 100}')).output_tokens
    34
    """
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
    given_details = found.prompt_tokens_details or _NO_INPUT_DETAILS
    output_details = found.completion_tokens_details or _NO_OUTPUT_DETAILS
    return Usage(
        input_tokens=given,
        output_tokens=output,
        cached_input_tokens=part_of(given_details.cached_tokens, given),
        reasoning_tokens=part_of(output_details.reasoning_tokens, output),
        cache_write_tokens=part_of(given_details.cache_write_tokens, given),
    )


def read_noted_usage(raw: Raw, notes: Notes, *, write: Callable[[Usage], Body]) -> Usage | None:
    """Return the usage in `raw`, and note whatever else it says, below `usage`."""
    usage = read_usage(raw)
    if usage is None:
        (notes.hush if bytes(raw) in _NOTHING else notes.keep)("usage", raw)
        return None
    said, known = dict(_leaves(raw, "usage")), dict(_leaves(Raw(encode(write(usage))), "usage"))
    for path, value in said.items():
        if path in known and _DECODE_ANY(known[path]) == _DECODE_ANY(value):
            continue
        is_ours = path in known or bytes(value) in _NOTHING
        (notes.hush if is_ours else notes.keep)(path, value)
    for path in known:
        if path not in said:
            notes.form(f"-{path}")
    return usage


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
