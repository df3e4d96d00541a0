"""Which resolved addresses are called: by permission of the request, of the settings, or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from scripted_hosts import HELLO, TICK_S, answering, asking, fetch, scripted

from hortus.canon.errors import HostUnavailable
from hortus.gateway.ports import HostRequest
from hortus.transport.hosts import HttpHosts
from hortus.transport.settings import TransportSettings

ALLOWED = "127.0.0.1"
"""Opened by the settings, it stands for a public address."""

PRIVATE = "127.0.0.2"
CLOSED = TransportSettings(tick_s=TICK_S, no_proxy="*")

SETTINGS = TransportSettings(tick_s=TICK_S, private_networks=(f"{ALLOWED}/32",), no_proxy="*")


class Names:
    """A resolver that says what a test tells it, one answer after the other; the last one stays."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def find(self, host: str, port: int) -> list[str]:
        assert (host.isascii(), port > 0) == (True, True)
        self.asked += 1
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@asynccontextmanager
async def client(names: Names, settings: TransportSettings = SETTINGS) -> AsyncIterator[HttpHosts]:
    hosts = HttpHosts(settings, find=names.find)
    try:
        yield hosts
    finally:
        await hosts.close()


def stranger(url: str) -> HostRequest:
    """Return a request without permission."""
    return replace(asking(url), may_be_private=False)


async def read(hosts: HttpHosts, request: HostRequest) -> bytes:
    answer = await hosts.send(request)
    try:
        return await answer.read(100)
    finally:
        answer.close()


async def test_without_permission_this_machine_is_not_called() -> None:
    async with scripted(answering(HELLO)) as host, client(Names(["127.0.0.1"]), CLOSED) as hosts:
        with pytest.raises(HostUnavailable, match=r"not public \(loopback\)") as caught:
            await hosts.send(stranger(f"http://api.example:{host.port}/secret"))
    assert host.connections == 0
    assert not caught.value.retry_helps
    assert not caught.value.may_have_cost
    assert "private_address = true" in str(caught.value.hint)
    assert "secret" not in str(caught.value)


async def test_with_permission_it_is_called() -> None:
    async with scripted(answering(HELLO)) as host, client(Names(["127.0.0.1"]), CLOSED) as hosts:
        assert await fetch(hosts, f"http://api.example:{host.port}/") == b"hello"


async def test_a_name_that_is_public_first_and_private_later_is_not_called_again() -> None:
    once = answering(HELLO.replace(b"Content-Length", b"Connection: close\r\nContent-Length"))
    names = Names([ALLOWED], [PRIVATE])
    async with scripted(once, name="0.0.0.0") as host, client(names) as hosts:
        assert await read(hosts, stranger(f"http://rebinding.example:{host.port}/")) == b"hello"
        with pytest.raises(HostUnavailable, match="not public"):
            await hosts.send(stranger(f"http://rebinding.example:{host.port}/"))
    assert host.connections == 1


async def test_each_connection_is_made_to_what_was_judged_and_the_name_is_asked_once() -> None:
    names = Names([ALLOWED], [PRIVATE])
    async with scripted(answering(HELLO)) as host, client(names) as hosts:
        assert await read(hosts, stranger(f"http://rebinding.example:{host.port}/")) == b"hello"
    assert names.asked == 1


async def test_of_mixed_answers_only_the_open_addresses_are_called() -> None:
    names = Names([PRIVATE, "10.0.0.1", ALLOWED, "169.254.169.254"])
    async with scripted(answering(HELLO)) as host, client(names) as hosts:
        assert await read(hosts, stranger(f"http://mixed.example:{host.port}/")) == b"hello"


async def test_where_none_is_open_every_kind_is_named() -> None:
    names = Names([PRIVATE, "10.0.0.1", "169.254.169.254", "fe80::1%3"])
    async with client(names) as hosts:
        with pytest.raises(HostUnavailable, match=r"\(link-local, loopback, metadata, private\)") as caught:
            await hosts.send(stranger("http://mixed.example/"))
    assert "private_address" not in str(caught.value.hint)


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "169.254.1.1", "0.0.0.0", "::", "fe80::1", "224.0.0.1", "fd00:ec2::254", "100.100.100.200"],
)
async def test_metadata_and_the_like_are_not_called_even_with_permission(address: str) -> None:
    async with client(Names([address])) as hosts:
        with pytest.raises(HostUnavailable, match="not public"):
            await hosts.send(asking("http://innocent.example/"))


async def test_what_is_no_address_is_not_called() -> None:
    async with client(Names(["/run/some.sock"])) as hosts:
        with pytest.raises(HostUnavailable, match=r"\(unknown\)"):
            await hosts.send(asking("http://odd.example/"))


async def test_without_permission_no_connection_of_others_is_taken() -> None:
    async with scripted(answering(HELLO, HELLO)) as host, client(Names(["127.0.0.1"]), CLOSED) as hosts:
        url = f"http://shared.example:{host.port}/"
        assert await fetch(hosts, url) == b"hello"
        assert hosts.idle_connections == 1
        with pytest.raises(HostUnavailable, match="not public"):
            await hosts.send(stranger(url))
        assert await fetch(hosts, url) == b"hello"
    assert host.connections == 1


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "127.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "user@127.0.0.1",
        "127。1",
        "\uff11\uff12\uff17.1",
    ],
)
async def test_an_address_in_disguise_is_not_called(host: str) -> None:
    async with scripted(answering(HELLO)) as there, client(Names(["127.0.0.1"]), CLOSED) as hosts:
        with pytest.raises(HostUnavailable, match="was not sent"):
            await hosts.send(asking(f"http://{host}:{there.port}/"))
    assert there.connections == 0


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "127。0。0。1", "\uff11\uff12\uff17.0.0.1"]
)
async def test_an_address_in_another_spelling_is_judged_as_what_it_is(host: str) -> None:
    async with scripted(answering(HELLO)) as there:
        hosts = HttpHosts(CLOSED)
        with pytest.raises(HostUnavailable, match="not public"):
            await hosts.send(stranger(f"http://{host}:{there.port}/"))
        await hosts.close()
    assert there.connections == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_leads_nowhere(status: int) -> None:
    async with scripted(answering(HELLO)) as inside:
        moved = f"HTTP/1.1 {status} Moved\r\nLocation: {inside.url}\r\nContent-Length: 0\r\n\r\n"
        async with scripted(answering(moved.encode())) as host, client(Names([ALLOWED])) as hosts:
            answer = await hosts.send(asking(f"http://moved.example:{host.port}/"))
            answer.close()
    assert answer.status == status
    assert inside.connections == 0


async def test_a_proxy_is_an_admins_choice_but_a_literal_address_behind_it_is_judged() -> None:
    async with scripted(answering(HELLO)) as proxy:
        settings = replace(SETTINGS, http_proxy=proxy.url, no_proxy="")
        hosts = HttpHosts(settings)
        for address in ("10.0.0.1", "169.254.169.254", "[fd00:ec2::254]"):
            with pytest.raises(HostUnavailable, match="not public"):
                await hosts.send(stranger(f"http://{address}/"))
        assert proxy.connections == 0
        assert await read(hosts, stranger("http://a-name-for-the-proxy.example/")) == b"hello"
        await hosts.close()
    assert proxy.connections == 1
