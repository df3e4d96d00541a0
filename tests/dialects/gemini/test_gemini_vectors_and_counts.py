"""Embeddings and counts of tokens, both ways."""

from __future__ import annotations

import pytest
from gemini_wire import TRANSLATION, decode, encode, lost, raw, target

from hortus.canon.embeddings import EmbeddingsInput, EmbeddingsRequest, EmbeddingsResponse
from hortus.canon.errors import BrokenStream, InvalidRequest
from hortus.canon.parts import Text
from hortus.canon.request import Message, Request
from hortus.canon.translation import Call
from hortus.canon.usage import Usage

VECTORS = TRANSLATION.embeddings
COUNT = TRANSLATION.token_count
ROUTE = Call(route="garden")


def vectors_again(body: dict) -> EmbeddingsRequest:
    request = VECTORS.read_request(encode(body), ROUTE)
    written = VECTORS.write_request(request, target("garden"))
    assert decode(written.body) == body
    assert written.losses == ()
    return request


def item(text: str, **more: object) -> dict:
    return {"content": {"parts": [{"text": text}]}, **more}


def test_one_text_and_several() -> None:
    one = vectors_again(item("a", taskType="RETRIEVAL_QUERY", outputDimensionality=3, title="t"))
    assert (one.model, one.inputs[0].text, one.task, one.dimensions, one.title) == (
        "garden",
        "a",
        "RETRIEVAL_QUERY",
        3,
        "t",
    )
    assert VECTORS.path_of(one) == "embeddings"
    named = {"model": "models/garden", "output_dimensionality": 3}
    many = vectors_again({"requests": [item("a", **named), item("b", **named)]})
    assert ([one.text for one in many.inputs], many.dimensions) == (["a", "b"], 3)
    assert VECTORS.path_of(many) == "batch_embeddings"
    assert VECTORS.path_of(vectors_again({"requests": [item("a", model="models/garden")]})) == "batch_embeddings"


def test_odd_forms_come_back() -> None:
    vectors_again(item("a", model="models/garden", autoTruncate=True))
    vectors_again({"content": {"role": "user", "parts": {"text": "a", "novel": 1}}})
    vectors_again({"requests": []})


def test_requests_that_differ_keep_what_is_asked_of_each() -> None:
    request = vectors_again({"requests": [item("a", title="x"), item("b", title="y")]})
    assert request.title is None
    assert [one.extras.members["title"] for one in request.inputs] == [raw("x"), raw("y")]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"content": {}},
        {"content": {"parts": []}},
        {"content": {"parts": [{"text": "a"}, {"text": "b"}]}},
        {"content": {"parts": [{"inlineData": {}}]}},
        {"requests": [{"content": 7}]},
        {"requests": [{}]},
    ],
)
def test_what_is_not_one_text_is_refused(body: dict) -> None:
    with pytest.raises(InvalidRequest, match=r"content"):
        VECTORS.read_request(encode(body), ROUTE)


def test_requests_from_elsewhere() -> None:
    texts = tuple(EmbeddingsInput(text=text, at=f"input[{i}]") for i, text in enumerate("ab"))
    request = EmbeddingsRequest(model="garden", inputs=texts, dimensions=3, encoding="base64", user="u-1")
    written = VECTORS.write_request(request, target("m-1"))
    assert decode(written.body) == {
        "requests": [item(text, model="models/m-1", outputDimensionality=3) for text in "ab"]
    }
    assert lost(written) == {"user": "advisory"}
    one = EmbeddingsRequest(model="garden", inputs=texts[:1])
    assert VECTORS.path_of(one) == "embeddings"
    assert decode(VECTORS.write_request(one, target("m-1")).body) == item("a")


def test_tokens_of_other_makers_are_lost() -> None:
    request = EmbeddingsRequest(model="garden", inputs=(EmbeddingsInput(tokens=(1, 2), at="input[0]"),))
    assert lost(VECTORS.write_request(request, target("m-1"))) == {"input[0].tokens": "meaning"}
    nothing = EmbeddingsRequest(model="garden", inputs=())
    assert decode(VECTORS.write_request(nothing, target("m-1")).body) == {"requests": []}


ONE = VECTORS.read_request(encode(item("a")), ROUTE)
MANY = VECTORS.read_request(encode({"requests": [item("a"), item("b")]}), ROUTE)


@pytest.mark.parametrize(
    ("request_", "body", "usage"),
    [
        (ONE, {"embedding": {"values": [0.5, 1]}}, None),
        (ONE, {"embedding": {"values": [0.5], "shape": [1]}, "usageMetadata": {"promptTokenCount": 4}}, 4),
        (MANY, {"embeddings": [{"values": [1]}, {"values": [2], "shape": [1]}]}, None),
        (MANY, {"embeddings": []}, None),
    ],
)
def test_vectors_are_read_and_written_again(request_: EmbeddingsRequest, body: dict, usage: int | None) -> None:
    response = VECTORS.read_response(encode(body))
    written = VECTORS.write_response(response, request_)
    assert decode(written.body) == body
    assert written.losses == ()
    assert (response.usage and response.usage.input_tokens) == usage


def test_vectors_from_elsewhere() -> None:
    response = EmbeddingsResponse(vectors=(raw([0.5]),), model="m-1", usage=Usage(input_tokens=3))
    assert decode(VECTORS.write_response(response, ONE).body) == {
        "embedding": {"values": [0.5]},
        "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3},
    }
    assert decode(VECTORS.write_response(EmbeddingsResponse(vectors=()), ONE).body) == {"embedding": {"values": []}}


@pytest.mark.parametrize("data", [b"", b"[]", b'{"embedding": {}}', b'{"embeddings": [{}]}', b'{"embeddings": 7}'])
def test_vectors_that_cannot_be_read(data: bytes) -> None:
    with pytest.raises(BrokenStream):
        VECTORS.read_response(data)


CONTENTS = [{"role": "user", "parts": [{"text": "Hi"}]}]


@pytest.mark.parametrize(
    "body",
    [
        {"contents": CONTENTS},
        {"contents": CONTENTS, "tools": [{"googleSearch": {}}]},
        {"generateContentRequest": {"model": "models/garden", "contents": CONTENTS, "tools": [{}]}},
        {"generate_content_request": {"contents": CONTENTS}},
    ],
)
def test_counts_are_asked_for_again_as_they_were(body: dict) -> None:
    written = COUNT.write_request(COUNT.read_request(encode(body), ROUTE), target("garden"))
    assert decode(written.body) == body
    assert written.losses == ()


@pytest.mark.parametrize("beside", [{"contents": CONTENTS}, {"novel": 1}])
def test_nothing_stands_beside_a_whole_request(beside: dict) -> None:
    with pytest.raises(InvalidRequest):
        COUNT.read_request(encode({"generateContentRequest": {"contents": CONTENTS}} | beside), ROUTE)


def test_counts_from_elsewhere_wrap_what_the_gemini_api_takes_only_so() -> None:
    plain = Request(model="garden", messages=(Message(role="user", parts=(Text(text="Hi"),)),))
    ruled = Request(model="garden", messages=(Message(role="system", parts=(Text(text="Be brief."),)), *plain.messages))
    whole = {"systemInstruction": {"parts": [{"text": "Be brief."}]}, "contents": CONTENTS}
    assert decode(COUNT.write_request(plain, target("m-1")).body) == {"contents": CONTENTS}
    assert decode(COUNT.write_request(ruled, target("m-1")).body) == {
        "generateContentRequest": {"model": "models/m-1", **whole}
    }
    vertex = target("m-1", forbids=frozenset(("generateContentRequest",)))
    assert decode(COUNT.write_request(ruled, vertex).body) == whole


def test_counts_are_read_and_written() -> None:
    assert COUNT.read_response(b'{"totalTokens": 31, "cachedContentTokenCount": 1}') == 31
    assert decode(COUNT.write_response(31)) == {"totalTokens": 31}


@pytest.mark.parametrize("data", [b"", b"{}", b'{"totalTokens": "many"}'])
def test_counts_that_cannot_be_read(data: bytes) -> None:
    with pytest.raises(BrokenStream):
        COUNT.read_response(data)
