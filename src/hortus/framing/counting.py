"""Token counts that hosts report, made plausible, and what is counted here where a host reports nothing."""

from __future__ import annotations

import msgspec

from hortus.canon.usage import Usage

BYTES_PER_TOKEN = 4
"""Bytes of English text per token, by rule of thumb; used for estimates only, which are marked as such."""

_MOST_IN_ONE = 12
"""Bytes of a delta, on average, that can be a token; words of one token are seldom longer."""

MOST_TOKENS = 1_000_000_000_000
"""Above any count that can be true, and far below what a column of a store holds: more than this makes no sense."""

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""How reading a host's JSON fails; text that is not UTF-8 is the second, nesting by the thousand the third."""

_LONGEST_MODEL = 200
"""Characters of a model's name that are believed."""

_DECODE_TEXT = msgspec.json.Decoder(str).decode


def part_of(count: int | None, whole: int) -> int:
    """Return a part that is no more than its whole: some hosts report more cached input than there was."""
    return min(max(count, 0), whole) if count else 0


def tokens_in(deltas: int, *, text_bytes: int) -> int:
    """Return how many tokens so many deltas hold: one each, unless they are too long for that.

    Most hosts send each token as it comes; some send several at once, and then their bytes tell more.

    >>> tokens_in(10, text_bytes=45), tokens_in(10, text_bytes=400)
    (10, 100)
    """
    return deltas if text_bytes <= _MOST_IN_ONE * deltas else -(-text_bytes // BYTES_PER_TOKEN)


def estimate(*, input_bytes: int, output_tokens: int) -> Usage:
    """Return what a request will have used where its host does not say."""
    return Usage(
        input_tokens=-(-input_bytes // BYTES_PER_TOKEN), output_tokens=max(output_tokens, 0), is_estimated=True
    )


def estimate_whole(*, input_bytes: int, output_bytes: int) -> Usage:
    """Return the same for a whole answer whose words are so long."""
    return estimate(input_bytes=input_bytes, output_tokens=-(-output_bytes // BYTES_PER_TOKEN))


def read_served_model(raw: msgspec.Raw | None) -> str | None:
    """Return the name in a host's `model` member, None where it is not one: what stands here goes into receipts."""
    if not raw:
        return None
    try:
        name = _DECODE_TEXT(raw)
    except msgspec.DecodeError:
        return None
    return name if len(name) <= _LONGEST_MODEL and name.isprintable() else None
