"""SIGKILL of every process under load: answers resume, each request has one receipt, nothing is left running."""

from __future__ import annotations

import concurrent.futures
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx2
import msgspec
import pytest

from garden import Hortus, wait_for
from hortus.testkit.replay_host import ReplayHost

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

REQUESTS = 1000
CLIENTS = 8

TOML = """
[settings]
workers = 2
[[project]]
name = "default"
routes = ["*"]
[[endpoint]]
name = "replay"
model = "fake"
host = "openai-compatible"
base_url = "{base_url}"
private_address = true
upstream_model = "fake:chunks=5,delay_ms=4"
credential = "env:REPLAY_KEY"
[[route]]
name = "replay"
endpoints = ["replay"]
"""


class Outcome(NamedTuple):
    """What one client saw."""

    request_id: str
    is_answered: bool


@pytest.fixture(scope="module")
def garden(start_hortus, replay_host: ReplayHost) -> Hortus:
    return start_hortus(toml=TOML.format(base_url=replay_host.base_url), environment={"REPLAY_KEY": "sk-replay"})


client = httpx2.Client(timeout=30, limits=httpx2.Limits(max_keepalive_connections=CLIENTS))
"""Shared by all threads; its connections break with the workers and are made again."""


@pytest.fixture(scope="module", autouse=True)
def closed_client() -> Iterator[None]:
    yield
    client.close()


def ask(door: str, key: str, *, request_id: str, is_stream: bool, route: str = "replay") -> Outcome:
    """Send one request."""
    body = {"model": route, "stream": is_stream, "messages": [{"role": "user", "content": "hello"}]}
    try:
        answer = client.post(
            f"{door}/v1/chat/completions",
            json=body,
            headers={"authorization": f"Bearer {key}", "x-request-id": request_id},
        )
    except httpx2.HTTPError:
        return Outcome(request_id, is_answered=False)
    whole = answer.status_code == 200 and (not is_stream or answer.content.rstrip().endswith(b"[DONE]"))
    return Outcome(request_id, is_answered=whole)


def load_with_kills(
    garden: Hortus, key: str, *, prefix: str, kill, route: str = "replay", count: int = REQUESTS
) -> list[Outcome]:
    """Send requests from CLIENTS threads; `kill(progress)` is called as they complete."""
    done = 0
    lock = threading.Lock()

    def one(number: int) -> Outcome:
        nonlocal done
        outcome = ask(garden.door, key, request_id=f"{prefix}-{number}", is_stream=number % 2 == 0, route=route)
        with lock:
            done += 1
            progress = done
        kill(progress)
        return outcome

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(one, range(count)))


def is_ready(address: str) -> bool:
    try:
        return client.get(f"{address}/readyz").status_code == 200
    except httpx2.HTTPError:
        return False


def receipts_by_request(garden: Hortus, prefix: str) -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {}
    for receipt in garden.cli_json("receipts", "--last", "20000"):
        if receipt["request_id"].startswith(prefix):
            found.setdefault(receipt["request_id"], []).append(receipt)
    return found


def seen_by_host(host: ReplayHost, prefix: str) -> Counter[str]:
    return Counter(
        one.headers["x-request-id"] for one in host.seen if one.headers.get("x-request-id", "").startswith(prefix)
    )


def reconcile(garden: Hortus, host: ReplayHost, outcomes: list[Outcome], *, prefix: str) -> None:
    """Compare what the host saw, what clients got and what receipts say."""
    seen = seen_by_host(host, prefix)

    def all_there() -> dict[str, list[dict]] | None:
        found = receipts_by_request(garden, prefix)
        return found if set(seen) <= set(found) else None

    receipts = wait_for(all_there, within_s=30, what="a receipt for each request that the host saw")
    assert {request: len(found) for request, found in receipts.items() if len(found) > 1} == {}
    for outcome in outcomes:
        if not outcome.is_answered:
            continue
        receipt = receipts[outcome.request_id][0]
        assert receipt["status"] == "completed", receipt
        assert (receipt["usage"]["input_tokens"], receipt["usage"]["output_tokens"]) == (7, 5)
        assert len(receipt["attempts"]) == seen[outcome.request_id]


@pytest.mark.parametrize("victim", ["worker-1", "ledger", "control", "supervisor"])
def test_answers_resume_and_receipts_match_after_a_kill(garden: Hortus, replay_host: ReplayHost, victim: str) -> None:
    key = garden.new_key()
    at = {200, 500, 800}

    def kill(progress: int) -> None:
        if progress in at:
            pid = garden.children().get(victim)
            if pid is not None:
                os.kill(pid, signal.SIGKILL)

    outcomes = load_with_kills(garden, key, prefix=victim, kill=kill)
    answered = sum(one.is_answered for one in outcomes)
    assert answered >= REQUESTS - 3 * CLIENTS, f"{answered} of {REQUESTS} answered"
    if victim != "worker-1":
        assert answered == REQUESTS
    wait_for(lambda: len(garden.children()) == 5, what="all children again")
    wait_for(lambda: is_ready(garden.admin) and is_ready(garden.door), what="readiness")
    assert ask(garden.door, key, request_id=f"{victim}-after", is_stream=False).is_answered
    reconcile(garden, replay_host, outcomes, prefix=victim)


def test_the_seedling_answers_again_after_its_engine_was_killed(garden: Hortus) -> None:
    key = garden.new_key()
    body = {"model": "seedling", "messages": [{"role": "user", "content": "The lamp is dark."}]}

    def answers() -> bool:
        headers = {"authorization": f"Bearer {key}"}
        return client.post(f"{garden.door}/v1/chat/completions", json=body, headers=headers).status_code == 200

    wait_for(answers, what="the seedling")
    [before] = engine_pids(garden)
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: engine_pids(garden) not in ([], [before]), what="a new engine")
    wait_for(answers, what="the seedling after the kill")


def test_a_client_is_told_that_the_engine_comes_back(garden: Hortus) -> None:
    headers = {"authorization": f"Bearer {garden.new_key()}"}
    body = {"model": "seedling", "messages": [{"role": "user", "content": "The lamp is dark."}]}

    def answer_while_away() -> httpx2.Response | None:
        for pid in engine_pids(garden):
            os.kill(pid, signal.SIGKILL)
        answer = client.post(f"{garden.door}/v1/chat/completions", json=body, headers=headers)
        return None if answer.status_code == 200 else answer

    answer = wait_for(answer_while_away, what="an answer while the engine is away")
    message = answer.json()["error"]["message"]
    assert answer.status_code == 503
    assert "127.0.0.1" not in message
    assert answer.headers.get("x-should-retry") != "false"


def engine_pids(garden: Hortus) -> list[int]:
    """Engines of this installation that run, as the supervisor noted them."""
    found = []
    for file in (garden.home / "run" / "engines").glob("*.json"):
        pid = msgspec.json.decode(file.read_bytes()).get("pid")
        if pid and b"llamacpp" in command_of(pid):
            found.append(pid)
    return found


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_receipts_match_when_the_engine_is_killed_under_load(garden: Hortus) -> None:
    key = garden.new_key()
    at = {100, 250}

    def kill(progress: int) -> None:
        if progress in at:
            for pid in engine_pids(garden):
                os.kill(pid, signal.SIGKILL)

    outcomes = load_with_kills(garden, key, prefix="engine", kill=kill, route="seedling", count=400)
    wait_for(
        lambda: ask(garden.door, key, request_id="after-engine", is_stream=False, route="seedling").is_answered,
        what="the seedling after the kills",
    )
    receipts = wait_for(
        lambda: (found := receipts_by_request(garden, "engine-")) and len(found) == len(outcomes) and found,
        within_s=30,
        what="a receipt for each request",
    )
    for outcome in outcomes:
        [receipt] = receipts[outcome.request_id]
        assert (receipt["status"] == "completed") == outcome.is_answered, receipt


def test_nothing_is_lost_doubled_or_left_running_when_everything_is_killed_at_once(
    garden: Hortus, replay_host: ReplayHost
) -> None:
    key = garden.new_key()
    prefix = "all"
    random.seed(7)
    stop_at = random.randint(300, 600)

    def kill(progress: int) -> None:
        if progress == stop_at:
            for pid in [garden.pid, *garden.children().values(), *engine_pids(garden)]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue

    outcomes = load_with_kills(garden, key, prefix=prefix, kill=kill)
    assert 0 < sum(one.is_answered for one in outcomes) < REQUESTS
    wait_for(lambda: not garden.children() and not engine_pids(garden), what="the end of all processes")
    garden.stop()
    (garden.home / "run" / "hortus.json").unlink(missing_ok=True)
    garden.start()
    reconcile(garden, replay_host, outcomes, prefix=prefix)
    interrupted = [one for found in receipts_by_request(garden, prefix).values() for one in found]
    assert {one["status"] for one in interrupted} <= {"completed", "interrupted", "cancelled", "failed"}


def test_a_stop_leaves_nothing_running(garden: Hortus) -> None:
    assert garden.stop() == 0
    assert garden.children() == {}
    assert engine_pids(garden) == []
    garden.start()
