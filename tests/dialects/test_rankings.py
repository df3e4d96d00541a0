"""Rankings of documents: as they were when read and written, between every two dialects, and on the recordings."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchanges import traffic_place
from hortus.canon.errors import BrokenStream, HostRejected, InvalidRequest
from hortus.canon.manifest import Vocabulary
from hortus.canon.nodes import bare
from hortus.canon.rerank import RerankDocument, RerankRequest, RerankResponse, RerankResult
from hortus.canon.translation import Call, Rerank, Target, Translation, Written
from hortus.canon.units import Units
from hortus.canon.usage import Usage
from hortus.dialects import DIALECTS
from proof_of_dialects import differences

SPEAKING: dict[str, Translation] = {
    one.name: one.translation for one in DIALECTS if one.translation is not None and one.translation.rerank is not None
}
BY_NAME = {one.name: one for one in DIALECTS}
COHERE, JINA = "cohere_v2", "jina_rerank"
PAIRS = [(client, host) for client in SPEAKING for host in SPEAKING]
LAW = settings(
    max_examples=100, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
ENCODE = msgspec.json.Encoder().encode
DECODE = msgspec.json.Decoder().decode

REQUESTS: list[tuple[str, dict[str, object]]] = [
    (COHERE, {"model": "r", "query": "who?", "documents": ["a", "b"]}),
    (COHERE, {"model": "r", "query": "who?", "documents": [], "top_n": 2, "max_tokens_per_doc": None, "priority": 1}),
    (JINA, {"model": "r", "query": "who?", "documents": ["a", {"text": "b"}, {"title": "c", "year": 1}]}),
    (JINA, {"model": "r", "query": "q", "documents": ["a"], "return_documents": False, "max_tokens_per_doc": 9}),
    (JINA, {"model": "r", "query": "q", "documents": ["a"], "top_n": 1, "truncation": True, "top_k": None}),
]
ANSWERS: list[tuple[str, dict[str, object]]] = [
    (COHERE, {"id": "x", "results": [{"index": 1, "relevance_score": 0.125}], "meta": {"billed_units": {}}}),
    (COHERE, {"results": []}),
    (COHERE, {"results": [{"index": 0, "relevance_score": 1, "document": {"text": "a"}}], "meta": {}}),
    (JINA, {"results": [{"index": 0, "relevance_score": -4.758915424346924}]}),
    (
        JINA,
        {
            "id": "rerank-1",
            "object": "list",
            "model": "m",
            "results": [{"index": 0, "relevance_score": 1, "document": {"text": "a"}}],
            "usage": {"total_tokens": 5},
        },
    ),
]


def brought(name: str) -> Rerank:
    found = SPEAKING[name].rerank
    assert found is not None
    return found


def ask(client: str, host: str, body: object) -> Written:
    request = brought(client).read_request(ENCODE(body), Call())
    return brought(host).write_request(request, Target("up", source=SPEAKING[client].vocabulary))


def answer(host: str, client: str, body: object, asked: object) -> Written:
    request = brought(client).read_request(ENCODE(asked), Call())
    return brought(client).write_response(brought(host).read_response(ENCODE(body)), request)


@pytest.mark.parametrize(("name", "body"), REQUESTS)
def test_a_request_is_as_it_was(name: str, body: dict[str, object]) -> None:
    written = ask(name, name, body)
    assert DECODE(written.body) == body | {"model": "up"}
    assert written.losses == ()


@pytest.mark.parametrize(("name", "body"), ANSWERS)
def test_an_answer_is_as_it_was(name: str, body: dict[str, object]) -> None:
    asked = {"model": "m", "query": "q", "documents": ["a", "b"]}
    written = answer(name, name, body, asked)
    assert DECODE(written.body) == body
    assert written.losses == ()


texts = st.text(max_size=20)
requests = st.builds(
    RerankRequest,
    model=st.just("garden"),
    query=texts,
    documents=st.lists(st.builds(RerankDocument, text=texts), max_size=4).map(tuple),
    top_n=st.none() | st.integers(1, 5),
    max_document_tokens=st.none() | st.integers(1, 500),
)
responses = st.builds(
    RerankResponse,
    results=st.lists(
        st.builds(
            RerankResult,
            index=st.integers(0, 3),
            score=st.floats(-9, 9).map(lambda number: msgspec.Raw(ENCODE(number))),
        ),
        max_size=4,
    ).map(tuple),
    id=st.just("r-1"),
    model=st.just(""),
    usage=st.builds(Usage, input_tokens=st.integers(1, 999)),
)


@pytest.mark.parametrize(("client", "host"), PAIRS)
@LAW
@given(drawn=requests)
def test_between_two_dialects_a_ranking_of_texts_loses_nothing(client: str, host: str, drawn: RerankRequest) -> None:
    said = brought(client).write_request(drawn, Target("garden", Vocabulary()))
    request = brought(client).read_request(said.body, Call())
    written = brought(host).write_request(request, Target("garden", SPEAKING[client].vocabulary))
    assert (said.losses, written.losses) == ((), ())
    assert bare(brought(host).read_request(written.body, Call())) == bare(drawn)


@pytest.mark.parametrize(("client", "host"), PAIRS)
@LAW
@given(drawn=responses)
def test_between_two_dialects_an_answer_says_the_same(client: str, host: str, drawn: RerankResponse) -> None:
    request = RerankRequest(model="garden", query="q", documents=())
    told = brought(host).write_response(drawn, request)
    read = brought(host).read_response(told.body)
    written = brought(client).write_response(read, request)
    assert written.losses == ()
    again = brought(client).read_response(written.body)
    assert [(one.index, bytes(one.score)) for one in again.results] == [
        (one.index, bytes(one.score)) for one in drawn.results
    ]
    assert (again.usage, again.id) == (drawn.usage, "r-1")


def test_documents_of_several_members_become_texts_where_texts_are_wanted() -> None:
    documents = ["a", {"title": "Lamp", "year": 1912, "note": None}, {"image": "https://a/b"}, {"deep": [1]}]
    written = ask(JINA, COHERE, {"model": "r", "query": "q", "documents": documents})
    assert DECODE(written.body)["documents"] == ["a", "title: Lamp\nyear: 1912\nnote: \n", "", ""]
    assert [str(one) for one in written.losses] == [
        "tuning:documents[1]",
        "meaning:documents[2]",
        "meaning:documents[3]",
    ]


def test_members_of_one_dialect_are_losses_in_the_other() -> None:
    asked = {"model": "r", "query": "q", "documents": ["a"], "rank_fields": ["title"], "return_documents": True}
    assert [str(one) for one in ask(JINA, COHERE, asked).losses] == ["meaning:rank_fields"]


def test_documents_come_back_as_the_client_wrote_them() -> None:
    asked = {"model": "r", "query": "q", "documents": ["a", {"t": "b"}], "return_documents": True}
    ranked = [{"index": number, "relevance_score": 0.5} for number in (1, 0, 7)]
    written = answer(COHERE, JINA, {"results": ranked, "meta": {"billed_units": {"search_units": 2}}}, asked)
    documents = [one.get("document") for one in DECODE(written.body)["results"]]
    assert documents == [{"t": "b"}, {"text": "a"}, None]


def test_documents_that_nobody_asked_for_stay_behind() -> None:
    asked = {"model": "r", "query": "q", "documents": ["a"]}
    ranked = {"results": [{"index": 0, "relevance_score": 0.5, "document": {"text": "a"}}]}
    written = answer(JINA, COHERE, ranked, asked)
    assert DECODE(written.body)["results"] == [{"index": 0, "relevance_score": 0.5}]
    assert written.losses == ()


def test_what_is_charged_by_the_portion_is_told_so() -> None:
    response = RerankResponse(results=(), usage=Usage(search_units=3))
    written = brought(COHERE).write_response(response, RerankRequest(model="m", query="q", documents=()))
    assert DECODE(written.body)["meta"]["billed_units"] == {"search_units": 3}


@pytest.mark.parametrize("name", SPEAKING)
@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"results": 1}', b'{"results": [{"index": "a"}]}'])
def test_an_answer_that_cannot_be_read_is_the_host_s_fault(name: str, body: bytes) -> None:
    with pytest.raises(BrokenStream):
        brought(name).read_response(body)


@pytest.mark.parametrize("name", SPEAKING)
def test_a_score_must_be_a_number(name: str) -> None:
    with pytest.raises(BrokenStream, match="score"):
        brought(name).read_response(b'{"results": [{"index": 0, "relevance_score": "high"}]}')


def test_a_document_is_a_text_or_an_object() -> None:
    with pytest.raises(InvalidRequest) as raised:
        brought(JINA).read_request(b'{"model": "r", "query": "q", "documents": ["a", 1]}', Call())
    assert raised.value.path == "documents[1]"


@pytest.mark.parametrize("name", SPEAKING)
def test_a_ranking_is_weighed_by_the_token_and_by_the_portion(name: str) -> None:
    dialect = BY_NAME[name]
    operation = next(one for one in dialect.operations if one.name == "rerank")
    body = ENCODE({"model": "r", "query": "who?", "documents": ["x"] * 150})
    asked = dialect.read_request(operation, body, None)
    assert dialect.weigh(operation, asked, body) == Units(output_tokens=0, search_units=2, repeated_bytes=150 * 14)


def test_pictures_among_documents_are_weighed() -> None:
    dialect = BY_NAME[JINA]
    body = ENCODE({"model": "r", "query": "who?", "documents": [{"image": "https://a/b"}, {"text": "c"}]})
    asked = dialect.read_request(dialect.operations[0], body, None)
    assert dialect.weigh(dialect.operations[0], asked, body).images == 1


def test_a_relayed_request_changes_its_model_only() -> None:
    dialect = BY_NAME[JINA]
    body = b'{"query": "q", "model": "r", "documents": ["a"], "own": 1.50}'
    asked = dialect.read_request(dialect.operations[0], body, None)
    assert dialect.write_request(asked, "r").body == b'{"query":"q","model":"r","documents":["a"],"own":1.50}'
    changed = dialect.write_request(asked, "up")
    assert changed.adaptations == ("model",)
    assert differences(changed.body, body.replace(b'"r"', b'"up"')) == []
    assert dialect.cap_output(asked, 5) is asked


@pytest.mark.parametrize(
    ("body", "usage", "model"),
    [
        (b'{"model": "m", "usage": {"total_tokens": 9}}', Usage(9), "m"),
        (b'{"results": []}', Usage(2, is_estimated=True), None),
        (b"<html>", Usage(2, is_estimated=True), None),
    ],
)
def test_what_a_relayed_ranking_used(body: bytes, usage: Usage, model: str | None) -> None:
    dialect = BY_NAME[JINA]
    found = dialect.read_answer(dialect.operations[0], body, 8)
    assert (found.usage, found.served_model) == (usage, model)


RECORDED = sorted([*traffic_place().glob("cohere/*rerank*.json"), *traffic_place().glob("llamacpp/*rerank*.json")])


@pytest.mark.parametrize("file", RECORDED, ids=[file.stem for file in RECORDED])
def test_a_recorded_ranking_is_what_it_was(file) -> None:
    recording = DECODE(file.read_bytes())
    name = JINA if recording["maker"] == "llamacpp" or "/v1/" in recording["request"]["url"] else COHERE
    asked = {"model": "usual"} | recording["request"]["body"]
    request = brought(name).read_request(ENCODE(asked), Call())
    written = brought(name).write_request(request, Target(asked["model"], SPEAKING[name].vocabulary))
    assert (DECODE(written.body), written.losses) == (asked, ())
    body = recording["response"]["body"]
    if recording["response"]["status"] >= 400:
        assert isinstance(SPEAKING[name].read_error(recording["response"]["status"], ENCODE(body)), HostRejected)
        return
    told = brought(name).write_response(brought(name).read_response(ENCODE(body)), request)
    assert (DECODE(told.body), told.losses) == (body, ())
