"""Rankings, asked and answered."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Raw

from hortus.canon.errors import InvalidRequest
from hortus.canon.habits import apply_habits
from hortus.canon.manifest import Manifest, Vocabulary
from hortus.canon.rerank import RerankDocument, RerankRequest, RerankResponse, RerankResult
from hortus.canon.translation import Call, Target, Written
from hortus.canon.usage import Usage
from hortus.dialects.jina_rerank import wire
from hortus.framing.answers import read_whole
from hortus.framing.noted_usage import note_usage
from hortus.framing.objects import Body, finish_body, note_absent, restore_into, text_of, told, write_fields
from hortus.framing.opening import Notes
from hortus.framing.ranking import check_score, write_document
from hortus.framing.shallow import check_text

_FIELDS = {
    "top_n": "top_n",
    "return_documents": "returns_documents",
    "max_tokens_per_doc": "max_document_tokens",
}
_OBJECT = "object"
"""Form: a text in an object."""

_GIVEN = "document"
"""Form: the host gave the document back."""

_DECODE_OBJECT = msgspec.json.Decoder(dict[str, Raw]).decode


def read_request(body: bytes, call: Call) -> RerankRequest:
    """Return what a client asks.

    Raises:
        NotJson: The body is no JSON object.
        InvalidRequest: A member is missing or has the wrong type.
    """
    del call  # everything stands in the body
    check_text(body)
    notes = Notes(wire.NAME, "")
    found = notes.open(body, wire.Body)
    return RerankRequest(
        model=found.model,
        query=found.query,
        documents=tuple(_read_document(raw, f"documents[{number}]") for number, raw in enumerate(found.documents)),
        top_n=told(found.top_n),
        returns_documents=told(found.return_documents),
        max_document_tokens=told(found.max_tokens_per_doc),
        extras=notes.extras(),
    )


def _read_document(raw: Raw, at: str) -> RerankDocument:
    text = text_of(raw)
    if text is not None:
        return RerankDocument(text=text, at=at)
    try:
        members = _DECODE_OBJECT(raw)
    except msgspec.DecodeError as error:
        raise InvalidRequest("A document must be a text or an object.", path=at) from error
    inner = text_of(members["text"]) if members.keys() == {"text"} else None
    if inner is None:
        return RerankDocument(fields=raw, at=at)
    notes = Notes(wire.NAME, at)
    notes.form(_OBJECT)
    return RerankDocument(text=inner, at=at, extras=notes.extras())


def write_request(request: RerankRequest, target: Target) -> Written:
    """Return the body for a host."""
    manifest = Manifest(request, wire.NAME, source=target.source, reclassified=target.habits.weights)
    manifest.take(request, "model", "query", "documents")
    documents = [_write_document(one, manifest) for one in request.documents]
    body: Body = {"model": target.model, "query": request.query, "documents": documents}
    write_fields(body, request, manifest, fields=_FIELDS)
    restore_into(body, request, manifest, dialect=wire.NAME)
    apply_habits(body, target.habits, manifest=manifest, root=request, fields=_FIELDS)
    return finish_body(body, manifest)


def _write_document(document: RerankDocument, manifest: Manifest) -> object:
    manifest.take_all(document)
    if document.fields is not None:
        return document.fields
    return {"text": document.text} if manifest.has_form(document, _OBJECT) else document.text


def read_response(body: bytes) -> RerankResponse:
    """Return a host's answer.

    Raises:
        BrokenStream: It cannot be read as one.
    """
    return read_whole(body, _read_response)


def _read_response(body: bytes) -> RerankResponse:
    notes = Notes(wire.NAME, "")
    found = notes.open(body, wire.Answer)
    note_absent(found, ("object", "model", "usage"), notes)
    if found.object is not UNSET:
        notes.hush("object", found.object)
    usage = None
    if found.usage is not UNSET:
        usage = note_usage(found.usage, notes, dialect=wire.NAME, write=_write_usage)
    return RerankResponse(
        results=tuple(_read_result(raw, f"results[{number}]") for number, raw in enumerate(found.results)),
        id=told(found.id) or "",
        model=told(found.model) or "",
        usage=usage,
        extras=notes.extras(),
    )


def _read_result(raw: Raw, at: str) -> RerankResult:
    notes = Notes(wire.NAME, at)
    found = notes.open(raw, wire.Result)
    document = None
    if found.document is not UNSET:
        notes.form(_GIVEN)
        document = _read_document(found.document, f"{at}.document")
    score = check_score(found.relevance_score, at=f"{at}.relevance_score")
    return RerankResult(index=found.index, score=score, document=document, at=at, extras=notes.extras())


def write_response(response: RerankResponse, request: RerankRequest) -> Written:
    """Return the answer for a client."""
    manifest = Manifest(response, wire.NAME, source=Vocabulary())
    manifest.take_all(response)
    body: Body = {"id": response.id} if response.id else {}
    body |= {"object": "list", "model": response.model or request.model}
    body["results"] = [_write_result(one, request, manifest) for one in response.results]
    body["usage"] = _write_usage(response.usage or Usage())
    restore_into(body, response, manifest, dialect=wire.NAME)
    return finish_body(body, manifest)


def _write_result(result: RerankResult, request: RerankRequest, manifest: Manifest) -> Body:
    manifest.take_all(result)
    if result.document is not None:
        manifest.take_all(result.document)
    written: Body = {"index": result.index, "relevance_score": result.score}
    if request.returns_documents or manifest.has_form(result, _GIVEN):
        written["document"] = write_document(result, request)
    return restore_into(written, result, manifest, dialect=wire.NAME)


def _write_usage(usage: Usage) -> Body:
    return {"prompt_tokens": usage.input_tokens, "total_tokens": usage.input_tokens}
