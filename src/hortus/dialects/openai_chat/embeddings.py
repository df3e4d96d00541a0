"""Vectors for texts, asked and answered; as numbers, or as little-endian 32-bit floats in base64."""

from __future__ import annotations

from msgspec import UNSET

from hortus.canon.embeddings import EmbeddingsInput, EmbeddingsRequest, EmbeddingsResponse
from hortus.canon.errors import InvalidRequest
from hortus.canon.habits import apply_habits
from hortus.canon.manifest import Manifest, Vocabulary
from hortus.canon.translation import Call, Target, Written
from hortus.canon.usage import Usage
from hortus.dialects.openai_chat import wire
from hortus.dialects.openai_chat.pen import Body, note_absent, notes_at, restore, told
from hortus.dialects.openai_chat.usage import read_noted_usage
from hortus.dialects.openai_chat.vocabulary import NAME
from hortus.framing.answers import read_whole
from hortus.framing.objects import finish_body, write_fields
from hortus.framing.shallow import check_text
from hortus.framing.vectors import BASE64, pack_vector, read_vectors

_BARE = "input is bare"
"""Form: one text, or the tokens of one, without a list around it."""

_FIELDS = {"dimensions": "dimensions", "encoding_format": "encoding", "user": "user"}


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
    if isinstance(given, str) or (given and all(isinstance(one, int) for one in given)):
        notes.form(_BARE)
        inputs = [_read_input(given, "input")]
    else:
        inputs = [_read_input(one, f"input[{i}]") for i, one in enumerate(given)]
    return EmbeddingsRequest(
        model=found.model,
        inputs=tuple(inputs),
        dimensions=told(found.dimensions),
        encoding=told(found.encoding_format),
        user=told(found.user),
        extras=notes.extras(),
    )


def _read_input(given: str | int | list[str | int | list[int]] | list[int], at: str) -> EmbeddingsInput:
    if isinstance(given, str):
        return EmbeddingsInput(text=given, at=at)
    if isinstance(given, list):
        return EmbeddingsInput(tokens=tuple(one for one in given if isinstance(one, int)), at=at)
    raise InvalidRequest("Texts, tokens and lists of tokens cannot be mixed.", path=at)


def write_request(request: EmbeddingsRequest, target: Target) -> Written:
    """Return the body for a host."""
    manifest = Manifest(request, NAME, source=target.source, reclassified=target.habits.weights)
    manifest.take(request, "model", "inputs")
    inputs: list[object] = []
    for one in request.inputs:
        manifest.take_all(one)
        inputs.append(list(one.tokens) if one.text is None else one.text)
    is_bare = len(inputs) == 1 and manifest.has_form(request, _BARE)
    body: Body = {"model": target.model, "input": inputs[0] if is_bare else inputs}
    write_fields(body, request, manifest, fields=_FIELDS)
    restore(body, request, manifest)
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
    usage = None
    if found.usage is not UNSET:
        usage = read_noted_usage(found.usage, notes, write=_write_usage)
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
        {"object": "embedding", "index": number, "embedding": pack_vector(vector) if is_packed else vector}
        for number, vector in enumerate(response.vectors)
    ]
    body: Body = {"object": "list", "data": data, "model": response.model or request.model}
    body["usage"] = _write_usage(response.usage or Usage())
    restore(body, response, manifest)
    return finish_body(body, manifest)


def _write_usage(usage: Usage) -> Body:
    return {"prompt_tokens": usage.input_tokens, "total_tokens": usage.input_tokens + usage.output_tokens}
