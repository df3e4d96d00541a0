"""What the gateway reads of Mistral's requests, answers, streams and errors as they pass."""

from __future__ import annotations

import msgspec
import pytest
from mistral_examples import DONE, chunk, decode, encode

from hortus.canon.dialect import RouteCard
from hortus.canon.errors import (
    CannotCarry,
    ContextTooLong,
    HostNotFound,
    HostRateLimited,
    HostRefused,
    HostRejected,
    InvalidRequest,
    OverLimit,
    RequestError,
    Unauthenticated,
)
from hortus.canon.units import Units
from hortus.canon.usage import Usage
from hortus.dialects.mistral import DIALECT

BY_NAME = {operation.name: operation for operation in DIALECT.operations}
CHAT, OCR = BY_NAME["chat"], BY_NAME["ocr"]
WANTED, NOT_WANTED = True, False
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def asked(operation: str, **members: object) -> tuple[Units, bytes]:
    body = encode({"model": "garden"} | members)
    found = DIALECT.read_request(BY_NAME[operation], body, None)
    return DIALECT.weigh(BY_NAME[operation], found, body), DIALECT.write_request(found, "large").body


def test_paths_that_openai_has_too_are_served_below_the_base_only() -> None:
    at_root = {operation.path for operation in DIALECT.operations if operation.is_at_root}
    assert at_root == {"/v1/fim/completions", "/v1/ocr", "/v1/chat/moderations"}
    assert DIALECT.bases == ("/mistral",)


def test_only_the_model_is_changed() -> None:
    body = b'{"model": "garden", "max_tokens": 7, "stream": true, "t": 1.50}'
    found = DIALECT.read_request(CHAT, body, None)
    assert (found.route, found.is_stream, found.wants_usage, found.output_limit) == ("garden", True, True, 7)
    rewritten = DIALECT.write_request(found, "large")
    assert rewritten.body == b'{"model":"large","max_tokens":7,"stream":true,"t":1.50}'
    assert rewritten.adaptations == ("model",)
    assert DIALECT.write_request(found, "garden").adaptations == ()


def test_pages_are_never_streamed() -> None:
    assert not DIALECT.read_request(OCR, b'{"model": "m", "stream": true}', None).is_stream


def test_a_request_without_a_model_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        DIALECT.read_request(CHAT, b"{}", None)


@pytest.mark.parametrize("spelling", [b"file_id", b"file\\u005fid"])
def test_files_that_a_request_names_are_found(spelling: bytes) -> None:
    part = b'{"type": "file", "' + spelling + b'": "f1"}, {"type": "file", "file_id": 1}, {"file_id": "f2"}'
    body = b'{"model": "m", "messages": [{"content": [' + part + b"]}]}"
    assert DIALECT.read_request(CHAT, body, None).host_ids == (("file", "f1"),)
    document = encode({"model": "m", "document": {"type": "file", "file_id": "f3"}})
    assert DIALECT.read_request(OCR, document, None).host_ids == (("file", "f3"),)


def test_a_chat_is_weighed() -> None:
    content = [
        {"type": "image_url", "image_url": "https://a/b"},
        {"type": "document_url", "document_url": "https://a/c"},
        {"type": "file", "file_id": "f"},
    ]
    tools = [{"type": "web_search_premium"}, {"type": "code_interpreter"}, {"function": {"name": "f"}}]
    more = {"messages": [{"role": "user", "content": content}], "tools": tools, "service_tier": "auto"}
    units, _ = asked("chat", max_tokens=7, n=2, **more)
    assert units == Units(
        output_tokens=7,
        choices=2,
        images=1,
        documents=2,
        searches=True,
        server_tools=True,
        service_tier="auto",
        tools=("code_execution", "function", "web_search"),
    )


def test_tools_that_cannot_be_read_are_said_to_be_so() -> None:
    assert asked("chat", tools=[1])[0].tools == ("unreadable",)


def test_pages_and_vectors_make_no_tokens() -> None:
    document = {"type": "document_url", "document_url": "https://a/b"}
    assert asked("ocr", document=document)[0] == Units(output_tokens=0, documents=1, pages=None)
    assert asked("embeddings", input="a")[0] == Units(output_tokens=0)
    assert asked("fim", prompt="a", max_tokens=3)[0].output_tokens == 3


@pytest.mark.parametrize(
    ("kind", "named", "pages"),
    [
        ("document_url", {"pages": [0, 2, 5]}, 3),
        ("document_url", {"pages": "0-2"}, None),
        ("document_url", {"pages": 7}, None),
        ("document_url", {"pages": None}, None),
        ("image_url", {}, 1),
    ],
)
def test_pages_to_be_read_are_those_that_are_named(kind: str, named: dict[str, object], pages: int | None) -> None:
    document = {"type": kind, kind: "https://a/b"}
    assert asked("ocr", document=document, **named)[0].pages == pages


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        (b'{"pages": [{}], "usage_info": {"pages_processed": 2}}', Usage(pages=2)),
        (b'{"pages": [{}, {}, {}]}', Usage(pages=3, is_estimated=True)),
        (b'{"usage_info": 1}', Usage(is_estimated=True)),
        (b'{"pages": 1}', Usage(is_estimated=True)),
    ],
)
def test_pages_that_were_read_are_as_the_host_says_or_as_they_came(body: bytes, usage: Usage) -> None:
    assert DIALECT.read_answer(OCR, body, 8).usage == usage


def test_output_is_capped_in_mistrals_member() -> None:
    found = DIALECT.read_request(CHAT, b'{"model": "m"}', None)
    assert bytes(DIALECT.cap_output(found, 9).members["max_tokens"]) == b"9"


@pytest.mark.parametrize(
    ("operation", "body", "counts"),
    [
        ("chat", {"model": "large", "usage": USAGE}, (3, 2, False)),
        ("chat", {"model": "large", "choices": ["abcdef"]}, (2, 2, True)),
        ("chat", {"model": "large", "choices": 1}, (2, 8, True)),
        ("chat", {"model": "large", "usage": 1}, (2, 0, True)),
        ("moderations", {"model": "large", "results": []}, (2, 0, True)),
        ("ocr", {"model": "large", "usage_info": {"pages_processed": 2}}, (0, 0, False)),
    ],
)
def test_what_an_answer_used_is_read_or_estimated(
    operation: str, body: dict[str, object], counts: tuple[int, int, bool]
) -> None:
    answer = DIALECT.read_answer(BY_NAME[operation], encode(body), 8)
    usage = answer.usage
    assert (usage.input_tokens, usage.output_tokens, usage.is_estimated) == counts
    assert answer.served_model == "large"


def test_an_answer_that_is_no_json_is_estimated() -> None:
    assert DIALECT.read_answer(CHAT, b"<html>", 8).usage.is_estimated


def test_a_stream_passes_whole_frames_and_its_words_are_counted() -> None:
    stream = DIALECT.open_stream(WANTED)
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "abcd"}]}
    call = {"id": "aaaaaaaa1", "function": {"name": "f", "arguments": "{}"}}
    frames = [
        b": hush\n\n",
        b"data: not json\n\n",
        chunk({"content": ""}),
        chunk({"content": [thought]}),
        chunk({"content": "abcd" * 20}),
        chunk({"tool_calls": [call]}),
        chunk(None),
    ]
    assert b"".join(stream.feed(frame) for frame in frames) == b"".join(frames)
    assert (stream.is_finished, stream.usage, stream.served_model, stream.given_ids) == (False, None, "large", ())
    estimated = stream.estimate(input_bytes=40)
    assert (estimated.input_tokens, estimated.is_estimated, estimated.output_tokens > 20) == (10, True, True)
    assert stream.feed(chunk({}, reason="stop", usage=USAGE)[:20]) == b""
    assert stream.close() == b""


def test_a_stream_ends_with_its_usage() -> None:
    stream = DIALECT.open_stream(NOT_WANTED)
    stream.feed(chunk({"content": "a"}, usage={"prompt_tokens": -1}))
    stream.feed(chunk({}, reason="stop", usage=USAGE))
    assert stream.close() == b""
    assert stream.usage is not None
    assert (stream.usage.output_tokens, stream.is_finished) == (2, True)
    last = DIALECT.open_stream(NOT_WANTED)
    assert (last.feed(DONE[:-2]), last.close(), last.is_finished) == (b"", DONE[:-2], True)


@pytest.mark.parametrize(
    "frame",
    [
        b'data: {"object":"error","message":"m"}\n\n',
        b'data: {"error":{}}\n\n',
        b'data: {"detail":"m"}\n\n',
        b"event: error\ndata: {}\n\n",
    ],
)
def test_errors_inside_a_stream_are_seen(frame: bytes) -> None:
    stream = DIALECT.open_stream(NOT_WANTED)
    assert (stream.feed(frame), stream.is_failed) == (frame, True)


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (400, {"object": "error", "message": "m", "type": "invalid_model", "code": "1500"}, HostNotFound, "m"),
        (400, {"object": "error", "message": "over the maximum context length"}, ContextTooLong, None),
        (401, {"detail": "Invalid"}, HostRefused, "Invalid"),
        (422, {"detail": [{"loc": ["body", "model"], "msg": "Field required"}]}, HostRejected, "Field required"),
        (429, {"message": "Requests rate limit exceeded"}, HostRateLimited, None),
    ],
)
def test_both_shapes_of_errors_are_read(
    status: int, body: object, kind: type[RequestError], message: str | None
) -> None:
    assert DIALECT.translation is not None
    error = DIALECT.translation.read_error(status, encode(body))
    assert (type(error), message in {None, error.message}) == (kind, True)


@pytest.mark.parametrize(
    ("error", "status"),
    [(Unauthenticated("no key"), 401), (CannotCarry("m", path="top_k"), 400), (OverLimit("slow"), 429)],
)
def test_errors_are_written_as_mistral_does(error: RequestError, status: int) -> None:
    reply = DIALECT.render_error(error, "r1")
    body = decode(reply.body)
    assert (reply.status, body["raw_status_code"], body["object"]) == (status, status, "error")
    assert body["param"] == error.path
    assert DIALECT.render_stream_error(error, "r1") == b"data: " + reply.body + b"\n\n"


def test_routes_are_listed_as_models() -> None:
    card = RouteCard(name="garden", owned_by="hortus", created_at_s=5)
    listed = decode(DIALECT.write_routes((card,)))
    assert (listed["object"], listed["data"]) == ("list", [msgspec.json.decode(DIALECT.write_route(card))])
    assert (listed["data"][0]["id"], listed["data"][0]["capabilities"]["completion_chat"]) == ("garden", True)
