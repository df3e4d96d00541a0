"""Requests and answers that pass as they came: what the gateway reads of them, and the little that it changes."""

from __future__ import annotations

import msgspec
import pytest
from gemini_wire import decode, encode, events, frame, user

from hortus.canon.dialect import Operation, RouteCard
from hortus.canon.errors import BrokenStream, InvalidRequest, NotJson
from hortus.canon.usage import Usage
from hortus.dialects.gemini import DIALECT


def operation(path: str) -> Operation:
    return next(one for one in DIALECT.operations if one.path == path)


CHAT = operation("/v1beta/models/{route}:generateContent")
STREAM = operation("/v1beta/models/{route}:streamGenerateContent")
BATCH = operation("/v1beta/models/{route}:batchEmbedContents")
USAGE = {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7}


def test_every_path_of_both_apis_is_offered() -> None:
    paths = {(one.method, one.path): one for one in DIALECT.operations}
    vertex = (
        "/v1beta1/projects/{project}/locations/{location}/publishers/{publisher}/models/{route}:streamGenerateContent"
    )
    assert paths["POST", vertex].is_stream is True
    assert paths["POST", "/v1/publishers/{publisher}/models/{route}:countTokens"].name == "count_tokens"
    assert paths["POST", "/v1/models/{route}:generateContent"].is_at_root
    assert not paths["GET", "/v1/models"].is_at_root
    assert not paths["GET", "/v1/models/{route}"].is_at_root
    assert paths["GET", "/v1beta/models"].is_at_root
    assert STREAM.host_path == "/models/{model}:streamGenerateContent?alt=sse"


def test_route_and_stream_come_from_the_path() -> None:
    body = encode(user({"text": "Hi"}, generationConfig={"maxOutputTokens": 9}))
    asked = DIALECT.read_request(STREAM, body, "a/b")
    assert (asked.route, asked.is_stream, asked.output_limit, asked.host_ids) == ("a/b", True, 9, ())
    assert not DIALECT.read_request(CHAT, body, "a/b").is_stream


@pytest.mark.parametrize(
    ("config", "limit"),
    [
        ({"generation_config": {"max_output_tokens": 9}}, 9),
        ({"generationConfig": None}, None),
        ({"generationConfig": 7}, None),
        ({"generationConfig": {"maxOutputTokens": "many"}}, None),
        ({}, None),
    ],
)
def test_the_output_limit(config: dict, limit: int | None) -> None:
    assert DIALECT.read_request(CHAT, encode(config), "m").output_limit == limit


def test_a_path_without_a_model_and_a_body_that_is_no_object_are_refused() -> None:
    with pytest.raises(InvalidRequest):
        DIALECT.read_request(CHAT, b"{}", None)
    with pytest.raises(NotJson):
        DIALECT.read_request(CHAT, b"[]", "m")


def test_what_google_keeps_is_named_however_it_is_spelt() -> None:
    body = (
        b'{"cachedContent": "cachedContents/1", "contents": [{"parts": [{"fileData": {"fileUri": "files/1"}},'
        b'{"file_data": {"file\\u005furi": "gs://garden/a"}}, {"fileData": {"fileUri": "https://town.example/a"}},'
        b'{"functionCall": {"args": {"fileUri": "files/2"}}}, {"text": "fileUri"}]}],'
        b'"tools": [{"fileSearch": {"fileSearchStoreNames": ["fileSearchStores/1", 7]}}]}'
    )
    assert DIALECT.read_request(CHAT, body, "m").host_ids == (
        ("cached_content", "cachedContents/1"),
        ("file", "files/1"),
        ("file", "gs://garden/a"),
        ("file", "fileSearchStores/1"),
    )
    assert DIALECT.read_request(CHAT, b'{"cached_content": null, "contents": "fileUri"}', "m").host_ids == ()
    inner = b'{"generateContentRequest": {"cachedContent": "cachedContents/1"}}'
    assert DIALECT.read_request(CHAT, inner, "m").host_ids == (("cached_content", "cachedContents/1"),)


def test_a_chat_passes_byte_for_byte() -> None:
    body = b'{"contents":[{"parts":[{"text":"1.50"}]}],"generationConfig":{"topK":1.50}}'
    rewritten = DIALECT.write_request(DIALECT.read_request(CHAT, body, "garden"), "gemini-2.5-flash")
    assert rewritten.body == body
    assert rewritten.adaptations == ("model",)
    assert DIALECT.write_request(DIALECT.read_request(CHAT, body, "garden"), "garden").adaptations == ()


def test_bodies_that_name_the_model_are_told_the_hosts_name() -> None:
    def passed(body: object) -> dict:
        return decode(DIALECT.write_request(DIALECT.read_request(BATCH, encode(body), "garden"), "m-1").body)

    assert passed({"requests": [{"model": "models/garden", "content": {}}, {"content": {}}]}) == {
        "requests": [{"model": "models/m-1", "content": {}}, {"content": {}}]
    }
    assert passed({"model": "models/garden"}) == {"model": "models/m-1"}
    assert passed({"generateContentRequest": {"model": "models/garden"}}) == {
        "generateContentRequest": {"model": "models/m-1"}
    }
    assert passed({"generate_content_request": {}}) == {"generate_content_request": {}}
    assert passed({"requests": 7}) == {"requests": 7}


def test_a_whole_answer_says_what_was_used_and_who_answered() -> None:
    body = encode({"candidates": [], "usageMetadata": USAGE, "modelVersion": "m-1"})
    answer = DIALECT.read_answer(CHAT, body, 100)
    assert answer.usage == Usage(input_tokens=5, output_tokens=2)
    assert (answer.served_model, answer.given_ids) == ("m-1", ())


@pytest.mark.parametrize(
    ("op", "body", "usage"),
    [
        (CHAT, b'{"candidates": "12345678"}', Usage(input_tokens=25, output_tokens=3, is_estimated=True)),
        (CHAT, b"not JSON", Usage(input_tokens=25, is_estimated=True)),
        (CHAT, b'{"usageMetadata": 7}', Usage(input_tokens=25, is_estimated=True)),
        (BATCH, b'{"embeddings": [{"values": [1]}]}', Usage(input_tokens=25, is_estimated=True)),
    ],
)
def test_what_an_answer_does_not_say_is_estimated(op: Operation, body: bytes, usage: Usage) -> None:
    assert DIALECT.read_answer(op, body, 100).usage == usage


def tapped(*parts: bytes):
    stream = DIALECT.open_stream(False)  # noqa: FBT003 -- the record's own form
    assert b"".join([*(stream.feed(part) for part in parts), stream.close()]) == b"".join(parts)
    return stream


def test_a_stream_passes_and_is_read() -> None:
    frames = [
        frame({"text": "A"}) | {"usageMetadata": {"trafficType": "ON_DEMAND"}},
        frame({"text": "B"}, finishReason="STOP") | {"usageMetadata": USAGE},
    ]
    for data in (events(frames), encode(frames), events(frames).removesuffix(b"\r\n\r\n")):
        stream = tapped(data[:9], data[9:])
        assert stream.usage == Usage(input_tokens=5, output_tokens=2)
        assert (stream.served_model, stream.is_finished, stream.is_failed, stream.given_ids) == ("m-1", True, False, ())


@pytest.mark.parametrize(("last", "passed"), [(b'data: {"a"', b""), (b'data: {"a":1}', b'data: {"a":1}\n\n')])
def test_of_a_last_event_without_its_end_only_a_whole_one_passes(last: bytes, passed: bytes) -> None:
    stream = DIALECT.open_stream(False)  # noqa: FBT003 -- the record's own form
    assert stream.feed(last) + stream.close() == passed


def test_usage_that_makes_no_sense_does_not_stand_for_what_was_known() -> None:
    stream = tapped(events([{"usageMetadata": USAGE}, {"usageMetadata": {"promptTokenCount": -1}}]))
    assert stream.usage == Usage(input_tokens=5, output_tokens=2)


def test_ends_failures_and_what_is_unreadable() -> None:
    assert tapped(events([{"promptFeedback": {"blockReason": "SAFETY"}}])).is_finished
    assert not tapped(events([{"promptFeedback": {}}])).is_finished
    assert tapped(encode({"error": {"code": 500}})).is_failed
    assert tapped(b"data: {\r\n\r\n").usage is None
    assert not tapped(b"[" + encode(frame({"text": "A"}, finishReason="STOP"))).is_finished
    assert tapped(b" ", b"").served_model is None
    with pytest.raises(BrokenStream):
        tapped(b"[}")


def test_a_stream_without_usage_is_estimated_by_its_bytes() -> None:
    stream = tapped(events([frame({"text": "A" * 400})]))
    estimate = stream.estimate(input_bytes=40)
    assert (estimate.input_tokens, estimate.is_estimated) == (10, True)
    assert estimate.output_tokens > 100


def test_routes_are_listed_as_models() -> None:
    card = RouteCard(name="a/b", owned_by="garden", created_at_s=1)
    model = {
        "name": "models/a/b",
        "version": "1",
        "displayName": "a/b",
        "description": "Route of garden.",
        "supportedGenerationMethods": ["generateContent", "countTokens", "embedContent", "batchEmbedContents"],
    }
    assert decode(DIALECT.write_routes((card,))) == {"models": [model]}
    assert msgspec.json.decode(DIALECT.write_route(card)) == model
