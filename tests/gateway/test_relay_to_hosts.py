"""Requests through a real worker to a scripted host: what the host sees, what the client gets, what is written down."""

from __future__ import annotations

from decimal import Decimal

import httpx2
import openai
import pytest
from workplace import KEY, Workplace, wait_until

from hortus.testkit.replay_host import ReplayHost

QUESTION = [{"role": "user", "content": "Which office mends the lamp?"}]
CHAT = "/v1/chat/completions"


def post(workplace: Workplace, body: dict, **headers: str) -> httpx2.Response:
    return httpx2.post(f"{workplace.url}{CHAT}", json=body, headers={"authorization": f"Bearer {KEY}", **headers})


def test_a_plain_answer_comes_with_its_receipt(client: openai.OpenAI, workplace: Workplace) -> None:
    raw = client.chat.completions.with_raw_response.create(model="plain", messages=QUESTION)
    assert raw.parse().choices[0].message.content == "word"
    opened, settled = workplace.records_of(raw.headers["hortus-receipt"])
    assert (opened.route, opened.endpoint, opened.attempt, opened.caller.key_id) == ("plain", "plain", 1, "key_k")
    assert (settled.status, settled.http_status, settled.is_last) == ("completed", 200, True)
    assert (settled.usage.input_tokens, settled.usage.output_tokens) == (7, 5)
    assert settled.cost == Decimal("0.000064")
    assert settled.cost <= opened.reserved
    assert settled.host_request_id == "host-1"
    assert settled.served_model == "fake:chunks=5"


def test_the_host_gets_every_other_member_byte_for_byte(workplace: Workplace, host: ReplayHost) -> None:
    content = b'{ "x":1.50, "model" : "plain",\n"messages":[ {"role":"user", "content":"\\u00e9\\/"} ], "big":1E4}'
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json; charset=utf-8"}
    assert httpx2.post(f"{workplace.url}{CHAT}", content=content, headers=headers).status_code == 200
    assert host.seen[-1].body == (
        b'{"x":1.50,"model":"fake:chunks=5","messages":[ {"role":"user", "content":"\\u00e9\\/"} ],"big":1E4}'
    )


def test_a_doubled_key_reaches_the_host_as_it_was_judged(workplace: Workplace, host: ReplayHost) -> None:
    content = b'{"model":"cuts","messages":[],"model":"plain","max_tokens":1,"max_tokens":2}'
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    assert httpx2.post(f"{workplace.url}{CHAT}", content=content, headers=headers).status_code == 200
    assert host.seen[-1].body == b'{"model":"fake:chunks=5","messages":[],"max_tokens":2}'


def test_no_secret_or_cookie_crosses_the_door(workplace: Workplace, host: ReplayHost) -> None:
    answer = post(
        workplace,
        {"model": "plain", "messages": QUESTION},
        cookie="session=1",
        **{"openai-organization": "org-1", "x-forwarded-for": "10.0.0.1", "x-request-id": "mine-1"},
    )
    seen = host.seen[-1].headers
    assert seen["authorization"] == "Bearer sk-host"
    assert set(seen) == {
        "host",
        "accept-encoding",
        "content-length",
        "content-type",
        "accept",
        "authorization",
        "x-request-id",
        "user-agent",
    } | ({"connection"} & set(seen))
    assert seen["x-request-id"] == answer.headers["x-request-id"] == "mine-1"
    assert set(answer.headers) == {"date", "content-type", "content-length", "hortus-receipt", "x-request-id"}


def test_a_made_up_or_dangerous_request_id_is_replaced(workplace: Workplace) -> None:
    answer = post(workplace, {"model": "plain", "messages": QUESTION}, **{"x-request-id": "two words; {}"})
    assert answer.headers["x-request-id"].startswith("req_")


def test_a_trace_is_carried_to_the_host_and_back(workplace: Workplace, host: ReplayHost) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    answer = post(workplace, {"model": "plain", "messages": QUESTION}, traceparent=trace)
    assert answer.headers["traceparent"] == trace
    assert host.seen[-1].headers["traceparent"] == trace
    assert workplace.records_of(answer.headers["hortus-receipt"])[0].traceparent == trace


def test_a_stream_passes_byte_for_byte_when_the_client_asks_for_usage(workplace: Workplace, host: ReplayHost) -> None:
    asked = {"model": "plain", "messages": QUESTION, "stream": True, "stream_options": {"include_usage": True}}
    through = post(workplace, asked)
    direct = httpx2.post(f"{host.base_url}/chat/completions", json={**asked, "model": "fake:chunks=5"})
    assert through.content == direct.content
    assert host.seen[-2].json["stream_options"] == {"include_usage": True}


def test_the_usage_frame_that_nobody_asked_for_is_consumed(workplace: Workplace, host: ReplayHost) -> None:
    asked = {"model": "plain", "messages": QUESTION, "stream": True}
    through = post(workplace, asked)
    assert host.seen[-1].json["stream_options"] == {"include_usage": True}
    direct = httpx2.post(f"{host.base_url}/chat/completions", json={**asked, "model": "fake:chunks=5"})
    assert through.content == direct.content
    assert b"usage" not in through.content
    opened, settled = workplace.records_of(through.headers["hortus-receipt"])
    assert opened.adaptations == ("model", "stream_options.include_usage")
    assert (settled.usage.output_tokens, settled.usage.is_estimated) == (5, False)


def test_streams_are_not_buffered_and_not_stored(workplace: Workplace) -> None:
    answer = post(workplace, {"model": "plain", "messages": QUESTION, "stream": True})
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["cache-control"] == "no-store"


def test_usage_that_the_host_does_not_report_is_estimated(workplace: Workplace) -> None:
    body = {"model": "no-usage", "messages": QUESTION}
    for is_stream, output_tokens in ((True, 5), (False, 1)):
        answer = post(workplace, {**body, "stream": is_stream})
        usage = workplace.records_of(answer.headers["hortus-receipt"])[1].usage
        assert usage.is_estimated
        assert usage.output_tokens == output_tokens
        assert usage.input_tokens > 10


def test_a_stream_without_end_mark_is_complete_when_it_said_why_it_finished(workplace: Workplace) -> None:
    answer = post(workplace, {"model": "no-done", "messages": QUESTION, "stream": True})
    assert workplace.records_of(answer.headers["hortus-receipt"])[1].status == "completed"


@pytest.mark.parametrize("route", ["cuts-later", "breaks-inside", "goes-quiet"])
def test_a_stream_that_breaks_ends_with_an_error(client: openai.OpenAI, workplace: Workplace, route: str) -> None:
    raw = client.chat.completions.with_raw_response.create(model=route, messages=QUESTION, stream=True)
    with pytest.raises(openai.APIError):
        list(raw.parse())
    settled = workplace.records_of(raw.headers["hortus-receipt"])[1]
    assert settled.status == ("timed_out" if route == "goes-quiet" else "failed")
    assert settled.usage.is_estimated
    assert settled.usage.output_tokens == (2 if route == "breaks-inside" else 3)


def test_a_client_that_leaves_after_the_hosts_error_has_cancelled_nothing(
    client: openai.OpenAI, workplace: Workplace
) -> None:
    raw = client.chat.completions.with_raw_response.create(model="breaks-and-stays", messages=QUESTION, stream=True)
    with pytest.raises(openai.APIError):
        list(raw.parse())  # the SDK closes its connection while the host's is still open
    settled = workplace.records_of(raw.headers["hortus-receipt"])[1]
    assert (settled.status, settled.error_code, settled.http_status) == ("failed", "host_error", 200)
    assert settled.usage.output_tokens == 2


async def test_the_async_client_streams(workplace: Workplace) -> None:
    async with openai.AsyncOpenAI(base_url=f"{workplace.url}/v1", api_key=KEY) as client:
        stream = await client.chat.completions.create(model="plain", messages=QUESTION, stream=True)
        text = "".join([part.choices[0].delta.content or "" async for part in stream if part.choices])
    assert text == "word0 word1 word2 word3 word4 "


def test_embeddings_have_input_tokens_only(client: openai.OpenAI, workplace: Workplace) -> None:
    raw = client.embeddings.with_raw_response.create(model="plain", input=["one", "three"], encoding_format="float")
    assert [one.embedding for one in raw.parse().data] == [[3.0, 0.5], [5.0, 0.5]]
    opened, settled = workplace.records_of(raw.headers["hortus-receipt"])
    assert opened.operation == "embeddings"
    assert (settled.usage.input_tokens, settled.usage.output_tokens) == (7, 0)


def test_models_lists_what_the_key_may_use(client: openai.OpenAI) -> None:
    assert "plain" in {model.id for model in client.models.list()}
    assert client.models.retrieve("plain").object == "model"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no/such/route")


def test_fallback_goes_on_until_one_answers(client: openai.OpenAI, workplace: Workplace) -> None:
    raw = client.chat.completions.with_raw_response.create(model="fallback", messages=QUESTION)
    records = workplace.records_of(raw.headers["hortus-receipt"], count=10)
    assert [one.endpoint for one in records[::2]] == ["says-500", "nowhere", "says-401", "says-429", "plain"]
    assert [one.error_code for one in records[1::2]] == [
        "host_error",
        "host_unavailable",
        "host_refused_credential",
        "host_overloaded",
        None,
    ]
    assert [one.is_last for one in records[1::2]] == [False, False, False, False, True]
    assert [one.http_status for one in records[1::2]] == [500, None, 401, 429, 200]


def test_a_rejected_request_is_not_sent_elsewhere(client: openai.OpenAI, host: ReplayHost) -> None:
    before = len(host.seen)
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="rejected-first", messages=QUESTION)
    assert len(host.seen) == before + 1


@pytest.mark.parametrize(
    ("route", "expected", "retry"),
    [
        ("says-400", openai.BadRequestError, None),
        ("says-401", openai.InternalServerError, "false"),
        ("says-403", openai.InternalServerError, "false"),
        ("says-404", openai.NotFoundError, None),
        ("says-429", openai.RateLimitError, None),
        ("says-500", openai.InternalServerError, None),
        ("cuts", openai.InternalServerError, "false"),
        ("nowhere", openai.InternalServerError, None),
        ("impatient", openai.InternalServerError, "false"),
        ("no-credential", openai.PermissionDeniedError, "false"),
    ],
)
def test_faults_raise_the_class_that_users_catch(
    client: openai.OpenAI, workplace: Workplace, route: str, expected: type[openai.APIStatusError], retry: str | None
) -> None:
    with pytest.raises(expected) as caught:
        client.chat.completions.create(model=route, messages=QUESTION)
    headers = caught.value.response.headers
    assert headers.get("x-should-retry") == retry
    assert workplace.records_of(headers["hortus-receipt"], count=1)[0].receipt_id == headers["hortus-receipt"]
    assert headers["x-request-id"]
    assert "sk-host" not in caught.value.response.text


def test_retry_after_of_the_host_reaches_the_client(client: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="says-429", messages=QUESTION)
    assert caught.value.response.headers["retry-after"] == "7"


def test_an_endpoint_that_was_never_reached_is_tried_once_more(client: openai.OpenAI, workplace: Workplace) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="nowhere", messages=QUESTION)
    records = workplace.records_of(caught.value.response.headers["hortus-receipt"], count=4)
    assert [one.attempt for one in records] == [1, 1, 2, 2]


def test_a_call_that_may_have_cost_is_not_repeated(client: openai.OpenAI, workplace: Workplace) -> None:
    for route, status in (("cuts", "failed"), ("impatient", "timed_out")):
        with pytest.raises(openai.InternalServerError) as caught:
            client.chat.completions.create(model=route, messages=QUESTION)
        records = workplace.records_of(caught.value.response.headers["hortus-receipt"])
        assert len(records) == 2
        assert records[1].status == status
        assert records[1].usage.is_estimated


def test_an_operation_that_no_endpoint_offers_is_a_bad_request(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="does not offer embeddings"):
        client.embeddings.create(model="chat-only", input="x")


def test_a_client_that_leaves_a_stream_cancels_the_host(
    client: openai.OpenAI, workplace: Workplace, host: ReplayHost
) -> None:
    raw = client.chat.completions.with_raw_response.create(model="slow", messages=QUESTION, stream=True)
    seen = host.seen[-1]
    stream = raw.parse()
    for _ in range(10):
        next(iter(stream))
    stream.response.close()
    wait_until(lambda: seen.was_cut)
    settled = workplace.records_of(raw.headers["hortus-receipt"])[1]
    assert settled.status == "cancelled"
    assert settled.usage.is_estimated
    assert 10 <= settled.usage.output_tokens <= seen.deltas_sent


def test_a_client_that_leaves_while_waiting_cancels_the_host(workplace: Workplace, host: ReplayHost) -> None:
    before = len(host.seen)
    with pytest.raises(httpx2.ReadTimeout):
        httpx2.post(
            f"{workplace.url}{CHAT}",
            json={"model": "sleeps", "messages": QUESTION},
            headers={"authorization": f"Bearer {KEY}"},
            timeout=0.3,
        )
    assert len(host.seen) == before + 1

    def cancelled() -> bool:
        return any(getattr(one, "status", "") == "cancelled" and one.output_bytes == 0 for one in workplace.records())

    wait_until(cancelled)
