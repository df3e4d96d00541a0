from decimal import Decimal

import pytest

from hortus.base.errors import ConfigurationError
from hortus.base.money import EXACT
from hortus.base.secrets import (
    KEY_PREFIX,
    PairName,
    Secret,
    digest_key,
    looks_like_key,
    pair_secret,
    read_pair_name,
    write_pair_name,
)
from hortus.base.time import format_utc


def test_sums_and_products_of_amounts_keep_their_last_digit() -> None:
    much, little = Decimal("12345678901234567890123456789.5"), Decimal("1E-24")
    assert str(EXACT.add(much, little)) == "12345678901234567890123456789.500000000000000000000001"
    assert EXACT.multiply(Decimal("1.1"), much) == Decimal("13580246791358024679135802468.45")


def test_instants_are_written_in_utc_with_milliseconds() -> None:
    assert format_utc(0) == "1970-01-01T00:00:00.000Z"
    assert format_utc(1_795_420_800_123) == "2026-11-23T08:00:00.123Z"


def test_a_secret_never_shows_its_bytes() -> None:
    assert "topsecret" not in repr(Secret(version=1, value=b"topsecret"))


def test_a_digest_depends_on_key_and_secret() -> None:
    one, other = Secret(version=1, value=b"a" * 32), Secret(version=2, value=b"b" * 32)
    assert digest_key("k1", one) != digest_key("k2", one)
    assert digest_key("k1", one) != digest_key("k1", other)
    assert len(digest_key("k1", one)) == 64


def test_a_pair_s_secret_depends_on_its_id_the_secret_and_its_version() -> None:
    one, other, newer = Secret(1, b"a" * 32), Secret(1, b"b" * 32), Secret(2, b"a" * 32)
    found = {pair_secret("k1", one), pair_secret("k2", one), pair_secret("k1", other), pair_secret("k1", newer)}
    assert {len(secret) for secret in found} == {40}
    assert len(found) == 4
    assert pair_secret("k1", one) == pair_secret("k1", one)


def test_keys_are_recognised_by_shape() -> None:
    assert looks_like_key(KEY_PREFIX + "a" * 40)
    assert not looks_like_key("sk-" + "a" * 40)
    assert not looks_like_key(KEY_PREFIX + "a" * 39)


def test_an_error_says_where_what_and_what_next() -> None:
    error = ConfigurationError("unknown setting.", path="hortus.toml line 3", hint="Remove it.")
    assert str(error) == "hortus.toml line 3: unknown setting. Remove it."


@pytest.mark.parametrize(
    "text", ["AKIAIOSFODNN7EXAMPLE", "hortus_ak_0_01m7", "hortus_ak_1_", "hortus_ak_1_01m7 ", "hortus_sk_x"]
)
def test_an_access_key_id_of_others_names_no_key(text: str) -> None:
    assert read_pair_name(text) is None


def test_an_access_key_id_names_key_and_version() -> None:
    pair = PairName("key_01m7q5cqg00000000000000000", 12)
    assert read_pair_name(write_pair_name(pair)) == pair
