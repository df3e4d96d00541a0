"""A whole Hortus under load, saved, killed and restored elsewhere; and its secrets changed: no request fails of it."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from garden import Hortus, wait_for
from hortus.app.clock import SystemClock
from hortus.app.home import Home
from hortus.app.secret_files import SecretFile
from hortus.content.kept import KeptBounds, KeptContent
from hortus.testkit.replay_host import ReplayHost

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CLIENTS = 6
TOML = """
[settings]
workers = 2
seedling = false
[[project]]
name = "default"
routes = ["*"]
[[endpoint]]
name = "replay"
model = "fake"
host = "openai-compatible"
base_url = "{base_url}"
private_address = true
upstream_model = "fake:chunks=4,delay_ms=3"
credential = "env:REPLAY_KEY"
price = {{ since = "2026-01-01", currency = "EUR", input_per_million = "2.00", output_per_million = "10.00" }}
[[route]]
name = "replay"
endpoints = ["replay"]
"""


class Load:
    """Requests from several clients at once, every second one a stream; counts those that failed."""

    def __init__(self, door: str, keys: list[str]) -> None:
        self.door = door
        self.keys = keys
        self.answered: list[str] = []
        self.failed: list[str] = []
        self.is_over = threading.Event()
        self._numbers = itertools.count()

    def run(self) -> None:
        with httpx2.Client(timeout=30) as client:
            while not self.is_over.is_set():
                number = next(self._numbers)
                outcome = self._ask(client, number)
                (self.answered if outcome is None else self.failed).append(outcome or f"load-{number}")

    def _ask(self, client: httpx2.Client, number: int) -> str | None:
        is_stream = number % 2 == 0
        body = {"model": "replay", "stream": is_stream, "messages": [{"role": "user", "content": "hello"}]}
        headers = {"authorization": f"Bearer {self.keys[number % len(self.keys)]}", "x-request-id": f"load-{number}"}
        try:
            answer = client.post(f"{self.door}/v1/chat/completions", json=body, headers=headers)
        except httpx2.HTTPError as error:
            return f"load-{number}: {error!r}"
        whole = answer.status_code == 200 and (not is_stream or answer.content.rstrip().endswith(b"[DONE]"))
        return None if whole else f"load-{number}: {answer.status_code} {answer.text[:200]}"


@contextmanager
def loading(garden: Hortus, keys: list[str]) -> Iterator[Load]:
    load = Load(garden.door, keys)
    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(load.run) for _ in range(CLIENTS)]
        try:
            yield load
        finally:
            load.is_over.set()
        for one in running:
            one.result()


@pytest.fixture
def start(start_hortus: Callable[..., Hortus], replay_host: ReplayHost) -> Callable[[], Hortus]:
    def start_one() -> Hortus:
        toml = TOML.format(base_url=replay_host.base_url)
        return start_hortus(toml=toml, environment={"REPLAY_KEY": "sk-replay"})

    return start_one


def receipts_of(garden: Hortus) -> dict[str, dict[str, Any]]:
    found = garden.cli_json("receipts", "--last", "100000")
    assert len({one["receipt_id"] for one in found}) == len(found)
    by_request = {one["request_id"]: one for one in found}
    assert len(by_request) == len(found)
    return by_request


def open_kept(garden: Hortus) -> KeptContent:
    home = Home(garden.home)
    return KeptContent(home.content, SecretFile(home), bounds=KeptBounds(), clock=SystemClock(), entropy=os.urandom)


def test_a_backup_made_under_load_brings_everything_back_elsewhere(start: Callable[[], Hortus], tmp_path: Path) -> None:
    garden, file = start(), tmp_path / "backup.tar"
    key = garden.new_key()
    kept = open_kept(garden)
    kept.keep("prj", "eu", "call", b"seal")
    kept.close()
    with loading(garden, [key]) as load:
        wait_for(lambda: len(load.answered) > 300, within_s=60, what="some load")
        before = set(load.answered)
        garden.cli("backup", str(file))
        answered_by_then = len(load.answered)
        wait_for(lambda: len(load.answered) > answered_by_then + 50, within_s=60, what="load after the backup")
        assert load.failed == []
        load.is_over.set()
        os.kill(garden.pid, signal.SIGKILL)  # all others die with it
    garden.stop()
    (garden.home / "run" / "hortus.json").unlink()  # nobody was left to do that

    other = start()
    other.stop()
    other.cli("restore", str(file), "--force")
    other.start()
    restored = wait_for(
        lambda: found if before <= (found := receipts_of(other)).keys() else None, within_s=60, what="the receipts"
    )
    garden.start()
    whole = wait_for(
        lambda: found if restored.keys() <= (found := receipts_of(garden)).keys() else None, within_s=60, what="the old"
    )
    completed = {name: one for name, one in restored.items() if one["status"] == "completed"}
    assert before <= completed.keys()
    assert all(one["cost"] == "0.000054" for one in completed.values())
    assert [name for name, one in completed.items() if one != whole[name]] == []
    assert {one["status"] for one in restored.values()} <= {"completed", "interrupted"}
    with loading(other, [key]) as load:
        wait_for(lambda: len(load.answered) > 20, what="answers for a key of before")
    assert load.failed == []
    kept = open_kept(other)
    assert kept.find("prj", "eu", "call") == b"seal"
    kept.close()


def test_no_request_fails_while_secrets_change(start: Callable[[], Hortus]) -> None:
    garden = start()
    keys = [garden.new_key()]
    with loading(garden, keys) as load:
        for version in (2, 3):
            wait_for(lambda: len(load.answered) > 200 * (version - 1), within_s=60, what="some load")  # noqa: B023 -- it is over before the next one begins
            assert garden.cli_json("secrets", "rotate") == {"version": version}
            keys.append(garden.new_key())
        garden.cli("secrets", "rotate", "--admin-token")
        keys.append(garden.new_key())
        answered = len(load.answered)
        wait_for(lambda: len(load.answered) > answered + 200, within_s=60, what="load with every key")
    assert load.failed == []
    listed = garden.cli_json("secrets", "list")
    assert [(one["version"], one["keys"], one["is_current"]) for one in listed] == [
        (3, 2, True),
        (2, 1, False),
        (1, 1, False),
    ]
    refused = garden.cli("secrets", "retire", "2", check=False)
    assert refused.returncode == 1
    assert "1 keys of version 2 still work" in refused.stderr
    [used] = [one["id"] for one in garden.cli_json("keys", "list") if one["hint"] == keys[1][-4:]]
    garden.cli("keys", "revoke", used)
    garden.cli("secrets", "retire", "2")
    with loading(garden, [keys[0], *keys[2:]]) as load:
        wait_for(lambda: len(load.answered) > 100, within_s=60, what="load with the keys that are left")
    assert load.failed == []


def test_the_old_admin_token_is_refused_at_once_and_the_new_one_taken(start: Callable[[], Hortus]) -> None:
    garden = start()
    old = (garden.home / "admin-token").read_text().strip()

    def status_with(token: str) -> int:
        headers = {"authorization": f"Bearer {token}"}
        return httpx2.get(f"{garden.admin}/admin/v1/status", headers=headers, timeout=30).status_code

    assert status_with(old) == 200
    new = garden.cli_json("secrets", "rotate", "--admin-token")["admin_token"]
    assert (status_with(old), status_with(new)) == (401, 200)
