"""Grants over the ledger's socket: answers, what must be forgotten, and silence while the store cannot be asked."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hortus.base.errors import InstallationError
from hortus.ledger.grants import GrantServer
from hortus.ledger.ports import StoreUnavailable
from hortus.snapshot.grants import Grant

GRANT = Grant(key_id="key_1", key_name="laptop", project_id="prj_1", project="team", routes=("seedling",))
DEADLINE_S = 20


class Store:
    """Grants by digest; may be made unavailable, or slow until released."""

    def __init__(self) -> None:
        self.grants: dict[str, Grant] = {"good": GRANT}
        self.version = 1
        self.is_available = True
        self.refused = 0

    def grant(self, digest: str) -> Grant | None:
        self._check()
        return self.grants.get(digest)

    def access_version(self) -> int:
        self._check()
        return self.version

    def _check(self) -> None:
        if not self.is_available:
            self.refused += 1
            raise StoreUnavailable("locked.")


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def ask(self, digest: str) -> None:
        self.writer.write(msgspec.json.encode({"ask": "grant", "digest": digest}) + b"\n")

    async def hear(self) -> Any:
        async with asyncio.timeout(DEADLINE_S):
            return msgspec.json.decode(await self.reader.readline())

    async def answer(self, digest: str) -> Any:
        """Ask, and return the answer; pushes that come before it are passed over."""
        self.ask(digest)
        while "digest" not in (heard := await self.hear()):
            pass
        assert heard["digest"] == digest
        return heard["grant"]


async def in_thread(call: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(call)


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


async def until(condition: Callable[[], Any]) -> None:
    """Let others run until the condition holds."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 -- what is waited for belongs to the code under test
            await asyncio.sleep(0.001)


def can_connect(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


@contextlib.asynccontextmanager
async def serving(
    path: Path, store: Store, run: Callable[[Callable[[], Any]], Awaitable[Any]] = in_thread
) -> AsyncIterator[None]:
    task = asyncio.create_task(GrantServer(store, run).serve(path))
    try:
        await until(lambda: task.done() or can_connect(path))
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def client_of(path: Path) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "l.sock"


async def test_a_known_digest_gets_its_grant_and_another_null(path: Path) -> None:
    async with serving(path, Store()), client_of(path) as client:
        assert msgspec.convert(await client.answer("good"), Grant) == GRANT
        assert await client.answer("bad") is None


async def test_many_asks_are_answered_each(path: Path) -> None:
    store = Store()
    store.grants = {f"{number}": GRANT for number in range(1000)}
    async with serving(path, store), client_of(path) as client:
        for number in range(1000):
            client.ask(f"{number}")
        heard = set()
        while len(heard) < 1000:
            message = await client.hear()
            if "digest" in message:
                heard.add(message["digest"])
        assert heard == store.grants.keys()


async def test_a_change_is_pushed_to_every_client(path: Path) -> None:
    store = Store()
    async with serving(path, store), client_of(path) as one, client_of(path) as two:
        await one.answer("good")
        await two.answer("good")
        store.grants.clear()
        store.version += 1
        for client in (one, two):
            while await client.hear() != {"forget": "all"}:
                pass
            assert await client.answer("good") is None


async def test_an_answer_read_before_an_announced_change_is_read_again(path: Path) -> None:
    store = Store()
    release = asyncio.Event()
    held: list[str] = []

    async def hold_the_first_answer(call: Callable[[], Any]) -> Any:
        answer = call()
        if isinstance(answer, tuple) and not held:
            held.append("grant")
            await release.wait()
        return answer

    async with serving(path, store, hold_the_first_answer), client_of(path) as client:
        client.ask("good")
        await until(lambda: held)
        store.grants.clear()  # revoked while the answer is on its way
        store.version += 1
        forgets = 0
        while forgets < 1:
            forgets += (await client.hear()) == {"forget": "all"}
        release.set()
        while "digest" not in (heard := await client.hear()):
            pass
        assert heard == {"digest": "good", "grant": None}


async def test_without_the_store_known_grants_are_still_given(path: Path) -> None:
    store = Store()
    async with serving(path, store), client_of(path) as client:
        await client.answer("good")
        store.is_available = False
        assert await client.answer("good") is not None


async def test_without_the_store_an_unknown_digest_is_answered_only_when_it_is_back(path: Path) -> None:
    store = Store()
    async with serving(path, store), client_of(path) as client:
        await client.answer("bad")
        store.is_available = False
        client.ask("good")
        await until(lambda: store.refused)
        store.is_available = True
        while "digest" not in (heard := await client.hear()):
            pass
        assert heard["grant"] is not None


async def test_a_client_that_leaves_takes_its_questions_with_it(path: Path) -> None:
    store = Store()
    async with serving(path, store):
        async with client_of(path) as client:
            await client.answer("bad")
            store.is_available = False
            client.ask("good")
        store.is_available = True
        async with client_of(path) as other:
            assert await other.answer("good") is not None


async def test_a_client_that_speaks_another_language_is_cut_off_and_others_are_not(path: Path) -> None:
    async with serving(path, Store()), client_of(path) as good, client_of(path) as bad:
        for nonsense in (b"GET / HTTP/1.1\r\n", b'{"ask":"password","digest":"x"}\n', b"x" * 100_000 + b"\n"):
            async with client_of(path) as odd:
                odd.writer.write(nonsense)
                async with asyncio.timeout(DEADLINE_S):
                    while await odd.reader.readline():
                        pass
        assert await good.answer("good") is not None
        assert await bad.answer("bad") is None


async def test_the_socket_is_private_and_replaces_what_a_killed_ledger_left(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as leftover:
        leftover.bind(str(path))
    async with serving(path, Store()), client_of(path) as client:
        assert mode_of(path) == 0o600
        assert await client.answer("good") is not None


async def test_a_path_that_is_too_long_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(InstallationError, match="longer than 107 bytes"):
        await GrantServer(Store(), in_thread).serve(tmp_path / ("x" * 120))


async def test_a_place_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(InstallationError, match="cannot make a socket"):
        await GrantServer(Store(), in_thread).serve(tmp_path / "none" / "l.sock")
