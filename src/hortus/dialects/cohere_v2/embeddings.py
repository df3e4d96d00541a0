"""Vectors for texts, asked and answered; other kinds of input and of numbers are kept for hosts that speak Cohere's."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from msgspec import UNSET, Raw, UnsetType

from hortus.canon.embeddings import EmbeddingsInput, EmbeddingsRequest, EmbeddingsResponse
from hortus.canon.errors import CallerFault
from hortus.canon.habits import apply_habits
from hortus.canon.manifest import Vocabulary
from hortus.canon.translation import Call, Target, Written
from hortus.dialects.cohere_v2.pen import Object, Pen, notes_at, pen_for
from hortus.dialects.cohere_v2.usage import read_meta, write_meta
from hortus.dialects.cohere_v2.wire import EmbedAnswer, EmbedBody, Vectors, given
from hortus.framing.answers import unreadable
from hortus.framing.objects import finish_body
from hortus.framing.opening import Notes
from hortus.framing.shallow import check_text
from hortus.framing.vectors import pack_vector, unpack_vector

_TASKS: Mapping[str, str] = MappingProxyType(
    {
        "search_document": "RETRIEVAL_DOCUMENT",
        "search_query": "RETRIEVAL_QUERY",
        "classification": "CLASSIFICATION",
        "clustering": "CLUSTERING",
    }
)
_TYPES: Mapping[str, str] = MappingProxyType({task: word for word, task in _TASKS.items()})
_NEAR: Mapping[str, str] = MappingProxyType(
    {
        "QUESTION_ANSWERING": "search_query",
        "FACT_VERIFICATION": "search_query",
        "CODE_RETRIEVAL_QUERY": "search_query",
        "SEMANTIC_SIMILARITY": "clustering",
    }
)
_USUAL = "search_document"
"""Models since the third demand a type; this is what most vectors are for."""

_FLOAT, _BASE64, _OLD = "float", "base64", "list"
_FIELDS = {"output_dimension": "dimensions", "embedding_types": "encoding", "input_type": "task"}
_ENCODE = msgspec.json.Encoder().encode


def read_request(body: bytes, call: Call) -> EmbeddingsRequest:
    """Return what a client asks.

    Raises:
        NotJson: The body is no JSON object.
        InvalidRequest: A member is missing or has the wrong type.
    """
    del call  # everything stands in the body
    check_text(body)
    notes = notes_at("")
    wire = notes.open(body, EmbedBody)
    notes.form("own")
    texts = given(wire.texts)
    if texts is not None and not texts:
        notes.hush("texts", Raw(b"[]"))
    task = _TASKS.get(given(wire.input_type) or "")
    if task is None and isinstance(wire.input_type, str):
        notes.keep("input_type", Raw(_ENCODE(wire.input_type)))
    return EmbeddingsRequest(
        model=wire.model,
        inputs=tuple(EmbeddingsInput(text=text, at=f"texts[{number}]") for number, text in enumerate(texts or ())),
        dimensions=given(wire.output_dimension),
        task=task,
        encoding=_read_encoding(given(wire.embedding_types), notes),
        extras=notes.extras(),
    )


def _read_encoding(types: list[str] | None, notes: Notes) -> str | None:
    if types is None or (len(types) == 1 and types[0] in {_FLOAT, _BASE64}):
        return types[0] if types else None
    notes.keep("embedding_types", Raw(_ENCODE(types)))
    return None


def write_request(request: EmbeddingsRequest, target: Target) -> Written:
    """Return the body for a host."""
    pen = pen_for(request, target.source, is_answer=False, reclassified=target.habits.weights)
    pen.manifest.take(request, "model", "inputs", "encoding", "dimensions")
    body: Object = {"model": target.model}
    texts = []
    for one in request.inputs:
        if one.text is None:
            pen.manifest.lose(one, "", "Cohere takes texts, not the tokens of another maker's tokenizer.")
        else:
            pen.manifest.take_all(one)
            texts.append(one.text)
    if texts:
        body["texts"] = texts
    kind = _write_task(request, pen)
    if kind is not None:
        body["input_type"] = kind
    if request.encoding is not None or not pen.is_own:
        body["embedding_types"] = [_BASE64 if request.encoding == _BASE64 else _FLOAT]
    if request.dimensions is not None:
        body["output_dimension"] = request.dimensions
    pen.close(request, body)
    apply_habits(body, target.habits, manifest=pen.manifest, root=request, fields=_FIELDS)
    return finish_body(body, pen.manifest)


def _write_task(request: EmbeddingsRequest, pen: Pen) -> str | None:
    pen.manifest.take(request, "task")
    if request.task is None:
        if pen.is_own:
            return None
        pen.manifest.adapt("+input_type")
        return _USUAL
    kind = _TYPES.get(request.task)
    if kind is None:
        kind = _NEAR.get(request.task, _USUAL)
        pen.manifest.approximate(request, "task", f"Written as `{kind}`, which is near.")
    return kind


def read_response(body: bytes) -> EmbeddingsResponse:
    """Return a host's answer.

    Raises:
        BrokenStream: It cannot be read as one.
    """
    notes = notes_at("")
    try:
        check_text(body)
        wire = notes.open(body, EmbedAnswer)
    except CallerFault as fault:
        raise unreadable(fault) from fault
    notes.form("own")
    usage = None
    if isinstance(wire.meta, UnsetType):
        notes.form("-meta")
    else:
        notes.hush("meta", wire.meta)
        usage = read_meta(wire.meta)
    for name in ("id", "texts", "response_type"):  # the request once more, and a name: nothing is lost with them
        if (told := getattr(wire, name)) is not UNSET:
            notes.hush(name, told)
    return EmbeddingsResponse(vectors=_read_vectors(wire.embeddings, notes), usage=usage, extras=notes.extras())


def _read_vectors(found: Vectors | list[Raw], notes: Notes) -> tuple[Raw, ...]:
    if isinstance(found, list):
        notes.form(_OLD)
        return tuple(found)
    floats, packed = given(found.float), given(found.base64)
    if floats is not None:
        notes.form(_FLOAT)
        if found.base64 is not UNSET and packed is not None:
            notes.keep("embeddings.base64", Raw(_ENCODE(packed)))
        return tuple(floats)
    if packed is None:
        return ()
    notes.form(_BASE64)
    return tuple(unpack_vector(one) for one in packed)


def write_response(response: EmbeddingsResponse, request: EmbeddingsRequest) -> Written:
    """Return the answer for a client."""
    pen = pen_for(response, Vocabulary(), is_answer=True)
    pen.manifest.take_all(response)
    body: Object = {"embeddings": _write_vectors(response, request, pen), "meta": write_meta(response.usage)}
    if not pen.is_own:
        body |= {"id": "embeddings", "texts": [one.text or "" for one in request.inputs]}
        body["response_type"] = "embeddings_by_type"
    pen.close(response, body)
    return finish_body(body, pen.manifest)


def _write_vectors(response: EmbeddingsResponse, request: EmbeddingsRequest, pen: Pen) -> object:
    kinds = [kind for kind in (_OLD, _FLOAT, _BASE64) if pen.manifest.has_form(response, kind)]
    if pen.is_own and not kinds:
        return {}
    kind = kinds[0] if kinds else (request.encoding or _FLOAT)
    if kind == _OLD:
        return response.vectors
    return {kind: [pack_vector(vector) for vector in response.vectors] if kind == _BASE64 else response.vectors}
