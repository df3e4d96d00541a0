"""A worker over time: new configuration, a ledger that goes away, revocations, credentials, and its end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import httpx2
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from workplace import KEY, NARROW_KEY, Workplace, endpoint, wait_until

from hortus.app.ground import listen
from hortus.engines.addresses import EngineAddress, write_address
from hortus.snapshot.model import Deployment
from hortus.testkit.replay_host import ReplayHost

CHAT = "/v1/chat/completions"


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory, host: ReplayHost) -> Iterator[Workplace]:
    one = Workplace(tmp_path_factory.mktemp("home"), drain_s=10)
    one.add_route("plain", endpoint("plain", host.base_url, "fake"))
    one.add_route("paced", endpoint("paced", host.base_url, "fake:chunks=100,delay_ms=10"))
    try:
        one.start()
        yield one
    finally:
        one.close()


def ask(place: Workplace, model: str = "plain", key: str = KEY, **more: object) -> httpx2.Response:
    body = {"model": model, "messages": [], **more}
    return httpx2.post(f"{place.url}{CHAT}", json=body, headers={"authorization": f"Bearer {key}"}, timeout=30)


def becomes(place: Workplace, status: int, model: str = "plain", key: str = KEY) -> httpx2.Response:
    def asked() -> httpx2.Response | None:
        answer = ask(place, model, key)
        return answer if answer.status_code == status else None

    return wait_until(asked)


def test_a_new_snapshot_is_taken_in_between_two_requests(place: Workplace, host: ReplayHost) -> None:
    assert ask(place, "later").status_code == 404
    place.add_route("later", endpoint("later", host.base_url, "fake"))
    place.publish()
    becomes(place, 200, "later")


def test_a_damaged_snapshot_changes_nothing_and_is_complained_about(place: Workplace) -> None:
    place.home.snapshot.write_bytes(b'{"version": 7, "format": 1, "rou')
    wait_until(lambda: any("damaged" in str(line.get("reason")) for line in place.log_lines()))
    assert ask(place).status_code == 200
    place.home.snapshot.write_bytes(b'{"format": 99}')
    wait_until(lambda: any("format 99" in str(line.get("reason")) for line in place.log_lines()))
    assert ask(place).status_code == 200


def test_a_worker_without_configuration_is_not_ready(tmp_path_factory: pytest.TempPathFactory) -> None:
    place = Workplace(tmp_path_factory.mktemp("home"))
    try:
        place.publish()
        place.home.snapshot.unlink()
        place.socket = listen("127.0.0.1", 0, purpose="door")
        place.spawn()
        wait_until(lambda: b"503" in place.ask_raw(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"))
        answer = ask(place)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_ready")
        assert answer.headers["retry-after"] == "1"
        place.publish()
        wait_until(place.is_ready)
    finally:
        place.close()


def test_an_engine_is_used_once_it_is_ready_and_no_longer_when_it_is_gone(place: Workplace, host: ReplayHost) -> None:
    place.snapshot.deployments["seed/ling"] = Deployment(name="seed/ling", engine="llamacpp", model_path="seedling")
    place.add_route("seedling", endpoint("seedling", "engine:seed/ling", "fake", credential=None))
    place.publish()
    answer = becomes(place, 503, "seedling")
    assert "is not running yet" in answer.json()["error"]["message"]
    assert answer.headers["retry-after"] == "2"
    write_address(place.home.engines, EngineAddress(name="seed/ling", state="starting"))
    wait_until(lambda: "is starting" in ask(place, "seedling").text)
    ready = EngineAddress(name="seed/ling", state="ready", base_url=host.base_url, key="engine-key")
    write_address(place.home.engines, ready)
    becomes(place, 200, "seedling")
    assert host.seen[-1].headers["authorization"] == "Bearer engine-key"
    write_address(place.home.engines, EngineAddress(name="seed/ling", state="failed", error="no memory"))
    assert "no memory" not in becomes(place, 403, "seedling").text


def test_a_credential_file_may_appear_and_change(place: Workplace, host: ReplayHost) -> None:
    place.add_route("filed", endpoint("filed", host.base_url, "fake", credential="file:host.key"))
    place.publish()
    answer = becomes(place, 403, "filed")
    assert "host.key" in answer.json()["error"]["message"]
    (place.home.credentials / "host.key").write_text("first\n")
    becomes(place, 200, "filed")
    (place.home.credentials / "host.key").write_text("second one\n")
    wait_until(lambda: ask(place, "filed") and host.seen[-1].headers["authorization"] == "Bearer second one")
    (place.home.credentials / "host.key").write_text("two\nlines")
    assert "characters" in becomes(place, 403, "filed").text


def test_known_keys_work_while_the_ledger_is_away_and_all_work_when_it_is_back(place: Workplace) -> None:
    assert ask(place).status_code == 200
    place.ledger.stop()
    wait_until(lambda: any("ledger away" in str(line.get("event")) for line in place.log_lines()))
    assert ask(place).status_code == 200
    answers: list[httpx2.Response] = []
    waiting = threading.Thread(target=lambda: answers.append(ask(place, key=NARROW_KEY)))
    waiting.start()  # not known yet: it waits for the ledger
    place.ledger.start()
    waiting.join()
    assert answers[0].status_code == 200
    assert ask(place).status_code == 200


def test_a_worker_that_ends_does_not_complain_of_the_ledger_that_ends_with_it(
    place: Workplace, host: ReplayHost
) -> None:
    place.add_route("slow", endpoint("slow", host.base_url, "fake:chunks=10,delay_ms=50"))
    place.publish()
    becomes(place, 200, "slow")
    before = len(host.seen)
    running = threading.Thread(target=lambda: ask(place, "slow"))
    running.start()
    wait_until(lambda: len(host.seen) > before)
    os.kill(place.pid, signal.SIGTERM)
    place.ledger.stop()
    running.join()
    assert place.stop() in {0, -signal.SIGTERM}
    assert not any("ledger away" in str(line.get("event")) for line in place.log_lines())


def test_an_unknown_key_without_a_ledger_is_not_called_wrong(place: Workplace) -> None:
    place.ledger.stop()
    answer = ask(place, key=NARROW_KEY)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_ready")
    assert "retry-after" in answer.headers


def test_a_grant_is_asked_for_once_and_again_after_it_was_revoked(place: Workplace) -> None:
    for _ in range(5):
        assert ask(place).status_code == 200
    assert place.ledger.asked.count(place.digest(KEY)) == 1
    del place.ledger.grants[place.digest(KEY)]
    place.ledger.push_forget([place.digest(KEY)])
    becomes(place, 401)


def test_a_new_key_works_at_once_although_it_was_unknown_before(place: Workplace) -> None:
    fresh = "hortus_sk_" + "f" * 40
    assert ask(place, key=fresh).status_code == 401
    place.grant(fresh, ("plain",))
    place.ledger.push_forget()
    becomes(place, 200, key=fresh)


def test_a_running_stream_ends_properly_when_the_worker_is_told_to_stop(place: Workplace) -> None:
    body = {"model": "paced", "messages": [], "stream": True}
    headers = {"authorization": f"Bearer {KEY}"}
    with httpx2.stream("POST", f"{place.url}{CHAT}", json=body, headers=headers, timeout=30) as answer:
        parts = answer.iter_bytes()
        next(parts)
        os.kill(place.pid, signal.SIGTERM)
        rest = b"".join(parts)
    assert rest.endswith(b"data: [DONE]\n\n")
    assert place.stop() == 0
    assert place.records_of(answer.headers["hortus-receipt"])[1].status == "completed"


def test_an_idle_worker_stops_at_once_with_open_connections(place: Workplace) -> None:
    with httpx2.Client(base_url=place.url) as client:
        assert client.get("/healthz").status_code == 200
        assert place.stop() == 0


FIGURES = (
    'hortus_requests_total{route="-",status="4xx"} 1.0',
    'hortus_requests_total{route="plain",status="2xx"} 1.0',
    'hortus_request_seconds_count{route="plain"} 1.0',
    'hortus_tokens_total{endpoint="plain",kind="input"} 7.0',
    'hortus_attempts_total{endpoint="plain",outcome="completed"} 1.0',
    'hortus_errors_total{code="model_not_found"} 1.0',
)


def test_figures_reach_the_shared_files(place: Workplace) -> None:
    ask(place)
    assert ask(place, "no-such-route").status_code == 404

    def all_are_shown() -> bool:  # each kind has a file of its own, written one after the other
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(place.home.metrics))
        text = generate_latest(registry).decode()
        return all(figure in text for figure in FIGURES)

    wait_until(all_are_shown)


def test_what_still_runs_when_the_drain_time_is_over_is_cut_and_settled(
    tmp_path_factory: pytest.TempPathFactory, host: ReplayHost
) -> None:
    place = Workplace(tmp_path_factory.mktemp("home"), drain_s=0.5)
    place.add_route("endless", endpoint("endless", host.base_url, "fake:chunks=100000,delay_ms=10"))
    try:
        place.start()
        body = {"model": "endless", "messages": [], "stream": True}
        headers = {"authorization": f"Bearer {KEY}"}
        with httpx2.stream("POST", f"{place.url}{CHAT}", json=body, headers=headers, timeout=30) as answer:
            parts = answer.iter_bytes()
            next(parts)
            os.kill(place.pid, signal.SIGTERM)
            with pytest.raises(httpx2.HTTPError):
                b"".join(parts)
        assert place.stop() == 0
        settled = place.records_of(answer.headers["hortus-receipt"])[1]
        assert (settled.status, settled.error_code) == ("failed", "interrupted")
        assert settled.usage.is_estimated
        has_traceback = "Traceback" in place.log_path.read_text()
        assert not has_traceback
    finally:
        place.close()
