"""Rankings of documents by a question, asked and answered."""

from __future__ import annotations

from msgspec import Raw, UnsetType

from hortus.canon.habits import apply_habits
from hortus.canon.manifest import Vocabulary
from hortus.canon.rerank import RerankDocument, RerankRequest, RerankResponse, RerankResult
from hortus.canon.translation import Call, Target, Written
from hortus.dialects.cohere_v2.pen import Object, Pen, notes_at, pen_for
from hortus.dialects.cohere_v2.usage import read_meta, write_meta
from hortus.dialects.cohere_v2.wire import Ranked, RerankAnswer, RerankBody, given
from hortus.framing.answers import read_whole
from hortus.framing.objects import finish_body, write_fields
from hortus.framing.ranking import check_score, write_as_text, write_document
from hortus.framing.shallow import check_text

_FIELDS = {"top_n": "top_n", "max_tokens_per_doc": "max_document_tokens"}
_GIVEN = "document"
"""Form: the host gave the document back."""


def read_request(body: bytes, call: Call) -> RerankRequest:
    """Return what a client asks.

    Raises:
        NotJson: The body is no JSON object.
        InvalidRequest: A member is missing or has the wrong type.
    """
    del call  # everything stands in the body
    check_text(body)
    notes = notes_at("")
    wire = notes.open(body, RerankBody)
    notes.form("own")
    return RerankRequest(
        model=wire.model,
        query=wire.query,
        documents=tuple(RerankDocument(text=one, at=f"documents[{n}]") for n, one in enumerate(wire.documents)),
        top_n=given(wire.top_n),
        max_document_tokens=given(wire.max_tokens_per_doc),
        extras=notes.extras(),
    )


def write_request(request: RerankRequest, target: Target) -> Written:
    """Return the body for a host; documents are given back by Hortus itself, where a client wants them."""
    pen = pen_for(request, target.source, is_answer=False, reclassified=target.habits.weights)
    pen.manifest.take(request, "model", "query", "documents", "returns_documents")
    texts = [write_as_text(one, pen.manifest) for one in request.documents]
    body: Object = {
        "model": target.model,
        "query": request.query,
        "documents": [text if text is not None else "" for text in texts],
    }
    write_fields(body, request, pen.manifest, fields=_FIELDS)
    pen.close(request, body)
    apply_habits(body, target.habits, manifest=pen.manifest, root=request, fields=_FIELDS)
    return finish_body(body, pen.manifest)


def read_response(body: bytes) -> RerankResponse:
    """Return a host's answer.

    Raises:
        BrokenStream: It cannot be read as one.
    """
    return read_whole(body, _read_response)


def _read_response(body: bytes) -> RerankResponse:
    notes = notes_at("")
    wire = notes.open(body, RerankAnswer)
    notes.form("own")
    usage = None
    if isinstance(wire.meta, UnsetType):
        notes.form("-meta")
    else:
        notes.hush("meta", wire.meta)
        usage = read_meta(wire.meta)
    results = tuple(_read_result(raw, f"results[{number}]") for number, raw in enumerate(wire.results))
    return RerankResponse(results=results, id=given(wire.id) or "", usage=usage, extras=notes.extras())


def _read_result(raw: Raw, at: str) -> RerankResult:
    notes = notes_at(at)
    wire = notes.open(raw, Ranked)
    if not isinstance(wire.document, UnsetType):
        notes.form(_GIVEN)
    score = check_score(wire.relevance_score, at=f"{at}.relevance_score")
    return RerankResult(index=wire.index, score=score, at=at, extras=notes.extras())


def write_response(response: RerankResponse, request: RerankRequest) -> Written:
    """Return the answer for a client; ranks by the token are charged to the input."""
    pen = pen_for(response, Vocabulary(), is_answer=True)
    pen.manifest.take_all(response)
    body: Object = {}
    if response.id or not pen.is_own:
        body["id"] = response.id or "rerank"
    body["results"] = [_write_result(one, request, pen) for one in response.results]
    body["meta"] = write_meta(response.usage)
    pen.close(response, body)
    return finish_body(body, pen.manifest)


def _write_result(result: RerankResult, request: RerankRequest, pen: Pen) -> Object:
    pen.manifest.take_all(result)
    if result.document is not None:
        pen.manifest.take_all(result.document)
    written: Object = {"index": result.index, "relevance_score": result.score}
    if request.returns_documents or pen.manifest.has_form(result, _GIVEN):
        written["document"] = write_document(result, request)
    return pen.close(result, written)
