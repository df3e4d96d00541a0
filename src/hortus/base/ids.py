"""Ids that sort by time: a prefix that says what it names, 48 bits of milliseconds, 80 random bits.

Clock and randomness come from the caller, so this floor stays pure.
"""

from __future__ import annotations

from functools import lru_cache

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32 in lower case: no i, l, o, u."""

_LETTERS = (_ALPHABET * 8).encode("ascii")
"""The letter of each byte: five of its bits count."""

ENTROPY_BYTES = 16


def make_id(prefix: str, now_ms: int, *, entropy: bytes) -> str:
    """Return `prefix_` and 26 characters that sort by `now_ms`.

    Args:
        prefix: What the id names, such as `rcp` for a receipt.
        now_ms: Milliseconds since 1970 (UTC), less than 2**48.
        entropy: Sixteen random bytes; each gives a letter, of 32.

    >>> make_id("rcp", 1_795_000_000_000, entropy=bytes(16))
    'rcp_01m7q5cqg00000000000000000'
    """
    return f"{prefix}_{_write_time(now_ms)}{entropy.translate(_LETTERS).decode('ascii')}"


@lru_cache(4)  # many ids are made in one millisecond
def _write_time(now_ms: int) -> str:
    return "".join([_ALPHABET[(now_ms >> shift) & 31] for shift in range(45, -1, -5)])
