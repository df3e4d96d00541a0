"""The key that signs: made once, private, and followed by another without forgetting whom to believe."""

from __future__ import annotations

from pathlib import Path

import pytest

from hortus.app.home import Home
from hortus.app.signing import ensure_signing_key, load_signing_key, rotate_signing_key
from hortus.base.errors import InstallationError
from hortus.receipts.checkpoint import Checkpoint, is_signed, keys_by_id

STATEMENT = Checkpoint("org_1", 1, "00" * 32, 1)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_the_key_is_made_once_and_private(home: Home) -> None:
    first = ensure_signing_key(home)
    assert ensure_signing_key(home).public == first.public
    assert home.signing_key.stat().st_mode & 0o777 == 0o600


def test_what_an_older_key_signed_is_believed_after_a_rotation(home: Home) -> None:
    signed = ensure_signing_key(home).sign(STATEMENT)
    fresh = rotate_signing_key(home)
    assert fresh.id != signed.key
    keys = keys_by_id(load_signing_key(home).public_keys)
    assert is_signed(signed, keys)
    assert is_signed(fresh.sign(STATEMENT), keys)
    assert home.signing_key.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"{}", b'{"format":2,"current":""}', b'{"format":1,"current":"ab"}', b"\xff"])
def test_a_damaged_key_is_refused_by_name(home: Home, content: bytes) -> None:
    home.signing_key.write_bytes(content)
    home.signing_key.chmod(0o600)
    with pytest.raises(InstallationError, match="signing key") as refusal:
        load_signing_key(home)
    assert refusal.value.path == str(home.signing_key)


def test_a_key_that_others_may_read_is_refused(home: Home) -> None:
    ensure_signing_key(home)
    home.signing_key.chmod(0o644)
    with pytest.raises(InstallationError, match="other users"):
        load_signing_key(home)
