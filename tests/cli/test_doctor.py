from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from commandline import Ran, run

from hortus.snapshot.model import Endpoint, Snapshot, Spoken


def states(ran: Ran) -> dict[str, str]:
    return {finding["about"]: finding["state"] for finding in ran.json}


def finding(ran: Ran, about: str) -> dict:
    return next(one for one in ran.json if one["about"] == about)


@pytest.fixture
def ports() -> dict[str, str]:
    """Two free ports, for the usual ones may be in use on a busy machine."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return {"HORTUS_PORT": str(one.getsockname()[1]), "HORTUS_ADMIN_PORT": str(other.getsockname()[1])}


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_nothing_is_wrong_before_the_first_start(tmp_path: Path, ports: dict[str, str]) -> None:
    ran = run("doctor", "--json", at=tmp_path, environment=ports)
    assert ran.code == 0
    assert "bad" not in states(ran).values()
    assert finding(ran, "hortus up")["mend"] == "hortus up"
    assert not (tmp_path / "home").exists()


def test_the_table_says_how_to_mend_within_80_columns(tmp_path: Path, ports: dict[str, str]) -> None:
    ran = run("doctor", at=tmp_path, environment=ports)
    assert "→ hortus up" in ran.out
    assert "Nothing is wrong." in ran.err
    assert max(map(len, ran.out.splitlines())) <= 80


def test_a_taken_port_comes_with_a_flag_that_helps(tmp_path: Path, ports: dict[str, str], taken: int) -> None:
    ran = run("doctor", "--json", at=tmp_path, environment={**ports, "HORTUS_PORT": str(taken)})
    assert ran.code == 1
    assert "another program" in finding(ran, f"port {taken}")["says"]
    assert finding(ran, f"port {taken}")["mend"].startswith("hortus up --port ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_cannot_be_written_is_wrong(tmp_path: Path, ports: dict[str, str]) -> None:
    (tmp_path / "home").mkdir(mode=0o500)
    ran = run("doctor", "--json", at=tmp_path, environment=ports)
    assert "HORTUS_HOME" in finding(ran, "home")["mend"]


def test_a_home_that_is_a_file_is_wrong(tmp_path: Path, ports: dict[str, str]) -> None:
    (tmp_path / "home").write_text("")
    ran = run("doctor", "--json", at=tmp_path, environment=ports)
    assert states(ran)["home"] == "bad"


def test_secrets_that_others_can_read_are_wrong(tmp_path: Path, ports: dict[str, str]) -> None:
    secret = tmp_path / "home" / "secret.key"
    secret.parent.mkdir()
    secret.write_text("x")
    secret.chmod(0o644)
    ran = run("doctor", "--json", at=tmp_path, environment=ports)
    assert finding(ran, "secret.key")["mend"] == f"chmod 600 {secret}"
    secret.chmod(0o600)
    assert states(run("doctor", "--json", at=tmp_path, environment=ports))["secrets"] == "good"


def make_store(home: Path, *, revision: str) -> Path:
    home.mkdir()
    (home / "secret.key").touch(mode=0o600)
    with sqlite3.connect(home / "store.sqlite") as store:
        store.execute("create table alembic_version (version_num text)")
        store.execute("insert into alembic_version values (?)", (revision,))
    store.close()
    return home / "store.sqlite"


def test_a_store_of_a_newer_release_is_wrong(tmp_path: Path, ports: dict[str, str]) -> None:
    make_store(tmp_path / "home", revision="9999")
    ran = run("doctor", "--json", at=tmp_path, environment=ports)
    assert "newer" in finding(ran, "store")["says"]


def test_a_store_of_this_release_is_good(tmp_path: Path, ports: dict[str, str]) -> None:
    make_store(tmp_path / "home", revision="0001")
    assert states(run("doctor", "--json", at=tmp_path, environment=ports))["store"] == "good"


def test_a_store_that_is_none_is_wrong(tmp_path: Path, ports: dict[str, str]) -> None:
    make_store(tmp_path / "home", revision="0001").write_bytes(b"no database at all" * 100)
    ran = run("doctor", "--json", at=tmp_path, environment=ports)
    assert "backup" in finding(ran, "store")["mend"]


def test_a_store_without_its_secret_is_wrong(tmp_path: Path, ports: dict[str, str]) -> None:
    make_store(tmp_path / "home", revision="0001")
    (tmp_path / "home" / "secret.key").unlink()
    assert states(run("doctor", "--json", at=tmp_path, environment=ports))["secret.key"] == "bad"


def write_snapshot(
    home: Path, *, credential: str | None, address: str = "https://x/v1", may_be_private: bool = False
) -> None:
    endpoint = Endpoint(
        name="far",
        model="m",
        maker="k",
        host="any",
        spoken=(Spoken("openai_chat", address),),
        upstream_model="m",
        credential=credential,
        may_be_private=may_be_private,
    )
    snapshot = Snapshot(
        version=1, compiled_at_ms=0, organisation="o", endpoints={"far": endpoint}, routes={}, deployments={}, format=1
    )
    (home / "snapshot").mkdir(parents=True)
    (home / "snapshot" / "current.json").write_bytes(msgspec.json.encode(snapshot))


@pytest.mark.parametrize(("credential", "mend"), [("env:FAR_KEY", "export FAR_KEY"), ("file:far", "hortus connect")])
def test_a_credential_that_is_not_there_is_wrong(
    tmp_path: Path, ports: dict[str, str], credential: str, mend: str
) -> None:
    write_snapshot(tmp_path / "home", credential=credential)
    assert mend in finding(run("doctor", "--json", at=tmp_path, environment=ports), "credential of far")["mend"]


def test_a_credential_that_is_there_is_not_mentioned(tmp_path: Path, ports: dict[str, str]) -> None:
    write_snapshot(tmp_path / "home", credential="env:FAR_KEY")
    ran = run("doctor", "--json", at=tmp_path, environment={**ports, "FAR_KEY": "secret-value"})
    assert "credential of far" not in states(ran)
    assert "secret-value" not in ran.out


def test_a_clock_that_was_set_back_is_wrong(tmp_path: Path, ports: dict[str, str]) -> None:
    segment = tmp_path / "home" / "journal" / "worker-1-1.journal"
    segment.parent.mkdir(parents=True)
    segment.touch()
    in_ten_years_s = 2_100_000_000
    os.utime(segment, (in_ten_years_s, in_ten_years_s))
    assert states(run("doctor", "--json", at=tmp_path, environment=ports))["clock"] == "bad"


def test_a_wrong_hortus_toml_does_not_hide_the_rest(tmp_path: Path, ports: dict[str, str]) -> None:
    (tmp_path / "hortus.toml").write_text("[settings]\nwrokers = 1\n")
    ran = run("doctor", "--json", at=tmp_path, environment=ports)
    assert ran.code == 1
    assert "wrokers" in finding(ran, "settings")["says"]
    assert states(ran)["python"] == "good"


@pytest.mark.parametrize(
    ("address", "may_be_private", "networks", "says"),
    [
        ("http://127.0.0.1:9/v1", False, "", "loopback"),
        ("http://localhost:9/v1", False, "", "loopback"),
        ("http://10.0.0.9/v1", False, "10.1.0.0/16", "private"),
        ("http://169.254.169.254/v1", True, "", "metadata"),
        ("http://127.0.0.1:9/v1", True, "", None),
        ("http://10.1.0.9/v1", False, "10.1.0.0/16", None),
        ("http://8.8.8.8/v1", False, "", None),
        ("http://no-such-host.invalid/v1", False, "", None),
    ],
)
def test_an_endpoint_where_nobody_may_call_is_wrong(
    tmp_path: Path, ports: dict[str, str], address: str, *, may_be_private: bool, networks: str, says: str | None
) -> None:
    write_snapshot(tmp_path / "home", credential=None, address=address, may_be_private=may_be_private)
    ran = run("doctor", "--json", at=tmp_path, environment={**ports, "HORTUS_PRIVATE_NETWORKS": networks})
    found = [one["says"] for one in ran.json if one["about"] == "endpoint far"]
    assert len(found) == (says is not None)
    assert says is None or f"({says})" in found[0]
