"""A worker calls no private address without permission, and no client hears where a host lies."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx2
import pytest

from gateway.workplace import KEY, Workplace, endpoint
from hortus.snapshot.model import Timeouts
from hortus.testkit.replay_host import ReplayHost
from security.doors import DIALECTS, asking

SHORT = Timeouts(first_byte_s=0.3, idle_s=0.3)


@pytest.fixture(scope="module")
def host() -> Iterator[ReplayHost]:
    with ReplayHost() as one:
        yield one


@pytest.fixture(scope="module")
def closed_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        yield int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, host: ReplayHost, closed_port: int) -> Iterator[Workplace]:
    one = Workplace(tmp_path_factory.mktemp("home"), private_networks=("192.0.2.0/24",))
    named = host.base_url.replace("127.0.0.1", "localhost")
    one.add_route("not-allowed", endpoint("not-allowed", host.base_url, "fake", may_be_private=False))
    one.add_route("not-allowed-by-name", endpoint("not-allowed-by-name", named, "fake", may_be_private=False))
    one.add_route("metadata", endpoint("metadata", "http://169.254.169.254/v1", "fake"))
    one.add_route("closed", endpoint("closed", f"http://127.0.0.1:{closed_port}/v1", "fake"))
    one.add_route("silent", endpoint("silent", host.base_url, "fake:stall_after=0", timeouts=SHORT))
    one.add_route("breaks", endpoint("breaks", host.base_url, "fake:reset_after=0"))
    one.add_route("unknown", endpoint("unknown", "http://no-such-host.invalid/v1", "fake"))
    try:
        one.start()
        yield one
    finally:
        one.close()


ROUTES = {
    "not-allowed": "not public (loopback)",
    "not-allowed-by-name": "not public (loopback)",
    "metadata": "not public (metadata)",
    "closed": "cannot be reached",
    "silent": "127.0.0.1",
    "breaks": "127.0.0.1",
    "unknown": "no-such-host.invalid",
}
"""Route -> what the log says of its failure."""


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic_messages", "gemini"])
def test_a_client_hears_of_a_failure_but_not_where_it_was_and_the_log_says_it(
    place: Workplace, dialect: str, route: str
) -> None:
    assert dialect in DIALECTS
    path, body = asking(dialect, route)
    said = httpx2.post(f"{place.url}{path}", json=body, headers={"authorization": f"Bearer {KEY}"}, timeout=30)
    assert said.status_code >= 500
    for secret in ("127.0.0.1", "169.254", "localhost", "invalid/", "no-such-host", "loopback", "(metadata", "http:"):
        assert secret not in said.text
    receipt = said.headers["hortus-receipt"]
    reasons = [line["reason"] for line in place.log_lines() if line.get("receipt") == receipt and "reason" in line]
    assert any(ROUTES[route] in reason for reason in reasons)


@pytest.mark.parametrize("route", ["not-allowed", "not-allowed-by-name", "metadata"])
def test_without_permission_nothing_is_sent(place: Workplace, host: ReplayHost, route: str) -> None:
    before = len(host.seen)
    path, body = asking("openai_chat", route)
    httpx2.post(f"{place.url}{path}", json=body, headers={"authorization": f"Bearer {KEY}"}, timeout=30)
    assert len(host.seen) == before
