"""What a backup holds, what it refuses to do, and that a changed one is found out."""

from __future__ import annotations

import io
import resource
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from app.backup_ground import CLOCK, Ground, Silent
from hortus.app.backup import unpack, verify_backup
from hortus.app.backupfile import Manifest, read_manifest
from hortus.app.copying import Wanted
from hortus.app.home import Home
from hortus.app.secrets import load_secrets
from hortus.base.errors import InstallationError
from hortus.base.secrets import FixedVersions
from hortus.content.kept import KeptBounds, KeptContent
from receipts.journal_examples import opened, settled


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    """A home with a receipt, a record that the store has yet to take in, a key and a credential."""
    made = Ground(tmp_path / "home")
    made.add_key("a")
    writer = made.new_writer()
    writer.open(opened("a"))
    writer.settle(settled("a"))
    made.ledger.run_once()
    writer.open(opened("b"))
    credential = made.home.credentials / "mistral"
    credential.write_text("sk-of-a-host")
    credential.chmod(0o600)
    yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "backup.tar"


def verify(file: Path) -> Manifest:
    return verify_backup(file, clock=CLOCK, progress=Silent())


def paths_in(manifest: Manifest) -> set[str]:
    return {stored.path for stored in manifest.files}


def left_out(manifest: Manifest) -> dict[str, str]:
    return {one.path: one.why for one in manifest.left_out}


def rewrite(file: Path, change: Callable[[str, bytes], list[tuple[str, bytes]]]) -> None:
    """Write a tar anew, each member as `change` says."""
    with tarfile.open(file) as before:
        held = [(member.name, before.extractfile(member).read()) for member in before]
    with tarfile.open(file, "w") as after:
        for name, data in (made for one in held for made in change(*one)):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            after.addfile(member, io.BytesIO(data))


def test_everything_of_an_installation_is_in_it(ground: Ground, file: Path) -> None:
    manifest = ground.back_up(file)
    [segment] = ground.home.journal.glob("*.journal")
    expected = {"store.sqlite", "secret.key", "admin-token", "credentials/mistral", f"journal/{segment.name}"}
    assert paths_in(manifest) == expected
    assert (manifest.counts.receipts, manifest.counts.behind, manifest.counts.keys) == (1, 1, 1)
    assert manifest.secret_versions == (1,)
    assert verify(file) == manifest == read_manifest(file)


def test_only_its_owner_may_read_it(ground: Ground, file: Path) -> None:
    ground.back_up(file)
    assert file.stat().st_mode & 0o777 == 0o600


def test_nothing_is_left_beside_it(ground: Ground, file: Path) -> None:
    ground.back_up(file)
    assert sorted(entry.name for entry in file.parent.iterdir()) == ["backup.tar", "home"]


def test_what_only_lives_while_hortus_runs_is_left_out_and_named(ground: Ground, file: Path) -> None:
    for name in ("run/x", "logs/x", "snapshot/x", "models/x", ".hidden/x", "before-restore-1/x"):
        path = ground.home.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    manifest = ground.back_up(file)
    assert not any(path.endswith("/x") for path in paths_in(manifest))
    assert set(left_out(manifest)) == {"run", "logs", "snapshot", "models", ".hidden", "before-restore-1"}


def test_model_files_are_in_it_where_that_is_wanted(ground: Ground, file: Path) -> None:
    (ground.home.models / "deep").mkdir(parents=True)
    (ground.home.models / "deep" / "m.gguf").write_text("weights")
    assert "models/deep/m.gguf" in paths_in(ground.back_up(file, wanted=Wanted(has_models=True)))


def test_a_file_that_hortus_does_not_know_is_in_it(ground: Ground, file: Path) -> None:
    (ground.home.root / "blobs").mkdir()
    (ground.home.root / "blobs" / "abc").write_bytes(b"blob")
    (ground.home.root / "signing.key").write_bytes(b"key")
    assert {"blobs/abc", "signing.key"} <= paths_in(ground.back_up(file))


def test_a_configuration_file_from_outside_the_home_is_in_it(ground: Ground, file: Path, tmp_path: Path) -> None:
    outside = tmp_path / "hortus.toml"
    outside.write_text("[settings]\n")
    manifest = ground.back_up(file, wanted=Wanted(config_file=outside))
    assert manifest.config_file == str(outside)
    unpack(file, tmp_path / "copy", clock=CLOCK, progress=Silent())
    assert (tmp_path / "copy" / "hortus.toml").read_text() == "[settings]\n"


def test_without_secrets_no_secret_is_in_it(ground: Ground, file: Path) -> None:
    (ground.home.root / "tls.pem").write_text("PRIVATE KEY")
    manifest = ground.back_up(file, wanted=Wanted(has_secrets=False))
    data = file.read_bytes()
    secret = load_secrets(ground.home).current.value
    token = ground.home.admin_token.read_bytes().strip()
    assert not any(words in data for words in (secret, secret.hex().encode(), token, b"sk-of-a-host", b"PRIVATE KEY"))
    assert {"secret.key", "admin-token", "credentials", "tls.pem"} <= left_out(manifest).keys()
    assert verify(file) == manifest


def bring_examples(home: Home) -> set[str]:
    names = {"files/file-1", "datasets/abc/train.parquet", "jobs/ftjob-1/product/facts.json"}
    for name in names | {"files/.uploads/upload_1/part_1"}:
        (home.root / name).parent.mkdir(parents=True, exist_ok=True)
        (home.root / name).write_text("what somebody has said")
    return names


@pytest.mark.parametrize("has_secrets", [True, False])
def test_examples_and_products_are_in_it(ground: Ground, file: Path, *, has_secrets: bool) -> None:
    names = bring_examples(ground.home)
    found = paths_in(ground.back_up(file, wanted=Wanted(has_secrets=has_secrets)))
    assert {one for one in found if one.startswith(("files", "datasets", "jobs"))} == names


def test_without_content_nothing_is_in_it_that_examples_say(ground: Ground, file: Path) -> None:
    bring_examples(ground.home)
    manifest = ground.back_up(file, wanted=Wanted(has_content=False))
    assert b"what somebody has said" not in file.read_bytes()
    assert {"files", "datasets", "jobs"} <= left_out(manifest).keys()


def test_kept_content_opens_again(ground: Ground, file: Path, tmp_path: Path) -> None:
    def open_kept(home: Home) -> KeptContent:
        versions = FixedVersions((load_secrets(home).current,))
        return KeptContent(home.content, versions, bounds=KeptBounds(), clock=CLOCK, entropy=bytes)

    kept = open_kept(ground.home)
    kept.keep("prj", "eu", "call", b"seal")
    ground.back_up(file)
    kept.close()
    unpack(file, tmp_path / "copy", clock=CLOCK, progress=Silent())
    again = open_kept(Home(tmp_path / "copy"))
    assert again.find("prj", "eu", "call") == b"seal"
    again.close()


def test_broken_kept_content_stops_no_backup(ground: Ground, file: Path) -> None:
    ground.home.content.mkdir()
    (ground.home.content / "kept-1.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    assert "is broken" in left_out(ground.back_up(file))["content/kept-1.db"]


def test_a_file_that_is_there_is_not_overwritten(ground: Ground, file: Path) -> None:
    file.write_text("precious")
    with pytest.raises(InstallationError, match="exists already"):
        ground.back_up(file)
    assert file.read_text() == "precious"


def test_no_backup_lies_in_the_home_that_it_saves(ground: Ground) -> None:
    with pytest.raises(InstallationError, match="lost with it"):
        ground.back_up(ground.home.root / "backup.tar")


def test_a_home_that_never_ran_has_nothing_to_save(ground: Ground, file: Path) -> None:
    ground.close()
    ground.home.store.unlink()
    with pytest.raises(InstallationError, match="nothing to save"):
        ground.back_up(file)


def test_a_secret_that_does_not_belong_to_the_store_is_refused(ground: Ground, file: Path) -> None:
    other = Ground(file.parent / "other")
    other.close()
    other.home.secret_key.rename(ground.home.secret_key)
    with pytest.raises(InstallationError, match="version 1 is another one"):
        ground.back_up(file)
    assert not file.exists()


def test_a_version_that_keys_need_must_be_there(ground: Ground, file: Path) -> None:
    content = msgspec.json.decode(ground.home.secret_key.read_bytes())
    content |= {"current": 2, "secrets": {"2": "ab" * 32}}
    ground.home.secret_key.write_bytes(msgspec.json.encode(content))
    with pytest.raises(InstallationError, match="version 1 is missing, and keys need it"):
        ground.back_up(file)


def test_a_full_disk_leaves_nothing_behind(ground: Ground, file: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, 64 * 1024))

    done = subprocess.run(
        [sys.executable, "-m", "hortus.cli", "backup", str(file)],
        env={"HORTUS_HOME": str(ground.home.root), "PATH": ""},
        cwd=file.parent,
        capture_output=True,
        text=True,
        preexec_fn=limit,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "room" in done.stderr
    assert [entry.name for entry in file.parent.iterdir()] == ["home"]


@pytest.mark.parametrize("name", ["store.sqlite", "secret.key", "credentials/mistral", "journal/"])
def test_a_changed_byte_is_found(ground: Ground, file: Path, name: str) -> None:
    def change(path: str, data: bytes) -> list[tuple[str, bytes]]:
        return [(path, data[:-2] + bytes([data[-2] ^ 1]) + data[-1:] if f"home/{name}" in path else data)]

    ground.back_up(file)
    rewrite(file, change)
    with pytest.raises(InstallationError, match="is not what was put in"):
        verify(file)


def test_a_file_that_is_missing_is_found(ground: Ground, file: Path) -> None:
    ground.back_up(file)
    rewrite(file, lambda path, data: [] if path.endswith("secret.key") else [(path, data)])
    with pytest.raises(InstallationError, match=r"secret\.key is missing"):
        verify(file)


@pytest.mark.parametrize("name", ["hortus-backup/home/more", "hortus-backup/home/../../outside", "/outside"])
def test_a_file_that_does_not_belong_into_it_is_found(ground: Ground, file: Path, tmp_path: Path, name: str) -> None:
    ground.back_up(file)
    rewrite(file, lambda path, data: [(path, data)] + ([(name, b"x")] if path.endswith("secret.key") else []))
    with pytest.raises(InstallationError, match="does not belong into it"):
        unpack(file, tmp_path / "copy", clock=CLOCK, progress=Silent())


def test_a_manifest_cannot_name_a_file_outside(ground: Ground, file: Path, tmp_path: Path) -> None:
    def change(path: str, data: bytes) -> list[tuple[str, bytes]]:
        return [(path.replace("home/admin-token", "home/../outside"), data.replace(b'"admin-token"', b'"../outside"'))]

    ground.back_up(file)
    rewrite(file, change)
    with pytest.raises(InstallationError, match="does not belong into it"):
        unpack(file, tmp_path / "copy", clock=CLOCK, progress=Silent())
    assert not (tmp_path / "outside").exists()


def test_a_file_that_was_cut_is_found(ground: Ground, file: Path) -> None:
    ground.back_up(file)
    data = file.read_bytes()
    for length in (0, 100, len(data) // 2, len(data) - 20_000):
        file.write_bytes(data[:length])
        with pytest.raises(InstallationError):
            verify(file)


@pytest.mark.parametrize("data", [b"", b"not a tar at all" * 100])
def test_another_kind_of_file_is_no_backup(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    with pytest.raises(InstallationError):
        verify(file)


def test_a_backup_of_a_later_format_is_refused_by_name(ground: Ground, file: Path) -> None:
    ground.back_up(file)
    rewrite(file, lambda path, data: [(path, data.replace(b'"format": 1', b'"format": 2', 1))])
    with pytest.raises(InstallationError, match="format 2, this release reads 1"):
        verify(file)


def test_a_store_that_was_changed_together_with_its_hash_is_found(ground: Ground, file: Path, tmp_path: Path) -> None:
    """Hashes alone are not believed: the counts are made again."""
    other = Ground(tmp_path / "other")
    other.back_up(tmp_path / "other.tar")
    other.close()
    ground.back_up(file)
    with tarfile.open(tmp_path / "other.tar") as tar:
        store = tar.extractfile("hortus-backup/home/store.sqlite").read()
    theirs = next(one for one in read_manifest(tmp_path / "other.tar").files if one.path == "store.sqlite")

    def change(path: str, data: bytes) -> list[tuple[str, bytes]]:
        if path.endswith("store.sqlite"):
            return [(path, store)]
        if not path.endswith("manifest.json"):
            return [(path, data)]
        manifest = msgspec.json.decode(data, type=Manifest)
        files = tuple(theirs if one.path == "store.sqlite" else one for one in manifest.files)
        return [(path, msgspec.json.encode(msgspec.structs.replace(manifest, files=files)))]

    rewrite(file, change)
    with pytest.raises(InstallationError, match="does not belong to the store"):
        verify(file)
