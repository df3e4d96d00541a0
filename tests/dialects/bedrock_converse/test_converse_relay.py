"""What passes between a client and a host of Bedrock: unchanged but for the model in the path; and what it may use."""

from __future__ import annotations

import pytest
from converse_wire import METADATA, START, STOP, answer, decode, delta, encode, said, stream_of

from hortus.canon.dialect import Asked, RouteCard
from hortus.canon.errors import InvalidRequest
from hortus.canon.usage import Usage
from hortus.dialects.bedrock_converse import DIALECT
from hortus.framing.aws_frames import write_event, write_exception

CHAT, STREAM, COUNT = DIALECT.operations[:3]


def ask(body: object, operation=CHAT) -> Asked:
    return DIALECT.read_request(operation, encode(body), "garden/a")


def units(body: object, operation=CHAT):
    return DIALECT.weigh(operation, ask(body, operation), encode(body))


def test_paths_are_those_of_bedrock() -> None:
    assert [operation.path for operation in DIALECT.operations[:3]] == [
        "/model/{route}/converse",
        "/model/{route}/converse-stream",
        "/model/{route}/count-tokens",
    ]
    assert DIALECT.translation is not None
    assert DIALECT.translation.chat.stream_type(None) == "application/vnd.amazon.eventstream"


def test_route_and_stream_stand_in_the_path() -> None:
    asked = ask({"messages": [], "inferenceConfig": {"maxTokens": 5}}, STREAM)
    assert (asked.route, asked.is_stream, asked.output_limit) == ("garden/a", True, 5)
    assert not ask({"inferenceConfig": 1}).is_stream
    with pytest.raises(InvalidRequest):
        DIALECT.read_request(CHAT, b"{}", None)


def test_the_body_goes_on_as_it_came() -> None:
    asked = ask({"messages": [], "x": 1.50})
    assert DIALECT.write_request(asked, "garden/a").adaptations == ()
    written = DIALECT.write_request(asked, "us.model")
    assert (decode(written.body), written.adaptations) == ({"messages": [], "x": 1.5}, ("model",))


def test_files_in_buckets_are_named_as_what_the_host_keeps() -> None:
    bucket = {"s3Location": {"uri": "s3://a/b"}}
    call = {"toolUse": {"toolUseId": "1", "name": "f", "input": {"s3Location": {"uri": "s3://mine"}}}}
    assert ask(said({"image": {"format": "png", "source": bucket}}, call)).host_ids == (("file", "s3://a/b"),)
    assert ask(said({"text": "s3Location"})).host_ids == ()
    assert ask({"messages": [], "s3Location": 1}).host_ids == ()
    assert ask({}).host_ids == ()


def test_an_answer_tells_usage_and_which_model_a_router_chose() -> None:
    body = answer({"text": "a"}, trace={"promptRouter": {"invokedModelId": "m"}})
    told = DIALECT.read_answer(CHAT, encode(body), 10)
    assert (told.usage, told.served_model) == (Usage(1, 2), "m")


@pytest.mark.parametrize("body", [b"{}", b"{", b'{"output":{"message":{"content":[{"text":"abcdefgh"}]}}}'])
def test_usage_that_is_not_told_is_estimated(body: bytes) -> None:
    told = DIALECT.read_answer(CHAT, body, 10)
    assert told.usage.is_estimated
    assert told.served_model is None


def test_counting_uses_nothing() -> None:
    assert DIALECT.read_answer(COUNT, b"{}", 10).usage == Usage()
    assert units({}, COUNT).output_tokens == 0


def passed(*parts: bytes):
    stream = DIALECT.open_stream(True)  # noqa: FBT003 -- the gateway calls it so
    data = b"".join(stream.feed(part) for part in parts) + stream.close()
    return stream, data


def test_a_stream_passes_in_whole_frames() -> None:
    data = stream_of(START, delta(0, text="a"), STOP, METADATA)
    stream, got = passed(data[:50], data[50:], data[:20])
    assert got == data
    assert (stream.is_finished, stream.is_failed, stream.usage) == (True, False, Usage(1, 2))
    assert (stream.given_ids, stream.served_model) == ((), None)


def test_a_stream_that_tells_no_usage_is_estimated() -> None:
    stream, _ = passed(stream_of(START, delta(0, text="a" * 40)), write_event("metadata", b"{"))
    assert stream.usage is None
    assert stream.estimate(input_bytes=8) == Usage(2, 1, is_estimated=True)


def test_a_stream_that_fails_is_known_to() -> None:
    assert passed(write_exception("throttlingException", b"{}"))[0].is_failed


def test_what_a_request_may_use_is_weighed() -> None:
    found = units(
        said(
            {"image": {"format": "png", "source": {"bytes": "AA"}}},
            {"document": {"name": "a", "source": {"bytes": "AA"}}},
            {"video": {"format": "mp4", "source": {}}},
        )
        | {
            "inferenceConfig": {"maxTokens": 7},
            "serviceTier": {"type": "flex"},
            "toolConfig": {
                "tools": [
                    {"toolSpec": {"name": "f"}},
                    {"cachePoint": {"type": "default"}},
                    {"systemTool": {"name": "nova_grounding"}},
                    {"systemTool": {"name": "other"}},
                    {"systemTool": 1},
                ]
            },
            "additionalModelRequestFields": {"tools": [{"type": "computer_20250124"}, {}]},
        }
    )
    assert (found.images, found.documents, found.output_tokens, found.service_tier) == (1, 2, 7, "flex")
    assert (found.searches, found.server_tools) == (True, True)
    assert found.tools == ("computer", "function", "other", "unreadable", "web_search")


def test_plain_words_weigh_nothing_more() -> None:
    found = units(said({"text": '"image"'}) | {"performanceConfig": {"latency": "optimized"}})
    assert (found.images, found.tools, found.service_tier) == (0, (), "optimized")
    assert units({"toolConfig": {"tools": [1]}}).tools == ("unreadable",)


def test_a_routes_limit_goes_into_the_config() -> None:
    asked = DIALECT.cap_output(ask({"inferenceConfig": {"temperature": 0.5}}), 9)
    body = decode(DIALECT.write_request(asked, "m").body)
    assert (body["inferenceConfig"], asked.output_limit) == ({"temperature": 0.5, "maxTokens": 9}, 9)


def test_routes_are_listed_as_foundation_models() -> None:
    card = RouteCard(name="garden", owned_by="town", created_at_s=0)
    (listed,) = decode(DIALECT.write_routes((card,)))["modelSummaries"]
    assert (listed["modelId"], listed["providerName"]) == ("garden", "town")
    assert decode(DIALECT.write_route(card))["modelDetails"] == listed
