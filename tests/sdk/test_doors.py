"""Every official SDK at Hortus' own door: its addresses, its list of models, its errors, the ids that it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx2
import msgspec
import pytest

from garden import Hortus, wait_for
from hortus.testkit.replay_host import ReplayHost
from sdk.clients.words import Ask, listening
from sdk.matrix import CLIENTS

pytestmark = pytest.mark.slow
ROOTS = {
    name: {"/openai/v1": "/v1", "/azure/models": "/models"}.get(base, "") for name, (_, base, _) in CLIENTS.items()
}
"""The makers' own paths work at the root as well."""
REQUEST_IDS = {
    "anthropic": "request-id",
    "mistralai": "mistral-correlation-id",
    "boto3": "x-amzn-requestid",
}
"""Where it is not `x-request-id`."""
LIST_NOTHING = frozenset({"azure-ai-inference", "Foundry's path by plain HTTP", "boto3"})
"""Clients without a list of models; Bedrock's belongs to another service with a client of its own."""
SIGNS = "boto3"
GENERATE = "/gemini/v1beta/models/replay:streamGenerateContent"
HELLO = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
TOML = """
[[project]]
name = "default"
routes = ["*"]

[[endpoint]]
name = "replay"
model = "fake"
host = "any"
dialects = ["openai_chat"]
base_url = "{base_url}"
private_address = true
upstream_model = "fake:scene=text"
credential = "env:REPLAY_KEY"

[[route]]
name = "replay"
endpoints = ["replay"]
"""
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def garden(start_hortus, replay_host: ReplayHost) -> Hortus:
    environment = {"REPLAY_KEY": "sk-replay", "HORTUS_BODY_LIMIT_MIB": "1"}
    return start_hortus(toml=TOML.format(base_url=replay_host.base_url), environment=environment)


@pytest.fixture(scope="module")
def keys(garden: Hortus) -> tuple[str, str]:
    """A key, and its pair for clients that sign."""
    return garden.new_key_and_pair()


@pytest.fixture(scope="module")
def key(keys: tuple[str, str]) -> str:
    return keys[0]


@pytest.fixture(params=CLIENTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_client(garden: Hortus, keys: tuple[str, str], name: str) -> Iterator[Open]:
    """Open the client: `open_client(base=…, key=…)`."""
    with ExitStack() as stack:

        def make(*, base: str = CLIENTS[name][1], key: str = keys[name == SIGNS]) -> Any:
            return CLIENTS[name][0](garden.door + base, key, stack.enter_context(listening()))

        yield make


def test_the_base_of_its_dialect_always_works(open_client: Open) -> None:
    assert open_client().ask("replay", Ask()).text


def test_the_makers_own_paths_work_at_the_root(open_client: Open, name: str) -> None:
    assert open_client(base=ROOTS[name]).ask("replay", Ask()).text


def test_the_list_shows_the_routes_of_the_key(open_client: Open, name: str) -> None:
    if name in LIST_NOTHING:
        pytest.skip("the client lists no models")
    assert open_client().routes() == {"seedling", "replay"}


def test_the_seedling_answers_whoever_asks(open_client: Open) -> None:
    client = open_client()

    def answer() -> str | None:
        try:
            return str(client.ask("seedling", Ask()).text)
        except client.raised(503):  # its engine starts
            return None

    assert wait_for(answer, within_s=60, what="the seedling's answer")


def test_an_answer_has_the_id_that_the_sdk_shows(open_client: Open, name: str) -> None:
    client = open_client()
    client.ask("replay", Ask())
    assert client.headers[REQUEST_IDS.get(name, "x-request-id")]
    assert client.headers["hortus-receipt"].startswith("rcp_")


def test_a_wrong_key_raises_the_class_for_it(open_client: Open, name: str) -> None:
    client = open_client(key=f"{'AKIA' + 'X' * 16}:wrong" if name == SIGNS else "hortus_sk_" + "x" * 40)
    status = 403 if name == SIGNS else 401  # Amazon has no other for a signature
    with pytest.raises(client.raised(status)) as caught:
        client.ask("replay", Ask())
    assert client.status_of(caught.value) == status


def test_an_unknown_route_raises_the_class_for_it(open_client: Open) -> None:
    client = open_client()
    with pytest.raises(client.raised(404), match="no-such-model") as caught:
        client.ask("no-such-model", Ask())
    assert client.status_of(caught.value) == 404


def test_a_body_that_is_too_large_raises_the_class_for_it(open_client: Open) -> None:
    client = open_client()
    with pytest.raises(client.raised(413)) as caught:
        client.ask("replay", Ask(text="x" * (2 << 20)))
    assert client.status_of(caught.value) == 413


def test_gemini_without_alt_sse_is_one_array(garden: Hortus, key: str) -> None:
    answer = httpx2.post(garden.door + GENERATE, json=HELLO, headers={"x-goog-api-key": key})
    assert answer.headers["content-type"].startswith("application/json")
    chunks = msgspec.json.decode(answer.content)
    parts = [part for one in chunks for found in one["candidates"] for part in found["content"]["parts"]]
    assert "".join(part["text"] for part in parts).startswith("The lamp")


def test_gemini_with_alt_sse_streams_events(garden: Hortus, key: str) -> None:
    answer = httpx2.post(f"{garden.door}{GENERATE}?alt=sse", json=HELLO, headers={"x-goog-api-key": key})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.content.startswith(b"data: {")


def test_geminis_key_may_stand_in_the_address_and_not_in_the_log(garden: Hortus, key: str) -> None:
    answer = httpx2.post(f"{garden.door}{GENERATE}?key={key}", json=HELLO)
    assert answer.status_code == 200
    assert key not in garden.log_path.read_text("utf-8")


def test_version_one_of_geminis_paths_is_served_too(garden: Hortus, key: str) -> None:
    path = "/gemini/v1/models/replay:generateContent"
    assert httpx2.post(garden.door + path, json=HELLO, headers={"x-goog-api-key": key}).status_code == 200


@pytest.mark.parametrize(("header", "marks"), [({}, "object"), ({"anthropic-version": "2023-06-01"}, "has_more")])
def test_the_list_at_the_root_is_openais_unless_anthropics_version_is_sent(
    garden: Hortus, key: str, header: dict[str, str], marks: str
) -> None:
    answer = httpx2.get(f"{garden.door}/v1/models", headers={"authorization": f"Bearer {key}", **header})
    assert marks in answer.json()
