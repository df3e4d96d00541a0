"""Which addresses are called, how they are found, and what may stand in a request's head."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest
from scripted_hosts import HELLO, Visit, answering, asking, client, fetch, scripted

from hortus.canon.errors import HostUnavailable
from hortus.transport.racing import connect_any, resolve
from hortus.transport.target import read_target


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        yield taken.getsockname()[1]


async def test_a_port_where_nobody_listens_is_unavailable(closed_port: int) -> None:
    async with client() as hosts:
        with pytest.raises(HostUnavailable, match="cannot be reached") as caught:
            await fetch(hosts, f"http://127.0.0.1:{closed_port}/secret?key=secret")
        assert "secret" not in str(caught.value)
        assert f"127.0.0.1:{closed_port}" in caught.value.message
        assert caught.value.retry_helps
        assert not caught.value.may_have_cost


async def test_a_name_that_does_not_exist_is_unavailable() -> None:
    async with client() as hosts:
        with pytest.raises(HostUnavailable, match=r"no-such-host\.invalid"):
            await fetch(hosts, "http://no-such-host.invalid/")  # RFC 6761: never resolves


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")
async def test_calls_an_ipv6_address() -> None:
    async with scripted(answering(HELLO), name="::1") as host, client() as hosts:
        assert await fetch(hosts, host.url) == b"hello"
    assert b"host: [::1]:%d\r\n" % host.port in host.requests[0]


async def test_localhost_is_found_in_either_family() -> None:
    async with scripted(answering(HELLO)) as host, client() as hosts:
        assert await fetch(hosts, host.url.replace("127.0.0.1", "localhost")) == b"hello"


async def test_resolves_addresses_without_asking_anyone() -> None:
    assert await resolve("127.0.0.1", 80) == ["127.0.0.1"]
    assert await resolve("::1", 80) == ["::1"]


async def race(*outcomes: str) -> tuple[str, list[str], list[str]]:
    """Race addresses that connect, fail or hang; return winner, those tried, those discarded."""
    tried: list[str] = []
    discarded: list[str] = []

    async def dial(address: str) -> str:
        tried.append(address)
        if address.startswith("hang"):
            await asyncio.Event().wait()
        if address.startswith("fail"):
            raise ConnectionRefusedError(address)
        await asyncio.sleep(0)
        return address

    return await connect_any(outcomes, dial, discard=discarded.append), tried, discarded


async def test_the_first_address_that_connects_is_taken_and_no_other_tried() -> None:
    assert await race("good1", "good2") == ("good1", ["good1"], [])


async def test_an_address_that_fails_makes_way_at_once() -> None:
    assert await race("fail1", "fail2", "good") == ("good", ["fail1", "fail2", "good"], [])


async def test_an_address_that_hangs_is_overtaken() -> None:
    assert await race("hang", "good") == ("good", ["hang", "good"], [])


async def test_when_all_addresses_fail_the_first_error_counts() -> None:
    with pytest.raises(ConnectionRefusedError, match="fail1"):
        await race("fail1", "fail2")


async def test_a_race_that_is_cancelled_discards_what_connected() -> None:
    discarded: list[str] = []
    connected = asyncio.Event()

    async def dial(address: str) -> str:
        connected.set()
        await asyncio.sleep(0)
        return address

    racing = asyncio.ensure_future(connect_any(["one", "two"], dial, discard=discarded.append))
    await connected.wait()
    racing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await racing
    await asyncio.sleep(0)
    assert discarded in ([], ["one"])


@pytest.mark.parametrize(
    ("url", "authority", "resource"),
    [
        ("http://Host.Example", "host.example", "/"),
        ("https://host.example:443/a/b?c=d#e", "host.example", "/a/b?c=d"),
        ("http://host.example:8080?x", "host.example:8080", "/?x"),
        ("http://[2001:DB8::0:1]:80/", "[2001:db8::1]", "/"),
        ("https://bücher.example/", "xn--bcher-kva.example", "/"),
        ("http://under_score/%20", "under_score", "/%20"),
    ],
)
def test_takes_a_url_apart(url: str, authority: str, resource: str) -> None:
    target = read_target(url)
    assert (target.authority, target.resource) == (authority, resource)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/",
        "/v1/chat",
        "http:///path",
        "http://user:secret@host/",
        "http://host:99999/secret",
        "http://host:port/secret",
        "http://host/with space secret",
        "http://host/\r\nsecret: x",
        "http://host/sécret",
        "http://ho\\st/secret",
        "http://a..b/secret",
        "http://[::g]/secret",
        "http://[::1/secret",
        "http://" + "a" * 64 + ".example/secret",
        "http://-.example/secret",
        "http://ü..example/secret",
        "http://[v1.x]/secret",
        "",
    ],
)
async def test_refuses_an_address_that_cannot_be_called_without_repeating_it(url: str) -> None:
    async with client() as hosts:
        with pytest.raises(HostUnavailable, match="was not sent") as caught:
            await hosts.send(asking(url))
    assert "secret" not in str(caught.value)
    assert not caught.value.retry_helps
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"authorization", b"Bearer secret\n"),
        (b"authorization", b"secret\r\nx: y"),
        (b"authorization", b"secret\0"),
        (b"authorization", b"\x7fsecret"),
        (b"x-\r\ny", b"secret"),
        (b"x y", b"secret"),
        (b"x:", b"secret"),
        (b"", b"secret"),
        (b"X-Upper", b"secret"),
        (b"host", b"secret"),
        (b"content-length", b"1"),
        (b"transfer-encoding", b"chunked"),
        (b"proxy-authorization", b"secret"),
    ],
)
async def test_refuses_a_header_that_could_break_the_head(name: bytes, value: bytes) -> None:
    async with scripted(answering(HELLO)) as host, client() as hosts:
        with pytest.raises(HostUnavailable, match="was not sent") as caught:
            await hosts.send(asking(host.url, headers=((name, value),)))
    assert "secret" not in str(caught.value)
    assert host.connections == 0


@pytest.mark.parametrize("method", ["GET /x HTTP/1.1\r\nx:", "", "G ET"])
async def test_refuses_a_method_that_is_not_a_word(method: str) -> None:
    async with client() as hosts:
        with pytest.raises(HostUnavailable, match="method is not a word"):
            await hosts.send(asking("http://127.0.0.1:1/", method))


async def test_sends_a_value_with_tab_and_bytes_above_ascii_as_it_is() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(HELLO)

    async with scripted(script) as host, client() as hosts:
        await hosts.send(asking(host.url, headers=((b"x-name", "a\tü".encode()),)))
    assert b"x-name: a\t\xc3\xbc\r\n" in host.requests[0]


async def test_many_addresses_do_not_fill_the_memory() -> None:
    async with scripted(answering(HELLO)) as host, client() as hosts:
        for number in range(1030):
            hosts._make_plan(asking(f"{host.url}?{number}"))
        assert len(hosts._plans) < 1100
        assert await fetch(hosts, host.url) == b"hello"
