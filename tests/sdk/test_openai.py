"""The official openai SDK against a running Hortus: the seedling, and a replay host for other answers and faults."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import httpx2
import openai
import pytest

from garden import Hortus, wait_for
from hortus.testkit.replay_host import ReplayHost

pytestmark = pytest.mark.slow

QUESTION = [{"role": "user", "content": "The street lamp in front of our house has been dark since Monday."}]
DEPARTMENTS = {"waste", "roads", "water", "parks", "registry", "taxes", "schools", "lighting"}

FAULTS_TOML = """
[[project]]
name = "default"
routes = ["*"]
"""

ROUTES = {
    "replay": "fake:chunks=5",
    "no-usage": "fake:chunks=5,no_usage=1",
    "no-done": "fake:chunks=4,no_done=1",
    "says-400": "fake:status=400",
    "says-401": "fake:status=401",
    "says-404": "fake:status=404",
    "says-429": "fake:status=429,retry_after=7",
    "says-500": "fake:status=500",
    "cuts": "fake:reset_after=0",
    "cuts-later": "fake:chunks=9,reset_after=3",
    "breaks-inside": "fake:chunks=9,error_after=2",
    "paced": "fake:chunks=2000,delay_ms=5",
}


def declared(host: ReplayHost) -> str:
    text = FAULTS_TOML
    for name, model in ROUTES.items():
        text += f"""
[[endpoint]]
name = "{name}"
model = "fake"
host = "openai-compatible"
base_url = "{host.base_url}"
private_address = true
upstream_model = "{model}"
credential = "env:REPLAY_KEY"
operations = ["chat", "embeddings"]
[[route]]
name = "{name}"
endpoints = ["{name}"]
"""
    return text + '[[route]]\nname = "fallback"\nendpoints = ["says-500", "cuts", "replay"]\n'


@pytest.fixture(scope="module", params=["own", "uvicorn"])
def garden(request: pytest.FixtureRequest, start_hortus, replay_host: ReplayHost) -> Hortus:
    """A Hortus for each way from uvicorn's server to the gateway."""
    flags = ("--door-server", request.param)
    return start_hortus(toml=declared(replay_host), environment={"REPLAY_KEY": "sk-replay"}, flags=flags)


@pytest.fixture(scope="module")
def key(garden: Hortus) -> str:
    return garden.new_key()


@pytest.fixture
def open_client(garden: Hortus) -> Iterator[Callable[..., openai.OpenAI]]:
    """Open clients that are closed with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda api_key, *, max_retries=0: stack.enter_context(
            openai.OpenAI(base_url=f"{garden.door}/v1", api_key=api_key, max_retries=max_retries)
        )


@pytest.fixture
def client(open_client: Callable[..., openai.OpenAI], key: str) -> openai.OpenAI:
    return open_client(key)


@pytest.fixture
def patient(open_client: Callable[..., openai.OpenAI], key: str) -> openai.OpenAI:
    """As SDKs are by default: tries again, here while the engine starts."""
    return open_client(key, max_retries=10)


def receipt_of(garden: Hortus, receipt_id: str) -> dict:
    """Wait until the ledger has taken the receipt in."""

    def find() -> dict | None:
        found = garden.cli_json("receipts", "--last", "50")
        return next((one for one in found if one["receipt_id"] == receipt_id), None)

    return wait_for(find, what=f"receipt {receipt_id}")


def test_the_seedling_answers_with_a_department(patient: openai.OpenAI) -> None:
    answer = patient.chat.completions.create(model="seedling", messages=QUESTION)
    assert answer.choices[0].message.content.strip() in DEPARTMENTS
    assert answer.usage.completion_tokens >= 1


def test_the_seedling_is_greedy_so_its_answers_repeat(patient: openai.OpenAI) -> None:
    answers = {
        patient.chat.completions.create(model="seedling", messages=QUESTION).choices[0].message.content
        for _ in range(5)
    }
    assert len(answers) == 1


def test_the_seedling_streams(patient: openai.OpenAI) -> None:
    parts = list(patient.chat.completions.create(model="seedling", messages=QUESTION, stream=True))
    text = "".join(part.choices[0].delta.content or "" for part in parts if part.choices)
    assert text.strip() in DEPARTMENTS


async def test_the_async_client_streams_too(garden: Hortus, key: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{garden.door}/v1", api_key=key) as client:
        stream = await client.chat.completions.create(model="replay", messages=QUESTION, stream=True)
        text = "".join([part.choices[0].delta.content or "" async for part in stream if part.choices])
    assert text == "word0 word1 word2 word3 word4 "


def test_a_usage_frame_comes_only_when_the_client_asked(client: openai.OpenAI) -> None:
    without = list(client.chat.completions.create(model="replay", messages=QUESTION, stream=True))
    asked = list(
        client.chat.completions.create(
            model="replay", messages=QUESTION, stream=True, stream_options={"include_usage": True}
        )
    )
    assert all(part.usage is None for part in without)
    assert [part.usage.completion_tokens for part in asked if part.usage] == [5]


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_embeddings_come_back(client: openai.OpenAI, encoding: str) -> None:
    answer = client.embeddings.create(model="replay", input=["one", "three"], encoding_format=encoding)
    assert [one.embedding for one in answer.data] == [[3.0, 0.5], [5.0, 0.5]]


def test_models_lists_the_routes_that_the_key_may_use(client: openai.OpenAI, garden: Hortus, open_client) -> None:
    listed = {model.id for model in client.models.list()}
    assert {"seedling", "fallback", *ROUTES} == listed
    assert client.models.retrieve("seedling").id == "seedling"
    other = open_client(garden.new_key("narrow"))
    assert {model.id for model in other.models.list()} == {"seedling"}


def test_members_that_hortus_does_not_know_reach_the_host_byte_for_byte(
    client: openai.OpenAI, replay_host: ReplayHost
) -> None:
    client.chat.completions.create(
        model="replay", messages=QUESTION, temperature=0.30, extra_body={"made_up": {"z": 1, "a": [1.50, 2e3]}}
    )
    sent = replay_host.seen[-1]
    assert sent.json["model"] == "fake:chunks=5"
    assert sent.json["made_up"] == {"z": 1, "a": [1.5, 2000.0]}
    assert sent.headers["authorization"] == "Bearer sk-replay"


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ("says-400", openai.BadRequestError),
        ("says-404", openai.NotFoundError),
        ("says-429", openai.RateLimitError),
        ("says-500", openai.InternalServerError),
        ("says-401", openai.InternalServerError),
        ("cuts", openai.InternalServerError),
    ],
)
def test_faults_of_the_host_raise_the_class_that_users_catch(
    client: openai.OpenAI, route: str, expected: type[openai.APIStatusError]
) -> None:
    with pytest.raises(expected) as caught:
        client.chat.completions.create(model=route, messages=QUESTION)
    headers = caught.value.response.headers
    assert headers["hortus-receipt"].startswith("rcp_")
    assert headers["x-request-id"]


def test_retry_after_of_the_host_reaches_the_client(client: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="says-429", messages=QUESTION)
    assert caught.value.response.headers["retry-after"] == "7"


def test_a_wrong_key_is_an_authentication_error(garden: Hortus, open_client) -> None:
    stranger = open_client("hortus_sk_" + "x" * 40, max_retries=2)
    with pytest.raises(openai.AuthenticationError) as caught:
        stranger.chat.completions.create(model="seedling", messages=QUESTION)
    assert caught.value.code == "invalid_api_key"
    assert caught.value.response.headers["x-should-retry"] == "false"


def test_an_unknown_route_is_not_found_and_names_it(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="no-such-model") as caught:
        client.chat.completions.create(model="no-such-model", messages=QUESTION)
    assert caught.value.code == "model_not_found"


def test_a_route_that_the_key_may_not_use_looks_like_an_unknown_one(garden: Hortus, open_client) -> None:
    narrow = open_client(garden.new_key("narrow"))
    with pytest.raises(openai.NotFoundError) as caught:
        narrow.chat.completions.create(model="replay", messages=QUESTION)
    assert caught.value.code == "model_not_found"


def test_a_revoked_key_stops_working(garden: Hortus, open_client) -> None:
    made = garden.cli_json("keys", "create", "--project", "default")
    client = open_client(made["key"])
    client.chat.completions.create(model="replay", messages=QUESTION)
    garden.cli("keys", "revoke", made["id"])

    def is_refused() -> bool:
        try:
            client.chat.completions.create(model="replay", messages=QUESTION)
        except openai.AuthenticationError:
            return True
        return False

    wait_for(is_refused, what="the revocation")


def test_the_next_endpoint_answers_when_the_first_ones_fail(client: openai.OpenAI, garden: Hortus) -> None:
    raw = client.chat.completions.with_raw_response.create(model="fallback", messages=QUESTION)
    assert raw.parse().choices[0].message.content == "word"
    receipt = receipt_of(garden, raw.headers["hortus-receipt"])
    assert receipt["attempts"][0]["endpoint"] == "says-500"
    assert receipt["attempts"][-1]["endpoint"] == "replay"
    assert receipt["status"] == "completed"


@pytest.mark.parametrize("route", ["cuts-later", "breaks-inside"])
def test_a_stream_that_breaks_is_an_error_and_not_a_short_answer(
    client: openai.OpenAI, garden: Hortus, route: str
) -> None:
    raw = client.chat.completions.with_raw_response.create(model=route, messages=QUESTION, stream=True)
    with pytest.raises(openai.APIError):
        list(raw.parse())
    receipt = receipt_of(garden, raw.headers["hortus-receipt"])
    assert receipt["status"] == "failed"
    assert receipt["usage"]["is_estimated"] is True


def test_usage_and_cost_are_in_the_receipt(client: openai.OpenAI, garden: Hortus) -> None:
    raw = client.chat.completions.with_raw_response.create(model="replay", messages=QUESTION)
    receipt = receipt_of(garden, raw.headers["hortus-receipt"])
    assert (receipt["usage"]["input_tokens"], receipt["usage"]["output_tokens"]) == (7, 5)
    assert receipt["usage"]["is_estimated"] is False
    assert receipt["model"] == "fake"
    assert receipt["endpoint"] == "replay"


def test_usage_of_a_host_that_reports_none_is_estimated(client: openai.OpenAI, garden: Hortus) -> None:
    raw = client.chat.completions.with_raw_response.create(model="no-usage", messages=QUESTION, stream=True)
    assert len([part for part in raw.parse() if part.choices[0].delta.content]) == 5
    receipt = receipt_of(garden, raw.headers["hortus-receipt"])
    assert receipt["usage"]["is_estimated"] is True
    assert receipt["usage"]["output_tokens"] == 5


def test_a_stream_without_its_end_mark_is_complete_when_it_said_why_it_finished(
    client: openai.OpenAI, garden: Hortus
) -> None:
    raw = client.chat.completions.with_raw_response.create(model="no-done", messages=QUESTION, stream=True)
    assert len([part for part in raw.parse() if part.choices and part.choices[0].delta.content]) == 4
    assert receipt_of(garden, raw.headers["hortus-receipt"])["status"] == "completed"


def test_a_client_that_leaves_cancels_the_host_and_pays_what_was_made(
    client: openai.OpenAI, garden: Hortus, replay_host: ReplayHost
) -> None:
    raw = client.chat.completions.with_raw_response.create(model="paced", messages=QUESTION, stream=True)
    stream = raw.parse()
    seen = replay_host.seen[-1]
    for _, _part in zip(range(10), stream, strict=False):
        pass
    stream.close()
    wait_for(lambda: seen.was_cut, what="the cancellation at the host")
    receipt = receipt_of(garden, raw.headers["hortus-receipt"])
    assert receipt["status"] == "cancelled"
    assert receipt["usage"]["is_estimated"] is True
    assert 10 <= receipt["usage"]["output_tokens"] <= seen.deltas_sent


def test_ids_of_the_caller_are_kept(client: openai.OpenAI, garden: Hortus) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    raw = client.chat.completions.with_raw_response.create(
        model="replay", messages=QUESTION, extra_headers={"x-request-id": "mine-1", "traceparent": trace}
    )
    assert raw.headers["x-request-id"] == "mine-1"
    receipt = receipt_of(garden, raw.headers["hortus-receipt"])
    assert receipt["request_id"] == "mine-1"
    assert receipt["traceparent"] == trace


def test_streams_ask_proxies_not_to_buffer_and_nobody_to_store(garden: Hortus, key: str) -> None:
    body = {"model": "replay", "messages": QUESTION, "stream": True}
    answer = httpx2.post(f"{garden.door}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"})
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"].startswith("text/event-stream")
