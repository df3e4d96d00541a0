"""Vectors for texts, asked and answered."""

from __future__ import annotations

from msgspec import UNSET

from hortus.canon.embeddings import EmbeddingsInput, EmbeddingsRequest, EmbeddingsResponse
from hortus.canon.habits import apply_habits
from hortus.canon.manifest import Manifest, Vocabulary
from hortus.canon.translation import Call, Target, Written
from hortus.canon.usage import Usage
from hortus.dialects.mistral import wire
from hortus.dialects.mistral.pen import Pen, notes_at
from hortus.dialects.mistral.usage import write_usage
from hortus.dialects.mistral.vocabulary import NAME
from hortus.framing.answers import read_whole
from hortus.framing.noted_usage import note_usage
from hortus.framing.objects import Body, finish_body, note_absent, told, write_fields
from hortus.framing.shallow import check_text
from hortus.framing.vectors import BASE64, pack_vector, read_vectors

_BARE = "input is bare"
"""Form: one text without a list around it."""

_FIELDS = {"output_dimension": "dimensions", "encoding_format": "encoding"}
_NO_TOKENS = "Mistral takes texts only: send the text in place of its tokens."


def read_request(body: bytes, call: Call) -> EmbeddingsRequest:
    """Return what a client asks.

    Raises:
        NotJson: The body is no JSON object.
        InvalidRequest: A member is missing or has the wrong type.
    """
    del call  # everything stands in the body
    check_text(body)
    notes = notes_at("")
    found = notes.open(body, wire.EmbeddingsRequest)
    given = found.input
    if isinstance(given, str):
        notes.form(_BARE)
        inputs = [EmbeddingsInput(text=given, at="input")]
    else:
        inputs = [EmbeddingsInput(text=one, at=f"input[{i}]") for i, one in enumerate(given)]
    return EmbeddingsRequest(
        model=found.model,
        inputs=tuple(inputs),
        dimensions=told(found.output_dimension),
        encoding=told(found.encoding_format),
        extras=notes.extras(),
    )


def write_request(request: EmbeddingsRequest, target: Target) -> Written:
    """Return the body for a host."""
    manifest = Manifest(request, NAME, source=target.source, reclassified=target.habits.weights)
    manifest.take(request, "model", "inputs")
    inputs: list[object] = []
    for one in request.inputs:
        if one.text is None:
            manifest.lose(one, "", _NO_TOKENS)
        else:
            manifest.take_all(one)
            inputs.append(one.text)
    is_bare = len(inputs) == 1 and manifest.has_form(request, _BARE)
    body: Body = {"model": target.model, "input": inputs[0] if is_bare else inputs}
    write_fields(body, request, manifest, fields=_FIELDS)
    Pen(manifest).close(request, body)
    apply_habits(body, target.habits, manifest=manifest, root=request, fields=_FIELDS)
    return finish_body(body, manifest)


def read_response(body: bytes) -> EmbeddingsResponse:
    """Return a host's answer.

    Raises:
        BrokenStream: It cannot be read as one.
    """
    return read_whole(body, _read_response)


def _read_response(body: bytes) -> EmbeddingsResponse:
    notes = notes_at("")
    found = notes.open(body, wire.EmbeddingsResponse)
    note_absent(found, ("object", "model", "usage"), notes)
    if found.id is not UNSET:
        notes.hush("id", found.id)
    usage = None
    if found.usage is not UNSET:
        usage = note_usage(found.usage, notes, dialect=NAME, write=write_usage)
    return EmbeddingsResponse(
        vectors=read_vectors(found.data, notes),
        model=told(found.model) or "",
        usage=usage,
        extras=notes.extras(),
    )


def write_response(response: EmbeddingsResponse, request: EmbeddingsRequest) -> Written:
    """Return the answer for a client."""
    manifest = Manifest(response, NAME, source=Vocabulary())
    manifest.take_all(response)
    is_own = response.extras is not None and response.extras.dialect == NAME
    is_packed = manifest.has_form(response, BASE64) if is_own else request.encoding == BASE64
    data = [
        {"object": "embedding", "embedding": pack_vector(vector) if is_packed else vector, "index": number}
        for number, vector in enumerate(response.vectors)
    ]
    body: Body = {} if is_own else {"id": "embeddings"}  # demanded by the SDK; told by no other dialect
    body |= {"object": "list", "data": data, "model": response.model or request.model}
    body["usage"] = write_usage(response.usage or Usage())
    Pen(manifest).close(response, body)
    return finish_body(body, manifest)
