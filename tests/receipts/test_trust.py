"""Files held outside: read whole, or refused with the reason."""

from __future__ import annotations

import msgspec
import pytest

from hortus.receipts.checkpoint import (
    FILE_FORMAT,
    Checkpoint,
    CheckpointFile,
    KeyFile,
    Signed,
    is_signed,
    read_statement,
)
from hortus.receipts.trust import NotTrusted, read_trust
from receipts.chain_examples import KEY, OTHER_KEY

CHECKPOINT = Checkpoint("org_1", 7, "ab" * 32, 1)
SIGNED = KEY.sign(CHECKPOINT)


def checkpoint_file(
    signed: Signed = SIGNED, *, file_format: int = FILE_FORMAT, keys: tuple[str, ...] = KEY.public_keys
) -> bytes:
    return msgspec.json.encode(CheckpointFile(file_format, signed, keys))


def key_file(*keys: str, file_format: int = FILE_FORMAT) -> bytes:
    return msgspec.json.encode(KeyFile(file_format, "org_1", keys))


def test_a_checkpoint_brings_its_keys() -> None:
    trust = read_trust([checkpoint_file()], [])
    assert trust.checkpoints == (CHECKPOINT,)
    assert (dict(trust.keys), trust.are_all_keys) == ({KEY.id: KEY.public}, False)


def test_given_keys_take_the_place_of_those_in_checkpoints() -> None:
    trust = read_trust([checkpoint_file()], [key_file(OTHER_KEY.public)])
    assert (dict(trust.keys), trust.are_all_keys) == ({OTHER_KEY.id: OTHER_KEY.public}, True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"{}",
        checkpoint_file().replace(b'"seq":7', b'"seq":8'),
        checkpoint_file(keys=OTHER_KEY.public_keys),
        checkpoint_file(keys=("no hex",)),
        checkpoint_file(file_format=2),
        checkpoint_file(Signed(msgspec.Raw(b"{}"), KEY.id, SIGNED.signature)),
        checkpoint_file(Signed(SIGNED.statement, KEY.id, "no hex")),
    ],
)
def test_a_checkpoint_that_was_changed_is_refused(data: bytes) -> None:
    with pytest.raises(NotTrusted):
        read_trust([data], [])


@pytest.mark.parametrize("data", [b"", b"{}", key_file(), key_file("no hex"), key_file(KEY.public, file_format=2)])
def test_a_file_that_holds_no_keys_is_refused(data: bytes) -> None:
    with pytest.raises(NotTrusted):
        read_trust([], [data])


def test_a_signature_is_right_wrong_or_unknown() -> None:
    changed = Signed(msgspec.Raw(bytes(SIGNED.statement) + b" "), SIGNED.key, SIGNED.signature)
    assert is_signed(SIGNED, {KEY.id: KEY.public}) is True
    assert is_signed(changed, {KEY.id: KEY.public}) is False
    assert is_signed(SIGNED, {KEY.id: OTHER_KEY.public}) is False
    assert is_signed(SIGNED, {OTHER_KEY.id: OTHER_KEY.public}) is None


def test_what_was_signed_comes_back() -> None:
    assert read_statement(SIGNED) == CHECKPOINT
    assert read_statement(Signed(msgspec.Raw(b'{"what":"poem"}'), "", "")) is None


def test_a_signing_key_never_shows_its_bytes() -> None:
    assert repr(KEY) == f"SigningKey({KEY.id})"
