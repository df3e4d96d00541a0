"""The official cohere SDK, version 2, against a running Hortus: to hosts of its own API, and to translated ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cohere
import msgspec
import pytest
from cohere.core.api_error import ApiError

from garden import Hortus, wait_for
from hortus.testkit.replay_host import ReplayHost
from sdk.wire_host import Wire, WireHost, declared, streamed

pytestmark = pytest.mark.slow

HELLO = [{"role": "user", "content": "When does the library open?"}]
TOOL = {"name": "find_lamp", "description": "Finds it.", "parameters": {"type": "object", "properties": {}}}
TOOLS = [{"type": "function", "function": TOOL}]
DOCUMENTS: list[Any] = [
    {"id": "d1", "data": {"title": "Hours", "text": "The library opens at nine."}},
    "It is closed on Sundays.",
]
ERRORS = {
    400: cohere.BadRequestError,
    404: cohere.NotFoundError,
    429: cohere.TooManyRequestsError,
    500: cohere.InternalServerError,
}
OTHERS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini", "mistral")
USAGE = (
    b'"usage": {"billed_units": {"input_tokens": 12, "output_tokens": 9},'
    b' "tokens": {"input_tokens": 410, "output_tokens": 21}, "cached_tokens": 0}'
)
SOURCE = b'{"type": "document", "id": "d1", "document": {"id": "d1", "title": "Hours", "text": "at nine"}}'
CITED = b'{"start": 3, "end": 7, "text": "nine", "sources": [' + SOURCE + b'], "type": "TEXT_CONTENT"}'


def event(name: bytes, rest: bytes) -> bytes:
    return b"event: " + name + b'\ndata: {"type": "' + name + b'"' + rest + b"}"


def refused(status: int, message: bytes) -> Wire:
    return Wire(b'{"id": "made1", "message": "' + message + b'"}', status=status)


ANSWERS = {
    "cited": Wire(
        b'{"id": "made1", "message": {"role": "assistant", "content": [{"type": "text", "text": "At nine."}],'
        b' "citations": [' + CITED + b']}, "finish_reason": "COMPLETE", ' + USAGE + b"}"
    ),
    "stream": streamed(
        event(b"message-start", b', "id": "made1", "delta": {"message": {"role": "assistant", "content": []}}'),
        event(b"content-start", b', "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}'),
        event(b"content-delta", b', "index": 0, "delta": {"message": {"content": {"text": "At nine."}}}'),
        event(b"citation-start", b', "index": 0, "delta": {"message": {"citations": ' + CITED + b"}}"),
        event(b"citation-end", b', "index": 0'),
        event(b"content-end", b', "index": 0'),
        event(b"message-end", b', "delta": {"finish_reason": "COMPLETE", ' + USAGE + b"}"),
    ),
    "vectors": Wire(
        b'{"id": "made1", "texts": ["one"], "response_type": "embeddings_by_type", "embeddings": {"float":'
        b' [[0.5, -0.25]], "int8": [[64, -32]], "ubinary": [[128]], "base64": ["AAAAPwAAgL4="]},'
        b' "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 4}}}'
    ),
    "ranked": Wire(
        b'{"id": "made1", "results": [{"index": 1, "relevance_score": 0.98}, {"index": 0, "relevance_score": 0.02}],'
        b' "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}}'
    ),
    "ranked-by-jina": Wire(
        b'{"model": "made-up", "object": "list", "usage": {"total_tokens": 9}, "results":'
        b' [{"index": 1, "relevance_score": 0.75}, {"index": 0, "relevance_score": 0.25}]}'
    ),
    "says-400": refused(400, b"invalid request: message must not be empty"),
    "says-404": refused(404, b"model 'made-up' not found"),
    "says-429": refused(429, b"You are using a Trial key"),
    "says-500": refused(500, b"internal server error"),
}
OPERATIONS = ("chat", "embeddings", "rerank")
ELSEWHERE = {"ranked-by-jina": ("jina_rerank", ("rerank",))}
"""Answers of a host that speaks another format."""


@pytest.fixture(scope="module")
def host() -> Iterator[WireHost]:
    with WireHost(ANSWERS) as one:
        yield one


@pytest.fixture(scope="module")
def garden(start_hortus, replay_host: ReplayHost, host: WireHost) -> Hortus:
    text = '[[project]]\nname = "default"\nroutes = ["*"]\n'
    text += '[[policy]]\nname = "careful"\npersonal_data = "refuse"\n'
    text += '[[project]]\nname = "careful"\nroutes = ["*"]\npolicy = "careful"\n'
    for name in ANSWERS:
        dialect, operations = ELSEWHERE.get(name, ("cohere_v2", OPERATIONS))
        text += declared(name, dialect, base_url=host.base_url("/v2"), model=name, operations=operations)
    for dialect in (*OTHERS, "cohere_v2"):
        base = replay_host.base_of(dialect)
        operations = ("chat", "embeddings") if dialect != "anthropic_messages" else ("chat",)
        text += declared(f"loop-{dialect}", dialect, base_url=base, model="fake:scene=tool-loop")
        text += declared(f"turns-{dialect}", dialect, base_url=base, model="fake:scene=echo-turns")
        text += declared(f"breaks-{dialect}", dialect, base_url=base, model="fake:chunks=9,error_after=2")
        text += declared(f"says-{dialect}", dialect, base_url=base, model="fake:chunks=3", operations=operations)
        for status in (404, 429):
            text += declared(f"{status}-{dialect}", dialect, base_url=base, model=f"fake:status={status}")
    return start_hortus(toml=text, environment={"REPLAY_KEY": "sk-replay"})


@pytest.fixture(scope="module")
def client(garden: Hortus) -> Iterator[cohere.ClientV2]:
    with cohere.ClientV2(
        api_key=garden.new_key(),
        base_url=f"{garden.door}/cohere",
        max_retries=0,
        log_warning_experimental_features=False,
    ) as one:
        yield one


# --- hosts of the same API: a relay ---------------------------------------------------------------------------------


def test_documents_reach_the_host_and_its_citations_the_client(client: cohere.ClientV2, host: WireHost) -> None:
    answer = client.chat(
        model="cited",
        messages=HELLO,
        documents=DOCUMENTS,
        citation_options={"mode": "ACCURATE"},
        safety_mode="STRICT",
    )
    (citation,) = answer.message.citations
    assert (citation.start, citation.end, citation.text) == (3, 7, "nine")
    assert citation.sources[0].document["title"] == "Hours"
    assert answer.finish_reason == "COMPLETE"
    sent = host.asked[-1]
    assert sent.path == "/v2/chat"
    assert sent.json["documents"] == DOCUMENTS
    assert (sent.json["citation_options"], sent.json["safety_mode"]) == ({"mode": "ACCURATE"}, "STRICT")
    assert sent.headers["authorization"] == "Bearer sk-replay"


def test_a_stream_brings_words_citations_and_usage(client: cohere.ClientV2) -> None:
    events = list(client.chat_stream(model="stream", messages=HELLO, documents=DOCUMENTS))
    assert "".join(one.delta.message.content.text for one in events if one.type == "content-delta") == "At nine."
    (cited,) = [one for one in events if one.type == "citation-start"]
    assert cited.delta.message.citations.text == "nine"
    assert events[-1].delta.usage.billed_units.output_tokens == 9


def test_vectors_come_in_every_type(client: cohere.ClientV2, host: WireHost) -> None:
    types = ["float", "int8", "ubinary", "base64"]
    answer = client.embed(model="vectors", texts=["one"], input_type="search_query", embedding_types=types)
    found = answer.embeddings
    assert (found.float_, found.int8, found.ubinary) == ([[0.5, -0.25]], [[64, -32]], [[128]])
    assert found.base64 == ["AAAAPwAAgL4="]
    assert host.asked[-1].json["embedding_types"] == types


def test_documents_are_ranked_and_the_receipt_counts_search_units(
    client: cohere.ClientV2, garden: Hortus, host: WireHost
) -> None:
    answer = client.rerank(model="ranked", query="library", documents=["lamp", "library"], top_n=2)
    assert [one.index for one in answer.results] == [1, 0]
    assert host.asked[-1].path == "/v2/rerank"

    def find() -> dict | None:
        found = garden.cli_json("receipts", "--last", "20")
        return next((one for one in found if one["route"] == "ranked"), None)

    receipt = wait_for(find, what="the receipt of the ranking")
    assert (receipt["status"], receipt["usage"]["search_units"]) == ("completed", 1)


@pytest.mark.parametrize("status", [400, 404, 429, 500])
def test_an_error_raises_its_class_with_the_hosts_words(client: cohere.ClientV2, status: int) -> None:
    words = msgspec.json.decode(ANSWERS[f"says-{status}"].body)["message"]
    with pytest.raises(ERRORS[status]) as caught:
        client.chat(model=f"says-{status}", messages=HELLO)
    assert caught.value.body["message"] == words


def test_a_wrong_key_and_an_unknown_model_raise_their_classes(garden: Hortus, client: cohere.ClientV2) -> None:
    with pytest.raises(cohere.NotFoundError, match="no-such-model"):
        client.chat(model="no-such-model", messages=HELLO)
    stranger = cohere.ClientV2(api_key="hortus_sk_" + "x" * 40, base_url=f"{garden.door}/cohere", max_retries=0)
    with stranger, pytest.raises(cohere.UnauthorizedError):
        stranger.chat(model="cited", messages=HELLO)


def test_documents_texts_and_queries_are_looked_at_where_a_policy_says_so(garden: Hortus, host: WireHost) -> None:
    said = "write to anna.kowalska@town.example"
    before = len(host.asked)
    with cohere.ClientV2(
        api_key=garden.new_key("careful"),
        base_url=f"{garden.door}/cohere",
        max_retries=0,
        log_warning_experimental_features=False,
    ) as client:
        for ask in (
            lambda: client.chat(model="cited", messages=HELLO, documents=[said]),
            lambda: client.embed(model="vectors", texts=[said], input_type="search_query"),
            lambda: client.rerank(model="ranked", query=said, documents=["a", "b"]),
            lambda: client.rerank(model="ranked", query="a", documents=["b", said]),
        ):
            with pytest.raises(cohere.ForbiddenError):
                ask()
    assert len(host.asked) == before


def test_its_paths_work_at_the_root(garden: Hortus) -> None:
    with cohere.ClientV2(
        api_key=garden.new_key(), base_url=garden.door, max_retries=0, log_warning_experimental_features=False
    ) as client:
        assert client.chat(model="cited", messages=HELLO).message.content[0].text == "At nine."
        assert client.embed(model="vectors", texts=["one"], input_type="search_query").embeddings.int8 == [[64, -32]]
        assert client.rerank(model="ranked", query="a", documents=["b", "c"]).results[0].index == 1


def test_the_routes_are_listed(client: cohere.ClientV2) -> None:
    assert {one.name for one in client.models.list().models} >= set(ANSWERS)
    assert client.models.get("cited").name == "cited"


# --- hosts of other APIs: translated --------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", OTHERS)
def test_a_chat_is_answered_and_streamed(client: cohere.ClientV2, dialect: str) -> None:
    answer = client.chat(model=f"says-{dialect}", messages=HELLO)
    assert (answer.message.content[0].text, answer.finish_reason) == ("word", "COMPLETE")
    events = list(client.chat_stream(model=f"says-{dialect}", messages=HELLO))
    text = "".join(one.delta.message.content.text for one in events if one.type == "content-delta")
    assert text == "word0 word1 word2 "
    assert (events[0].type, events[-1].type) == ("message-start", "message-end")
    assert events[-1].delta.usage.billed_units.output_tokens == 3


@pytest.mark.parametrize("dialect", [*OTHERS, "cohere_v2"])
def test_calls_are_made_and_their_results_read_out(client: cohere.ClientV2, dialect: str) -> None:
    wanted: dict[str, Any] = {
        "model": f"loop-{dialect}",
        "tools": TOOLS,
        "thinking": {"type": "enabled", "token_budget": 1024},
    }
    first = client.chat(messages=HELLO, **wanted)
    assert first.finish_reason == "TOOL_CALL"
    results = [
        {"role": "tool", "tool_call_id": one.id, "content": [{"type": "document", "document": {"data": "4 July"}}]}
        for one in first.message.tool_calls
    ]
    message = first.message.model_dump(exclude_none=True)
    second = client.chat(messages=[*HELLO, message, *results], **wanted)
    assert "4 July" in "".join(block.text for block in second.message.content if block.type == "text")


@pytest.mark.parametrize("dialect", OTHERS)
def test_documents_reach_other_hosts_before_the_question(
    client: cohere.ClientV2, replay_host: ReplayHost, dialect: str
) -> None:
    client.chat(model=f"says-{dialect}", messages=HELLO, documents=[DOCUMENTS[1]])
    sent = replay_host.seen[-1].body.decode()
    assert "closed on Sundays" in sent or "SXQgaXMgY2xvc2VkIG9uIFN1bmRheXMu" in sent


@pytest.mark.parametrize("dialect", [one for one in OTHERS if one not in {"anthropic_messages", "openai_responses"}])
def test_vectors_come_from_other_hosts(client: cohere.ClientV2, dialect: str) -> None:
    wanted: dict[str, Any] = {"model": f"says-{dialect}", "texts": ["one", "two"], "input_type": "search_document"}
    floats = client.embed(embedding_types=["float"], **wanted).embeddings.float_
    packed = client.embed(embedding_types=["base64"], **wanted).embeddings.base64
    assert (len(floats), len(packed)) == (2, 2)


@pytest.mark.parametrize("dialect", OTHERS)
@pytest.mark.parametrize("status", [404, 429])
def test_errors_of_other_hosts_raise_the_class_of_their_status(
    client: cohere.ClientV2, dialect: str, status: int
) -> None:
    with pytest.raises(ERRORS[status]) as caught:
        client.chat(model=f"{status}-{dialect}", messages=HELLO)
    assert set(caught.value.body) == {"id", "message"}


@pytest.mark.parametrize("dialect", [*OTHERS, "cohere_v2"])
def test_an_error_inside_a_stream_ends_it_as_one(client: cohere.ClientV2, dialect: str) -> None:
    last = list(client.chat_stream(model=f"breaks-{dialect}", messages=HELLO))[-1]
    assert (last.type, last.delta.finish_reason) == ("message-end", "ERROR")
    assert last.delta.error


def test_documents_are_ranked_by_a_host_of_jinas_format(client: cohere.ClientV2, host: WireHost) -> None:
    answer = client.rerank(model="ranked-by-jina", query="library", documents=["lamp", "library"])
    assert [(one.index, one.relevance_score) for one in answer.results] == [(1, 0.75), (0, 0.25)]
    assert host.asked[-1].json["documents"] == ["lamp", "library"]


def test_what_only_cohere_has_is_refused_elsewhere_with_its_path(client: cohere.ClientV2) -> None:
    with pytest.raises(ApiError) as caught:
        client.embed(
            model="says-openai_chat", texts=["a"], input_type="search_query", embedding_types=["int8", "ubinary"]
        )
    assert caught.value.status_code == 400
    assert "embedding_types" in caught.value.body["message"]
