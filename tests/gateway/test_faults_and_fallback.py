"""Each fault of the testkit's fault host, over the real transport: who answers, what is charged, what is learnt."""

from __future__ import annotations

import random
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from core import Core, staged

from hortus.gateway.breakers import BreakerRules
from hortus.gateway.lanes import LaneRules
from hortus.snapshot.model import Endpoint, Spoken, Timeouts
from hortus.testkit.fault_host import FaultHost
from hortus.testkit.faults.acts import ACTS
from hortus.testkit.faults.book import Book, read_book

PATIENT = Timeouts(connect_s=20, first_byte_s=20, idle_s=20, total_s=60)
SHORT_S = 0.2

SECOND_ANSWERS = {"reset-before-head", "429", "429-seconds", "429-date", "429-ms", "500-html", "502-empty", "503-json"}
"""Acts after which nothing can have been charged, or the host is down."""

ASK_TO_WAIT = {"429-seconds", "429-date", "429-ms"}


@pytest.fixture
async def core() -> AsyncIterator[Core]:
    async with staged("second", rules=LaneRules(breaker=BreakerRules(in_a_row=3))) as one:
        yield one


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    book = Book(tmp_path / "book.jsonl")
    host = FaultHost(book, seed=1)
    yield await host.start(0)
    await host.stop()
    book.close()


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose queue is full: connecting hangs."""
    sockets = [socket.socket() for _ in range(5)]
    listener = sockets[0]
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    for filler in sockets[1:]:
        filler.setblocking(False)  # noqa: FBT003 -- the name of the function says it
        with suppress(BlockingIOError):
            filler.connect(listener.getsockname())
    yield listener.getsockname()[1]
    for one in sockets:
        one.close()


def first(core: Core, port: int, **timeouts: float) -> Endpoint:
    spoken = (Spoken("openai_chat", f"http://127.0.0.1:{port}/first/v1"),)
    waits = msgspec.structs.replace(PATIENT, **timeouts)
    return msgspec.structs.replace(core.endpoint("second"), name="first", spoken=spoken, timeouts=waits)


async def asked(core: Core, act: str, **more: object) -> tuple[int, list[str]]:
    """Ask once; return the status and who was asked."""
    words = f"hx:{random.Random(act).randrange(10**6):06} fault:{act}"
    exchange = await core.ask(messages=[{"role": "user", "content": words}], **more)
    return exchange.status, [one.endpoint for one in core.journal.opened(exchange.receipt_id)]


@pytest.mark.parametrize("act", sorted(SECOND_ANSWERS))
async def test_a_fault_that_cannot_have_cost_anything_is_answered_by_the_second(
    core: Core, port: int, act: str
) -> None:
    core.configure([first(core, port), core.endpoint("second")])
    assert await asked(core, act) == (200, ["first", "second"])


@pytest.mark.parametrize("act", ["reset-after-head", "reset-mid", "length-long"])
async def test_an_answer_that_began_is_not_asked_for_again(core: Core, port: int, act: str) -> None:
    core.configure([first(core, port), core.endpoint("second")])
    status, who = await asked(core, act)
    assert (status, who, core.stages["second"].bodies) == (502, ["first"], [])


@pytest.mark.parametrize("act", ["half-frame", "reset-mid", "torn-utf8"])
async def test_a_stream_that_began_ends_with_an_error_and_nobody_else_is_asked(core: Core, port: int, act: str) -> None:
    core.configure([first(core, port), core.endpoint("second")])
    status, who = await asked(core, act, stream=True)
    assert (status, who, core.stages["second"].bodies) == (200, ["first"], [])


@pytest.mark.parametrize(
    ("act", "timeouts", "status"),
    [
        ("stall-before-head", {"first_byte_s": SHORT_S}, 504),
        ("stall-before-head", {"total_s": SHORT_S}, 504),
        ("stall-mid", {"idle_s": SHORT_S}, 504),
    ],
)
async def test_a_host_that_falls_silent_ends_in_its_timeout_and_nobody_else_is_asked(
    core: Core, port: int, act: str, timeouts: dict[str, float], status: int
) -> None:
    core.configure([first(core, port, **timeouts), core.endpoint("second")])
    assert await asked(core, act) == (status, ["first"])


async def test_where_no_connection_comes_in_time_the_second_answers(core: Core, full_port: int) -> None:
    core.configure([first(core, full_port, connect_s=SHORT_S), core.endpoint("second")])
    assert await asked(core, "well") == (200, ["first", "second"])


async def test_where_nobody_listens_the_second_answers(core: Core) -> None:
    core.configure([first(core, 9), core.endpoint("second")])
    assert await asked(core, "well") == (200, ["first", "second"])


@pytest.mark.parametrize("act", ["reset-before-head", "reset-after-head", "500-html", "502-empty", "503-json", "429"])
async def test_a_host_that_goes_on_failing_is_left_alone(core: Core, port: int, act: str, tmp_path: Path) -> None:
    core.configure([first(core, port), core.endpoint("second")])
    for _ in range(3):
        await asked(core, act)
    assert await asked(core, act) == (200, ["second"])
    assert len(read_book(tmp_path / "book.jsonl")) == 3


@pytest.mark.parametrize("act", sorted(ASK_TO_WAIT))
async def test_a_host_that_names_a_time_is_left_alone_at_once(core: Core, port: int, act: str) -> None:
    core.configure([first(core, port), core.endpoint("second")])
    assert await asked(core, act) == (200, ["first", "second"])
    assert await asked(core, act) == (200, ["second"])


async def test_a_host_that_is_well_is_never_left_alone(core: Core, port: int) -> None:
    core.configure([first(core, port), core.endpoint("second")])
    assert [await asked(core, "well") for _ in range(9)] == [(200, ["first"])] * 9


def test_every_act_named_here_is_one() -> None:
    assert ACTS.keys() >= SECOND_ANSWERS | ASK_TO_WAIT
