"""Which endpoints are tried and when the next one is: pure decisions."""

from __future__ import annotations

import pytest
from workplace import endpoint

from hortus.canon.errors import (
    BrokenStream,
    HostFault,
    HostOverloaded,
    HostQuotaExhausted,
    HostRefused,
    HostRejected,
    HostTimedOut,
    HostUnavailable,
    InvalidRequest,
    NoEligibleEndpoint,
    NotReady,
    UnknownRoute,
)
from hortus.dialects.openai_chat import DIALECT
from hortus.gateway.choose import able_targets, find_route, may_move_on, may_try_again
from hortus.snapshot.grants import Grant
from hortus.snapshot.model import Route
from hortus.snapshot.resolved import Ready, ReadyRoute, Target, Unusable, Way

CHAT, EMBEDDINGS = DIALECT.operations[:2]


def target(name: str, **more: object) -> Target:
    one = endpoint(name, "http://h/v1", "m", **more)
    return Target(one, {spoken.dialect: Way(spoken, "http://h/v1", model="m") for spoken in one.spoken})


def route(*targets: Target, unusable: tuple[Unusable, ...] = ()) -> ReadyRoute:
    return ReadyRoute(route=Route("r", ()), targets=targets, unusable=unusable)


def speaks_chat(target: Target) -> bool:
    return "openai_chat" in target.ways


def able(one: ReadyRoute, operation=CHAT) -> list[str]:
    return [found.endpoint.name for found in able_targets(one, operation, can_reach=speaks_chat)]


def test_only_endpoints_that_can_do_it_are_tried() -> None:
    assert able(route(target("a", operations=("chat",)), target("b")), EMBEDDINGS) == ["b"]
    assert able(route(target("a", dialects=("other",)), target("b"))) == ["b"]


def test_a_route_without_any_target_names_each_reason() -> None:
    one = route(unusable=(Unusable("a", "has no key"), Unusable("b", "is retired")))
    with pytest.raises(NoEligibleEndpoint, match=r"a: has no key; b: is retired"):
        able(one)
    with pytest.raises(NoEligibleEndpoint, match="it has none"):
        able(route())


def test_waiting_helps_where_an_engine_starts() -> None:
    one = route(unusable=(Unusable("a", "has no key"), Unusable("b", "is starting", is_passing=True)))
    with pytest.raises(NotReady) as caught:
        able(one)
    assert caught.value.retry_after_s


def test_an_operation_that_nobody_offers_is_the_callers_fault() -> None:
    with pytest.raises(InvalidRequest):
        able(route(target("a", operations=("chat",))), EMBEDDINGS)


@pytest.mark.parametrize("patterns", [("r",), ("*",), ("eu/*", "r*")])
def test_a_key_finds_the_routes_that_it_may_use(patterns: tuple[str, ...]) -> None:
    ready = Ready(version=1, routes={"r": route(target("a"))})
    assert find_route(ready, "r", grant=grant(*patterns)).route.name == "r"


@pytest.mark.parametrize("patterns", [(), ("eu/*",), ("R",)])
def test_a_route_that_it_may_not_use_looks_like_one_that_does_not_exist(patterns: tuple[str, ...]) -> None:
    ready = Ready(version=1, routes={"r": route(target("a"))})
    with pytest.raises(UnknownRoute) as hidden:
        find_route(ready, "r", grant=grant(*patterns))
    with pytest.raises(UnknownRoute) as absent:
        find_route(Ready(version=1, routes={}), "r", grant=grant("*"))
    assert str(hidden.value) == str(absent.value)


def grant(*patterns: str) -> Grant:
    return Grant(key_id="k", key_name="n", project_id="p", project="p", routes=patterns)


def costly(error: HostFault) -> HostFault:
    error.may_have_cost = True
    return error


def waiting(error: HostFault, seconds: int) -> HostFault:
    error.retry_after_s = seconds
    return error


@pytest.mark.parametrize(
    ("error", "elsewhere"),
    [
        (HostUnavailable("never reached"), True),
        (costly(HostUnavailable("cut without an answer")), True),
        (HostOverloaded("429"), True),
        (HostFault("500"), True),
        (HostRefused("401"), True),
        (HostTimedOut("no first byte"), False),
        (BrokenStream("half an answer"), False),
        (HostRejected("400"), False),
    ],
)
def test_the_next_endpoint_is_tried_only_where_nothing_can_have_been_charged(
    error: HostFault, *, elsewhere: bool
) -> None:
    assert may_move_on(error) is elsewhere


@pytest.mark.parametrize(
    ("error", "status", "again"),
    [
        (HostUnavailable("never reached"), None, True),
        (costly(HostUnavailable("cut without an answer")), None, False),
        (HostOverloaded("429"), 429, False),
        (waiting(HostOverloaded("429"), 2), 429, True),
        (waiting(HostFault("503"), 1), 503, True),
        (waiting(HostOverloaded("429"), 3), 429, False),
        (waiting(HostFault("500"), 1), 500, False),
        (waiting(HostQuotaExhausted("429"), 1), 429, False),
        (HostTimedOut("no first byte"), None, False),
    ],
)
def test_a_lone_endpoint_is_tried_again_where_it_was_never_reached_or_names_a_short_time(
    error: HostFault, status: int | None, *, again: bool
) -> None:
    assert may_try_again(error, status=status) is again
