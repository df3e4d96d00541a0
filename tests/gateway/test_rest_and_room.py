"""Whole requests over endpoints that rest, are full, or want to be left alone for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager

import msgspec
import pytest
from core import Core, CoreExchange, staged
from typing_extensions import override

from hortus.app.interruption import Interruption
from hortus.canon.errors import JournalFull
from hortus.gateway.breakers import BreakerRules
from hortus.gateway.lanes import Lane, LaneRules
from hortus.gateway.queueing import Share
from hortus.receipts.records import Opened
from hortus.snapshot.model import Endpoint, Timeouts


@pytest.fixture
async def core() -> AsyncIterator[Core]:
    async with staged("a", "b", rules=LaneRules(breaker=BreakerRules(in_a_row=3))) as one:
        one.configure([one.endpoint("a"), one.endpoint("b")])
        yield one


def alone(core: Core, **more: object) -> None:
    core.configure([end(core, "a", **more)])


def end(core: Core, name: str, **more: object) -> Endpoint:
    return msgspec.structs.replace(core.endpoint(name), **more)  # type: ignore[arg-type]  # an endpoint's fields


def lane(core: Core, name: str = "a") -> Lane:
    assert core.ready is not None
    return next(core.lanes.of(one) for one in core.ready.routes["r"].targets if one.endpoint.name == name)


async def breaks(core: Core) -> None:
    """Let the endpoint `a` fail until its breaker opens."""
    core.stages["a"].acts.extend(["500"] * 3)
    for _ in range(3):
        await core.ask()
    assert lane(core).breaker.state == "open"


async def one_waits(core: Core) -> None:
    """Let everything go on until a request stands in the line of `a`."""
    while lane(core).gate.waiting == 0:  # noqa: ASYNC110 -- a line has no event for this
        await asyncio.sleep(0)


def error_code(exchange: CoreExchange) -> str:
    code: str = msgspec.json.decode(exchange.body)["error"]["code"]
    return code


async def test_an_endpoint_that_rests_is_passed_over_for_the_first_choice(core: Core) -> None:
    await breaks(core)
    seen = len(core.stages["a"].bodies)
    exchange = await core.ask()
    assert exchange.status == 200
    assert [one.endpoint for one in core.journal.opened(exchange.receipt_id)] == ["b"]
    assert len(core.stages["a"].bodies) == seen


async def test_an_endpoint_that_rests_is_passed_over_as_a_fallback(core: Core) -> None:
    await breaks(core)
    core.configure([core.endpoint("b"), core.endpoint("a")])
    core.stages["b"].acts.append("500")
    exchange = await core.ask()
    assert [one.endpoint for one in core.journal.opened(exchange.receipt_id)] == ["b"]
    assert exchange.status == 500


async def test_where_all_rest_nothing_is_sent_and_the_client_hears_when_to_come_again(core: Core) -> None:
    alone(core)
    await breaks(core)
    exchange = await core.ask()
    assert (exchange.status, error_code(exchange)) == (503, "endpoints_resting")
    assert exchange.answered[b"retry-after"] == b"5"
    assert len(core.stages["a"].bodies) == 3
    receipt = core.journal.receipt(exchange.receipt_id)
    assert receipt is not None
    assert (receipt.status, receipt.error_code) == ("refused", "endpoints_resting")


async def test_after_its_time_one_probe_goes_and_the_endpoint_is_back(core: Core) -> None:
    alone(core)
    await breaks(core)
    core.clock.at_ms += 5_000
    core.stages["a"].acts.append("late")
    probe = asyncio.ensure_future(core.ask())
    await core.stages["a"].holding.wait()
    assert (await core.ask()).status == 503
    core.stages["a"].release.set()
    assert (await probe).status == 200
    assert (await core.ask()).status == 200


async def test_what_is_the_callers_fault_never_lets_an_endpoint_rest(core: Core) -> None:
    alone(core)
    core.stages["a"].acts.extend(["400"] * 9)
    assert [(await core.ask()).status for _ in range(9)] == [400] * 9
    assert lane(core).breaker.state == "closed"


@pytest.mark.parametrize("act", ["429", "503"])
async def test_a_host_that_names_a_time_rests_at_once_and_the_next_one_answers(core: Core, act: str) -> None:
    core.stages["a"].errors = b"retry-after: 30\r\n"
    core.stages["a"].acts.append(act)
    assert [(await core.ask()).status, (await core.ask()).status] == [200, 200]
    assert len(core.stages["a"].bodies) == 1
    core.clock.at_ms += 30_000
    await core.ask()
    assert len(core.stages["a"].bodies) == 2


async def test_a_lone_host_that_names_a_short_time_is_waited_for(core: Core) -> None:
    alone(core)
    core.stages["a"].errors = b"retry-after: 2\r\n"
    core.stages["a"].acts.append("429")
    exchange = await core.ask()
    assert (exchange.status, core.slept) == (200, [2])
    receipt = core.journal.receipt(exchange.receipt_id)
    assert receipt is not None
    assert [one.status for one in receipt.attempts] == ["failed", "completed"]


@pytest.mark.parametrize(("errors", "total_s"), [(b"retry-after: 3\r\n", 60), (b"", 60), (b"retry-after: 2\r\n", 2)])
async def test_no_longer_than_a_moment_and_not_beyond_the_total_timeout(
    core: Core, errors: bytes, total_s: float
) -> None:
    alone(core, timeouts=Timeouts(total_s=total_s))
    core.stages["a"].errors = errors
    core.stages["a"].acts.append("429")
    assert ((await core.ask()).status, core.slept) == (429, [])


async def test_among_several_endpoints_nobody_is_waited_for(core: Core) -> None:
    core.stages["a"].errors = core.stages["b"].errors = b"retry-after: 1\r\n"
    core.stages["a"].acts.append("429")
    core.stages["b"].acts.append("429")
    assert ((await core.ask()).status, core.slept) == (429, [])


async def test_a_request_waits_for_room_and_gets_it(core: Core) -> None:
    alone(core, concurrency=1)
    core.stages["a"].acts.append("late")
    first = asyncio.ensure_future(core.ask())
    await core.stages["a"].holding.wait()
    second = asyncio.ensure_future(core.ask())
    await one_waits(core)
    assert len(core.stages["a"].bodies) == 1
    core.stages["a"].release.set()
    assert [(await first).status, (await second).status] == [200, 200]


async def test_without_room_the_next_endpoint_answers(core: Core) -> None:
    core.configure([end(core, "a", concurrency=1, queue=0), core.endpoint("b")])
    assert lane(core).try_enter()
    exchange = await core.ask()
    assert [one.endpoint for one in core.journal.opened(exchange.receipt_id)] == ["b"]


@pytest.mark.parametrize("limits", [{"queue": 0}, {"queue_wait_s": 0.0}])
async def test_without_room_anywhere_nothing_is_sent_or_reserved(core: Core, limits: dict[str, object]) -> None:
    alone(core, concurrency=1, **limits)
    assert lane(core).try_enter()
    exchange = await core.ask()
    assert (exchange.status, error_code(exchange)) == (503, "endpoints_busy")
    assert exchange.answered[b"retry-after"] == b"2"
    assert core.journal.opened(exchange.receipt_id) == []
    assert (core.stages["a"].bodies, lane(core).gate.waiting, lane(core).gate.running) == ([], 0, 1)


async def test_an_endpoint_that_breaks_while_one_waits_for_room_is_passed_over_then(core: Core) -> None:
    core.configure([end(core, "a", concurrency=1), core.endpoint("b")])
    assert lane(core).try_enter()
    waiting = asyncio.ensure_future(core.ask())
    await one_waits(core)
    for _ in range(3):
        lane(core).breaker.fail(None, core.clock.monotonic_s())
    lane(core).leave(None)
    exchange = await waiting
    assert [one.endpoint for one in core.journal.opened(exchange.receipt_id)] == ["b"]
    assert lane(core).gate.running == 0


class Leaving(CoreExchange):
    """A client that leaves when it is told to."""

    def __init__(self) -> None:
        body = msgspec.json.encode({"model": "r", "messages": [{"role": "user", "content": "May I?"}]})
        super().__init__("/v1/chat/completions", body)
        self.leave: Callable[[], None] | None = None

    @override
    def interrupts(self) -> AbstractContextManager[None]:
        return Interruption(self._watch, asyncio.current_task())

    def _watch(self, leave: Callable[[], None]) -> Callable[[], object]:
        self.leave = leave
        return lambda: None


async def test_a_client_that_leaves_while_it_waits_leaves_the_line(core: Core) -> None:
    alone(core, concurrency=1)
    assert lane(core).try_enter()
    exchange = Leaving()
    task = asyncio.ensure_future(core.gateway.serve(exchange))
    await one_waits(core)
    assert exchange.leave is not None
    exchange.leave()
    await task
    assert (lane(core).gate.waiting, lane(core).gate.running, core.stages["a"].bodies) == (0, 1, [])


async def test_a_client_that_leaves_while_its_host_is_waited_for_is_served_no_more(core: Core) -> None:
    async def forever(seconds: float) -> None:
        del seconds
        started.set()
        await asyncio.Event().wait()

    started = asyncio.Event()
    core.lanes.sleep = forever
    alone(core)
    core.stages["a"].errors = b"retry-after: 1\r\n"
    core.stages["a"].acts.append("429")
    exchange = Leaving()
    task = asyncio.ensure_future(core.gateway.serve(exchange))
    await started.wait()
    assert exchange.leave is not None
    exchange.leave()
    await task
    opened = next(one for one in core.journal.records if isinstance(one, Opened))
    receipt = core.journal.receipt(opened.receipt_id)
    assert receipt is not None
    assert ([one.status for one in receipt.attempts], len(core.stages["a"].bodies)) == (["failed"], 1)


@pytest.mark.parametrize("act", ["ok", "400", "429", "500", "reset", "stop"])
@pytest.mark.parametrize("is_stream", [False, True])
async def test_every_ending_gives_the_place_back(core: Core, act: str, *, is_stream: bool) -> None:
    core.configure([end(core, "a", concurrency=1), end(core, "b", concurrency=1)])
    core.stages["a"].acts.append(act)
    await core.ask(stream=is_stream)
    assert [lane(core, name).gate.running for name in "ab"] == [0, 0]


async def test_an_attempt_that_cannot_be_written_down_gives_the_place_back(core: Core) -> None:
    def refuse(record: Opened) -> None:
        raise JournalFull(f"no room for {record.attempt}")

    core.journal.open = refuse  # type: ignore[method-assign]  # a journal on a full disk
    alone(core, concurrency=1)
    assert (await core.ask()).status == 503
    assert lane(core).gate.running == 0


async def test_what_is_known_of_an_endpoint_outlives_a_new_configuration_but_not_a_new_address(core: Core) -> None:
    await breaks(core)
    core.configure([core.endpoint("b"), core.endpoint("a")])
    assert lane(core).breaker.state == "open"
    core.stages["a"].port = core.stages["b"].port
    core.configure([core.endpoint("a")])
    assert lane(core).breaker.state == "closed"


async def test_a_worker_takes_its_share_of_what_holds_for_all() -> None:
    async with staged("a", rules=LaneRules(share=Share(workers=4, number=2))) as core:
        alone(core, concurrency=6, queue=10)
        assert (lane(core).gate.capacity, lane(core).gate.places) == (2, 3)


async def test_breakers_and_lines_are_measured(core: Core) -> None:
    await breaks(core)
    core.configure([end(core, "b", concurrency=1, queue_wait_s=0.0)])
    assert lane(core, "b").try_enter()
    await core.ask()
    core.meters.flush(running=0, snapshot_version=1)

    def value(name: str, **labels: str) -> float | None:
        return core.registry.get_sample_value(name, labels)

    assert value("hortus_breaker_state", endpoint="a") == 2
    assert value("hortus_breaker_state", endpoint="b") == 0
    assert value("hortus_breaker_transitions_total", endpoint="a", to="open") == 1
    assert value("hortus_queued_total", endpoint="b", outcome="refused") == 1
    assert value("hortus_queue_wait_seconds_count", endpoint="b") == 1


async def test_who_waits_is_shown(core: Core) -> None:
    alone(core, concurrency=1)
    assert lane(core).try_enter()
    waiting = asyncio.ensure_future(core.ask())
    await one_waits(core)
    core.lanes.show()
    assert core.registry.get_sample_value("hortus_queue_waiting", {"endpoint": "a"}) == 1
    lane(core).leave(None)
    await waiting
    core.lanes.show()
    assert core.registry.get_sample_value("hortus_queue_waiting", {"endpoint": "a"}) == 0


async def test_a_transition_is_in_the_log_once_and_without_content(
    core: Core, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "hortus.gateway")
    await breaks(core)
    core.clock.at_ms += 5_000
    await core.ask()
    lines = [one.getMessage() for one in caplog.records if "breaker" in one.getMessage()]
    assert lines == [
        "breaker of an endpoint opened: a",
        "breaker of an endpoint lets a probe through: a",
        "breaker of an endpoint closed again: a",
    ]
