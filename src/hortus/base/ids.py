"""Ids that sort by time: a prefix that says what it names, 48 bits of milliseconds, 80 random bits.

Clock and randomness come from the caller, so this floor stays pure.
"""

from __future__ import annotations

from functools import lru_cache

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32 in lower case: no i, l, o, u."""

_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)

ENTROPY_BYTES = 10

_SHIFTS = tuple(range(8 * ENTROPY_BYTES - 10, -1, -10))


def make_id(prefix: str, now_ms: int, *, entropy: bytes) -> str:
    """Return `prefix_` and 26 characters that sort by `now_ms`.

    Args:
        prefix: What the id names, such as `rcp` for a receipt.
        now_ms: Milliseconds since 1970 (UTC), less than 2**48.
        entropy: Ten random bytes.

    >>> make_id("rcp", 1_795_000_000_000, entropy=bytes(10))
    'rcp_01m7r2kmr00000000000000000'
    """
    value, pairs = int.from_bytes(entropy, "big"), _PAIRS
    return f"{prefix}_{_write_time(now_ms)}" + "".join([pairs[(value >> shift) & 1023] for shift in _SHIFTS])


@lru_cache(4)  # many ids are made in one millisecond
def _write_time(now_ms: int) -> str:
    return "".join([_PAIRS[(now_ms >> shift) & 1023] for shift in range(40, -1, -10)])
