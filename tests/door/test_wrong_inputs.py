"""Everything that people and programs get wrong: each gets a clear error that says what to do next."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Iterator

import httpx2
import pytest

from garden import Hortus, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def key(hortus: Hortus) -> str:
    return hortus.new_key()


@pytest.fixture
def door(hortus: Hortus, key: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=hortus.door, headers={"authorization": f"Bearer {key}"}, timeout=60) as client:
        yield client


CHAT = "/v1/chat/completions"
GOOD = {"model": "replay", "messages": [{"role": "user", "content": "hello"}]}


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b'{"model": "replay", ', {}, 400, "invalid_json"),
        (b"[1, 2]", {}, 400, "invalid_json"),
        (b"", {}, 400, "invalid_json"),
        (b'{"messages": []}', {}, 400, "invalid_request"),
        (b'{"model": 7, "messages": []}', {}, 400, "invalid_request"),
        (b'{"model": "replay", "stream": "yes", "messages": []}', {}, 400, "invalid_request"),
        (b'{"model": "replay", "x": ' + b"[" * 200 + b"]" * 200 + b"}", {}, 400, "invalid_request"),
        (b'{"model": "no-such-route", "messages": []}', {}, 404, "model_not_found"),
        (b"model=replay", {"content-type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
        (b'{"model": "replay"}', {"authorization": "Bearer nonsense"}, 401, "invalid_api_key"),
        (b'{"model": "replay"}', {"authorization": ""}, 401, "invalid_api_key"),
    ],
)
def test_a_wrong_request_is_refused_in_the_form_of_its_dialect(
    door: httpx2.Client, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = door.post(CHAT, content=content, headers={"content-type": "application/json", **headers})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"].endswith((".", "?"))
    assert answer.headers["hortus-receipt"].startswith("rcp_")
    assert answer.headers["x-request-id"]
    assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/no/such/path", 404, "unknown_path"),
        ("GET", CHAT, 405, "method_not_allowed"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
    ],
)
def test_a_wrong_path_or_method_says_so(door: httpx2.Client, method: str, path: str, status: int, code: str) -> None:
    answer = door.request(method, path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_body_of_100_megabytes_is_refused_without_being_kept(door: httpx2.Client, hortus: Hortus) -> None:
    before = memory_of_workers(hortus)

    def parts() -> Iterator[bytes]:
        yield b'{"model": "replay", "messages": [{"role": "user", "content": "'
        for _ in range(100):
            yield b"x" * 1_000_000
        yield b'"}]}'

    try:
        answer = door.post(CHAT, content=parts(), headers={"content-type": "application/json"})
    except httpx2.WriteError:
        pass  # the door closed while we still sent, which is its right
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")
    declared = door.post(CHAT, content=b"x" * 100_000_000, headers={"content-type": "application/json"})
    assert declared.status_code == 413
    assert memory_of_workers(hortus) < before + 100
    assert door.post(CHAT, json=GOOD).status_code == 200


def memory_of_workers(hortus: Hortus) -> float:
    """MiB (RSS) of the gateway workers."""
    total = 0
    for name, pid in hortus.children().items():
        if name.startswith("worker"):
            with open(f"/proc/{pid}/statm") as file:  # noqa: PTH123 -- not a file of ours
                total += int(file.read().split()[1]) * 4096
    return total / 2**20


def test_a_websocket_gets_a_clear_refusal(hortus: Hortus, key: str) -> None:
    host, port = hortus.door.removeprefix("http://").split(":")
    request = (
        f"GET /v1/models HTTP/1.1\r\nhost: {host}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
        "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"authorization: Bearer {key}\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request.encode())
        answer = connection.recv(65536)
        while b"}}" not in answer and (more := connection.recv(65536)):
            answer += more
    assert b" 400 " in answer.split(b"\r\n")[0]
    assert b"upgrade_refused" in answer


def test_an_occupied_port_is_named_with_the_flag_that_helps(hortus: Hortus, tmp_path) -> None:
    port = hortus.door.rsplit(":", 1)[1]
    done = Hortus(tmp_path).cli("up", "--once", "--port", port, check=False)
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_home_that_cannot_be_written_is_named(tmp_path) -> None:
    one = Hortus(tmp_path)
    one.home.write_text("a file, not a directory")
    done = one.cli("up", "--once", "--port", "0", check=False)
    assert done.returncode == 1
    assert "HORTUS_HOME" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_hortus_on_the_same_home_is_refused(hortus: Hortus) -> None:
    done = hortus.cli("up", "--once", "--port", "0", check=False)
    assert done.returncode == 1
    assert "another Hortus" in done.stderr


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ("[settings\n", "hortus.toml"),
        ("[settings]\nprot = 1\n", "prot"),
        ('[[endpoint]]\nname = "x"\n', "endpoint"),
        ('[[route]]\nname = "r"\nendpoints = ["missing"]\n', "missing"),
    ],
)
def test_a_wrong_hortus_toml_is_refused_at_the_start(tmp_path, toml: str, expected: str) -> None:
    done = Hortus(tmp_path, toml=toml).cli("up", "--once", "--no-question", "--port", "0", check=False)
    assert done.returncode == 1
    assert expected in done.stderr
    assert "hortus.toml" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_hortus_toml_keeps_the_old_configuration_and_says_so(start_hortus, replay_host) -> None:
    one = start_hortus(toml='[[project]]\nname = "kept"\nroutes = ["seedling"]\n')
    (one.directory / "hortus.toml").write_text('[[project]]\nname = "kept"\nroutes = 7\n')
    wait_for(lambda: "hortus.toml" in str(one.cli_json("status").get("configuration_error")), what="the complaint")
    assert one.cli_json("status")["configuration_error"]
    assert any(project["name"] == "kept" for project in one.cli_json("projects", "list"))
    (one.directory / "hortus.toml").write_text('[[project]]\nname = "kept"\nroutes = ["*"]\n')
    wait_for(lambda: not one.cli_json("status").get("configuration_error"), what="the mended file")


def test_a_corrupt_model_file_is_named(hortus: Hortus, tmp_path) -> None:
    (tmp_path / "broken.gguf").write_bytes(b"not a model at all" * 100)
    done = hortus.cli("deploy", str(tmp_path / "broken.gguf"), "--name", "broken", check=False)
    assert done.returncode == 1
    assert "broken.gguf" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_model_file_that_is_not_there_is_named(hortus: Hortus) -> None:
    done = hortus.cli("deploy", "/no/such/model.gguf", "--name", "absent", check=False)
    assert done.returncode == 1
    assert "/no/such/model.gguf" in done.stderr


def test_a_store_of_a_newer_release_is_refused(start_hortus, tmp_path) -> None:
    one = start_hortus()
    one.stop()
    with sqlite3.connect(one.home / "store.sqlite") as store:
        store.execute("update alembic_version set version_num = '9999'")
    store.close()
    done = one.cli("up", "--once", "--no-question", "--port", "0", check=False)
    assert done.returncode == 1
    assert "newer" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_store_without_its_secret_is_refused(start_hortus) -> None:
    one = start_hortus()
    one.stop()
    (one.home / "secret.key").unlink()
    done = one.cli("up", "--once", "--no-question", "--port", "0", check=False)
    assert done.returncode == 1
    assert "secret.key" in done.stderr
