"""An idempotency key is kept as a keyed digest, and must be one."""

from __future__ import annotations

import pytest

from hortus.base.secrets import Secret
from hortus.canon.errors import InvalidIdempotencyKey
from hortus.receipts.claims import digest_idempotency_key

SECRET = Secret(1, b"s" * 32)


def test_equal_keys_have_equal_digests_under_one_secret_only() -> None:
    digest = digest_idempotency_key(b"4f6c", SECRET)
    assert digest == digest_idempotency_key(b"4f6c", SECRET)
    assert digest != digest_idempotency_key(b"4f6c", Secret(2, b"t" * 32))


@pytest.mark.parametrize("key", [b"", b" ", b"a\x00b", "ä".encode(), b"x" * 256, b" a", b"a "])
def test_what_cannot_be_a_key_is_refused(key: bytes) -> None:
    with pytest.raises(InvalidIdempotencyKey):
        digest_idempotency_key(key, SECRET)


@pytest.mark.parametrize("key", [b"a", b"x" * 255, b"a b", b"stainless-python-retry-1"])
def test_others_are_taken(key: bytes) -> None:
    assert len(digest_idempotency_key(key, SECRET)) == 64
