"""Vectors asked and answered, as numbers and in base64."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw
from openai_chat_examples import TRANSLATION

from hortus.canon.embeddings import EmbeddingsInput, EmbeddingsRequest, EmbeddingsResponse
from hortus.canon.errors import BrokenStream, InvalidRequest
from hortus.canon.translation import Call, Target
from hortus.canon.usage import Usage

assert TRANSLATION.embeddings is not None
VECTORS = TRANSLATION.embeddings
PACKED = "AACAPwAAAMA="  # 1.0 and -2.0
ASKED = EmbeddingsRequest(model="m", inputs=())


def read(body: dict[str, Any]) -> EmbeddingsRequest:
    return VECTORS.read_request(msgspec.json.encode({"model": "m"} | body), Call())


def answered(*vectors: object, **more: Any) -> dict[str, Any]:
    data = [{"object": "embedding", "index": i, "embedding": one} for i, one in enumerate(vectors)]
    return {"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 2, "total_tokens": 2}} | more


@pytest.mark.parametrize(
    "body",
    [
        {"input": "a"},
        {"input": ["a"]},
        {"input": [1, 2]},
        {"input": [[1, 2], [3]]},
        {"input": []},
        {"input": [[]]},
        {"input": "a", "dimensions": 5, "encoding_format": "base64", "user": "u", "x": 1},
        {"input": "a", "dimensions": None},
    ],
)
def test_a_request_is_written_again_as_it_was(body: dict[str, Any]) -> None:
    done = VECTORS.write_request(read(body), Target(model="m", source=TRANSLATION.vocabulary))
    assert msgspec.json.decode(done.body) == {"model": "m"} | body
    assert (done.losses, done.adaptations) == ((), ())


def test_inputs_are_texts_or_tokens() -> None:
    assert read({"input": "a"}).inputs == (EmbeddingsInput(text="a", at="input"),)
    assert read({"input": [1, 2]}).inputs == (EmbeddingsInput(tokens=(1, 2), at="input"),)
    assert [one.at for one in read({"input": ["a", "b"]}).inputs] == ["input[0]", "input[1]"]


@pytest.mark.parametrize("given", [["a", 1], [1, [2]], [["a"]], 7])
def test_inputs_of_several_kinds_are_refused(given: object) -> None:
    with pytest.raises(InvalidRequest):
        read({"input": given})


def test_what_vectors_are_for_cannot_be_said() -> None:
    request = EmbeddingsRequest(model="m", inputs=(EmbeddingsInput(text="a"),), task="RETRIEVAL_QUERY", title="t")
    done = VECTORS.write_request(request, Target(model="host", source=TRANSLATION.vocabulary))
    assert done.body == b'{"model":"host","input":["a"]}'
    assert [loss.path for loss in done.losses] == ["task", "title"]


@pytest.mark.parametrize(
    "body",
    [
        answered([1.0, -2.5e-06]),
        answered(PACKED, PACKED),
        answered([1], id="e", usage={"prompt_tokens": 2, "total_tokens": 2, "cost": 0.1}),
        {"data": [{"index": 0, "embedding": [1], "x": 1}]},
        {"data": []},
    ],
)
def test_an_answer_is_written_again_as_it_was(body: dict[str, Any]) -> None:
    done = VECTORS.write_response(VECTORS.read_response(msgspec.json.encode(body)), ASKED)
    assert msgspec.json.decode(done.body) == body
    assert done.losses == ()


def test_vectors_are_numbers_in_the_order_of_the_inputs() -> None:
    body = answered(PACKED, [3])
    body["data"].reverse()
    found = VECTORS.read_response(msgspec.json.encode(body))
    assert [bytes(vector) for vector in found.vectors] == [b"[1.0,-2.0]", b"[3]"]
    assert found.usage == Usage(input_tokens=2)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b'{"data":7}',
        b'{"data":[{"index":0}]}',
        b'{"data":[{"index":0,"embedding":"?"}]}',
        b'{"data":[{"index":0,"embedding":"AAAA"}]}',
        b'{"data":[{"index":0,"embedding":"AADAfw=="}]}',
    ],
)
def test_what_cannot_be_read_is_the_hosts_fault(body: bytes) -> None:
    with pytest.raises(BrokenStream):
        VECTORS.read_response(body)


@pytest.mark.parametrize(("encoding", "vector"), [("base64", PACKED), ("float", [1, -2]), (None, [1, -2])])
def test_another_makers_vectors_are_written_as_the_client_wants_them(encoding: str | None, vector: object) -> None:
    request = EmbeddingsRequest(model="garden", inputs=(), encoding=encoding)
    done = VECTORS.write_response(EmbeddingsResponse(vectors=(Raw(b"[1,-2]"),)), request)
    assert msgspec.json.decode(done.body) == answered(
        vector, model="garden", usage={"prompt_tokens": 0, "total_tokens": 0}
    )
