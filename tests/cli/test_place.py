from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest
from commandline import run

from hortus.app.ground import lock_home
from hortus.app.home import Home
from hortus.base.errors import ConfigurationError, InstallationError
from hortus.cli.place import Installation, _far_installation, find_admin_token, find_running


def announce(home: Home, *, pid: int) -> None:
    home.run.mkdir(parents=True, exist_ok=True)
    content = {"door": "http://127.0.0.1:1", "admin": "http://127.0.0.1:2", "pid": pid, "version": "0.1.0"}
    written = home.addresses.with_suffix(".new")
    written.write_bytes(msgspec.json.encode(content))
    written.replace(home.addresses)


def dead_pid() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_a_running_installation_is_found_by_its_file(tmp_path: Path) -> None:
    home = Home(tmp_path)
    announce(home, pid=os.getpid())
    found = find_running(home)
    assert (found.door, found.admin, found.pid) == ("http://127.0.0.1:1", "http://127.0.0.1:2", os.getpid())


def test_one_that_is_just_starting_is_waited_for(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.run.mkdir()
    descriptor = lock_home(home)
    starting = threading.Timer(0.2, announce, [home], {"pid": os.getpid()})
    starting.start()
    try:
        assert find_running(home).pid == os.getpid()
    finally:
        starting.join()
        os.close(descriptor)


def test_the_file_of_a_process_that_died_counts_for_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path)
    announce(home, pid=dead_pid())
    with pytest.raises(InstallationError, match="no Hortus runs"):
        find_running(home)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.run.mkdir()
    home.addresses.write_text("{")
    with pytest.raises(InstallationError) as caught:
        find_running(home)
    assert caught.value.path == str(home.addresses)


@pytest.mark.parametrize(
    ("url", "door", "admin"),
    [
        ("http://10.0.0.5:8000", "http://10.0.0.5:8000", "http://10.0.0.5:8001"),
        ("http://10.0.0.5:8000/v1/", "http://10.0.0.5:8000", "http://10.0.0.5:8001"),
        ("http://[::1]:9000", "http://[::1]:9000", "http://[::1]:9001"),
    ],
)
def test_the_admin_api_of_an_address_is_one_port_further(url: str, door: str, admin: str) -> None:
    assert _far_installation(url, admin=None) == Installation(door=door, admin=admin)


def test_the_admin_api_may_have_an_address_of_its_own() -> None:
    found = _far_installation("https://ai.example.org", admin="https://admin.example.org/")
    assert found.admin == "https://admin.example.org"


@pytest.mark.parametrize("url", ["", "ai.example.org", "ftp://x", "http://x:99999", "http://[::1"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="HORTUS_URL"):
        _far_installation(url, admin=None)


def test_a_far_installation_needs_the_token_from_the_environment(tmp_path: Path) -> None:
    ran = run("keys", at=tmp_path, environment={"HORTUS_URL": "http://127.0.0.1:8000"})
    assert ran.code == 1
    assert "HORTUS_ADMIN_TOKEN" in ran.err


def test_a_token_of_another_user_is_a_clear_refusal(tmp_path: Path) -> None:
    with pytest.raises(InstallationError, match="admin-token"):
        find_admin_token(Installation(door="http://x", admin="http://y", home=Home(tmp_path)))


def test_an_address_where_nobody_answers_is_one_line(tmp_path: Path) -> None:
    environment = {"HORTUS_URL": "http://127.0.0.1:9", "HORTUS_ADMIN_TOKEN": "t"}
    ran = run("models", at=tmp_path, environment=environment)
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert "127.0.0.1:10" in ran.err
    assert "hortus doctor" in ran.err
