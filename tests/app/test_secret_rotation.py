"""Versions of the secret: made, met by processes that run, and let go only when nothing uses them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.backup_ground import CLOCK, Ground
from hortus.app.home import Home
from hortus.app.rotation import VersionStanding, add_version, list_versions, retire_version
from hortus.app.secret_files import AdminToken, SecretFile
from hortus.app.secrets import (
    ensure_admin_token,
    ensure_secret,
    load_secrets,
    replace_admin_token,
    secrets_stay,
)
from hortus.base.errors import InstallationError
from hortus.base.secrets import FixedVersions
from hortus.content.census import Share
from hortus.content.kept import KeptBounds, KeptContent
from hortus.content.ports import Owner
from hortus.store.access import AccessTable

BOUNDS = KeptBounds()


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    made = Ground(tmp_path)
    yield made
    made.close()


def open_kept(home: Home) -> KeptContent:
    return KeptContent(home.content, SecretFile(home), bounds=BOUNDS, clock=CLOCK, entropy=lambda count: b"n" * count)


def retire(home: Home, version: int, *, may_forget: bool = False) -> Share:
    return retire_version(home, version, may_forget=may_forget, bounds=BOUNDS, clock=CLOCK)


def standings(home: Home) -> dict[int, VersionStanding]:
    return {one.version: one for one in list_versions(home, bounds=BOUNDS, clock=CLOCK)}


def test_a_new_version_is_current_and_the_old_one_stays(ground: Ground) -> None:
    before = load_secrets(ground.home)
    assert add_version(ground.home, clock=CLOCK) == 2
    after = load_secrets(ground.home)
    assert (after.current.version, sorted(after.by_version)) == (2, [1, 2])
    assert after.by_version[1] == before.current
    assert after.current.value != before.current.value


def test_the_file_stays_private(ground: Ground) -> None:
    add_version(ground.home, clock=CLOCK)
    assert ground.home.secret_key.stat().st_mode & 0o777 == 0o600


def test_a_process_that_runs_meets_the_new_version_when_it_looks_again(ground: Ground) -> None:
    secrets = SecretFile(ground.home)
    assert not secrets.look_again()
    add_version(ground.home, clock=CLOCK)
    assert [one.version for one in secrets.newest_first] == [1]
    assert secrets.look_again()
    assert [one.version for one in secrets.newest_first] == [2, 1]
    assert not secrets.look_again()


def test_new_keys_are_made_with_what_the_file_says_now(ground: Ground) -> None:
    secrets = SecretFile(ground.home)
    add_version(ground.home, clock=CLOCK)
    assert secrets.current().version == 2


def test_the_secret_of_another_installation_is_not_taken_in(ground: Ground, tmp_path: Path) -> None:
    secrets = SecretFile(ground.home)
    known = secrets.newest_first
    other = Home(tmp_path / "other")
    other.root.mkdir()
    ensure_secret(other)
    other.secret_key.rename(ground.home.secret_key)
    assert not secrets.look_again()
    assert secrets.newest_first == known


@pytest.mark.parametrize("data", [b"", b"{}", b'{"format": 1'])
def test_a_damaged_file_changes_nothing_that_is_known(ground: Ground, data: bytes) -> None:
    secrets = SecretFile(ground.home)
    known = secrets.newest_first
    ground.home.secret_key.write_bytes(data)
    assert not secrets.look_again()
    assert secrets.newest_first == known


def test_each_version_is_listed_with_what_uses_it(ground: Ground) -> None:
    ground.add_key("a")
    ground.add_key("b")
    ground.add_key("expired", expires_at_ms=1)
    kept = open_kept(ground.home)
    kept.keep("prj", "eu", "call", b"seal")
    kept.claim("prj", "eu", "response", "resp_1")
    add_version(ground.home, clock=CLOCK)
    ground.secrets = load_secrets(ground.home)
    ground.add_key("c", version=2)
    kept.claim("prj", "eu", "response", "resp_2")  # finds none, looks again, and writes with the new version
    kept.close()
    found = standings(ground.home)
    assert [(one.keys, one.seals, one.host_ids) for one in found.values()] == [(1, 0, 1), (2, 1, 1)]
    assert [one.is_current for one in found.values()] == [True, False]
    assert all(one.made_at_ms for one in found.values())


def test_a_version_that_keys_use_is_not_retired_and_they_are_named(ground: Ground) -> None:
    key = ground.add_key("of the registry")
    add_version(ground.home, clock=CLOCK)
    with pytest.raises(InstallationError, match=rf"1 keys of version 1 still work: {key} \(program of the registry of"):
        retire(ground.home, 1)
    assert sorted(load_secrets(ground.home).by_version) == [1, 2]


def test_a_version_whose_keys_are_revoked_goes(ground: Ground) -> None:
    key = ground.add_key("a")
    add_version(ground.home, clock=CLOCK)
    AccessTable(ground.store, CLOCK).revoke_key(key)
    assert retire(ground.home, 1) == Share()
    assert sorted(load_secrets(ground.home).by_version) == [2]


def test_a_version_that_seals_content_is_not_retired(ground: Ground) -> None:
    kept = open_kept(ground.home)
    kept.keep("prj", "eu", "call", b"seal")
    kept.close()
    add_version(ground.home, clock=CLOCK)
    with pytest.raises(InstallationError, match="seals 0 kept exchanges, 1 seals of reasoning and 0 owners"):
        retire(ground.home, 1)


def test_content_of_a_version_is_forgotten_if_asked_and_no_other(ground: Ground) -> None:
    kept = open_kept(ground.home)
    kept.keep("prj", "eu", "old", b"seal")
    add_version(ground.home, clock=CLOCK)
    assert kept.find("prj", "eu", "unknown") is None  # this process takes the new version in
    kept.keep("prj", "eu", "new", b"seal")
    assert retire(ground.home, 1, may_forget=True) == Share(seals=1)
    assert kept.find("prj", "eu", "old") is None
    assert kept.find("prj", "eu", "new") == b"seal"
    kept.close()


@pytest.mark.parametrize(("version", "why"), [(1, "keys everything new"), (7, "there is no version 7; there are 1")])
def test_neither_the_current_version_nor_an_unknown_one_is_retired(ground: Ground, version: int, why: str) -> None:
    with pytest.raises(InstallationError, match=why):
        retire(ground.home, version)


def test_versions_do_not_change_while_a_backup_counts_on_them(ground: Ground) -> None:
    with secrets_stay(ground.home), pytest.raises(InstallationError, match="a backup or another change"):
        add_version(ground.home, clock=CLOCK)


def test_a_process_that_runs_opens_what_a_newer_version_sealed(ground: Ground) -> None:
    behind = open_kept(ground.home)
    assert behind.find("prj", "eu", "call") is None
    add_version(ground.home, clock=CLOCK)
    ahead = open_kept(ground.home)
    ahead.keep("prj", "eu", "call", b"seal")
    ahead.claim("prj", "eu", "response", "resp")
    assert behind.find("prj", "eu", "call") == b"seal"
    assert behind.owner("response", "resp") == Owner("prj", "eu")
    for one in (behind, ahead):
        one.close()


def test_what_an_old_version_sealed_opens_after_a_rotation(ground: Ground) -> None:
    before = open_kept(ground.home)
    before.keep("prj", "eu", "call", b"seal")
    before.close()
    add_version(ground.home, clock=CLOCK)
    after = open_kept(ground.home)
    assert after.find("prj", "eu", "call") == b"seal"
    after.close()


def test_fixed_versions_never_change(ground: Ground) -> None:
    fixed = FixedVersions((ground.secrets.current,))
    add_version(ground.home, clock=CLOCK)
    assert not fixed.look_again()


def test_another_admin_token_is_taken_in_and_the_old_one_is_not(tmp_path: Path) -> None:
    home = Home(tmp_path)
    before, _ = ensure_admin_token(home)
    token = AdminToken(home)
    assert token.read() == before
    after = replace_admin_token(home)
    assert token.read() == after != before
    assert home.admin_token.stat().st_mode & 0o777 == 0o600


def test_a_given_admin_token_stays(tmp_path: Path) -> None:
    home = Home(tmp_path)
    token = AdminToken(home, given="g" * 20)
    replace_admin_token(home)
    assert token.read() == "g" * 20


def test_the_known_admin_token_stays_where_the_file_cannot_be_read(tmp_path: Path) -> None:
    home = Home(tmp_path)
    known, _ = ensure_admin_token(home)
    token = AdminToken(home)
    home.admin_token.unlink()
    assert token.read() == known
