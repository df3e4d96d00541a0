"""In which order endpoints are tried: the strategies over made-up views, and whole requests over a core."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal

import msgspec
import pytest
from core import Core, staged
from workplace import PRICE, endpoint

from hortus.catalog.pricerows import PriceRow, RateRow
from hortus.control.checks import STRATEGIES
from hortus.gateway.ordering import ORDERS, View
from hortus.gateway.sticky import rank
from hortus.snapshot.model import Candidate, Endpoint, Route
from hortus.snapshot.resolved import Target


def target(name: str, weight: int = 1) -> Target:
    return Target(endpoint(name, "http://h/v1", "m"), {}, weight=weight)


def view(**more: object) -> View:
    fields = {
        "draw": random.Random(1).random,
        "conversation": None,
        "price": lambda _: None,
        "slowness_s": lambda _: 0.0,
        "load": lambda _: 0.0,
        "heaviness": lambda _: (),
        **more,
    }
    return View(**fields)  # type: ignore[arg-type]  # made of the fields above


def order(strategy: str, *targets: Target, **more: object) -> list[str]:
    return [one.endpoint.name for one in ORDERS[strategy](targets, view(**more))]


def by_name(**values: object):
    return lambda one: values[one.endpoint.name]


def test_every_strategy_that_can_be_declared_has_an_order() -> None:
    assert set(ORDERS) == set(STRATEGIES)


def test_ordered_keeps_the_order() -> None:
    assert order("ordered", target("b"), target("a"), target("c")) == ["b", "a", "c"]


def test_weighted_draws_by_weight_and_keeps_the_rest_as_fallbacks() -> None:
    draw = random.Random(1).random
    drawn = [order("weighted", target("a", 3), target("b", 1), target("c", 0), draw=draw) for _ in range(4000)]
    assert {tuple(sorted(names)) for names in drawn} == {("a", "b", "c")}
    assert {names[-1] for names in drawn} == {"c"}
    share = Counter(names[0] for names in drawn)["a"] / len(drawn)
    assert 0.71 < share < 0.79


def test_cheapest_comes_first_and_what_has_no_price_last() -> None:
    price = by_name(a=None, b=Decimal(2), c=Decimal(1), d=Decimal(0))
    assert order("cheapest", *map(target, "abcd"), price=price) == ["d", "c", "b", "a"]


@pytest.mark.parametrize(("strategy", "measure"), [("least_latency", "slowness_s"), ("least_busy", "load")])
def test_the_least_comes_first_and_equals_keep_their_order(strategy: str, measure: str) -> None:
    assert order(strategy, *map(target, "abc"), **{measure: by_name(a=2.0, b=1.0, c=1.0)}) == ["b", "c", "a"]


@pytest.mark.parametrize("strategy", ["cheapest", "least_latency", "least_busy"])
def test_what_loses_more_of_the_request_comes_after_what_loses_less(strategy: str) -> None:
    better = {"price": by_name(a=Decimal(9), b=Decimal(1)), "slowness_s": by_name(a=9, b=1), "load": by_name(a=9, b=1)}
    losing = {"heaviness": by_name(a=(0, 0), b=(0, 1))}
    assert order(strategy, target("a"), target("b"), **better, **losing) == ["a", "b"]


@pytest.mark.parametrize("strategy", ["weighted", "least_latency", "least_busy"])
def test_a_conversation_keeps_its_endpoint_whatever_is_drawn_or_measured(strategy: str) -> None:
    drawn = random.Random(7)

    def measure(_: Target) -> float:
        return drawn.random()

    view_of = {"draw": drawn.random, "slowness_s": measure, "load": measure, "conversation": b"c" * 16}
    assert len({order(strategy, *map(target, "abc"), **view_of)[0] for _ in range(50)}) == 1


def test_conversations_are_spread_by_weight_and_few_move_when_an_endpoint_goes() -> None:
    targets = [target("a", 3), target("b", 1), target("c", 0)]
    keys = [number.to_bytes(16, "big") for number in range(4000)]
    first = {key: rank(targets, key, is_weighted=True)[0].endpoint.name for key in keys}
    counted = Counter(first.values())
    assert set(counted) == {"a", "b"}
    assert 0.72 < counted["a"] / len(keys) < 0.78
    without = {key: rank(targets[1:], key, is_weighted=True)[0].endpoint.name for key in keys}
    assert all(without[key] == "b" for key in keys if first[key] == "b")


def route(strategy: str, *names: str, **more: object) -> Route:
    return Route("r", tuple(map(Candidate, names)), strategy=strategy, **more)  # type: ignore[arg-type]  # its own fields


@pytest.fixture
async def core() -> AsyncIterator[Core]:
    async with staged("a", "b") as one:
        yield one


def configure(core: Core, strategy: str, *endpoints: Endpoint, **more: object) -> None:
    core.configure(endpoints, route=route(strategy, *(one.name for one in endpoints), **more))


async def served_by(core: Core, **more: object) -> str:
    exchange = await core.ask(**more)
    assert exchange.status == 200, exchange.body
    return core.journal.opened(exchange.receipt_id)[-1].endpoint


def made_up(given: Decimal, made: Decimal, currency: str = "EUR") -> PriceRow:
    return msgspec.structs.replace(PRICE, currency=currency, input_per_million=given, output_per_million=made)


def priced(core: Core, name: str, output_per_million: str, currency: str = "EUR", **more: object) -> Endpoint:
    price = made_up(Decimal(2), Decimal(output_per_million), currency)
    return msgspec.structs.replace(core.endpoint(name, **more), price=price)


async def test_cheapest_reckons_with_the_length_that_the_client_allows(core: Core) -> None:
    short = priced(core, "a", "11")
    cheap_words = made_up(Decimal(60), Decimal(1))
    configure(core, "cheapest", short, msgspec.structs.replace(core.endpoint("b"), price=cheap_words))
    assert await served_by(core, max_tokens=1) == "a"
    assert await served_by(core) == "b"


async def test_cheapest_compares_through_the_organisations_rates(core: Core) -> None:
    configure(core, "cheapest", priced(core, "a", "10"), priced(core, "b", "11", "USD"))
    assert core.ready is not None
    assert await served_by(core) == "a"  # nothing says what a dollar is worth: an unknown price comes last
    row = RateRow("own/1", "USD", "EUR", Decimal("0.5"), since=date(2020, 1, 1))
    core.ready = msgspec.structs.replace(core.ready, rates=(row,))
    assert await served_by(core) == "b"


async def test_cheapest_prefers_what_carries_the_whole_request(core: Core) -> None:
    core.stages["a"].answer = b'{"content":[]}'
    configure(core, "cheapest", priced(core, "a", "1", dialect="anthropic_messages"), priced(core, "b", "90"))
    assert await served_by(core, logprobs=True, top_logprobs=3) == "b"


async def test_least_latency_measures_each_once_and_then_takes_the_quickest(core: Core) -> None:
    configure(core, "least_latency", core.endpoint("a"), core.endpoint("b"))
    assert {await served_by(core), await served_by(core)} == {"a", "b"}
    assert core.ready is not None
    lanes = {one.endpoint.name: core.lanes.of(one) for one in core.ready.routes["r"].targets}
    lanes["a"]._measure(4.0, core.clock.monotonic_s())
    assert await served_by(core) == "b"
    core.clock.at_ms += 3_600_000
    lanes["b"]._measure(1.0, core.clock.monotonic_s())
    assert await served_by(core) == "a"  # what was slow an hour ago is worth another try


async def test_least_busy_looks_at_what_runs(core: Core) -> None:
    configure(core, "least_busy", core.endpoint("a"), core.endpoint("b"))
    assert core.ready is not None
    lane = core.lanes.of(core.ready.routes["r"].targets[0])
    assert lane.try_enter()
    assert await served_by(core) == "b"
    lane.leave(None)
    assert await served_by(core) == "a"


def turns(count: int, begins: str = "What is a lamp?") -> list[dict[str, str]]:
    said = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": begins}]
    for number in range(count):
        said += [{"role": "assistant", "content": f"Answer {number}"}, {"role": "user", "content": f"Why {number}?"}]
    return said


async def test_all_turns_of_a_conversation_go_to_one_endpoint_of_a_sticky_route(core: Core) -> None:
    configure(core, "weighted", core.endpoint("a"), core.endpoint("b"), sticky=True)
    beginnings = [f"Question {number}" for number in range(12)]
    firsts = [await served_by(core, messages=turns(0, begins)) for begins in beginnings]
    assert set(firsts) == {"a", "b"}
    for count in (1, 2, 5):
        assert [await served_by(core, messages=turns(count, begins)) for begins in beginnings] == firsts


async def test_a_cache_key_of_the_client_decides_before_the_words_do(core: Core) -> None:
    configure(core, "weighted", core.endpoint("a"), core.endpoint("b"), sticky=True)
    asked = [turns(0, f"Question {number}") for number in range(8)]
    assert len({await served_by(core, messages=one, prompt_cache_key="k") for one in asked}) == 1


async def test_a_request_for_sealed_reasoning_is_sticky_on_any_route(core: Core) -> None:
    configure(core, "weighted", core.endpoint("a", dialect="openai_responses"), core.endpoint("b"))
    core.stages["a"].acts.extend(["500"] * 9)
    body = {"model": "r", "input": "Think.", "include": ["reasoning.encrypted_content"], "store": False}
    seen = set()
    for _ in range(6):
        exchange = await core.ask(body, path="/v1/responses")
        seen.add(core.journal.opened(exchange.receipt_id)[0].endpoint)
    assert len(seen) == 1
