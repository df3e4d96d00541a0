"""A worker and a host that speaks as Bedrock: opened by key or signature; streams, errors, counts and invocations."""

from __future__ import annotations

from collections.abc import Iterator

import anthropic
import httpx2
import msgspec
import openai
import pytest
from bedrock_host import BROKEN, CONVERSED, ERRORS, INVOKED, INVOKED_STREAM, RESPONSES_STREAM, SESSION, BedrockHost
from botocore.eventstream import EventStreamBuffer
from workplace import KEY, Workplace, endpoint

from hortus.canon.usage import Usage
from hortus.policy.rules import Policy
from hortus.snapshot.model import Spoken

PROFILE = "arn:aws:bedrock:eu-west-1:111122223333:inference-profile/eu.maker.lamp-v1:0"
FOR = {"region": "eu-west-1", "service": "bedrock"}
KEYS = {"access_key_id": "AKONE", "secret_access_key": "secret-one"}
CREDENTIALS = {
    "key": ("bearer", "env:HOST_KEY"),
    "pair": ("sigv4", "file:pair.json"),
    "session": ("sigv4", "file:session.json"),
    "env": ("sigv4", "env:AWS_PAIR"),
}
ASKED = {"messages": [{"role": "user", "content": [{"text": "Hé?"}]}]}
PROMPT = b'{"prompt": "H\\u00e9?","max_gen_len":60, "temperature":1.50}'
WATCHED = "hortus_sk_" + "w" * 40


@pytest.fixture(scope="module")
def aws() -> Iterator[BedrockHost]:
    one = BedrockHost()
    yield one
    one.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, aws: BedrockHost) -> Iterator[Workplace]:
    one = Workplace(tmp_path_factory.mktemp("home"))
    one.environment["AWS_PAIR"] = msgspec.json.encode(KEYS | FOR).decode()
    write(one, "pair", KEYS | FOR)
    write(one, "session", KEYS | FOR | {"session_token": SESSION})
    for name, (auth, credential) in CREDENTIALS.items():
        add(one, name, aws, PROFILE, auth=auth, credential=credential)
    for model in (*ERRORS, *BROKEN, "fails-inside", "thinker"):
        add(one, model, aws, model)
    add(one, "chats-only", aws, "m", operations=("chat",))
    for name, dialect, path in (
        ("responses", "openai_responses", "/openai/v1"),
        ("claude", "anthropic_messages", "/v1"),
    ):
        one.add_route(name, endpoint(name, aws.url + path, "m", dialects=(dialect,)))
    watching = Policy("watching", personal_data="refuse")
    one.snapshot = msgspec.structs.replace(one.snapshot, policies={"watching": watching})
    one.grant(WATCHED, ("*",), policy="watching")
    try:
        one.start()
        yield one
    finally:
        one.close()


def write(place: Workplace, name: str, document: object) -> None:
    (place.home.credentials / f"{name}.json").write_bytes(msgspec.json.encode(document))


def add(place: Workplace, name: str, aws: BedrockHost, model: str, *, auth: str = "bearer", **more: object) -> None:
    spoken = tuple(Spoken(dialect, aws.url, auth=auth) for dialect in ("bedrock_converse", "bedrock_invoke"))
    place.add_route(
        name, endpoint(name, aws.url, model, **{"spoken": spoken, "operations": ("chat", "invoke"), **more})
    )


@pytest.fixture
def client(place: Workplace) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{place.url}/v1", api_key=KEY, max_retries=0) as one:
        yield one


def chat(client: openai.OpenAI, route: str, **more: object):
    return client.chat.completions.create(model=route, messages=[{"role": "user", "content": "Hé?"}], **more)


def said(stream: openai.Stream) -> str:
    """Read a stream to its end, return its words."""
    with stream:
        return "".join([one.choices[0].delta.content or "" for one in stream if one.choices])


def post(place: Workplace, path: str, body: object = ASKED, *, key: str = KEY, **headers: str) -> httpx2.Response:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    sent = {"authorization": f"Bearer {key}", "content-type": "application/json", **headers}
    return httpx2.post(f"{place.url}/bedrock/model/{path}", content=content, headers=sent)


def used(place: Workplace, answer: httpx2.Response) -> Usage | None:
    return place.records_of(answer.headers["hortus-receipt"])[-1].usage


def events_of(data: bytes) -> list[tuple[str, bytes]]:
    """Return kinds and payloads, as AWS's own SDK reads them."""
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    names = (":event-type", ":exception-type")
    return [(next(one.headers[name] for name in names if name in one.headers), one.payload) for one in buffer]


@pytest.mark.parametrize("name", CREDENTIALS)
def test_a_key_or_a_signature_opens_the_host(client: openai.OpenAI, aws: BedrockHost, name: str) -> None:
    answer = chat(client, name)
    assert answer.choices[0].message.content == "Yes."
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (10, 2)
    seen = aws.seen[-1]
    assert seen.opened_by == ("key" if name == "key" else "AKONE")
    assert seen.headers.get("x-amz-security-token") == (SESSION if name == "session" else None)


def test_the_whole_of_a_profile_s_name_is_one_part_of_the_path(client: openai.OpenAI, aws: BedrockHost) -> None:
    chat(client, "pair")
    name = "arn%3Aaws%3Abedrock%3Aeu-west-1%3A111122223333%3Ainference-profile%2Feu.maker.lamp-v1%3A0"
    assert aws.seen[-1].path == f"/model/{name}/converse"


@pytest.mark.parametrize("name", ["key", "pair"])
def test_a_stream_is_asked_for_and_read_in_amazon_s_frames(client: openai.OpenAI, aws: BedrockHost, name: str) -> None:
    with chat(client, name, stream=True, stream_options={"include_usage": True}) as stream:
        chunks = list(stream)
    assert "".join(one.choices[0].delta.content or "" for one in chunks if one.choices) == "Yes."
    assert chunks[-1].usage.completion_tokens == 2
    assert aws.seen[-1].headers["accept"] == "application/vnd.amazon.eventstream"
    assert aws.seen[-1].path.endswith("/converse-stream")


@pytest.mark.parametrize("name", ["key", "pair"])
def test_a_chat_between_two_of_bedrock_passes_as_it_is(place: Workplace, name: str) -> None:
    whole, stream = post(place, f"{name}/converse"), post(place, f"{name}/converse-stream")
    assert whole.json()["output"]["message"]["content"] == [{"text": "Yes."}]
    assert (stream.content, stream.headers["content-type"]) == (CONVERSED, "application/vnd.amazon.eventstream")
    assert used(place, whole) == used(place, stream) == Usage(10, 2)


CODES = {
    "unknown": (openai.APIStatusError, "host_not_found"),
    "old": (openai.APIStatusError, "host_not_found"),
    "busy": (openai.RateLimitError, "host_rate_limited"),
    "unready": (openai.InternalServerError, "host_overloaded"),
    "quota": (openai.APIStatusError, "host_quota_exhausted"),
    "long": (openai.BadRequestError, "context_too_long"),
    "expired": (openai.APIStatusError, "host_refused_credential"),
    "revoked": (openai.APIStatusError, "host_refused_credential"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_that_only_a_header_names_is_the_one_that_it_is(client: openai.OpenAI, name: str) -> None:
    with pytest.raises(CODES[name][0]) as caught:
        chat(client, name)
    assert caught.value.code == CODES[name][1]


@pytest.mark.parametrize("name", ["unknown", "old", "quota", "long"])
@pytest.mark.parametrize("verb", ["converse", "converse-stream", "invoke"])
def test_a_client_of_bedrock_gets_the_host_s_own_error_with_its_type(place: Workplace, name: str, verb: str) -> None:
    status, kind, message = ERRORS[name]
    answer = post(place, f"{name}/{verb}")
    assert (answer.status_code, answer.json()) == (status, {"message": message})
    assert answer.headers["x-amzn-errortype"].startswith(f"{kind}:")


@pytest.mark.parametrize("name", ["expired", "revoked"])
def test_a_refused_credential_is_never_the_client_s_fault(place: Workplace, name: str) -> None:
    answer = post(place, f"{name}/converse")
    assert answer.status_code == 502
    assert "security token" not in answer.text


@pytest.mark.parametrize("name", [*BROKEN, "fails-inside"])
def test_a_broken_stream_ends_with_an_error_in_the_client_s_words(client: openai.OpenAI, name: str) -> None:
    with pytest.raises(openai.APIError) as caught:
        said(chat(client, name, stream=True))
    assert caught.value.code in {"broken_stream", "host_error"}


@pytest.mark.parametrize("name", [name for name in BROKEN if name not in {"no-frames", "wrong-order"}])
def test_a_broken_stream_ends_with_a_whole_frame_that_says_so(place: Workplace, name: str) -> None:
    answer = post(place, f"{name}/converse-stream")
    events = events_of(answer.content)
    assert [kind for kind, _ in events[:2]] == ["messageStart", "contentBlockDelta"]
    assert events[-1][0] in {"modelStreamErrorException", "serviceUnavailableException", "internalServerException"}
    assert place.records_of(answer.headers["hortus-receipt"])[-1].status == "failed"


def test_what_is_no_stream_at_all_is_an_error_before_anything_went_out(place: Workplace) -> None:
    answer = post(place, "no-frames/converse-stream")
    assert answer.status_code >= 500
    assert "x-amzn-errortype" in answer.headers


def test_tokens_are_counted_between_two_of_bedrock(place: Workplace, aws: BedrockHost) -> None:
    answer = post(place, "pair/count-tokens", {"input": {"converse": ASKED}})
    assert answer.json() == {"inputTokens": 11}
    assert msgspec.json.decode(aws.seen[-1].body) == {"input": {"converse": ASKED}}


def test_tokens_are_counted_at_bedrock_for_another_dialect(place: Workplace, aws: BedrockHost) -> None:
    with anthropic.Anthropic(base_url=f"{place.url}/anthropic", api_key=KEY, max_retries=0) as client:
        counted = client.messages.count_tokens(model="pair", messages=[{"role": "user", "content": "Hé?"}])
    assert counted.input_tokens == 11
    assert aws.seen[-1].path.endswith("/count-tokens")
    assert msgspec.json.decode(aws.seen[-1].body) == {"input": {"converse": ASKED}}


def test_tokens_are_counted_elsewhere_for_a_client_of_bedrock(place: Workplace) -> None:
    assert post(place, "claude/count-tokens", {"input": {"converse": ASKED}}).json() == {"inputTokens": 11}


@pytest.mark.parametrize("name", ["key", "pair", "session"])
def test_an_invocation_passes_byte_for_byte_and_its_headers_say_what_it_used(
    place: Workplace, aws: BedrockHost, name: str
) -> None:
    answer = post(place, f"{name}/invoke", PROMPT, **{"x-amzn-bedrock-trace": "ENABLED", "x-other": "1"})
    assert (answer.status_code, answer.content) == (200, INVOKED)
    assert answer.headers["x-amzn-bedrock-output-token-count"] == "3"
    assert aws.seen[-1].body == PROMPT.replace(b": ", b":").replace(b', "', b',"')
    assert aws.seen[-1].headers["x-amzn-bedrock-trace"] == "ENABLED"
    assert "x-other" not in aws.seen[-1].headers
    assert used(place, answer) == Usage(8, 3)


def test_an_invocation_streams_and_its_last_piece_says_what_it_used(place: Workplace, aws: BedrockHost) -> None:
    answer = post(place, "pair/invoke-with-response-stream", PROMPT)
    assert (answer.content, answer.headers["content-type"]) == (INVOKED_STREAM, "application/vnd.amazon.eventstream")
    assert aws.seen[-1].path.endswith("/invoke-with-response-stream")
    assert used(place, answer) == Usage(8, 3)


def test_an_endpoint_must_offer_invocations(place: Workplace) -> None:
    answer = post(place, "chats-only/invoke", PROMPT)
    assert answer.status_code == 400
    assert "does not offer invoke" in answer.json()["message"]
    assert post(place, "chats-only/converse").status_code == 200


def test_a_policy_that_looks_at_content_lets_no_invocation_pass(place: Workplace, aws: BedrockHost) -> None:
    before = len(aws.seen)
    answer = post(place, "pair/invoke", PROMPT, key=WATCHED)
    assert (answer.status_code, len(aws.seen)) == (403, before)
    assert "no guard can look into those of the kind invoke" in answer.json()["message"]
    assert post(place, "pair/converse", key=WATCHED).status_code == 200


TOOLS = [{"type": "function", "function": {"name": "find_lamp", "parameters": {"type": "object", "properties": {}}}}]


def called(client: openai.OpenAI, asked: list, *, is_stream: bool) -> tuple[str, str]:
    """Return id and arguments of the call that the model makes."""
    if not is_stream:
        answer = client.chat.completions.create(model="thinker", messages=asked, tools=TOOLS)
        call = answer.choices[0].message.tool_calls[0]
        return call.id, call.function.arguments
    with client.chat.completions.create(model="thinker", messages=asked, tools=TOOLS, stream=True) as stream:
        deltas = [call for one in stream if one.choices for call in one.choices[0].delta.tool_calls or ()]
    return next(one.id for one in deltas if one.id), "".join(one.function.arguments or "" for one in deltas)


@pytest.mark.parametrize("way", ["whole", "stream"])
def test_a_sealed_thought_comes_back_with_the_call_that_followed_it(client: openai.OpenAI, way: str) -> None:
    asked: list = [{"role": "user", "content": "Mend the lamp."}]
    call_id, arguments = called(client, asked, is_stream=way == "stream")
    call = {"id": call_id, "type": "function", "function": {"name": "find_lamp", "arguments": arguments}}
    asked += [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": call_id, "content": "4"}]
    answer = client.chat.completions.create(model="thinker", messages=asked, tools=TOOLS)
    assert answer.choices[0].message.content == "Yes."


def test_frames_with_data_before_event_pass_and_are_understood(client: openai.OpenAI, place: Workplace) -> None:
    relayed = httpx2.post(
        f"{place.url}/v1/responses",
        json={"model": "responses", "input": "Hé?", "stream": True},
        headers={"authorization": f"Bearer {KEY}"},
    )
    assert relayed.content == RESPONSES_STREAM
    assert used(place, relayed) == Usage(10, 2)
    assert said(chat(client, "responses", stream=True)) == "Yes."
