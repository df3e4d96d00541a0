"""One conversation between two sides of the test's own: what ends it though nobody says a word."""

from __future__ import annotations

import asyncio

from hortus.canon.errors import BrokenStream, InvalidRequest, NotReady, RequestError, Unauthenticated
from hortus.canon.realtime import Mark, Message
from hortus.gateway.ports import SocketClosed
from hortus.gateway.talks import Ledger, Talk, Words


class Side:
    """One end, which says what it is told to and then is silent."""

    def __init__(self, *says: Message, then_closes: bool = False) -> None:
        self.heard_at_s = asyncio.get_running_loop().time()
        self.heard: list[Message] = []
        self._says = list(says)
        self._then_closes = then_closes

    async def receive(self) -> Message:
        if self._says:
            return self._says.pop(0)
        if self._then_closes:
            raise SocketClosed(1000, "")
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message: Message) -> None:
        self.heard.append(message)

    def ping(self) -> None:
        self.heard_at_s = asyncio.get_running_loop().time()

    def close(self, code: int, reason: str = "") -> None:
        del code, reason


class Hearing:
    """Hears an answer begin in each message."""

    def hear(self, message: Message) -> tuple[Mark, ...]:
        return (Mark("begun", str(message)),)


class Opened:
    """Stands for an attempt, and for the books that hold it."""

    number = 1
    settled = 0

    def settle(self, attempt: object, ending: object) -> None:
        del attempt, ending
        self.settled += 1

    def pay(self, attempt: object, usage: object) -> None:
        """Nothing is paid here."""


async def talk(client: Side, host: Side, *, checks: list[RequestError | None]) -> RequestError | None:
    books = Opened()

    async def open_next(number: int) -> Opened:
        del number
        return books

    async def check() -> None:
        error = checks.pop(0) if checks else None
        if error is not None:
            raise error

    def write_next(message: Message) -> Message:
        if message == "wrong":
            raise InvalidRequest("No.")
        return message

    ledger = Ledger(books, open_next, first=books)  # type: ignore[arg-type]  # what is written is no matter here
    words = Words(Hearing(), write_next)
    end = await Talk(client, host, words=words, ledger=ledger, check=check, beat_s=0.001).run()
    ledger.end(status="failed", error_code="x")
    return end.error


async def test_a_key_that_is_revoked_ends_a_conversation_in_which_nobody_says_a_word() -> None:
    error = await talk(Side(), Side(), checks=[None, None, Unauthenticated("Revoked.")])
    assert isinstance(error, Unauthenticated)


async def test_what_cannot_be_found_out_now_is_asked_again_at_the_next_beat() -> None:
    checks: list[RequestError | None] = [NotReady("Not now."), NotReady("Not now."), Unauthenticated("Revoked.")]
    assert isinstance(await talk(Side(), Side(), checks=checks), Unauthenticated)
    assert checks == []


async def test_a_message_that_may_not_pass_ends_it_and_reaches_nobody() -> None:
    host = Side()
    assert isinstance(await talk(Side("right", "wrong", "right"), host, checks=[]), InvalidRequest)
    assert host.heard == ["right"]


async def test_a_host_that_begins_answers_without_end_is_cut() -> None:
    error = await talk(Side(), Side(*map(str, range(100)), then_closes=True), checks=[])
    assert isinstance(error, BrokenStream)
