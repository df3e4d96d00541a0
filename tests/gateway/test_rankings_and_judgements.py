"""Rankings, judgements and pages through a real worker to hosts on loopback: translated, counted, charged, guarded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cohere
import httpx2
import msgspec
import openai
import pytest
from mistralai.client import Mistral
from typing_extensions import override
from workplace import KEY, Workplace, endpoint

from gateway.core import staged
from hortus.catalog.pricerows import PriceRow
from hortus.policy.rules import Policy
from hortus.snapshot.grants import Grant

DOCUMENTS = ["The lamp is old.", "Roads are mended on Mondays.", "Lamps are mended by the town hall."]
SCORES = [{"index": 2, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.25}]
ANSWERS = {
    "/cohere/rerank": {"id": "c-1", "results": SCORES, "meta": {"billed_units": {"search_units": 1}}},
    "/jina/rerank": {"object": "list", "model": "j", "results": SCORES, "usage": {"total_tokens": 55}},
    "/openai/moderations": {
        "id": "modr-1",
        "model": "omni",
        "results": [{"flagged": True, "categories": {"hate": True}, "category_scores": {"hate": 0.5}}],
    },
    "/mistral/moderations": {
        "id": "mod-1",
        "model": "mistral-moderation",
        "results": [{"categories": {"pii": True}, "category_scores": {"pii": 0.75}}],
        "usage": {"prompt_tokens": 7, "total_tokens": 7},
    },
    "/pages/ocr": {"pages": [{}, {}], "model": "ocr", "usage_info": {"pages_processed": 2}},
}
FIGURES = {
    "cohere": {"per_thousand_search_units": "2"},
    "jina": {"input_per_million": "0.02"},
    "openai": {},
    "mistral": {"input_per_million": "0.1"},
    "pages": {"per_thousand_pages": "1.5"},
}
ROUTES = {
    "cohere": "cohere_v2",
    "jina": "jina_rerank",
    "openai": "openai_moderations",
    "mistral": "mistral",
    "pages": "mistral",
}


class Host(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        self.server.asked.append((self.path, msgspec.json.decode(self.rfile.read(length))))
        body = msgspec.json.encode(ANSWERS[self.path])
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        del format, args


class Hosts(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Host)
        self.asked: list[tuple[str, dict]] = []


def price(name: str) -> PriceRow:
    usual = {"input_per_million": Decimal(0), "output_per_million": Decimal(0)}
    figures = usual | {figure: Decimal(amount) for figure, amount in FIGURES[name].items()}
    return PriceRow(id=name, currency="EUR", source="made up", as_of="2026-11-01", caps={"pages": 10}, **figures)


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    with Hosts() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def garden(tmp_path_factory: pytest.TempPathFactory, hosts: Hosts) -> Iterator[Workplace]:
    place = Workplace(tmp_path_factory.mktemp("home"))
    for name, dialect in ROUTES.items():
        address = f"http://127.0.0.1:{hosts.server_address[1]}/{name}"
        operations = ("rerank", "moderations", "ocr")
        one = endpoint(name, address, "up", dialects=(dialect,), operations=operations, price=price(name))
        place.add_route(name, one)
    try:
        place.start()
        yield place
    finally:
        place.close()


def post(place: Workplace, path: str, body: dict[str, object]) -> httpx2.Response:
    return httpx2.post(f"{place.url}{path}", json=body, headers={"authorization": f"Bearer {KEY}"}, timeout=30)


def rank(place: Workplace, path: str, route: str, **more: object) -> httpx2.Response:
    return post(place, path, {"model": route, "query": "Who mends lamps?", "documents": DOCUMENTS, **more})


@pytest.mark.parametrize(
    ("path", "route", "cost"),
    [
        ("/v1/rerank", "cohere", "0.002"),
        ("/v2/rerank", "cohere", "0.002"),
        ("/cohere/v2/rerank", "jina", "0.0000011"),
        ("/jina/v1/rerank", "jina", "0.0000011"),
    ],
)
def test_a_ranking_is_charged_to_the_digit(garden: Workplace, path: str, route: str, cost: str) -> None:
    answer = rank(garden, path, route)
    assert answer.status_code == 200
    assert [(one["index"], one["relevance_score"]) for one in answer.json()["results"]] == [(2, 0.9), (0, 0.25)]
    opened, settled = garden.records_of(answer.headers["hortus-receipt"])
    assert settled.cost == Decimal(cost)
    assert opened.reserved is not None
    assert settled.cost <= opened.reserved


def test_documents_come_back_from_a_host_that_gives_none(garden: Workplace) -> None:
    answer = rank(garden, "/v1/rerank", "cohere", return_documents=True)
    assert [one["document"]["text"] for one in answer.json()["results"]] == [DOCUMENTS[2], DOCUMENTS[0]]


def test_what_a_host_cannot_rank_by_is_refused_before_anything_is_sent(garden: Workplace, hosts: Hosts) -> None:
    before = len(hosts.asked)
    answer = rank(garden, "/v1/rerank", "cohere", rank_fields=["title"])
    assert (answer.status_code, "rank_fields" in answer.text) == (400, True)
    assert len(hosts.asked) == before


@pytest.mark.parametrize(
    ("path", "route", "category", "losses"),
    [
        ("/v1/moderations", "openai", "hate", None),
        ("/v1/moderations", "mistral", "pii", "tuning:results[].categories"),
        ("/mistral/v1/moderations", "openai", "hate", "tuning:results[].categories"),
        ("/mistral/v1/moderations", "mistral", "pii", None),
    ],
)
def test_a_judgement_names_what_the_host_found(
    garden: Workplace, path: str, route: str, category: str, losses: str | None
) -> None:
    answer = post(garden, path, {"model": route, "input": ["a"]})
    assert answer.status_code == 200
    (found,) = answer.json()["results"]
    assert found["categories"] == {category: True}
    settled = garden.records_of(answer.headers["hortus-receipt"])[1]
    assert settled.losses == (() if losses is None else (losses,))
    assert settled.cost == (Decimal("0.0000007") if route == "mistral" else 0)


def test_pages_are_charged_to_the_digit(garden: Workplace) -> None:
    document = {"type": "document_url", "document_url": "https://a.example/b.pdf"}
    answer = post(garden, "/v1/ocr", {"model": "pages", "document": document})
    opened, settled = garden.records_of(answer.headers["hortus-receipt"])
    assert (settled.usage.pages, settled.cost) == (2, Decimal("0.003"))
    assert opened.reserved == Decimal("0.015")


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank"])
async def test_personal_data_is_hidden_in_question_and_documents(path: str) -> None:
    hides = Policy("hides", personal_data="pseudonymise")
    async with staged("one") as core:
        one = msgspec.structs.replace(core.endpoint("one", dialect="cohere_v2"), operations=("rerank",))
        core.configure([one], policies=[hides])
        core.grants.grant = Grant("key_1", "k", "prj_1", "default", ("*",), policy="hides")
        core.stages["one"].answer = msgspec.json.encode(ANSWERS["/cohere/rerank"])
        documents = [*DOCUMENTS[:2], "Write to anna.schmidt@town.example."]
        body = {"model": "r", "query": "Who is anna.schmidt@town.example?", "documents": documents}
        wanted = {"return_documents": True} if path == "/v1/rerank" else {}
        asked = await core.ask(body | wanted, path=path)
        assert b"anna" not in core.stages["one"].bodies[0]
        first = msgspec.json.decode(asked.body)["results"][0]
        assert first.get("document") == ({"text": documents[2]} if wanted else None)
        assert core.journal.receipt(asked.receipt_id).findings == ("email:2",)


@pytest.mark.parametrize("given", ["anna.schmidt@town.example", ["a", "anna.schmidt@town.example"]])
async def test_personal_data_refuses_a_judgement(given: object) -> None:
    refuses = Policy("refuses", personal_data="refuse")
    async with staged("one") as core:
        one = msgspec.structs.replace(core.endpoint("one", dialect="openai_moderations"), operations=("moderations",))
        core.configure([one], policies=[refuses])
        core.grants.grant = Grant("key_1", "k", "prj_1", "default", ("*",), policy="refuses")
        asked = await core.ask({"model": "r", "input": given}, path="/v1/moderations")
        assert b"refused_by_guard" in asked.body
        assert core.stages["one"].bodies == []


@pytest.mark.parametrize("route", ["cohere", "jina"])
def test_cohere_s_sdk_ranks_at_any_host(garden: Workplace, route: str) -> None:
    with cohere.ClientV2(
        api_key=KEY, base_url=f"{garden.url}/cohere", log_warning_experimental_features=False
    ) as client:
        answer = client.rerank(model=route, query="Who mends lamps?", documents=DOCUMENTS, top_n=2)
    assert [(one.index, one.relevance_score) for one in answer.results] == [(2, 0.9), (0, 0.25)]


def test_openai_s_sdk_sees_what_another_maker_found(garden: Workplace) -> None:
    with openai.OpenAI(api_key=KEY, base_url=f"{garden.url}/openai/v1", max_retries=0) as client:
        (found,) = client.moderations.create(model="mistral", input="a").results
    assert found.flagged
    assert found.categories.model_extra == {"pii": True}
    assert found.categories.hate is None


def test_openai_s_sdk_without_a_model_is_told_which_route_it_wants(garden: Workplace) -> None:
    with (
        openai.OpenAI(api_key=KEY, base_url=f"{garden.url}/v1", max_retries=0) as client,
        pytest.raises(openai.NotFoundError, match="omni-moderation-latest"),
    ):
        client.moderations.create(input="a")


def test_mistral_s_sdk_has_conversations_judged(garden: Workplace, hosts: Hosts) -> None:
    with Mistral(api_key=KEY, server_url=f"{garden.url}/mistral") as client:
        found = client.classifiers.moderate_chat(model="openai", inputs=[{"role": "user", "content": "a"}])
    assert found.results[0].categories == {"hate": True}
    assert hosts.asked[-1] == ("/openai/moderations", {"model": "up", "input": ["a"]})
