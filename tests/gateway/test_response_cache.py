"""Answers that are given again: to whom, for how long, and what never is."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal

import msgspec
import pytest
from core import KEY, SECRET, Core, CoreExchange, staged
from hypothesis import given
from hypothesis import strategies as st
from workplace import PRICE

from hortus.gateway.caching import CacheBounds, CachedAnswer, ResponseCache
from hortus.gateway.passage import Outgoing
from hortus.policy.facts import Facts
from hortus.policy.rules import Policy
from hortus.snapshot.grants import Grant
from hortus.snapshot.model import Candidate, Endpoint, Route

TODAY = date(2026, 11, 18)
SOUND = Facts(maker="m", host="h", compute="DE", confidence="stated", source="s", checked_on=TODAY)
PAID = msgspec.structs.replace(PRICE, input_per_million=Decimal(2), output_per_million=Decimal(10))


@pytest.fixture
async def core() -> AsyncIterator[Core]:
    async with staged("a", "b") as one:
        configure(one)
        yield one


def configure(core: Core, *names: str, cache_s: int = 60, policies: tuple[Policy, ...] = (), **more: object) -> None:
    ends = [
        msgspec.structs.replace(core.endpoint(name, SOUND), price=PAID, **more)  # type: ignore[arg-type]  # its fields
        for name in names or ("a",)
    ]
    core.configure(ends, policies=policies, route=Route("r", tuple(Candidate(e.name) for e in ends), cache_s=cache_s))


def calls(core: Core) -> int:
    return sum(len(stage.bodies) for stage in core.stages.values())


def is_hit(exchange: CoreExchange) -> bool:
    return b"hortus-cache" in exchange.answered


async def test_the_same_request_gets_the_same_bytes_and_no_host_is_called(core: Core) -> None:
    first = await core.ask()
    core.clock.at_ms += 7_000
    second = await core.ask()
    assert (second.status, second.body, calls(core)) == (200, first.body, 1)
    assert second.answered[b"hortus-cache"] == b"hit; age=7"
    assert second.answered[b"content-type"] == b"application/json"
    assert second.receipt_id != first.receipt_id


async def test_its_receipt_names_the_one_that_paid_and_costs_nothing(core: Core) -> None:
    first, second = await core.ask(), await core.ask()
    paid, again = core.journal.receipt(first.receipt_id), core.journal.receipt(second.receipt_id)
    assert paid is not None
    assert again is not None
    assert (paid.cached_from, again.cached_from) == (None, first.receipt_id)
    assert paid.cost
    assert (again.cost, again.usage, again.status) == (0, None, "completed")
    assert core.journal.opened(second.receipt_id)[0].reserved == 0
    assert again.attempts[0].input_bytes == 0


async def test_a_stream_is_given_again_as_a_stream(core: Core) -> None:
    frame = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"up","choices":[%b]}\n\n'
    core.stages["a"].answer = (
        frame % b'{"index":0,"delta":{"content":"Yes."}}'
        + frame % b'{"index":0,"delta":{},"finish_reason":"stop"}'
        + b"data: [DONE]\n\n"
    )
    core.stages["a"].content_type = b"text/event-stream"
    first, second = await core.ask(stream=True), await core.ask(stream=True)
    assert (is_hit(first), is_hit(second), second.body) == (False, True, first.body)
    assert second.answered[b"content-type"] == b"text/event-stream"


@pytest.mark.parametrize(
    "change",
    [{"temperature": 0.5}, {"stream": False}, {"messages": [{"role": "user", "content": "Else?"}]}, {"max_tokens": 9}],
)
async def test_any_other_byte_is_another_request(core: Core, change: dict[str, object]) -> None:
    await core.ask()
    assert not is_hit(await core.ask(**change))
    assert calls(core) == 2


async def test_another_project_never_gets_it(core: Core) -> None:
    await core.ask()
    core.grants.grant = Grant("key_2", "k", "prj_2", "other", ("*",))
    assert not is_hit(await core.ask())


async def test_it_is_over_in_time(core: Core) -> None:
    await core.ask()
    core.clock.at_ms += 59_999
    assert is_hit(await core.ask())
    core.clock.at_ms += 1
    assert not is_hit(await core.ask())


async def test_a_route_that_wants_no_cache_has_none(core: Core) -> None:
    await core.ask()
    configure(core, cache_s=0)
    assert not is_hit(await core.ask())


@pytest.mark.parametrize(("said", "hits"), [(b"no-store", [False, True]), (b"no-cache", [False, True])])
async def test_a_client_can_pass_it_by(core: Core, said: bytes, hits: list[bool]) -> None:
    await core.ask()
    assert [is_hit(await sent(core, said)), is_hit(await core.ask())] == hits
    assert calls(core) == 2


async def test_a_client_that_wants_nothing_stored_has_nothing_stored(core: Core) -> None:
    await sent(core, b"no-store")
    assert not is_hit(await core.ask())


async def sent(core: Core, cache_control: bytes) -> CoreExchange:
    body = msgspec.json.encode({"model": "r", "messages": [{"role": "user", "content": "May I?"}]})
    exchange = CoreExchange("/v1/chat/completions", body, headers=((b"cache-control", cache_control),), key=KEY)
    await core.gateway.serve(exchange)
    return exchange


@pytest.mark.parametrize("act", ["500", "429", "reset", "stop"])
async def test_what_failed_is_not_kept(core: Core, act: str) -> None:
    core.stages["a"].acts.append(act)
    await core.ask()
    assert not is_hit(await core.ask())


@pytest.mark.parametrize(
    "policy",
    [
        Policy("p", keeps_content=False),
        Policy("p", personal_data="pseudonymise"),
        Policy("p", personal_data="refuse"),
        Policy("p", secrets="refuse"),
    ],
)
async def test_a_policy_that_keeps_nothing_or_looks_inside_has_no_cache(core: Core, policy: Policy) -> None:
    configure(core, policies=(policy,))
    core.grants.grant = msgspec.structs.replace(core.grants.grant, policy="p")
    await core.ask()
    assert not is_hit(await core.ask())


async def test_another_policy_gets_nothing_that_was_kept_under_this_one(core: Core) -> None:
    await core.ask()
    configure(core, policies=(Policy("p", compute_in=("EU",)),))
    core.grants.grant = msgspec.structs.replace(core.grants.grant, policy="p")
    assert not is_hit(await core.ask())


async def test_an_answer_of_an_endpoint_that_is_not_allowed_any_more_is_not_given(core: Core) -> None:
    await core.ask()
    configure(core, "b")
    exchange = await core.ask()
    assert (is_hit(exchange), core.journal.opened(exchange.receipt_id)[0].endpoint) == (False, "b")


async def test_an_answer_of_an_endpoint_that_leads_elsewhere_now_is_not_given(core: Core) -> None:
    await core.ask()
    configure(core, model="another")
    assert not is_hit(await core.ask())


@pytest.mark.parametrize(
    "body",
    [
        {"tools": [{"type": "web_search"}], "input": "x"},
        {"tools": [{"type": "mcp", "server_label": "s", "server_url": "https://x.example"}], "input": "x"},
    ],
)
async def test_what_the_host_looks_up_itself_is_asked_each_time(core: Core, body: dict[str, object]) -> None:
    core.configure(
        [core.endpoint("a", SOUND, dialect="openai_responses")], route=Route("r", (Candidate("a"),), cache_s=60)
    )
    core.stages["a"].answer = RESPONSE
    for _ in range(2):
        exchange = await core.ask({"model": "r", "store": False, **body}, path="/v1/responses")
        assert (exchange.status, is_hit(exchange)) == (200, False)


async def test_an_answer_that_the_host_keeps_by_an_id_is_not_kept_here(core: Core) -> None:
    core.configure(
        [core.endpoint("a", SOUND, dialect="openai_responses")], route=Route("r", (Candidate("a"),), cache_s=60)
    )
    core.stages["a"].answer = RESPONSE
    hits = []
    for is_stored in (True, True, False, False):
        exchange = await core.ask({"model": "r", "input": "x", "store": is_stored}, path="/v1/responses")
        assert exchange.status == 200, exchange.body
        hits.append(is_hit(exchange))
    assert hits == [False, False, False, True]


RESPONSE = msgspec.json.encode(
    {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "up",
        "output": [
            {
                "type": "message",
                "id": "msg_1",
                "status": "completed",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Yes.", "annotations": []}],
            }
        ],
        "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
    }
)


async def test_embeddings_are_given_again_too(core: Core) -> None:
    ends = msgspec.structs.replace(core.endpoint("a", SOUND), operations=("embeddings",))
    core.configure([ends], route=Route("r", (Candidate("a"),), cache_s=60))
    vector = base64.b64encode(b"\0" * 8).decode()
    core.stages["a"].answer = msgspec.json.encode(
        {
            "object": "list",
            "model": "up",
            "data": [{"object": "embedding", "index": 0, "embedding": vector}],
            "usage": {"prompt_tokens": 1, "total_tokens": 1},
        }
    )
    asked = {"model": "r", "input": "x", "encoding_format": "base64"}
    first = await core.ask(asked, path="/v1/embeddings")
    second = await core.ask(asked, path="/v1/embeddings")
    assert (first.status, is_hit(second), second.body) == (200, True, first.body)


async def test_an_answer_that_is_too_long_for_the_room_is_not_kept(core: Core) -> None:
    core.stages["a"].answer = core.stages["a"].answer.ljust(200_000)
    await core.ask()
    assert not is_hit(await core.ask())


ENDPOINT = Endpoint(name="e", model="m", maker="k", host="h", upstream_model="u", spoken=())


def kept(size: int) -> CachedAnswer:
    return CachedAnswer("rcp", ENDPOINT, 0.0, b"x" * size, (), is_stream=False, outgoing=OUTGOING)


OUTGOING = Outgoing("openai_chat", "/", b"")


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9_000)), max_size=60), st.integers(0, 60_000))
def test_the_room_is_never_exceeded_and_always_given_back(puts: list[tuple[int, int]], limit_bytes: int) -> None:
    cache = ResponseCache(CacheBounds(limit_bytes, most=5), key=SECRET.value)
    for name, size in puts:
        cache.keep(bytes([name]), kept(size))
        assert cache.size_bytes <= limit_bytes
        assert len(cache) <= 5
    for name in range(10):
        cache.drop(bytes([name]))
    assert (len(cache), cache.size_bytes) == (0, 0)


def test_what_was_used_longest_ago_makes_room() -> None:
    cache = ResponseCache(CacheBounds(1 << 20, most=2), key=b"k")
    cache.keep(b"1", kept(1))
    cache.keep(b"2", kept(1))
    assert cache.find(b"1", now_s=0.0, longest_s=9.0) is not None
    cache.keep(b"3", kept(1))
    assert [cache.find(name, now_s=0.0, longest_s=9.0) is not None for name in (b"1", b"2", b"3")] == [
        True,
        False,
        True,
    ]
