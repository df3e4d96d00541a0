"""The exchange over plain ASGI, as any server gives it: bodies, leaving clients, and whose address counts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hortus.app.asgi import AsgiExchange, TrustedProxies
from hortus.base.errors import ConfigurationError
from hortus.canon.errors import TooLarge
from hortus.gateway.exchange import ClientGone

BODY = {"type": "http.request", "body": b"abc", "more_body": True}
END = {"type": "http.request", "body": b"de", "more_body": False}
GONE = {"type": "http.disconnect"}


def exchange(*messages: dict[str, Any]) -> tuple[AsgiExchange, asyncio.Queue, list]:
    waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    for message in messages:
        waiting.put_nowait(message)
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": [], "client": None}
    return AsgiExchange(scope, waiting.get, send, client=None), waiting, sent


async def test_a_body_in_parts_is_joined() -> None:
    assert await exchange(BODY, BODY, END)[0].read(8) == b"abcabcde"


async def test_a_body_over_the_limit_is_refused_while_it_comes() -> None:
    with pytest.raises(TooLarge):
        await exchange(BODY, BODY, END)[0].read(7)
    with pytest.raises(TooLarge):
        await exchange(END)[0].read(1)


async def test_a_client_that_leaves_in_its_body_is_gone() -> None:
    with pytest.raises(ClientGone):
        await exchange(BODY, GONE)[0].read(100)


async def test_a_client_that_leaves_interrupts_what_is_awaited() -> None:
    one, waiting, _ = exchange()
    asyncio.get_running_loop().call_later(0.01, waiting.put_nowait, GONE)
    with pytest.raises(ClientGone), one.interrupts():
        await asyncio.Event().wait()
    await asyncio.sleep(0)  # the cancellation is used up: the next await is not hit


async def test_nothing_interrupts_after_the_end() -> None:
    one, waiting, sent = exchange()
    with one.interrupts():
        await one.answer(200, [(b"content-length", b"2")], b"ok")
    waiting.put_nowait(GONE)
    await asyncio.sleep(0.01)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]


async def test_a_cancellation_by_somebody_else_stays_one() -> None:
    one, _, _ = exchange()

    async def wait() -> None:
        with one.interrupts():
            await asyncio.Event().wait()

    task = asyncio.ensure_future(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),  # a stranger's word counts nothing
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.7, 203.0.113.9", "203.0.113.9"),  # what a client made up stands before
        ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "203.0.113.9, unknown", "10.0.0.1"),
        ("10.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("10.0.0.1", None, "10.0.0.1"),
        (None, "203.0.113.9", None),
    ],
)
def test_forwarded_addresses_are_believed_from_trusted_proxies_only(
    peer: str | None, forwarded: str | None, client: str | None
) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    assert TrustedProxies(("10.0.0.0/8",)).client_of(peer, headers) == client


def test_a_network_that_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigurationError, match=r"10\.0\.0\.0/99"):
        TrustedProxies(("10.0.0.0/99",))


@pytest.mark.parametrize(
    ("given", "raw"),
    [({"raw_path": b"/model/a%3Ab"}, b"/model/a%3Ab"), ({}, b"/model/a%3Ab"), ({"raw_path": None}, b"/model/a%3Ab")],
)
async def test_the_path_is_known_as_it_came_or_as_it_is_usually_written(given: dict[str, Any], raw: bytes) -> None:
    scope = {"method": "POST", "path": "/model/a:b", "query_string": b"", "headers": [], "client": None, **given}
    one = AsgiExchange(scope, asyncio.Queue().get, asyncio.sleep, client=None)
    assert (one.path, one.raw_path) == ("/model/a:b", raw)


async def test_a_body_is_read_part_by_part() -> None:
    empty = {"type": "http.request", "body": b"", "more_body": True}
    coming = exchange(BODY, empty, END)[0]

    assert [await coming.read_part() for _ in range(4)] == [b"abc", b"de", b"", b""]


async def test_a_client_that_leaves_between_two_parts_is_gone() -> None:
    coming = exchange(BODY, GONE)[0]
    await coming.read_part()
    with pytest.raises(ClientGone):
        await coming.read_part()


async def test_an_answer_that_is_cut_has_no_last_part() -> None:
    coming, _, sent = exchange(END)
    await coming.start(200, [])
    await coming.write(b"half")
    coming.cut()

    assert sent[-1]["more_body"]
