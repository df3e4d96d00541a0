"""What the replay host refuses, and the odd things that it says on the wire because makers do."""

from __future__ import annotations

from typing import Any

import httpx2
import msgspec
import pytest
from botocore.eventstream import EventStreamBuffer

from hortus.testkit.replay_host import ReplayHost
from hortus.testkit.scenes import seals
from sdk.clients.anthropic_messages import AnthropicMessages
from sdk.clients.bedrock import Bedrock
from sdk.clients.cohere import Cohere
from sdk.clients.google_genai import GoogleGenAI
from sdk.clients.mistralai import MistralAI
from sdk.clients.openai_chat import OpenAIChat
from sdk.clients.openai_responses import OpenAIResponses
from sdk.clients.words import Ask, Call, Heard, listening
from sdk.features import BOTH, FOUND

CLIENTS = {
    OpenAIChat: "/v1",
    OpenAIResponses: "/v1",
    AnthropicMessages: "",
    GoogleGenAI: "",
    MistralAI: "/mistral",
    Cohere: "",
    Bedrock: "",
}
CALL = Call("a1B2c3D4e", "office_hours", {})
GENERATE = "/v1beta/models/fake:scene={scene}:streamGenerateContent"


def post(host: ReplayHost, path: str, body: dict[str, Any]) -> httpx2.Response:
    keys = {"authorization": "Bearer any", "x-goog-api-key": "any", "x-api-key": "any"}
    return httpx2.post(f"http://127.0.0.1:{host.port}{path}", json=body, headers=keys)


def ask_gemini(host: ReplayHost, scene: str, query: str = "") -> httpx2.Response:
    contents = [{"role": "user", "parts": [{"text": "Hello"}]}]
    return post(host, GENERATE.format(scene=scene) + query, {"contents": contents})


@pytest.fixture(params=CLIENTS, ids=lambda one: one.dialect)
def client(request: pytest.FixtureRequest, replay_host: ReplayHost):
    with listening() as ears:
        yield request.param(f"http://127.0.0.1:{replay_host.port}{CLIENTS[request.param]}", "sk-any", ears)


def test_a_turn_without_its_seal_is_refused(client: Any) -> None:
    if client.dialect == "cohere_v2":
        pytest.skip("Cohere signs nothing")
    history = (*client.past_calls((CALL,)), *client.results(Heard(calls=(CALL,)), FOUND))
    with pytest.raises(client.raised(400)):
        client.ask("fake:scene=tool-loop", Ask(tools=BOTH, history=history))


def test_a_result_without_its_call_is_refused(client: Any) -> None:
    with pytest.raises(client.raised(400)):
        client.ask("fake:scene=tool-results", Ask(tools=BOTH, history=client.results(Heard(calls=(CALL,)), FOUND)))


def test_a_call_with_other_arguments_is_refused(client: Any) -> None:
    other = Call(CALL.id, "office_hours", {"day": "Monday"})
    history = (*client.past_calls((other,)), *client.results(Heard(calls=(other,)), FOUND))
    with pytest.raises(client.raised(400)):
        client.ask("fake:scene=tool-results", Ask(tools=BOTH, history=history))


@pytest.mark.parametrize("scene", ["tools-single", "image", "structured", "tool-results"])
def test_what_a_scene_needs_must_be_in_the_request(client: Any, scene: str) -> None:
    with pytest.raises(client.raised(400)):
        client.ask(f"fake:scene={scene}", Ask())


def test_a_seal_fits_what_it_was_given_with_and_nothing_else() -> None:
    made = seals.seal("gemini", "a call", nonce="000001")
    assert seals.fits(made, "gemini", "a call")
    assert seals.fits(made.replace("+", "-").replace("/", "_"), "gemini", "a call")
    for text, dialect, bound in [
        (made, "gemini", "another call"),
        (made, "openai_chat", "a call"),
        (made[:-4] + "AAAA", "gemini", "a call"),
        ("nonsense", "gemini", "a call"),
        (None, "gemini", "a call"),
    ]:
        assert not seals.fits(text, dialect, bound)


def test_gemini_streams_events_with_crlf(replay_host: ReplayHost) -> None:
    answer = ask_gemini(replay_host, "text", "?alt=sse")
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.content.endswith(b"}\r\n\r\n")
    assert b"\n\n" not in answer.content


def test_gemini_streams_one_array_where_nobody_asks_for_events(replay_host: ReplayHost) -> None:
    answer = ask_gemini(replay_host, "text")
    assert answer.headers["content-type"].startswith("application/json")
    assert len(msgspec.json.decode(answer.content)) == 5


def test_gemini_labels_an_error_as_a_stream(replay_host: ReplayHost) -> None:
    answer = ask_gemini(replay_host, "error,status=404", "?alt=sse")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/event-stream")
    assert msgspec.json.decode(answer.content)["error"]["status"] == "NOT_FOUND"


def test_gemini_says_in_the_body_when_to_come_back(replay_host: ReplayHost) -> None:
    answer = ask_gemini(replay_host, "error,status=429,retry_after=7", "?alt=sse")
    assert "retry-after" not in answer.headers
    assert msgspec.json.decode(answer.content)["error"]["details"][0]["retryDelay"] == "7s"


@pytest.mark.parametrize(
    ("scene", "sign"),
    [
        ("obfuscation", b'"obfuscation":"'),
        ("empty-choices", b'"prompt_filter_results":[{"prompt_index":0'),
        ("comments", b": OPENROUTER PROCESSING\n\n"),
        ("text", b"data: [DONE]\n\n"),
    ],
)
def test_odd_things_are_on_the_wire(replay_host: ReplayHost, scene: str, sign: bytes) -> None:
    body = {"model": f"fake:scene={scene}", "messages": [{"role": "user", "content": "x"}], "stream": True}
    answer = post(replay_host, "/v1/chat/completions", body).content
    assert sign in answer


def test_every_request_is_kept(replay_host: ReplayHost) -> None:
    body = {"model": "fake", "messages": [{"role": "user", "content": "keep me"}]}
    post(replay_host, "/v1/chat/completions", body)
    seen = replay_host.seen[-1]
    assert (seen.method, seen.path, seen.json) == ("POST", "/v1/chat/completions", body)


AZURE = "/azure/openai/deployments/fake:scene=text/chat/completions"
QUESTION: dict[str, Any] = {"messages": [{"role": "user", "content": "x"}]}
MISTRAL = QUESTION | {"model": "fake:scene=text"}


def test_mistral_refuses_ids_that_are_not_its_own_and_members_that_it_does_not_know(replay_host: ReplayHost) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "office_hours", "arguments": "{}"}}
    messages = [*QUESTION["messages"], {"role": "assistant", "tool_calls": [call]}]
    refused = post(replay_host, "/mistral/v1/chat/completions", MISTRAL | {"messages": messages})
    assert refused.status_code == 400
    assert "length of 9" in refused.json()["message"]
    refused = post(replay_host, "/mistral/v1/chat/completions", MISTRAL | {"seed": 1})
    assert refused.status_code == 422
    assert refused.json()["detail"][0]["loc"] == ["body", "seed"]


def test_azure_wants_a_version_and_its_own_header(replay_host: ReplayHost) -> None:
    assert post(replay_host, AZURE, QUESTION).json()["error"]["code"] == "404"
    refused = post(replay_host, f"{AZURE}?api-version=2025-03-01-preview", QUESTION)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "401")


def test_azure_speaks_of_its_filters_before_and_after(replay_host: ReplayHost) -> None:
    address = f"http://127.0.0.1:{replay_host.port}{AZURE}?api-version=2025-03-01-preview"
    answer = httpx2.post(address, json=QUESTION | {"stream": True}, headers={"api-key": "any"}).text
    first, *_, last, done = answer.split("\n\n")[:-1]
    assert '"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results"' in first
    assert "content_filter_offsets" in last
    assert done == "data: [DONE]"


def test_bedrock_s_frames_carry_padding_and_both_checksums(replay_host: ReplayHost) -> None:
    body = {"messages": [{"role": "user", "content": [{"text": "x"}]}]}
    answer = post(replay_host, "/model/fake%3Ascene%3Dtext/converse-stream", body)
    frames = EventStreamBuffer()
    frames.add_data(answer.content)
    payloads = [msgspec.json.decode(one.payload) for one in frames]
    assert all(payload["p"] for payload in payloads)
    assert payloads[0]["role"] == "assistant"
    assert "usage" in payloads[-1]
