"""Requests under a guard through the gateway's core: what a host gets, what the client gets, what is written down."""

from __future__ import annotations

import logging

import msgspec
import pytest
from prometheus_client import generate_latest

from gateway.core import SECRET, Core, CoreExchange, staged
from hortus.gateway.guards.placeholders import Mask, key_of
from hortus.gateway.guards.screen import LONGEST_TEXT
from hortus.gateway.guards.table import finder_for
from hortus.policy.rules import Policy
from hortus.snapshot.grants import Grant

IBAN, EMAIL = "DE89 3704 0044 0532 0130 00", "anna.schmidt@town.example"
SAID = f"Please pay to {IBAN} and write to {EMAIL}."
HIDES, REFUSES = Policy("hides", personal_data="pseudonymise"), Policy("refuses", personal_data="refuse")
QUESTION = [{"role": "user", "content": SAID}]


def hidden(text: str) -> str:
    return Mask(key_of(SECRET), "prj_1").hide(text, finder_for(HIDES).find(text))


def answer_of(text: str) -> bytes:
    message = {"role": "assistant", "content": text}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return msgspec.json.encode({"id": "chatcmpl-1", "object": "chat.completion", "model": "up", "choices": choices})


def stream_of(text: str) -> bytes:
    chunks = [{"content": text[i : i + 3]} for i in range(0, len(text), 3)]
    frames = [{"id": "c", "model": "up", "choices": [{"index": 0, "delta": one}]} for one in chunks]
    frames.append({"id": "c", "model": "up", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return b"".join(b"data: " + msgspec.json.encode(one) + b"\n\n" for one in frames) + b"data: [DONE]\n\n"


def guard(core: Core, policy: Policy, *, shadow: str | None = None) -> None:
    core.configure([core.endpoint("one")], policies=[HIDES, REFUSES])
    core.grants.grant = Grant("key_1", "k", "prj_1", "default", ("*",), policy=policy.name, shadow_policy=shadow)


def written(core: Core, asked: CoreExchange, caplog: pytest.LogCaptureFixture) -> str:
    """Return all that is written down of a request: records, metrics, logs, and what the client is told beside it."""
    records = b"".join(msgspec.json.encode(one) for one in core.journal.records)
    return f"{records!r} {generate_latest(core.registry)!r} {caplog.text} {asked.answered}"


def assert_nothing_personal(text: str) -> None:
    for value in (IBAN, IBAN.replace(" ", ""), EMAIL, "anna", hidden(EMAIL), hidden(IBAN)):
        assert value not in text


async def test_a_host_gets_placeholders_and_the_client_its_values(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with staged("one") as core:
        guard(core, HIDES)
        core.stages["one"].answer = answer_of(f"Paid: {hidden(IBAN)}, {hidden(EMAIL).lower()}")
        asked = await core.ask(model="r", messages=QUESTION)
        body = core.stages["one"].bodies[0].decode()
        assert hidden(SAID) in body
        assert EMAIL not in body
        said = msgspec.json.decode(asked.body)["choices"][0]["message"]["content"]
        assert said == f"Paid: {IBAN}, {EMAIL}"
        receipt = core.journal.receipt(asked.receipt_id)
        assert receipt.findings == ("email:1", "iban:1")
        assert "pseudonymised" in core.journal.opened(asked.receipt_id)[0].adaptations
        assert_nothing_personal(written(core, asked, caplog))


async def test_a_stream_comes_back_with_its_values(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with staged("one") as core:
        guard(core, HIDES)
        stage = core.stages["one"]
        stage.content_type, stage.answer = b"text/event-stream", stream_of(f"Paid: {hidden(IBAN)}!")
        asked = await core.ask(model="r", messages=QUESTION, stream=True)
        frames = [one[6:] for one in asked.body.split(b"\n\n") if one.startswith(b"data: {")]
        deltas = [msgspec.json.decode(one)["choices"][0]["delta"].get("content") or "" for one in frames]
        assert "".join(deltas) == f"Paid: {IBAN}!"
        assert_nothing_personal(written(core, asked, caplog))


async def test_what_is_refused_reaches_no_host_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with staged("one") as core:
        guard(core, REFUSES)
        asked = await core.ask(model="r", messages=QUESTION)
        error = msgspec.json.decode(asked.body)["error"]
        assert (asked.status, error["code"], core.stages["one"].connections) == (403, "refused_by_guard", 0)
        assert "1 x email, 1 x iban in `messages[0].content`" in error["message"]
        assert_nothing_personal(written(core, asked, caplog) + asked.body.decode())


async def test_words_of_a_host_about_an_error_bring_no_value_back(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with staged("one") as core:
        guard(core, HIDES)
        core.stages["one"].acts.extend(["400", "500"])
        for _ in range(2):
            asked = await core.ask(model="r", messages=QUESTION)
            assert asked.status >= 400
            assert_nothing_personal(written(core, asked, caplog) + asked.body.decode())


async def test_a_shadow_policy_only_writes_down_what_it_would_do(caplog: pytest.LogCaptureFixture) -> None:
    async with staged("one") as core:
        guard(core, Policy("anywhere"), shadow="hides")
        asked = await core.ask(model="r", messages=QUESTION)
        assert EMAIL in core.stages["one"].bodies[0].decode()
        assert core.journal.receipt(asked.receipt_id).findings == ("email:1", "iban:1")
        assert_nothing_personal(written(core, asked, caplog))


async def test_every_endpoint_that_is_tried_gets_the_same_placeholders() -> None:
    async with staged("one", "two") as core:
        guard(core, HIDES)
        core.configure([core.endpoint("one"), core.endpoint("two")], policies=[HIDES])
        core.stages["one"].acts.append("503")
        await core.ask(model="r", messages=QUESTION)
        assert hidden(SAID) in core.stages["one"].bodies[0].decode()
        assert core.stages["one"].bodies[0] == core.stages["two"].bodies[0]


async def test_a_long_request_is_looked_at_as_well() -> None:
    async with staged("one") as core:
        guard(core, HIDES)
        long = "Nothing to be seen here. " * 4000 + SAID
        asked = await core.ask(messages=[{"role": "user", "content": long}])
        assert asked.status == 200
        assert IBAN.encode() not in core.stages["one"].bodies[0]
        guard(core, REFUSES)
        assert (await core.ask(messages=[{"role": "user", "content": long}])).status == 403
        assert len(core.stages["one"].bodies) == 1


async def test_more_text_than_guards_read_is_refused() -> None:
    async with staged("one") as core:
        guard(core, HIDES)
        asked = await core.ask(messages=[{"role": "user", "content": "x" * (LONGEST_TEXT + 1)}])
        assert asked.status == 403
        assert str(LONGEST_TEXT) in asked.body.decode()
        assert not core.stages["one"].bodies
