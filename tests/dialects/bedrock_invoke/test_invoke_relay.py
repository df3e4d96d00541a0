"""What passes where a body is in a model's own words: unchanged; and what it used, as far as anyone says it."""

from __future__ import annotations

from base64 import b64decode, b64encode

import msgspec
import pytest

from exchanges import traffic_place
from hortus.canon.errors import BrokenStream, InvalidRequest, NotJson
from hortus.canon.usage import Usage
from hortus.dialects.bedrock_invoke import DIALECT
from hortus.framing.aws_frames import write_event, write_exception

WHOLE, STREAM = DIALECT.operations
CLAUDE = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "Hé"}]}
METRICS = {"inputTokenCount": 7, "outputTokenCount": 3, "cacheReadInputTokenCount": 2, "cacheWriteInputTokenCount": 1}


def ask(body: object, operation=WHOLE):
    return DIALECT.read_request(operation, msgspec.json.encode(body), "garden/a")


def units(**body: object):
    return DIALECT.weigh(WHOLE, ask(body), msgspec.json.encode(body))


def chunk(piece: object) -> bytes:
    data = piece if isinstance(piece, bytes) else msgspec.json.encode(piece)
    return write_event("chunk", msgspec.json.encode({"bytes": b64encode(data).decode(), "p": "abc"}))


def passed(data: bytes, *, size: int = 7):
    stream = DIALECT.open_stream(True)  # noqa: FBT003 -- the gateway calls it so
    out = b"".join(stream.feed(data[start : start + size]) for start in range(0, len(data), size))
    return stream, out + stream.close()


def test_paths_are_those_of_bedrock_and_an_endpoint_must_offer_the_word() -> None:
    assert [(one.name, one.path, one.is_stream) for one in DIALECT.operations] == [
        ("invoke", "/model/{route}/invoke", False),
        ("invoke", "/model/{route}/invoke-with-response-stream", True),
    ]


def test_members_go_on_byte_for_byte_and_the_model_is_in_the_path() -> None:
    body = b'{"prompt":"\\u00e9 1","temperature":1.50,"max_gen_len":6e1,"x":[ 1,2 ]}'
    asked = DIALECT.read_request(STREAM, body, "garden/a")
    assert (asked.route, asked.is_stream) == ("garden/a", True)
    written = DIALECT.write_request(asked, "eu.meta.llama")
    assert (written.body, written.adaptations) == (body, ("model",))
    assert DIALECT.write_request(asked, "garden/a").adaptations == ()


def test_what_is_no_object_or_names_no_model_is_refused() -> None:
    with pytest.raises(NotJson):
        DIALECT.read_request(WHOLE, b"a prompt", "m")
    with pytest.raises(InvalidRequest, match="names no model"):
        DIALECT.read_request(WHOLE, b"{}", None)


def test_files_in_buckets_are_kept_by_the_host() -> None:
    film = {"video": {"source": {"s3Location": {"uri": "s3://a/b"}}}}
    assert ask({"messages": [{"content": [film]}]}).host_ids == (("file", "s3://a/b"),)


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        (CLAUDE, 9),
        ({"prompt": "a", "max_gen_len": 60}, 60),
        ({"prompt": "a", "max_tokens_to_sample": 3}, 3),
        ({"messages": [], "inferenceConfig": {"maxTokens": 500}}, 500),
        ({"messages": [], "inferenceConfig": {"max_new_tokens": 10}}, 10),
        ({"inputText": "a", "textGenerationConfig": {"maxTokenCount": 8000}}, 8000),
        ({"inputText": "a"}, None),
        ({"inferenceConfig": 1}, None),
    ],
)
def test_each_family_calls_its_limit_otherwise(body: dict, limit: int | None) -> None:
    assert ask(body).output_limit == limit
    assert units(**body).output_tokens == limit


def test_pictures_documents_and_choices_are_counted() -> None:
    claude = {"content": [{"type": "image", "source": {}}, {"type": "document", "source": {}}]}
    nova = {"content": [{"image": {"format": "png"}}, {"video": {}}, {"text": "image"}]}
    found = units(messages=[claude, nova], num_generations=2)
    assert (found.images, found.documents, found.choices) == (2, 2, 2)
    assert units(taskType="TEXT_IMAGE", imageGenerationConfig={"numberOfImages": 3}).output_images == 3
    assert units(taskType="TEXT_IMAGE", imageGenerationConfig=1).output_images == 1
    assert units(prompt="an image").images == 0


@pytest.mark.parametrize(
    ("body", "tools"),
    [
        ({}, ()),
        ({"tools": [{"name": "f", "input_schema": {}}, {"type": "bash_20250124"}]}, ("function",)),
        ({"tools": [{"type": "web_search_20250305"}]}, ("web_search",)),
        ({"tools": {"a": 1}}, ("unreadable",)),
        ({"mcp_servers": [{"url": "https://a.example"}]}, ("mcp",)),
        ({"toolConfig": {"tools": [{"toolSpec": {}}, {"cachePoint": {}}]}}, ("function",)),
        ({"toolConfig": {"tools": [{"systemTool": {"name": "nova_grounding"}}]}}, ("unreadable",)),
        ({"toolConfig": {"tools": 1}}, ("unreadable",)),
    ],
)
def test_tools_are_seen_or_said_to_be_unreadable(body: dict, tools: tuple[str, ...]) -> None:
    found = units(**body)
    assert found.tools == tools
    assert found.server_tools == bool(set(tools) - {"function", "web_search"})


def test_an_answer_s_headers_say_what_it_used() -> None:
    headers = {
        "x-amzn-bedrock-input-token-count": "3",
        "x-amzn-bedrock-output-token-count": "44",
        "x-amzn-bedrock-cache-read-input-token-count": "9511",
        "x-amzn-bedrock-cache-write-input-token-count": "1956",
        "x-amzn-bedrock-service-tier": "priority",
    }
    assert DIALECT.usage_in_headers(headers) == Usage(
        11470, 44, cached_input_tokens=9511, cache_write_tokens=1956, service_tier="priority"
    )


@pytest.mark.parametrize("value", ["", "-1", "many", "9" * 40])
def test_headers_that_make_no_sense_say_nothing(value: str) -> None:
    assert DIALECT.usage_in_headers({"x-amzn-bedrock-input-token-count": value}) is None


def test_without_headers_an_answer_is_counted() -> None:
    told = DIALECT.read_answer(WHOLE, b"x" * 40, 80)
    assert told.usage == Usage(20, 10, is_estimated=True)
    assert DIALECT.cap_output(ask({}), 5) == ask({})


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_a_stream_passes_byte_for_byte_and_its_last_piece_says_what_was_used(size: int) -> None:
    data = chunk({"generation": "a"}) + chunk({"stop_reason": "x", "amazon-bedrock-invocationMetrics": METRICS})
    stream, out = passed(data, size=size)
    assert out == data
    assert stream.usage == Usage(10, 3, cached_input_tokens=2, cache_write_tokens=1)
    assert (stream.is_finished, stream.is_failed) == (True, False)


def test_a_stream_without_counts_ends_between_two_frames_and_is_counted() -> None:
    data = chunk({"generation": "a" * 200}) + chunk(b"no json")
    stream, out = passed(data)
    assert (out, stream.usage, stream.is_finished) == (data, None, True)
    assert stream.estimate(input_bytes=40).is_estimated


def test_a_stream_that_is_cut_inside_a_frame_is_broken() -> None:
    with pytest.raises(BrokenStream):
        passed(chunk({"generation": "a"}) + chunk({"generation": "b"})[:-5])


def test_a_stream_of_nothing_has_not_ended() -> None:
    stream, out = passed(b"")
    assert (out, stream.is_finished) == (b"", False)


def test_an_error_in_a_stream_passes_and_is_no_end() -> None:
    data = chunk({"generation": "a"}) + write_exception("modelStreamErrorException", b'{"message":"m"}')
    stream, out = passed(data)
    assert (out, stream.is_failed, stream.is_finished) == (data, True, False)


def test_a_frame_with_a_wrong_checksum_is_broken() -> None:
    data = bytearray(chunk({"generation": "a"}))
    data[-1] ^= 1
    with pytest.raises(BrokenStream):
        passed(bytes(data))


@pytest.mark.parametrize("piece", ["%", "", 3])
def test_a_piece_that_nobody_can_read_passes(piece: object) -> None:
    data = write_event("chunk", msgspec.json.encode({"bytes": piece}))
    stream, out = passed(data)
    assert (out, stream.usage) == (data, None)


RECORDED = sorted((traffic_place() / "bedrock").glob("*invoke-model*.json"))


@pytest.mark.parametrize("file", RECORDED, ids=[file.stem for file in RECORDED])
def test_a_recorded_exchange_passes_and_says_what_it_used(file) -> None:
    exchange = msgspec.json.decode(file.read_bytes())
    asked, answered = exchange["request"]["body"], exchange["response"]
    assert msgspec.json.decode(DIALECT.write_request(ask(asked), "m").body) == asked
    if answered["status"] >= 300:
        return
    if (data := answered.get("body_b64")) is not None:
        stream, out = passed(b64decode(data), size=1000)
        assert (out, stream.is_finished) == (b64decode(data), True)
        assert stream.usage is not None
    else:
        assert DIALECT.usage_in_headers(answered["headers"]) is not None
