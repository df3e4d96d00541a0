"""The admin API among strangers: no operation without the token, and nothing that is sent breaks it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from control_ground import TOKEN, running_control

from hortus.control.operations import OPERATIONS, PREFIX

ENDPOINT = {
    "name": "far",
    "model": "m",
    "host": "openai-compatible",
    "base_url": "http://127.0.0.1:9/v1",
    "private_address": True,
}
TEXT_OF_ENDPOINT = """
[[endpoint]]
name = "far"
model = "m"
host = "openai-compatible"
base_url = "http://127.0.0.1:9/v1"
private_address = true
credential = "{credential}"
"""


async def test_every_operation_needs_the_token(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        for operation in OPERATIONS:
            path = PREFIX + operation.path.replace("{name}", "default").replace("{id}", "x")
            for token in (None, "", "wrong", TOKEN[:-1], f"{TOKEN}x", TOKEN.upper()):
                answer = await control.send(operation.method, path, token=token)
                assert answer.status == 401, (operation.name, token)


async def test_other_origins_are_told_nothing(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        foreign = {"origin": "https://evil.example", "access-control-request-method": "GET"}
        for method, token in (("OPTIONS", None), ("GET", None), ("GET", TOKEN)):
            answer = await control.send(method, f"{PREFIX}/status", token=token, headers=foreign)
            assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("evil.example", 403),
        ("evil.example:8001", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("[evil", 403),
        ("localhost:8001", 200),
        ("127.0.0.1", 200),
        ("[::1]:8001", 200),
    ],
)
async def test_figures_on_loopback_are_not_for_names_of_the_internet(tmp_path: Path, name: str, status: int) -> None:
    async with running_control(tmp_path) as control:
        host, port = control.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET /metrics HTTP/1.1\r\nhost: {name}\r\nconnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert int(answer.split()[1]) == status


@pytest.mark.parametrize(
    "path", ["/admin%2fv1/status", "/%61dmin/v1/status", "/admin//v1/status", "/admin/v1/status/", "/admin/../admin"]
)
async def test_no_spelling_of_the_path_goes_round_the_token(tmp_path: Path, path: str) -> None:
    async with running_control(tmp_path) as control:
        assert (await control.send("GET", path, token=None)).status == 401


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/endpoints", b'{"name":"a","model":"m","host":"\\ud800"}'),
        ("POST", "/routes", b'{"name":"a","endpoints":["x"],"strategy":"\\udfff"}'),
        ("POST", "/routes", b'{"name":"a","endpoints":["\\ud800"]}'),
        ("POST", "/deployments", b'{"name":"a","source":"/x","engine":"\\ud800"}'),
        ("POST", "/projects", b"[" * 100_000),
        ("POST", "/projects", b'{"name":"a","routes":' + b"9" * 5000 + b"}"),
        ("POST", "/projects", b"\xff"),
        ("GET", f"/receipts?since_ms={'9' * 30}", None),
        ("GET", f"/receipts?limit={'9' * 30}", None),
        ("GET", f"/receipts?since_ms={'9' * 5000}", None),
    ],
)
async def test_what_cannot_be_is_refused_and_breaks_nothing(
    tmp_path: Path, method: str, path: str, body: bytes | None
) -> None:
    async with running_control(tmp_path) as control:
        headers = {"content-type": "application/json"}
        answer = await control.send(method, f"{PREFIX}{path}", body, headers=headers)
        assert answer.status == 400, answer.body


@pytest.mark.parametrize("credential", ["file:/etc/passwd", "file:../secret.key", "file:a/../../b", "file:.hidden"])
async def test_files_elsewhere_on_the_machine_cannot_be_sent_to_an_address_of_the_callers(
    tmp_path: Path, credential: str
) -> None:
    async with running_control(tmp_path, has_file=False) as control:
        for method, path, body in (
            ("POST", "/endpoints", {**ENDPOINT, "credential": credential}),
            ("POST", "/hosts/mistral/connect", {"credential": credential, "dry_run": True}),
            ("POST", "/config/apply", {"toml": TEXT_OF_ENDPOINT.format(credential=credential), "dry_run": False}),
        ):
            status, error = await control.fail(method, path, body)
            assert (status, "credential" in error["message"]) == (400, True), path


async def test_the_machines_own_file_may_name_any_credential_file(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        (tmp_path / "elsewhere").write_text("sk-far")
        control.write_file(TEXT_OF_ENDPOINT.format(credential=f"file:{tmp_path}/elsewhere"))
        assert control.plane.file.error is None
        await control.ask("GET", "/endpoints/far")


async def test_a_credential_file_of_the_installation_may_be_named(tmp_path: Path) -> None:
    async with running_control(tmp_path, has_file=False) as control:
        made = await control.ask("POST", "/endpoints", {**ENDPOINT, "credential": "file:far-key_1.txt"})
        assert made["credential"] == "file:far-key_1.txt"
