"""Digests of content: what a receipt keeps of a body, so that whoever has the body can prove that it is the one.

HMAC-SHA256 under a salt that only this receipt has, spelled `SALT:DIGEST` in hex: two equal bodies cannot be told to be
equal, and a guess can be tried only by those who have the receipt.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable

SALT_BYTES = 16


def new_salt(entropy: Callable[[int], bytes]) -> bytes:
    """Return a fresh salt; one serves for all bodies of a receipt."""
    return entropy(SALT_BYTES)


def digest_content(data: bytes, salt: bytes) -> str:
    """Return the digest of a whole body."""
    return f"{salt.hex()}:{hmac.digest(salt, data, 'sha256').hex()}"


class ContentDigest:
    """The digest of a body that comes in parts."""

    def __init__(self, salt: bytes) -> None:
        self._salt = salt
        self._state = hmac.new(salt, digestmod="sha256")

    def update(self, data: bytes) -> None:
        """Take the next part."""
        self._state.update(data)

    def result(self) -> str:
        """Return the digest of all parts so far."""
        return f"{self._salt.hex()}:{self._state.hexdigest()}"


def is_content(parts: Iterable[bytes], digest: str) -> bool:
    """Tell whether a body (in parts) is the one that a receipt's digest was made of.

    Raises:
        ValueError: The digest is not spelled `SALT:DIGEST`.
    """
    salt, _, expected = digest.partition(":")
    if not salt or not expected:
        raise ValueError("a digest of content is spelled SALT:DIGEST")
    state = ContentDigest(bytes.fromhex(salt))
    for part in parts:
        state.update(part)
    return hmac.compare_digest(state.result(), f"{salt}:{expected}")
