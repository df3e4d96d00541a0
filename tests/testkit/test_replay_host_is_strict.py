"""What the replay host refuses, and the odd things that it says on the wire because makers do."""

from __future__ import annotations

from typing import Any

import httpx2
import msgspec
import pytest

from hortus.testkit.replay_host import ReplayHost
from hortus.testkit.scenes import seals
from sdk.clients.anthropic_messages import AnthropicMessages
from sdk.clients.google_genai import GoogleGenAI
from sdk.clients.openai_chat import OpenAIChat
from sdk.clients.openai_responses import OpenAIResponses
from sdk.clients.words import Ask, Call, Heard, listening
from sdk.features import BOTH, FOUND

CLIENTS = {OpenAIChat: "/v1", OpenAIResponses: "/v1", AnthropicMessages: "", GoogleGenAI: ""}
CALL = Call("call_1", "office_hours", {})
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
    history = (*client.past_calls((CALL,)), *client.results(Heard(calls=(CALL,)), FOUND))
    with pytest.raises(client.raised(400)):
        client.ask("fake:scene=tool-loop", Ask(tools=BOTH, history=history))


def test_a_result_without_its_call_is_refused(client: Any) -> None:
    with pytest.raises(client.raised(400)):
        client.ask("fake:scene=tool-results", Ask(tools=BOTH, history=client.results(Heard(calls=(CALL,)), FOUND)))


def test_a_call_with_other_arguments_is_refused(client: Any) -> None:
    other = Call("call_1", "office_hours", {"day": "Monday"})
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
