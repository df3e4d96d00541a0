"""The official openai SDK's client for Azure against a running Hortus; Foundry's path by plain HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import openai
import pytest

from garden import Hortus, wait_for
from hortus.testkit.replay_host import ReplayHost

pytestmark = pytest.mark.slow

QUESTION = [{"role": "user", "content": "The street lamp in front of our house has been dark since Monday."}]
VERSION = "2025-03-01-preview"
STREAMED = "word0 word1 word2 word3 word4 "
WHOLE = "word"

ROUTES = {
    "replay": "fake:chunks=5",
    "eu/replay": "fake:chunks=5",
    "says-429": "fake:status=429,retry_after=7",
    "says-500": "fake:status=500",
    "breaks-inside": "fake:chunks=9,error_after=2",
}


def declared(host: ReplayHost) -> str:
    text = '[[project]]\nname = "default"\nroutes = ["*"]\n'
    for number, (name, model) in enumerate(ROUTES.items()):
        text += f"""
[[endpoint]]
name = "e{number}"
model = "fake"
host = "openai-compatible"
base_url = "{host.base_url}"
private_address = true
upstream_model = "{model}"
credential = "env:REPLAY_KEY"
operations = ["chat", "embeddings"]
[[route]]
name = "{name}"
endpoints = ["e{number}"]
"""
    return text


@pytest.fixture(scope="module")
def garden(start_hortus, replay_host: ReplayHost) -> Hortus:
    return start_hortus(toml=declared(replay_host), environment={"REPLAY_KEY": "sk-replay"})


@pytest.fixture(scope="module")
def key(garden: Hortus) -> str:
    return garden.new_key()


@pytest.fixture(params=["", "/azure"])
def client(request: pytest.FixtureRequest, garden: Hortus, key: str) -> Iterator[openai.AzureOpenAI]:
    """A client at the root, and one at the base."""
    with openai.AzureOpenAI(
        azure_endpoint=garden.door + request.param, api_version=VERSION, api_key=key, max_retries=0
    ) as client:
        yield client


@pytest.mark.parametrize("route", ["replay", "eu/replay"])
def test_a_chat_goes_to_the_deployment_that_is_a_route(client: openai.AzureOpenAI, route: str) -> None:
    answer = client.chat.completions.create(model=route, messages=QUESTION)
    assert answer.choices[0].message.content == WHOLE
    assert answer.usage.completion_tokens == 5


def test_a_chat_streams(client: openai.AzureOpenAI) -> None:
    parts = list(client.chat.completions.create(model="replay", messages=QUESTION, stream=True))
    assert "".join(part.choices[0].delta.content or "" for part in parts if part.choices) == STREAMED


def test_embeddings_are_made(client: openai.AzureOpenAI) -> None:
    answer = client.embeddings.create(model="replay", input=["one", "two"])
    assert len(answer.data) == 2


def test_responses_answer_and_stream(client: openai.AzureOpenAI) -> None:
    assert client.responses.create(model="replay", input="May I?").output_text == WHOLE
    events = list(client.responses.create(model="replay", input="May I?", stream=True))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == STREAMED
    assert events[-1].type == "response.completed"


def test_the_routes_are_listed(client: openai.AzureOpenAI) -> None:
    assert {one.id for one in client.models.list()} >= set(ROUTES)
    assert client.models.retrieve("replay").id == "replay"


async def test_the_async_client_streams_too(garden: Hortus, key: str) -> None:
    async with openai.AsyncAzureOpenAI(azure_endpoint=garden.door, api_version=VERSION, api_key=key) as client:
        stream = await client.chat.completions.create(model="replay", messages=QUESTION, stream=True)
        text = "".join([part.choices[0].delta.content or "" async for part in stream if part.choices])
    assert text == STREAMED


def test_a_client_with_a_deployment_of_its_own_gets_that_one_and_the_receipt_says_so(garden: Hortus, key: str) -> None:
    with openai.AzureOpenAI(
        azure_endpoint=garden.door, azure_deployment="replay", api_version=VERSION, api_key=key
    ) as client:
        found = client.chat.completions.with_raw_response.create(model="gpt-4", messages=QUESTION)
    assert found.parse().choices[0].message.content == WHOLE
    receipt_id = found.headers["hortus-receipt"]

    def find() -> dict | None:
        kept = garden.cli_json("receipts", "--last", "50")
        return next((one for one in kept if one["receipt_id"] == receipt_id), None)

    receipt = wait_for(find, what=f"receipt {receipt_id}")
    assert receipt["route"] == "replay"
    assert "path>model" in str(receipt)


ERRORS = [
    ("says-429", openai.RateLimitError),
    ("says-500", openai.InternalServerError),
    ("nobody", openai.NotFoundError),
]


@pytest.mark.parametrize(("route", "raised"), ERRORS)
def test_errors_are_of_the_class_that_users_catch(
    client: openai.AzureOpenAI, route: str, raised: type[Exception]
) -> None:
    with pytest.raises(raised):
        client.chat.completions.create(model=route, messages=QUESTION)


def test_an_error_inside_a_stream_is_raised(client: openai.AzureOpenAI) -> None:
    with pytest.raises(openai.APIError):
        list(client.chat.completions.create(model="breaks-inside", messages=QUESTION, stream=True))


def test_a_token_of_entra_is_no_key_of_hortus(garden: Hortus) -> None:
    token = "eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJ4In0.c2ln"
    with (
        openai.AzureOpenAI(azure_endpoint=garden.door, api_version=VERSION, azure_ad_token=token) as client,
        pytest.raises(openai.AuthenticationError, match="Microsoft Entra ID"),
    ):
        client.chat.completions.create(model="replay", messages=QUESTION)


def test_the_path_of_the_newer_interface_takes_openai_s_own_client(garden: Hortus, key: str) -> None:
    with openai.OpenAI(base_url=f"{garden.door}/azure/openai/v1/", api_key=key) as client:
        answer = client.chat.completions.create(model="replay", messages=QUESTION)
    assert answer.choices[0].message.content == WHOLE


@pytest.mark.parametrize("path", ["/models/chat/completions", "/azure/models/chat/completions"])
def test_foundry_s_path_answers_as_azure_ai_inference_asks(garden: Hortus, key: str, path: str) -> None:
    answer = httpx2.post(
        f"{garden.door}{path}",
        params={"api-version": "2024-05-01-preview"},
        headers={"api-key": key, "extra-parameters": "pass-through", "accept": "application/json"},
        json={"model": "replay", "messages": QUESTION},
    )
    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"]["content"] == WHOLE
