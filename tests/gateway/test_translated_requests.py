"""Requests through a real worker to hosts that speak another dialect: losses, seals, ids of hosts, paths and keys."""

from __future__ import annotations

import os
from collections.abc import Iterator

import httpx2
import msgspec
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from workplace import KEY, Workplace, endpoint, wait_until

from hortus.app.clock import SystemClock
from hortus.base.secrets import FixedVersions
from hortus.content.kept import KeptBounds, KeptContent
from hortus.testkit.replay_host import ReplayHost

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
QUESTION = [{"role": "user", "content": "Which office mends the lamp?"}]
LAMP = {
    "type": "function",
    "function": {"name": "find_lamp", "parameters": {"type": "object", "properties": {}}},
}
ROUTES = {
    "claude": ("anthropic_messages", "fake:scene=text"),
    "claude-loop": ("anthropic_messages", "fake:scene=tool-loop"),
    "claude-busy": ("anthropic_messages", "fake:status=429,retry_after=7"),
    "claude-cut": ("anthropic_messages", "fake:scene=cuts-later"),
    "gemini": ("gemini", "fake:scene=text"),
    "gemini-loop": ("gemini", "fake:scene=tool-loop"),
    "gpt": ("openai_responses", "fake:scene=text"),
    "chat": ("openai_chat", "fake:scene=text"),
}


@pytest.fixture(scope="module")
def garden(tmp_path_factory: pytest.TempPathFactory, host: ReplayHost) -> Iterator[Workplace]:
    place = Workplace(tmp_path_factory.mktemp("home"), body_limit_mib=1)
    made = {
        name: endpoint(name, host.base_of(dialect), model, dialects=(dialect,))
        for name, (dialect, model) in ROUTES.items()
    }
    for name, one in made.items():
        place.add_route(name, one)
    bytes_only = msgspec.structs.replace(made["chat"].spoken[0], wants_bytes=True)
    bytes_endpoint = msgspec.structs.replace(made["chat"], name="bytes-only", spoken=(bytes_only,))
    place.add_route("bytes-only", bytes_endpoint)
    weighed = msgspec.structs.replace(made["claude"].spoken[0], weights={"service_tier": "meaning"})
    weighed_endpoint = msgspec.structs.replace(made["claude"], name="claude-strict-about-tiers", spoken=(weighed,))
    place.add_route("claude-strict-about-tiers", weighed_endpoint)
    place.add_route("claude-then-chat", made["claude"], made["chat"])
    place.add_route("busy-then-gpt", made["claude-busy"], made["gpt"])
    other = "hortus_sk_" + "o" * 40
    place.grant(other, ("*",), project_id="prj_2")
    place.grant("hortus_sk_" + "s" * 40, ("*",), loss="strict")
    place.grant("hortus_sk_" + "l" * 40, ("*",), loss="lenient")
    try:
        place.start()
        yield place
    finally:
        place.close()


def post(place: Workplace, path: str, body: dict, *, key: str = KEY, **headers: str) -> httpx2.Response:
    return httpx2.post(f"{place.url}{path}", json=body, headers={"authorization": f"Bearer {key}", **headers})


def chat(place: Workplace, model: str, **more: object) -> httpx2.Response:
    headers = {"hortus-loss": "strict"} if more.pop("is_strict", False) else {}
    key = str(more.pop("key", KEY))
    return post(place, CHAT, {"model": model, "messages": QUESTION, **more}, key=key, **headers)


def test_what_is_lost_is_named_in_header_and_receipt(garden: Workplace) -> None:
    answer = chat(garden, "claude", seed=7, metadata={"a": "b"}, n=1)
    assert answer.status_code == 200
    assert answer.headers["hortus-losses"] == "2; tuning:seed, advisory:metadata"
    opened, settled = garden.records_of(answer.headers["hortus-receipt"])
    assert opened.losses == ("tuning:seed", "advisory:metadata")
    assert opened.host_dialect == "anthropic_messages"
    assert "-n" in opened.adaptations
    assert settled.status == "completed"
    assert settled.usage.output_tokens > 0
    assert not settled.usage.is_estimated


def test_a_request_that_loses_nothing_has_no_such_header(garden: Workplace) -> None:
    answer = chat(garden, "claude")
    assert "hortus-losses" not in answer.headers
    assert garden.records_of(answer.headers["hortus-receipt"])[0].losses == ()


def test_a_translated_streams_answer_may_lose_something_still(garden: Workplace) -> None:
    assert chat(garden, "claude", stream=True).headers["hortus-losses"] == "0; response=see-receipt"
    assert "hortus-losses" not in chat(garden, "chat", stream=True).headers


@pytest.mark.parametrize("place_of_image", ["content", "result"])
def test_an_image_by_address_is_lost_where_a_host_wants_bytes(garden: Workplace, place_of_image: str) -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://pictures.example/lamp.png"}}
    call = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [image, {"type": "text", "text": "dark"}]}
    messages = {
        "content": [{"role": "user", "content": [image, {"type": "text", "text": "?"}]}],
        "result": [*QUESTION, {"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}],
    }[place_of_image]
    refused = post(garden, MESSAGES, {"model": "bytes-only", "max_tokens": 9, "messages": messages})
    assert refused.status_code == 400
    assert "inline (base64)" in refused.json()["error"]["message"]
    lenient = "hortus_sk_" + "l" * 40
    answered = post(garden, MESSAGES, {"model": "bytes-only", "max_tokens": 9, "messages": messages}, key=lenient)
    assert answered.status_code == 200


def test_losses_are_counted(garden: Workplace) -> None:
    chat(garden, "claude", seed=7, key="hortus_sk_" + "l" * 40)

    def has_counted() -> bool:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(garden.home.metrics))
        counted = 'hortus_losses_total{endpoint="claude",side="request",weight="tuning"}'
        return counted in generate_latest(registry).decode()

    wait_until(has_counted)


def test_a_streams_header_points_to_the_receipt(garden: Workplace) -> None:
    answer = chat(garden, "claude", seed=7, stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["hortus-losses"] == "1; tuning:seed; response=see-receipt"
    assert answer.text.endswith("data: [DONE]\n\n")


def test_a_hosts_stream_is_asked_for_its_usage(garden: Workplace, host: ReplayHost) -> None:
    body = {"model": "chat", "max_tokens": 9, "messages": QUESTION, "stream": True}
    answer = post(garden, MESSAGES, body)
    assert host.seen[-1].json["stream_options"] == {"include_usage": True}
    usage = garden.records_of(answer.headers["hortus-receipt"])[1].usage
    assert not usage.is_estimated


def test_a_loss_of_meaning_refuses_with_every_path_and_sends_nothing(garden: Workplace, host: ReplayHost) -> None:
    before = len(host.seen)
    picture = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    messages = [{"role": "user", "content": [picture, {"type": "text", "text": "?", "odd": 1}]}]
    answer = chat(garden, "claude", messages=messages, logprobs=True)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "cannot_carry"
    for path in ("messages[0].content[0]", "messages[0].content[1].odd", "logprobs"):
        assert f"`{path}` (meaning)" in error["message"]
    assert len(host.seen) == before


@pytest.mark.parametrize(("key", "status"), [("k", 200), ("s", 400), ("l", 200)])
def test_the_projects_setting_says_what_refuses(garden: Workplace, key: str, status: int) -> None:
    assert chat(garden, "claude", seed=7, key="hortus_sk_" + key * 40).status_code == status


def test_a_lenient_project_leaves_meaning_out(garden: Workplace) -> None:
    answer = chat(garden, "claude", logprobs=True, key="hortus_sk_" + "l" * 40)
    assert answer.headers["hortus-losses"] == "1; meaning:logprobs"


def test_an_endpoint_may_weigh_a_loss_in_its_own_way(garden: Workplace) -> None:
    answer = chat(garden, "claude-strict-about-tiers", service_tier="flex")
    assert answer.status_code == 400
    assert "`service_tier` (meaning)" in answer.json()["error"]["message"]
    assert chat(garden, "claude", service_tier="flex").status_code == 200


def test_a_client_can_tighten_but_not_loosen(garden: Workplace) -> None:
    assert chat(garden, "claude", seed=7, is_strict=True).status_code == 400
    answer = post(garden, CHAT, {"model": "claude", "messages": QUESTION}, **{"hortus-loss": "lenient"})
    assert answer.status_code == 400
    assert "hortus-loss" in answer.json()["error"]["message"]


def test_the_next_endpoint_is_taken_where_the_first_would_lose_too_much(garden: Workplace) -> None:
    answer = chat(garden, "claude-then-chat", logprobs=True)
    assert answer.status_code == 200
    assert garden.records_of(answer.headers["hortus-receipt"])[0].endpoint == "chat"


def test_a_fallback_may_speak_another_dialect(garden: Workplace) -> None:
    answer = chat(garden, "busy-then-gpt")
    assert answer.status_code == 200
    records = garden.records_of(answer.headers["hortus-receipt"], count=4)
    assert [one.host_dialect for one in records[::2]] == ["anthropic_messages", "openai_responses"]


def test_a_hosts_limit_comes_with_its_waiting_time(garden: Workplace) -> None:
    answer = chat(garden, "claude-busy")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert answer.json()["error"]["code"] == "host_rate_limited"


def test_a_stream_that_breaks_off_ends_with_an_error_in_the_clients_form(garden: Workplace) -> None:
    answer = chat(garden, "claude-cut", stream=True)
    assert answer.status_code == 200
    last = answer.text.strip().split("\n\n")[-1]
    assert msgspec.json.decode(last.removeprefix("data: "))["error"]["code"] == "broken_stream"
    settled = garden.records_of(answer.headers["hortus-receipt"])[1]
    assert (settled.status, settled.usage.is_estimated) == ("failed", True)


@pytest.mark.parametrize("model", ["claude-loop", "gemini-loop"])
@pytest.mark.parametrize("way", ["whole", "stream"])
def test_a_seal_comes_back_for_a_client_that_cannot_send_it(garden: Workplace, model: str, way: str) -> None:
    call = first_call(garden, model, is_stream=way == "stream")
    said = {"role": "assistant", "content": None, "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": call["id"], "content": "dark"}
    answer = chat(garden, model, messages=[*QUESTION, said, result], tools=[LAMP])
    assert answer.status_code == 200, answer.text


def test_a_lost_seal_is_a_loss_of_meaning(garden: Workplace) -> None:
    call = first_call(garden, "claude-loop", is_stream=False)
    call["id"] = "toolu_other_hsa"
    said = {"role": "assistant", "content": None, "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": call["id"], "content": "dark"}
    answer = chat(garden, "claude-loop", messages=[*QUESTION, said, result], tools=[LAMP])
    assert answer.status_code == 400
    assert "messages[1].tool_calls[0]" in answer.json()["error"]["message"]


def test_a_seal_of_another_project_does_not_come_back(garden: Workplace) -> None:
    call = first_call(garden, "claude-loop", is_stream=False)
    said = {"role": "assistant", "content": None, "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": call["id"], "content": "dark"}
    other = "hortus_sk_" + "o" * 40
    answer = chat(garden, "claude-loop", messages=[*QUESTION, said, result], tools=[LAMP], key=other)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "cannot_carry")


def first_call(place: Workplace, model: str, *, is_stream: bool) -> dict:
    """Return the first tool call of an answer, without the members in which a seal could travel."""
    answer = chat(place, model, tools=[LAMP], stream=is_stream)
    assert answer.status_code == 200, answer.text
    if not is_stream:
        call = answer.json()["choices"][0]["message"]["tool_calls"][0]
        return {"id": call["id"], "type": "function", "function": call["function"]}
    frames = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: {")]
    deltas = [one["delta"] for frame in frames for one in msgspec.json.decode(frame)["choices"]]
    calls = [call for delta in deltas for call in delta.get("tool_calls") or () if call["index"] == 0]
    arguments = "".join(call.get("function", {}).get("arguments") or "" for call in calls)
    named = next(call for call in calls if call.get("id"))
    return {
        "id": named["id"],
        "type": "function",
        "function": {"name": named["function"]["name"], "arguments": arguments},
    }


def test_an_id_of_a_host_belongs_to_the_project_that_made_it(garden: Workplace, host: ReplayHost) -> None:
    first = post(garden, RESPONSES, {"model": "gpt", "input": "Which office?"})
    named = {"model": "gpt", "input": "And then?", "previous_response_id": first.json()["id"]}
    assert post(garden, RESPONSES, named).status_code == 200
    before = len(host.seen)
    refused = post(garden, RESPONSES, named, key="hortus_sk_" + "o" * 40)
    unknown = post(garden, RESPONSES, {**named, "previous_response_id": "resp_unknown"})
    assert refused.status_code == unknown.status_code == 404
    assert refused.json()["error"]["message"] == unknown.json()["error"]["message"]
    assert len(host.seen) == before


def test_an_id_pins_the_endpoint_that_made_it(garden: Workplace) -> None:
    first = post(garden, RESPONSES, {"model": "gpt", "input": "Which office?"})
    named = {"model": "chat", "input": "And then?", "previous_response_id": first.json()["id"]}
    answer = post(garden, RESPONSES, named)
    assert answer.status_code == 404
    assert "gpt" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("/anthropic/v1/messages", {"x-api-key": KEY}),
        ("/v1/messages", {"x-api-key": KEY, "anthropic-version": "2023-06-01"}),
        ("/v1/messages", {"authorization": f"Bearer {KEY}"}),
    ],
)
def test_anthropics_paths_and_keys(garden: Workplace, path: str, header: dict) -> None:
    body = {"model": "chat", "max_tokens": 9, "messages": QUESTION}
    answer = httpx2.post(f"{garden.url}{path}", json=body, headers=header)
    assert answer.status_code == 200, answer.text
    assert answer.json()["type"] == "message"
    assert answer.headers["request-id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("base", ["/gemini", ""])
@pytest.mark.parametrize("version", ["v1", "v1beta"])
@pytest.mark.parametrize("key_place", ["header", "query"])
def test_geminis_paths_and_keys(garden: Workplace, base: str, version: str, key_place: str) -> None:
    url = f"{garden.url}{base}/{version}/models/chat:generateContent"
    headers = {"x-goog-api-key": KEY} if key_place == "header" else {}
    query = {"key": KEY} if key_place == "query" else {}
    body = {"contents": [{"parts": [{"text": "?"}]}]}
    answer = httpx2.post(url, json=body, headers=headers, params=query)
    assert answer.status_code == 200
    assert answer.json()["candidates"][0]["content"]["role"] == "model"
    assert KEY not in garden.log_path.read_text()


@pytest.mark.parametrize(
    ("path", "headers", "member"),
    [
        ("/v1/models", {}, "object"),
        ("/openai/v1/models", {}, "object"),
        ("/v1/models", {"anthropic-version": "2023-06-01"}, "has_more"),
        ("/anthropic/v1/models", {}, "has_more"),
        ("/gemini/v1beta/models", {}, "models"),
        ("/v1beta/models", {}, "models"),
    ],
)
def test_each_dialect_lists_the_routes_in_its_own_form(
    garden: Workplace, path: str, headers: dict, member: str
) -> None:
    answer = httpx2.get(f"{garden.url}{path}", headers={"authorization": f"Bearer {KEY}", **headers})
    assert member in answer.json()
    assert "claude" in answer.text


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/anthropic/nowhere", lambda body: body["type"] == "error" and body["error"]["type"] == "not_found_error"),
        ("/gemini/nowhere", lambda body: body["error"]["status"] == "NOT_FOUND"),
        ("/openai/nowhere", lambda body: body["error"]["type"] == "invalid_request_error"),
        ("/nowhere", lambda body: body["error"]["type"] == "invalid_request_error"),
    ],
)
def test_errors_below_a_base_are_in_its_dialect(garden: Workplace, path: str, told) -> None:
    answer = httpx2.post(f"{garden.url}{path}", json={}, headers={"authorization": f"Bearer {KEY}"})
    assert answer.status_code == 404
    assert told(answer.json())


NAMING = {
    "response": (RESPONSES, "gpt", {"input": "?", "previous_response_id": "ID"}),
    "conversation": (RESPONSES, "gpt", {"input": "?", "conversation": "ID"}),
    "file": (
        RESPONSES,
        "gpt",
        {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "ID"}]}]},
    ),
    "container": (MESSAGES, "claude", {"max_tokens": 9, "messages": QUESTION, "container": "ID"}),
    "cached_content": (
        "/v1beta/models/gemini:generateContent",
        "gemini",
        {"contents": [{"role": "user", "parts": [{"text": "?"}]}], "cachedContent": "ID"},
    ),
}
"""Kind of id: a path, the route and endpoint that keeps it, and a request that names it."""


@pytest.mark.parametrize("kind", NAMING)
def test_no_project_reads_what_a_host_keeps_for_another(garden: Workplace, host: ReplayHost, kind: str) -> None:
    path, endpoint_name, body = NAMING[kind]
    host_id = f"cachedContents/{kind}_1" if kind == "cached_content" else f"{kind}_1"
    claim(garden, endpoint_name, kind, host_id)
    named = msgspec.json.decode(msgspec.json.encode({"model": endpoint_name, **body}).replace(b"ID", host_id.encode()))
    if kind == "cached_content":
        del named["model"]
    before = len(host.seen)
    refused = post(garden, path, named, key="hortus_sk_" + "o" * 40)
    assert (refused.status_code, len(host.seen)) == (404, before)
    post(garden, path, named)
    assert len(host.seen) == before + 1


def claim(place: Workplace, endpoint_name: str, kind: str, host_id: str) -> None:
    """Remember an id for the first project, as a worker does that saw its answer."""
    secrets = FixedVersions((place.secrets.current,))
    kept = KeptContent(place.home.content, secrets, bounds=KeptBounds(), clock=SystemClock(), entropy=os.urandom)
    kept.claim("prj_1", endpoint_name, kind, host_id)
    kept.close()
