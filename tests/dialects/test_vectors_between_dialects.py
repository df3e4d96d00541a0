"""Vectors between every two dialects that have them: what arrives, and what is named where it does not."""

from __future__ import annotations

import base64
import struct

import msgspec
import pytest

from hortus.canon.errors import CallerFault
from hortus.canon.translation import Call, Embeddings, Target
from proof_of_dialects import NAMES, TRANSLATIONS

SPEAKING = tuple(name for name in NAMES if TRANSLATIONS[name].embeddings is not None)
PAIRS = [(client, host) for client in SPEAKING for host in SPEAKING]
ENCODE, DECODE = msgspec.json.Encoder().encode, msgspec.json.Decoder().decode
NUMBERS = [0.5, -0.25, 2.0]
PACKED = base64.b64encode(struct.pack("<3f", *NUMBERS)).decode()

TEXTS: dict[str, dict[str, object]] = {
    "openai_chat": {"model": "r", "input": ["a", "b"]},
    "mistral": {"model": "r", "input": ["a", "b"]},
    "cohere_v2": {"model": "r", "texts": ["a", "b"], "input_type": "search_document"},
    "gemini": {"requests": [{"model": "models/r", "content": {"parts": [{"text": one}]}} for one in ("a", "b")]},
}
SHORT: dict[str, dict[str, object]] = {
    "openai_chat": {"dimensions": 3},
    "mistral": {"output_dimension": 3},
    "cohere_v2": {"output_dimension": 3},
}
ANSWERS: dict[str, dict[str, object]] = {
    "openai_chat": {
        "object": "list",
        "model": "m",
        "data": [{"object": "embedding", "index": n, "embedding": NUMBERS} for n in (0, 1)],
        "usage": {"prompt_tokens": 4, "total_tokens": 4},
    },
    "mistral": {
        "id": "e",
        "object": "list",
        "model": "m",
        "data": [{"object": "embedding", "index": n, "embedding": NUMBERS} for n in (0, 1)],
        "usage": {"prompt_tokens": 4, "total_tokens": 4, "completion_tokens": 0},
    },
    "cohere_v2": {
        "id": "e",
        "texts": ["a", "b"],
        "embeddings": {"float": [NUMBERS, NUMBERS]},
        "meta": {"billed_units": {"input_tokens": 4}},
    },
    "gemini": {"embeddings": [{"values": NUMBERS}, {"values": NUMBERS}]},
}


def brought(name: str) -> Embeddings:
    found = TRANSLATIONS[name].embeddings
    assert found is not None
    return found


def asked(client: str, host: str, body: dict[str, object]) -> tuple[dict[str, object], list[str]]:
    call = Call(route="r") if client == "gemini" else Call()
    request = brought(client).read_request(ENCODE(body), call)
    written = brought(host).write_request(request, Target("up", source=TRANSLATIONS[client].vocabulary))
    return DECODE(written.body), [str(one) for one in written.losses]


def texts_in(body: dict) -> list[str]:
    if "requests" in body:
        return [one["content"]["parts"][0]["text"] for one in body["requests"]]
    found = body.get("input", body.get("texts"))
    return [found] if isinstance(found, str) else found


@pytest.mark.parametrize(("client", "host"), PAIRS)
def test_texts_arrive(client: str, host: str) -> None:
    body, losses = asked(client, host, TEXTS[client])
    assert texts_in(body) == ["a", "b"]
    assert [one for one in losses if one.startswith("meaning")] == []


@pytest.mark.parametrize(("client", "host"), [pair for pair in PAIRS if pair[0] in SHORT])
def test_the_length_of_vectors_arrives(client: str, host: str) -> None:
    body, losses = asked(client, host, TEXTS[client] | SHORT[client])
    assert [one for one in losses if "dimension" in one] == []
    assert "3" in ENCODE(body).decode()


@pytest.mark.parametrize(("client", "host"), PAIRS)
def test_vectors_come_back_number_by_number(client: str, host: str) -> None:
    call = Call(route="r") if client == "gemini" else Call()
    request = brought(client).read_request(ENCODE(TEXTS[client]), call)
    response = brought(host).read_response(ENCODE(ANSWERS[host]))
    written = brought(client).write_response(response, request)
    assert written.losses == ()
    again = brought(client).read_response(written.body)
    assert [DECODE(one) for one in again.vectors] == [NUMBERS, NUMBERS]
    if host != "gemini" and client != "gemini":
        assert (again.usage or response.usage) == response.usage


@pytest.mark.parametrize("client", ["openai_chat", "mistral"])
@pytest.mark.parametrize("host", SPEAKING)
def test_vectors_in_base64_are_given_as_asked_whatever_the_host_gives(client: str, host: str) -> None:
    request = brought(client).read_request(ENCODE(TEXTS[client] | {"encoding_format": "base64"}), Call())
    response = brought(host).read_response(ENCODE(ANSWERS[host]))
    if client == host:
        response = msgspec.structs.replace(response, extras=None)
    body = DECODE(brought(client).write_response(response, request).body)
    assert [one["embedding"] for one in body["data"]] == [PACKED, PACKED]


def test_cohere_s_base64_is_given_as_asked() -> None:
    asking = TEXTS["cohere_v2"] | {"embedding_types": ["base64"]}
    request = brought("cohere_v2").read_request(ENCODE(asking), Call())
    response = brought("openai_chat").read_response(ENCODE(ANSWERS["openai_chat"]))
    body = DECODE(brought("cohere_v2").write_response(response, request).body)
    assert body["embeddings"] == {"base64": [PACKED, PACKED]}


@pytest.mark.parametrize("host", [name for name in SPEAKING if name != "cohere_v2"])
@pytest.mark.parametrize("types", [["int8"], ["float", "binary"], ["ubinary"]])
def test_numbers_that_only_cohere_writes_refuse_elsewhere(host: str, types: list[str]) -> None:
    _, losses = asked("cohere_v2", host, TEXTS["cohere_v2"] | {"embedding_types": types})
    assert "meaning:embedding_types" in losses


@pytest.mark.parametrize("host", [name for name in SPEAKING if name != "mistral"])
def test_numbers_that_only_mistral_writes_refuse_elsewhere(host: str) -> None:
    _, losses = asked("mistral", host, TEXTS["mistral"] | {"output_dtype": "int8"})
    assert "meaning:output_dtype" in losses


@pytest.mark.parametrize("host", SPEAKING)
def test_what_the_vectors_are_for_arrives_or_is_named(host: str) -> None:
    body, losses = asked("cohere_v2", host, TEXTS["cohere_v2"] | {"input_type": "search_query"})
    text = ENCODE(body).decode()
    arrived = "search_query" in text or "RETRIEVAL_QUERY" in text
    assert arrived != any("input_type" in one for one in losses)


@pytest.mark.parametrize("host", [name for name in SPEAKING if name != "openai_chat"])
def test_tokens_of_another_maker_s_tokenizer_refuse(host: str) -> None:
    try:
        _, losses = asked("openai_chat", host, {"model": "r", "input": [[1, 2, 3]]})
    except CallerFault:
        return
    assert any(one.startswith("meaning:input") for one in losses)
