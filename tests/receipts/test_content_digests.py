"""Digests of content: the same body under the same salt, whole or in parts; nothing else."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hortus.receipts.digests import SALT_BYTES, ContentDigest, digest_content, is_content, new_salt
from receipts.journal_examples import entropy_of

SALT = bytes(range(SALT_BYTES))


@given(parts=st.lists(st.binary(max_size=50), max_size=5))
def test_parts_make_the_digest_of_the_whole(parts: list[bytes]) -> None:
    stream = ContentDigest(SALT)
    for part in parts:
        stream.update(part)
    whole = digest_content(b"".join(parts), SALT)
    assert stream.result() == whole
    assert is_content(parts, whole)


def test_the_digest_is_the_documented_one() -> None:
    expected = hmac.new(SALT, b"hello", hashlib.sha256).hexdigest()
    assert digest_content(b"hello", SALT) == f"{SALT.hex()}:{expected}"


def test_another_body_or_another_salt_is_another_digest() -> None:
    digest = digest_content(b"hello", SALT)
    assert not is_content([b"hello!"], digest)
    assert not is_content([b"hello"], f"{bytes(SALT_BYTES).hex()}:{digest.partition(':')[2]}")


def test_salts_differ() -> None:
    entropy = entropy_of(1).randbytes
    first, second = new_salt(entropy), new_salt(entropy)
    assert len(first) == SALT_BYTES
    assert first != second


@pytest.mark.parametrize("digest", ["", "salt", ":digest", "zz:zz"])
def test_what_is_no_digest_is_refused(digest: str) -> None:
    with pytest.raises(ValueError, match=r"SALT:DIGEST|hexadecimal"):
        is_content([b""], digest)
