"""Headers of answers whose model comes to its end: `Deprecation`, `Sunset`, `Link`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import msgspec
import pytest
from core import Core, staged

from hortus.policy.facts import Facts
from hortus.snapshot.model import Candidate, Route
from hortus.snapshot.resolved import ReadyRoute

ENDING = Facts(
    maker="m", host="h", state="deprecated", deprecated=date(2026, 8, 1), retires=date(2027, 2, 1), replacement="next"
)
TOLD = {b"deprecation": b"@1785542400", b"sunset": b"Mon, 01 Feb 2027 00:00:00 GMT"}
_NAMES = (b"deprecation", b"sunset", b"link")


@pytest.fixture
async def core() -> AsyncIterator[Core]:
    async with staged("a", "b") as one:
        yield one


async def told(core: Core, *facts: Facts | None, **more: object) -> dict[bytes, bytes]:
    """Return these headers of an answer (the clock stands at 2026-11-18)."""
    core.configure([core.endpoint(name, one) for name, one in zip("ab", facts, strict=False)])
    exchange = await core.ask(**more)
    assert exchange.status == 200
    return {name: value for name, value in exchange.answered.items() if name in _NAMES}


async def test_a_deprecated_model_is_told_of_with_its_days(core: Core) -> None:
    assert await told(core, ENDING) == TOLD


async def test_a_stream_has_them_too(core: Core) -> None:
    core.stages["a"].content_type = b"text/event-stream"
    core.stages["a"].answer = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    assert await told(core, ENDING, stream=True) == TOLD


@pytest.mark.parametrize(("ends", "is_told"), [(date(2027, 2, 16), True), (date(2027, 2, 17), False)])
async def test_an_end_within_ninety_days_is_told_and_a_later_one_not(core: Core, ends: date, *, is_told: bool) -> None:
    found = await told(core, Facts(maker="m", host="h", state="current", retires=ends))
    assert (set(found) == {b"sunset"}) is is_told
    assert bool(found) is is_told


@pytest.mark.parametrize(
    "facts", [None, Facts(maker="m", host="h", state="current"), msgspec.structs.replace(ENDING, is_own=True)]
)
async def test_what_goes_on_says_nothing(core: Core, facts: Facts | None) -> None:
    assert await told(core, facts) == {}


async def test_after_a_fallback_the_headers_are_those_of_the_model_that_answers(core: Core) -> None:
    core.stages["a"].acts.append("500")
    assert await told(core, None, ENDING) == TOLD
    core.stages["a"].acts.append("500")
    assert await told(core, ENDING, None) == {}


async def test_a_successor_is_named_where_the_key_can_reach_it(core: Core) -> None:
    core.configure([core.endpoint("a", ENDING)])
    assert core.ready is not None
    follows = core.ready.routes["r"].targets[0]
    follows = msgspec.structs.replace(follows, endpoint=msgspec.structs.replace(follows.endpoint, model="next"))
    core.ready.routes["newer/one"] = ReadyRoute(Route("newer/one", (Candidate("a"),)), (follows,), ())
    exchange = await core.ask()
    assert exchange.answered[b"link"] == b'</v1/models/newer/one>; rel="successor-version"'
    core.grants.grant = msgspec.structs.replace(core.grants.grant, routes=("r",))
    assert b"link" not in (await core.ask()).answered
