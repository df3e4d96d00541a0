"""The control process itself, started as `hortus up` starts it."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from hortus.app.context import hand_settings
from hortus.app.control import _listen_unix
from hortus.app.ground import listen, prepare_home
from hortus.app.home import Home
from hortus.app.secrets import ensure_admin_token, ensure_secret
from hortus.app.settings import Loaded, load_settings
from hortus.snapshot.reading import load_snapshot
from hortus.transport.client import Client
from hortus.transport.settings import TransportSettings

ENDPOINT = (
    '[[endpoint]]\nname = "own"\nmodel = "m"\nhost = "openai-compatible"\n'
    'base_url = "http://127.0.0.1:9/v1"\nprivate_address = true\n'
)


class Role:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        environment = {"HORTUS_HOME": str(directory / "home")}
        self.loaded: Loaded = load_settings({"port": 0}, environment=environment, directory=directory)
        self.home = Home(self.loaded.home)
        prepare_home(self.home)
        ensure_secret(self.home)
        self.token, _ = ensure_admin_token(self.home)
        hand_settings(self.home, self.loaded)
        self.listener = listen("127.0.0.1", 0, purpose="admin API")
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "hortus.app", "control", "--name", "control", "--home", str(self.home.root)]
        number = self.listener.fileno()
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--parent", str(os.getpid()), "--socket", str(number)], pass_fds=(number,), stderr=log
            )

    async def wait_ready(self) -> None:
        deadline = time.monotonic() + 60
        async with Client(may_be_private=True) as client:
            while (await client.fetch(f"{self.url}/readyz")).status != 200:
                assert time.monotonic() < deadline, (self.directory / "log").read_text()

    async def get(self, path: str, *, token: str | None = None, unix: bool = False) -> tuple[int, bytes]:
        settings = TransportSettings(unix_socket=str(self.home.control_socket) if unix else None)
        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with Client(settings, may_be_private=True) as client:
            answer = await client.fetch(f"{self.url}/admin/v1{path}", headers=headers)
            return answer.status, answer.body

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


@pytest.fixture
def role(tmp_path: Path) -> Iterator[Role]:
    (tmp_path / "hortus.toml").write_text(ENDPOINT)
    role = Role(tmp_path)
    role.start()
    yield role
    role.listener.close()
    if role.process is not None and role.process.poll() is None:
        role.process.kill()
        role.process.wait()


async def test_control_serves_port_and_socket_applies_the_file_and_stops_cleanly(role: Role) -> None:
    await role.wait_ready()
    assert (await role.get("/status"))[0] == 401
    assert (await role.get("/status", token=role.token))[0] == 200
    status, body = await role.get("/status", unix=True)
    assert status == 200
    assert msgspec.json.decode(body)["file"]["state"] == "applied"
    assert stat.S_IMODE(role.home.control_socket.stat().st_mode) == 0o600
    assert set(load_snapshot(role.home.snapshot).endpoints) == {"own", "seedling", "workshop"}

    (role.directory / "hortus.toml").write_text(ENDPOINT.replace('"own"', '"other"'))
    deadline = time.monotonic() + 20
    while "other" not in load_snapshot(role.home.snapshot).endpoints:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)

    assert role.stop() == 0
    assert not role.home.control_socket.exists()
    assert "Traceback" not in (role.directory / "log").read_text()


async def test_control_comes_back_after_a_kill_with_what_it_had(role: Role) -> None:
    await role.wait_ready()
    version = load_snapshot(role.home.snapshot).version
    assert role.process is not None
    role.process.kill()
    role.process.wait()
    assert role.home.control_socket.exists()
    role.start()
    await role.wait_ready()
    assert (await role.get("/status", unix=True))[0] == 200
    assert load_snapshot(role.home.snapshot).version == version
    assert role.stop() == 0


def test_control_without_a_fit_store_ends_with_a_clear_line(tmp_path: Path) -> None:
    role = Role(tmp_path)
    role.home.store.write_bytes(b"this is no database" * 100)
    role.start()
    assert role.process is not None
    assert role.process.wait(timeout=60) == 78
    role.listener.close()
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
    assert "store" in log


def test_a_socket_path_that_is_too_long_leaves_the_port(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    assert _listen_unix(deep / "control.sock") is None
