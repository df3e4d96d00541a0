"""The policy's verdict holds for every hop: no endpoint outside it gets a byte, whatever fails and whatever changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import date

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core import NO_BREAKERS, Core, CoreExchange, staged
from hortus.gateway.breakers import BreakerRules
from hortus.gateway.lanes import LaneRules
from hortus.policy.facts import Facts, Gains, Lever
from hortus.policy.rules import Policy
from hortus.receipts.records import Refused
from hortus.snapshot.grants import Grant
from hortus.snapshot.model import Candidate, Endpoint, Route

NAMES = ("one", "two", "three")
PLACES = {"DE": {"EU", "DE"}, "FR": {"EU"}, "EU*": {"EU"}, "US": {"US"}, "GLOBAL": set(), None: set()}
"""Where a place surely lies, among the regions that these policies name: written by hand, apart from the code."""

CHECKED = date(2026, 11, 1)


def facts_of(compute: str | None, *, trains: bool | None, maker: str) -> Facts:
    return Facts(maker, "h", compute=compute, trains=trains, operator="Somebody", checked_on=CHECKED)


FACTS = st.builds(
    facts_of,
    st.sampled_from(list(PLACES)),
    trains=st.sampled_from([True, False, None]),
    maker=st.sampled_from(["mistral", "openai"]),
)
POLICIES = st.builds(
    Policy,
    st.just("tested"),
    compute_in=st.sampled_from([None, ("EU",), ("DE",), ("US", "DE")]),
    no_training=st.booleans(),
    makers=st.sampled_from([None, ("mistral",)]),
)
ACTS = st.lists(st.sampled_from(["ok", "500", "429", "reset", "stop"]), max_size=4)
STRATEGIES = st.sampled_from(["ordered", "weighted", "cheapest", "least_latency", "least_busy"])


def may_go(policy: Policy, facts: Facts) -> bool:
    """Say by hand whether the policy lets a request go there."""
    lies_in = PLACES[facts.compute]
    return (
        (policy.compute_in is None or bool(lies_in & set(policy.compute_in)))
        and (not policy.no_training or facts.trains is False)
        and (policy.makers is None or facts.maker in policy.makers)
    )


class World(msgspec.Struct, frozen=True):
    """What is in force for one request."""

    policy: Policy
    facts: tuple[Facts, ...]
    strategy: str


WORLDS = st.builds(World, POLICIES, st.tuples(*[FACTS] * len(NAMES)), STRATEGIES)
LAW = settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


EARLY_BREAKERS = LaneRules(breaker=BreakerRules(in_a_row=1))


class Seen:
    """What a law has seen: a law that mostly refuses proves little."""

    def __init__(self) -> None:
        self.verdicts = 0
        self.hops = 0
        self.resting = 0
        self.repeated = 0


def put_in_force(core: Core, world: World, *, cache_s: int = 0) -> None:
    endpoints = [core.endpoint(name, facts) for name, facts in zip(NAMES, world.facts, strict=True)]
    candidates = tuple(Candidate(name) for name in NAMES)
    route = Route("r", candidates, strategy=world.strategy, cache_s=cache_s)
    core.configure(endpoints, policies=[world.policy], route=route)


def allowed_in(world: World) -> set[str]:
    return {name for name, facts in zip(NAMES, world.facts, strict=True) if may_go(world.policy, facts)}


def bytes_at(core: Core) -> dict[str, int]:
    return {name: len(core.stages[name].bodies) + core.stages[name].connections for name in NAMES}


def reached(core: Core, before: dict[str, int]) -> set[str]:
    """Return the hosts that were connected to or got a request since."""
    return {name for name, count in bytes_at(core).items() if count > before[name]}


def check(core: Core, world: World, exchange: CoreExchange, *, got: set[str], seen: Seen) -> None:
    """What went out is within the policy, and the receipt says by which policy, with the reasons for the others."""
    allowed = allowed_in(world)
    assert got <= allowed, (got, allowed, world)
    receipt = core.journal.receipt(exchange.receipt_id)
    assert receipt is not None
    assert receipt.policy is not None
    assert receipt.policy.startswith("tested~")
    assert {ruling.partition(":")[0] for ruling in receipt.rulings} == set(NAMES) - allowed
    if not allowed:
        assert exchange.status == 403
        assert msgspec.json.decode(exchange.body)["error"]["code"] == "refused_by_policy"
        assert all(name in exchange.body.decode() for name in NAMES)
    attempted = {one.endpoint for one in core.journal.opened(exchange.receipt_id)}
    assert attempted <= allowed
    seen.hops += len(core.journal.opened(exchange.receipt_id))
    seen.verdicts += len(NAMES)


def test_no_endpoint_outside_the_policy_gets_a_byte(record_property: Callable[[str, object], None]) -> None:
    seen = Seen()

    @LAW
    @given(
        worlds=st.lists(WORLDS, min_size=1, max_size=4),
        acts=st.tuples(*[ACTS] * len(NAMES)),
        cache_s=st.sampled_from([0, 60]),
        rules=st.sampled_from([NO_BREAKERS, EARLY_BREAKERS]),
        pauses_s=st.lists(st.sampled_from([0, 1, 61]), min_size=8, max_size=8),
    )
    def law(
        worlds: Sequence[World], acts: tuple[list[str], ...], cache_s: int, rules: LaneRules, pauses_s: list[int]
    ) -> None:
        asyncio.run(play(worlds, acts, cache_s=cache_s, rules=rules, pauses_s=iter(pauses_s)))

    async def play(
        worlds: Sequence[World],
        acts: tuple[list[str], ...],
        *,
        cache_s: int,
        rules: LaneRules,
        pauses_s: Iterator[int],
    ) -> None:
        async with staged(*NAMES, rules=rules) as core:
            core.grants.grant = msgspec.structs.replace(core.grants.grant, policy="tested")
            for name, own in zip(NAMES, acts, strict=True):
                core.stages[name].acts.extend(own)
            for world in worlds:
                put_in_force(core, world, cache_s=cache_s)
                for _ in range(2):
                    core.clock.at_ms += next(pauses_s) * 1000
                    before = bytes_at(core)
                    exchange = await core.ask()
                    check(core, world, exchange, got=reached(core, before), seen=seen)
                    seen.resting += exchange.status == 503 and not reached(core, before)
                    seen.repeated += b"hortus-cache" in exchange.answered

    law()
    assert seen.resting > 10
    assert seen.repeated > 10
    assert seen.verdicts > 3000
    assert seen.hops > 500
    record_property("verdicts, hops", (seen.verdicts, seen.hops))


def test_a_change_in_flight_neither_widens_nor_narrows_a_request_under_way(
    record_property: Callable[[str, object], None],
) -> None:
    seen = Seen()

    @LAW
    @given(first=WORLDS, then=WORLDS)
    def law(first: World, then: World) -> None:
        asyncio.run(play(first, then))

    async def play(first: World, then: World) -> None:
        async with staged(*NAMES) as core:
            core.grants.grant = msgspec.structs.replace(core.grants.grant, policy="tested")
            put_in_force(core, first)
            for stage in core.stages.values():
                stage.acts.append("hold")
            before = bytes_at(core)
            asked = asyncio.create_task(core.ask())
            if allowed_in(first):
                await one_holds(core)
                put_in_force(core, then)
            for stage in core.stages.values():
                stage.release.set()
            check(core, first, await asked, got=reached(core, before), seen=seen)

    law()
    assert seen.hops > 100
    record_property("verdicts, hops", (seen.verdicts, seen.hops))


async def one_holds(core: Core) -> None:
    """Wait until one of the hosts has a request and does not answer yet."""
    holding = [asyncio.create_task(core.stages[name].holding.wait()) for name in NAMES]
    await asyncio.wait(holding, return_when=asyncio.FIRST_COMPLETED)
    for one in holding:
        one.cancel()


def two_endpoints(core: Core) -> list[Endpoint]:
    return [
        core.endpoint("one", facts_of("US", trains=False, maker="openai")),
        core.endpoint("two", facts_of("DE", trains=False, maker="mistral")),
    ]


EU = Policy("tested", compute_in=("EU",))


async def test_a_refusal_names_each_endpoint_and_its_rule_in_the_callers_dialect() -> None:
    async with staged("one", "two") as core:
        core.grants.grant = Grant("key_1", "k", "prj_1", "default", ("*",), policy="tested")
        core.configure(two_endpoints(core), policies=[Policy("tested", compute_in=("PL",))])
        exchange = await core.ask(
            {"model": "r", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]},
            path="/anthropic/v1/messages",
        )
        error = msgspec.json.decode(exchange.body)["error"]
        assert (exchange.status, error["type"]) == (403, "permission_error")
        assert "one: " in error["message"]
        assert "two: " in error["message"]
        assert "compute_in" in error["message"]
        refused = [one for one in core.journal.records if isinstance(one, Refused)]
        assert [one.rulings for one in refused] == [("one:compute_in", "two:compute_in")]


async def test_a_policy_that_is_not_here_yet_sends_nothing() -> None:
    async with staged("one", "two") as core:
        core.grants.grant = Grant("key_1", "k", "prj_1", "default", ("*",), policy="not-here")
        core.configure(two_endpoints(core))
        exchange = await core.ask()
        assert exchange.status == 503
        assert not core.stages["one"].connections + core.stages["two"].connections


async def test_a_shadow_policy_is_written_down_and_refuses_nothing() -> None:
    async with staged("one", "two") as core:
        core.grants.grant = Grant("key_1", "k", "prj_1", "default", ("*",), shadow_policy="tested")
        core.configure(two_endpoints(core), policies=[msgspec.structs.replace(EU, largest_request_kib=0)])
        exchange = await core.ask()
        receipt = core.journal.receipt(exchange.receipt_id)
        assert exchange.status == 200
        assert receipt is not None
        assert receipt.endpoint == "one"
        assert receipt.shadow == ("tested:one:compute_in", "tested:*:largest_request_kib")


async def test_what_the_policy_demands_of_a_host_is_sent_and_named() -> None:
    async with staged("one") as core:
        lever = Lever("store=false", ("openai_chat",), Gains(state_days=0), member="store", value=msgspec.Raw(b"false"))
        held = Lever(
            "x-keep=none", ("openai_chat",), Gains(retention_days=0), header="x-keep", value=msgspec.Raw(b'"none"')
        )
        deep = Lever(
            "provider.zdr=true",
            ("openai_chat",),
            Gains(trains=False),
            member="provider.zdr",
            value=msgspec.Raw(b"true"),
        )
        facts = msgspec.structs.replace(
            facts_of("DE", trains=True, maker="m"), state_days=30, retention_days=30, levers=(lever, held, deep)
        )
        policy = Policy("tested", stateless=True, longest_retention_days=0, no_training=True)
        core.grants.grant = Grant("key_1", "k", "prj_1", "default", ("*",), policy="tested")
        core.configure([core.endpoint("one", facts)], policies=[policy])
        exchange = await core.ask(store=True, provider={"sort": "price", "zdr": False})
        sent = msgspec.json.decode(core.stages["one"].bodies[0])
        assert exchange.status == 200
        assert (sent["store"], sent["provider"]) == (False, {"sort": "price", "zdr": True})
        assert b"x-keep: none\r\n" in core.stages["one"].heads[0].lower()
        opened = core.journal.opened(exchange.receipt_id)[0]
        assert {"policy:store=false", "policy:x-keep=none", "policy:provider.zdr=true"} <= set(opened.adaptations)


async def test_levers_are_for_chats_and_other_operations_keep_no_state() -> None:
    async with staged("one") as core:
        lever = Lever("store=false", ("openai_chat",), Gains(state_days=0), member="store", value=msgspec.Raw(b"false"))
        place = Lever("geo=de", ("openai_chat",), Gains(compute="DE"), member="geo", value=msgspec.Raw(b'"de"'))
        facts = msgspec.structs.replace(facts_of("US", trains=False, maker="m"), state_days=30, levers=(lever, place))
        endpoint = msgspec.structs.replace(core.endpoint("one", facts), operations=("chat", "embeddings"))
        core.grants.grant = Grant("key_1", "k", "prj_1", "default", ("*",), policy="tested")
        body: dict[str, object] = {"model": "r", "input": "hi"}
        core.configure([endpoint], policies=[Policy("tested", stateless=True)])
        assert (await core.ask(body, path="/v1/embeddings")).status == 200
        assert b"store" not in core.stages["one"].bodies[0]
        core.configure([endpoint], policies=[Policy("tested", compute_in=("EU",))])
        assert (await core.ask(body, path="/v1/embeddings")).status == 403
        assert (await core.ask()).status == 200
        assert msgspec.json.decode(core.stages["one"].bodies[-1])["geo"] == "de"


async def test_a_lever_is_not_pulled_where_no_rule_asks_for_it() -> None:
    async with staged("one") as core:
        lever = Lever("store=false", ("openai_chat",), Gains(state_days=0), member="store", value=msgspec.Raw(b"false"))
        facts = msgspec.structs.replace(facts_of("DE", trains=False, maker="m"), state_days=30, levers=(lever,))
        core.grants.grant = Grant("key_1", "k", "prj_1", "default", ("*",), policy="tested")
        core.configure([core.endpoint("one", facts)], policies=[EU])
        await core.ask(store=True)
        assert msgspec.json.decode(core.stages["one"].bodies[0])["store"] is True
