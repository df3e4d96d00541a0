"""The secret files: made once, private, and missed when a store needs them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from threading import Barrier, Thread

import msgspec
import pytest

from hortus.app.home import Home
from hortus.app.secrets import (
    Secrets,
    confirm_secret,
    ensure_admin_token,
    ensure_secret,
    load_secrets,
    read_admin_token,
)
from hortus.base.errors import ConfigurationError, InstallationError
from hortus.base.secrets import Secret


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


class Checks:
    def __init__(self) -> None:
        self.known: dict[int, str] = {}
        self.in_use: set[int] = set()

    def check_of(self, version: int) -> str | None:
        return self.known.get(version)

    def remember_check(self, version: int, check: str) -> None:
        self.known[version] = check

    def needed(self) -> frozenset[int]:
        return frozenset(self.in_use)

    def forget_others(self, versions: Collection[int]) -> None:
        self.known = {version: check for version, check in self.known.items() if version in versions}


def test_the_secret_is_made_once_and_private(home: Home) -> None:
    made = ensure_secret(home)
    assert ensure_secret(home) == load_secrets(home) == made
    assert (made.current.version, len(made.current.value)) == (1, 32)
    assert home.secret_key.stat().st_mode & 0o777 == 0o600
    assert msgspec.json.decode(home.secret_key.read_bytes())["format"] == 1
    assert [path.name for path in home.root.iterdir()] == ["secret.key"]


def test_two_installations_have_different_secrets(tmp_path: Path) -> None:
    homes = [Home(tmp_path / name) for name in "ab"]
    for home in homes:
        home.root.mkdir()
    assert ensure_secret(homes[0]) != ensure_secret(homes[1])


def test_starts_at_the_same_time_agree_on_one_secret(home: Home) -> None:
    barrier, seen = Barrier(8), []

    def start() -> None:
        barrier.wait()
        seen.append(ensure_secret(home).current.value)

    threads = [Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert len(set(seen)) == 1


def test_a_secret_never_shows(home: Home) -> None:
    secrets = ensure_secret(home)
    assert secrets.current.value.hex() not in repr(secrets)
    assert str(secrets.current.value) not in repr(secrets)


def test_a_store_without_its_secret_is_refused_and_none_is_made(home: Home) -> None:
    home.store.write_bytes(b"something")
    with pytest.raises(InstallationError, match="secret of this installation is missing") as refusal:
        ensure_secret(home)
    assert refusal.value.path == str(home.secret_key)
    assert not home.secret_key.exists()


def test_a_secret_that_others_may_read_is_refused_with_the_cure(home: Home) -> None:
    ensure_secret(home)
    home.secret_key.chmod(0o640)
    with pytest.raises(InstallationError, match="chmod 600"):
        ensure_secret(home)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"not json",
        b'{"format":2,"current":1,"secrets":{"1":"' + b"00" * 32 + b'"}}',
        b'{"format":1,"current":2,"secrets":{"1":"' + b"00" * 32 + b'"}}',
        b'{"format":1,"current":1,"secrets":{"1":"zz"}}',
        b'{"format":1,"current":1,"secrets":{"1":"00ff"}}',
    ],
)
def test_a_damaged_secret_is_refused_without_showing_it(home: Home, content: bytes) -> None:
    home.secret_key.write_bytes(content)
    home.secret_key.chmod(0o600)
    with pytest.raises(InstallationError, match="not a secret file") as refusal:
        load_secrets(home)
    assert "00ff" not in str(refusal.value)


def test_a_missing_secret_cannot_be_loaded(home: Home) -> None:
    with pytest.raises(InstallationError, match="cannot be read"):
        load_secrets(home)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(InstallationError, match="cannot be written"):
        ensure_secret(Home(tmp_path / "none"))


def test_a_new_store_remembers_the_secret_and_refuses_another(home: Home) -> None:
    secrets, checks = ensure_secret(home), Checks()
    confirm_secret(secrets, checks, path=home.secret_key)
    confirm_secret(secrets, checks, path=home.secret_key)
    assert secrets.current.value.hex() not in checks.known[1]
    other = Secret(1, bytes(32))
    with pytest.raises(InstallationError, match="belongs to another secret"):
        confirm_secret(Secrets(other, {1: other}), checks, path=home.secret_key)


def test_the_admin_token_is_made_once_and_private(home: Home) -> None:
    token, is_new = ensure_admin_token(home)
    assert is_new
    assert token.startswith("hortus_at_")
    assert len(token) == 50
    assert ensure_admin_token(home) == (token, False)
    assert read_admin_token(home) == token
    assert home.admin_token.stat().st_mode & 0o777 == 0o600


def test_a_given_admin_token_goes_first_and_is_not_written_down(home: Home) -> None:
    assert ensure_admin_token(home, given="a-token-from-the-environment") == ("a-token-from-the-environment", False)
    assert not home.admin_token.exists()


@pytest.mark.parametrize(
    "token", ["short", "with a space in it it has", "ümläutümläutümläut", "line\nline\nline\nline"]
)
def test_a_weak_or_unsendable_admin_token_is_refused_without_showing_it(home: Home, token: str) -> None:
    with pytest.raises(ConfigurationError, match="at least 16 printable ASCII") as refusal:
        ensure_admin_token(home, given=token)
    assert token not in str(refusal.value)


def test_an_emptied_admin_token_is_refused(home: Home) -> None:
    ensure_admin_token(home)
    home.admin_token.write_bytes(b"\n")
    with pytest.raises(InstallationError, match="holds no admin token"):
        ensure_admin_token(home)


def test_a_version_that_keys_need_is_missed(home: Home) -> None:
    secrets, checks = ensure_secret(home), Checks()
    checks.in_use = {1, 2}
    with pytest.raises(InstallationError, match="version 2 of the secret is missing, and keys need it"):
        confirm_secret(secrets, checks, path=home.secret_key)
