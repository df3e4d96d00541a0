"""What stays in this dialect: what the gateway learns of requests, answers, streams and errors; and vectors."""

from __future__ import annotations

import pytest
from cohere_examples import DECODE, ENCODE, END, OPERATIONS, START, TRANSLATION, VECTORS, answer, grown, stream
from msgspec import Raw

from hortus.canon import errors
from hortus.canon.dialect import RouteCard
from hortus.canon.embeddings import EmbeddingsInput, EmbeddingsRequest, EmbeddingsResponse
from hortus.canon.translation import Call, Target
from hortus.canon.units import Units
from hortus.canon.usage import Usage
from hortus.dialects.cohere_v2 import DIALECT

CHAT, EMBED, RERANK = OPERATIONS["chat"], OPERATIONS["embeddings"], OPERATIONS["rerank"]
TARGET = Target("embed-v4.0", source=TRANSLATION.vocabulary)


def test_only_the_model_changes() -> None:
    body = b'{"model":"r","max_tokens":5,"stream":true,"messages":[{"role":"user","content":"\\u00e9"}]}'
    read = DIALECT.read_request(CHAT, body, None)
    assert (read.route, read.is_stream, read.wants_usage, read.output_limit) == ("r", True, True, 5)
    assert DIALECT.write_request(read, "command-a").body == body.replace(b'"r"', b'"command-a"')
    assert DIALECT.write_request(read, "command-a").adaptations == ("model",)
    assert DIALECT.write_request(read, "r").body == body


def test_vectors_have_no_output() -> None:
    read = DIALECT.read_request(EMBED, b'{"model":"r","stream":true,"max_tokens":5}', None)
    assert (read.is_stream, read.output_limit) == (False, None)


META = {"meta": {"billed_units": {"input_tokens": 2, "image_tokens": 3}}}
ANSWERS = [
    (CHAT, answer(content=[]), Usage(5, 7)),
    (EMBED, ENCODE(META), Usage(5, 0, input_image_tokens=3)),
    (EMBED, ENCODE({"meta": {"billed_units": {"images": 1}}}), Usage(25, 0, is_estimated=True)),
    (RERANK, ENCODE({"results": [], "meta": {"billed_units": {"search_units": 1}}}), Usage(search_units=1)),
    (CHAT, b'{"message":"12345"}', Usage(25, 2, is_estimated=True)),
    (CHAT, b'{"usage":{"billed_units":{"input_tokens":"x"},"tokens":3}}', Usage(25, 0, is_estimated=True)),
    (EMBED, b"<html>", Usage(25, 0, is_estimated=True)),
    (RERANK, b'{"meta":{"billed_units":null}}', Usage(25, 0, is_estimated=True)),
]


@pytest.mark.parametrize(("operation", "body", "usage"), ANSWERS, ids=range(len(ANSWERS)))
def test_the_usage_of_an_answer(operation, body: bytes, usage: Usage) -> None:
    found = DIALECT.read_answer(operation, body, 100)
    assert (found.usage, found.served_model) == (usage, None)


def test_a_stream_passes_as_it_came_and_tells_its_usage() -> None:
    data = b": hush\n\n" + stream(START, grown(text="Hello"), END) + b"data: [DONE]"
    tap = DIALECT.open_stream(True)  # noqa: FBT003 -- the record's own signature
    passed = b"".join(tap.feed(data[i : i + 9]) for i in range(0, len(data), 9))
    assert (tap.usage, tap.is_finished, tap.is_failed) == (Usage(5, 7), True, False)
    assert passed + tap.close() == data
    assert (tap.served_model, tap.given_ids) == (None, ())
    assert tap.estimate(input_bytes=8) == Usage(2, 1, is_estimated=True)


def test_a_stream_may_fail_or_break_off() -> None:
    tap = DIALECT.open_stream(True)  # noqa: FBT003 -- the record's own signature
    tap.feed(stream({"type": "message-end"}))
    assert tap.is_finished
    tap.feed(stream({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "x"}}))
    assert (tap.is_finished, tap.is_failed, tap.usage) == (False, True, None)
    tap.feed(b'data: {"type":')
    assert tap.close() == b""
    assert tap.close() == b""


WEIGHED = [
    (
        CHAT,
        {"max_tokens": 9, "tools": [{"type": "function"}], "messages": [{"content": [{"type": "image_url"}]}]},
        Units(output_tokens=9, images=1, tools=("function",)),
    ),
    (CHAT, {}, Units()),
    (EMBED, {"images": ["a", "b"], "inputs": [{"content": [{"type": "image_url"}]}]}, Units(output_tokens=0, images=3)),
    (RERANK, {"documents": ["x"] * 150}, Units(output_tokens=0, search_units=2, repeated_bytes=1200)),
]


@pytest.mark.parametrize(("operation", "members", "units"), WEIGHED, ids=range(len(WEIGHED)))
def test_what_a_request_may_use(operation, members: dict[str, object], units: Units) -> None:
    body = ENCODE({"model": "r"} | members)
    assert DIALECT.weigh(operation, DIALECT.read_request(operation, body, None), body) == units


def test_a_route_may_limit_the_output() -> None:
    capped = DIALECT.cap_output(DIALECT.read_request(CHAT, b'{"model":"r"}', None), 7)
    assert (capped.output_limit, bytes(capped.members["max_tokens"])) == (7, b"7")


def test_routes_are_listed_as_models() -> None:
    card = RouteCard("garden", owned_by="us", created_at_s=1)
    model = {
        "name": "garden",
        "endpoints": ["chat"],
        "default_endpoints": [],
        "finetuned": False,
        "is_deprecated": False,
    }
    assert DECODE(DIALECT.write_routes((card,))) == {"models": [model]}
    assert DECODE(DIALECT.write_route(card)) == model


ERRORS = [
    (404, b'{"id":"x","message":"model \'m\' not found"}', errors.HostNotFound),
    (400, b'{"message":"too many tokens: total number of tokens"}', errors.ContextTooLong),
    (400, b'{"message":"invalid request"}', errors.HostRejected),
    (401, b'{"message":"invalid api token"}', errors.HostRefused),
    (400, b'{"message":"invalid api token"}', errors.HostRefused),
    (402, b'{"message":"Please add a payment method."}', errors.HostQuotaExhausted),
    (429, b'{"message":"limited to 1000 API calls / month"}', errors.HostQuotaExhausted),
    (429, b'{"message":"slow down"}', errors.HostRateLimited),
    (498, b'{"message":"invalid token"}', errors.ContentRefused),
    (500, b"<html>", errors.HostFault),
    (503, b"", errors.HostOverloaded),
]


@pytest.mark.parametrize(("status", "body", "kind"), ERRORS, ids=range(len(ERRORS)))
def test_errors_of_the_host(status: int, body: bytes, kind: type[errors.RequestError]) -> None:
    assert type(TRANSLATION.read_error(status, body)) is kind


def test_errors_for_clients_have_no_object_around_them() -> None:
    reply = DIALECT.render_error(errors.InvalidRequest("It is wrong.", path="p", hint="Mend it."), "rcp1")
    assert (reply.status, DECODE(reply.body)) == (400, {"id": "rcp1", "message": "p: It is wrong. Mend it."})
    assert DIALECT.render_error(errors.OverBudget("Spent."), "rcp1").status == 402


VECTOR_REQUESTS: list[dict[str, object]] = [
    {"texts": ["a", "b"], "input_type": "search_query", "embedding_types": ["float"], "output_dimension": 4},
    {"texts": ["a"], "embedding_types": ["base64"], "truncate": None, "max_tokens": None},
    {"texts": [], "input_type": "image", "images": ["data:x"], "embedding_types": ["int8", "float"]},
    {"inputs": [{"content": []}], "embedding_types": []},
    {"texts": ["a"]},
]


@pytest.mark.parametrize("members", VECTOR_REQUESTS, ids=range(len(VECTOR_REQUESTS)))
def test_a_request_for_vectors_is_written_as_it_was(members: dict[str, object]) -> None:
    body = {"model": "embed-v4.0"} | members
    written = VECTORS.write_request(VECTORS.read_request(ENCODE(body), Call()), TARGET)
    assert DECODE(written.body) == body
    assert (written.losses, written.adaptations) == ((), ())


def test_a_request_of_others_for_vectors() -> None:
    request = EmbeddingsRequest("r", (EmbeddingsInput(text="a"), EmbeddingsInput(tokens=(1,), at="input[1]")))
    written = VECTORS.write_request(request, TARGET)
    assert DECODE(written.body) == {
        "model": "embed-v4.0",
        "texts": ["a"],
        "input_type": "search_document",
        "embedding_types": ["float"],
    }
    assert [loss.path for loss in written.losses] == ["input[1]"]
    assert written.adaptations == ("+input_type",)


@pytest.mark.parametrize(
    ("task", "kind", "losses"),
    [("RETRIEVAL_QUERY", "search_query", 0), ("SEMANTIC_SIMILARITY", "clustering", 1), ("X", "search_document", 1)],
)
def test_tasks_of_others(task: str, kind: str, losses: int) -> None:
    request = EmbeddingsRequest("r", (EmbeddingsInput(text="a"),), task=task, encoding="base64")
    written = VECTORS.write_request(request, TARGET)
    body = DECODE(written.body)
    assert (body["input_type"], body["embedding_types"], len(written.losses)) == (kind, ["base64"], losses)


ASKED = EmbeddingsRequest("r", (EmbeddingsInput(text="a"),))
VECTOR_ANSWERS: list[dict[str, object]] = [
    {"id": "x", "embeddings": {"float": [[1.0, -2.0]]}, "texts": ["a"], "meta": META["meta"], "response_type": "t"},
    {"embeddings": {"float": [[1.0]], "base64": ["AACAPw=="], "int8": [[1]]}},
    {"embeddings": {"base64": ["AACAPwAAAMA="]}, "meta": {}},
    {"embeddings": {"int8": [[1]]}},
    {"embeddings": [[1.0]]},
]


@pytest.mark.parametrize("body", VECTOR_ANSWERS, ids=range(len(VECTOR_ANSWERS)))
def test_vectors_are_written_as_they_were(body: dict[str, object]) -> None:
    written = VECTORS.write_response(VECTORS.read_response(ENCODE(body)), ASKED)
    assert DECODE(written.body) == body


def test_vectors_in_base64_are_numbers_for_others() -> None:
    assert [bytes(one) for one in VECTORS.read_response(ENCODE(VECTOR_ANSWERS[2])).vectors] == [b"[1.0,-2.0]"]


@pytest.mark.parametrize("packed", ["*", "AAAA", "AADAfw=="])
def test_vectors_that_are_none_are_broken(packed: str) -> None:
    with pytest.raises(errors.BrokenStream):
        VECTORS.read_response(ENCODE({"embeddings": {"base64": [packed]}}))


def test_an_answer_without_vectors_is_broken() -> None:
    with pytest.raises(errors.BrokenStream):
        VECTORS.read_response(b"{}")


@pytest.mark.parametrize(("encoding", "found"), [(None, {"float": [[1.0]]}), ("base64", {"base64": ["AACAPw=="]})])
def test_vectors_of_others(encoding: str | None, found: dict[str, object]) -> None:
    request = EmbeddingsRequest("r", (EmbeddingsInput(text="a"), EmbeddingsInput(tokens=(1,))), encoding=encoding)
    body = DECODE(VECTORS.write_response(EmbeddingsResponse((Raw(b"[1.0]"),), usage=Usage(3)), request).body)
    assert body == {
        "id": "embeddings",
        "embeddings": found,
        "texts": ["a", ""],
        "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 3}},
        "response_type": "embeddings_by_type",
    }
