"""What is declared anew, in hortus.toml or by an admin, is in force, and no request notices."""

from __future__ import annotations

import concurrent.futures
import threading

import httpx2
import pytest

from garden import REPLAY_TOML, Hortus, wait_for
from hortus.testkit.replay_host import ReplayHost

pytestmark = pytest.mark.slow

CHANGES = 10


@pytest.fixture(scope="module")
def text(replay_host: ReplayHost) -> str:
    return REPLAY_TOML.format(base_url=replay_host.base_url)


@pytest.fixture(scope="module")
def garden(start_hortus, text: str) -> Hortus:
    return start_hortus(toml=text, environment={"REPLAY_KEY": "sk-replay"})


def routes(garden: Hortus, client: httpx2.Client) -> set[str]:
    return {one["id"] for one in client.get(f"{garden.door}/v1/models").json()["data"]}


def test_no_request_fails_while_the_configuration_changes(garden: Hortus, text: str) -> None:
    headers = {"authorization": f"Bearer {garden.new_key()}"}
    stop = threading.Event()
    body = {"model": "replay", "messages": [{"role": "user", "content": "hello"}]}

    def ask_on() -> list[int]:
        with httpx2.Client(headers=headers, timeout=30) as client:
            statuses = []
            while not stop.is_set():
                statuses.append(client.post(f"{garden.door}/v1/chat/completions", json=body).status_code)
            return statuses

    with concurrent.futures.ThreadPoolExecutor(4) as pool, httpx2.Client(headers=headers) as client:
        running = [pool.submit(ask_on) for _ in range(4)]
        try:
            for number in range(CHANGES):
                route = f'[[route]]\nname = "extra-{number}"\nendpoints = ["replay"]\n'
                (garden.directory / "hortus.toml").write_text(text + route)
                wait_for(lambda name=f"extra-{number}": name in routes(garden, client), what="the new route")
        finally:
            stop.set()
        statuses = [status for one in running for status in one.result()]
    assert set(statuses) == {200}
    assert len(statuses) > CHANGES


def test_a_route_that_is_gone_from_the_file_is_gone_from_the_door(garden: Hortus, text: str) -> None:
    headers = {"authorization": f"Bearer {garden.new_key()}"}
    (garden.directory / "hortus.toml").write_text(text)
    with httpx2.Client(headers=headers) as client:
        wait_for(lambda: not any(name.startswith("extra") for name in routes(garden, client)), what="the retirement")


def test_metrics_are_summed_over_all_workers(garden: Hortus) -> None:
    headers = {"authorization": f"Bearer {garden.new_key()}"}
    body = {"model": "replay", "messages": [{"role": "user", "content": "hello"}]}

    def counted() -> float:
        text = httpx2.get(f"{garden.admin}/metrics").text
        wanted = 'hortus_requests_total{route="replay",status="2xx"} '
        return sum(float(line.removeprefix(wanted)) for line in text.splitlines() if line.startswith(wanted))

    before = counted()
    for _ in range(20):  # a connection each, so that several workers take part
        assert httpx2.post(f"{garden.door}/v1/chat/completions", json=body, headers=headers).status_code == 200
    wait_for(lambda: counted() == before + 20, what="the sum")


def test_what_an_admin_declares_and_allows_can_be_used_at_once_on_every_worker(garden: Hortus) -> None:
    garden.cli("projects", "create", "eager", "--route", "nothing-yet")
    headers = {"authorization": f"Bearer {garden.new_key('eager')}"}
    admin = {"authorization": f"Bearer {(garden.home / 'admin-token').read_text().strip()}"}
    body = {"messages": [{"role": "user", "content": "hello"}]}
    for number in range(CHANGES):
        name = f"eager-{number}"
        for _ in range(4):  # a connection each, so that all workers know the key as it is
            assert name not in {
                one["id"] for one in httpx2.get(f"{garden.door}/v1/models", headers=headers).json()["data"]
            }
        made = httpx2.post(
            f"{garden.admin}/admin/v1/routes", json={"name": name, "endpoints": ["replay"]}, headers=admin
        )
        assert made.status_code == 201, made.text
        allowed = httpx2.put(f"{garden.admin}/admin/v1/projects/eager/routes", json={"routes": [name]}, headers=admin)
        assert allowed.status_code == 200, allowed.text
        listed = httpx2.get(f"{garden.door}/v1/models", headers=headers).json()["data"]
        assert [one["id"] for one in listed] == [name]
        answer = httpx2.post(f"{garden.door}/v1/chat/completions", json={"model": name, **body}, headers=headers)
        assert answer.status_code == 200, (number, answer.text)
