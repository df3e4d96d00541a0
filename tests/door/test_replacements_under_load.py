"""A deployment is replaced again and again while clients ask and stream: no request fails."""

from __future__ import annotations

import concurrent.futures
import threading

import httpx2
import msgspec
import pytest

from garden import Hortus, wait_for
from hortus.engines.addresses import EngineAddress, read_address
from hortus.engines.sources import SEEDLING_FILE

pytestmark = pytest.mark.slow

REPLACEMENTS = 3
CLIENTS = 4

TOML = """
[settings]
seedling = false

[[project]]
name = "default"
routes = ["*"]

[[deployment]]
name = "desk"
source = "{source}"
slots = {slots}
threads = 1
context_tokens = 512
"""


def _toml(slots: int) -> str:
    return TOML.format(source=SEEDLING_FILE, slots=slots)


@pytest.fixture(scope="module")
def garden(start_hortus) -> Hortus:
    return start_hortus(toml=_toml(4))


def _engine(garden: Hortus) -> EngineAddress | None:
    return read_address(garden.home / "run" / "engines", "desk")


def _ready(garden: Hortus, *, not_pid: int | None) -> EngineAddress:
    def look() -> EngineAddress | None:
        found = _engine(garden)
        return found if found and found.state == "ready" and found.pid != not_pid else None

    return wait_for(look, within_s=60, what="the engine")


def _is_answered(client: httpx2.Client, *, is_stream: bool) -> bool:
    body = {
        "model": "desk",
        "messages": [{"role": "user", "content": "The street lamp in front of my house is out."}],
        "max_tokens": 60,
        "stream": is_stream,
        "ignore_eos": True,
    }
    answer = client.post("/v1/chat/completions", json=body)
    if answer.status_code != 200:
        return False
    if not is_stream:
        return bool(answer.json()["choices"][0]["finish_reason"])
    events = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    reasons = [choice.get("finish_reason") for event in events[:-1] for choice in msgspec.json.decode(event)["choices"]]
    return events[-1] == "[DONE]" and any(reasons)


def test_no_request_fails_while_its_engine_is_replaced(garden: Hortus) -> None:
    headers = {"authorization": f"Bearer {garden.new_key()}"}
    stop = threading.Event()

    answered: list[bool] = []

    def ask_on(*, is_stream: bool) -> None:
        with httpx2.Client(base_url=garden.door, headers=headers, timeout=60) as client:
            while not stop.is_set():
                answered.append(_is_answered(client, is_stream=is_stream))

    pid = _ready(garden, not_pid=None).pid
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(ask_on, is_stream=bool(number % 2)) for number in range(CLIENTS)]
        try:
            for slots in range(5, 5 + REPLACEMENTS):
                (garden.directory / "hortus.toml").write_text(_toml(slots))
                pid = _ready(garden, not_pid=pid).pid
            wait_for(
                lambda: garden.log_path.read_text().count("engine has left") == REPLACEMENTS,
                within_s=120,
                what="the leaving",
            )
            wait_for(lambda: len(answered) > 200, within_s=60, what="hundreds of answers")
        finally:
            stop.set()
        for client in running:
            client.result()
    assert answered.count(False) == 0
