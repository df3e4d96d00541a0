"""Vectors asked of Mistral and answered by it, as numbers and in base64."""

from __future__ import annotations

import pytest
from mistral_examples import VECTORS, decode, encode
from msgspec import Raw

from hortus.canon.embeddings import EmbeddingsInput, EmbeddingsRequest, EmbeddingsResponse
from hortus.canon.errors import BrokenStream
from hortus.canon.manifest import Vocabulary
from hortus.canon.translation import Call, Target
from hortus.dialects.mistral import VOCABULARY

assert VECTORS is not None
PACKED = "AACAPwAAAMA="  # 1.0 and -2.0
ASKED = EmbeddingsRequest(model="m", inputs=())


@pytest.mark.parametrize(
    "body",
    [
        {"input": "a"},
        {"input": ["a"]},
        {"input": [], "output_dimension": 5, "encoding_format": "base64", "output_dtype": "int8"},
        {"input": "a", "metadata": None, "output_dimension": None},
    ],
)
def test_a_request_for_vectors_is_written_again_as_it_was(body: dict[str, object]) -> None:
    body = {"model": "m", **body}
    request = VECTORS.read_request(encode(body), Call())
    written = VECTORS.write_request(request, Target(model="m", source=VOCABULARY))
    assert (decode(written.body), written.losses) == (body, ())


def test_tokens_and_users_are_named_as_lost() -> None:
    inputs = (EmbeddingsInput(tokens=(1,), at="input[0]"), EmbeddingsInput(text="a", at="input[1]"))
    request = EmbeddingsRequest(model="m", inputs=inputs, user="u")
    written = VECTORS.write_request(request, Target(model="m", source=Vocabulary()))
    assert decode(written.body)["input"] == ["a"]
    assert [str(loss) for loss in written.losses] == ["meaning:input[0]", "advisory:user"]


@pytest.mark.parametrize(
    "more",
    [
        {"id": "a", "object": "list", "model": "m", "usage": {"prompt_tokens": 2, "total_tokens": 2}},
        {"model": "m", "usage": {"prompt_tokens": 2, "completion_tokens": 0, "total_tokens": 2, "x": 1}},
        {"object": "list"},
    ],
)
@pytest.mark.parametrize(
    "data",
    [
        [{"object": "embedding", "index": 0, "embedding": [1.5]}, {"index": 1, "embedding": [2]}],
        [{"object": "embedding", "index": 0, "embedding": PACKED}],
    ],
)
def test_vectors_are_written_again_as_they_were(more: dict[str, object], data: list[object]) -> None:
    body = {"data": data} | more
    written = VECTORS.write_response(VECTORS.read_response(encode(body)), ASKED)
    assert (decode(written.body), written.losses) == (body, ())


def test_vectors_of_others_are_packed_where_the_client_wants_it() -> None:
    response = EmbeddingsResponse(vectors=(Raw(b"[1.0,-2.0]"),))
    packed = VECTORS.write_response(response, EmbeddingsRequest(model="m", inputs=(), encoding="base64"))
    assert decode(packed.body)["data"][0]["embedding"] == PACKED
    plain = decode(VECTORS.write_response(response, ASKED).body)
    assert (plain["data"][0]["embedding"], plain["model"]) == ([1.0, -2.0], "m")


def test_vectors_that_cannot_be_read_are_the_hosts_fault() -> None:
    with pytest.raises(BrokenStream):
        VECTORS.read_response(b'{"data": 1}')
