"""Vectors for texts: `embedContent` for one, `batchEmbedContents` for several, both ways.

https://ai.google.dev/api/embeddings, read 2026-11. (Vertex' older models answer `:predict` only, which is not spoken.)
"""

from __future__ import annotations

import msgspec

from hortus.canon.embeddings import EmbeddingsInput, EmbeddingsRequest, EmbeddingsResponse
from hortus.canon.errors import CallerFault, InvalidRequest
from hortus.canon.manifest import Manifest, Vocabulary
from hortus.canon.translation import Call, Target, Written
from hortus.dialects.gemini.members import NAME, Object, Opened, Pen, forms_of, is_own
from hortus.dialects.gemini.response import unreadable
from hortus.dialects.gemini.usage import USAGE, read_usage, write_usage
from hortus.framing.objects import finish_body
from hortus.framing.shallow import check_text

_BATCH, _NAMED = "batch", "named"
_COMMON = ("dimensions", "task", "title")
_NO_TOKENS = "Gemini takes texts, not the numbers of another maker's tokens: send the text."

_Settings = tuple[int | None, str | None, str | None]
_UNSAID: _Settings = (None, None, None)


def read_request(body: bytes, call: Call) -> EmbeddingsRequest:
    """Return what a client asks.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: A member is missing or has the wrong type.
    """
    check_text(body)
    wire = Opened(body, "")
    if not wire.has("requests"):
        item, settings = _read_input(wire, "content")
        return _request((item,), settings, call=call, wire=wire)
    wire.form(_BATCH)
    raws = wire.items("requests") or []
    found = [_read_item(raw, f"requests[{i}]") for i, raw in enumerate(raws)]
    if len({settings for _, settings in found}) == 1:
        return _request(tuple(item for item, _ in found), found[0][1], call=call, wire=wire)
    # What is asked of each vector for itself has no canonical place: it stays with its text.
    kept = [_read_item(raw, f"requests[{i}]", is_alike=False)[0] for i, raw in enumerate(raws)]
    return _request(tuple(kept), _UNSAID, call=call, wire=wire)


def _request(
    inputs: tuple[EmbeddingsInput, ...], settings: _Settings, *, call: Call, wire: Opened
) -> EmbeddingsRequest:
    dimensions, task, title = settings
    return EmbeddingsRequest(
        model=call.route or "",
        inputs=inputs,
        dimensions=dimensions,
        task=task,
        title=title,
        encoding="float",
        extras=wire.own_extras(),
    )


def _read_item(raw: msgspec.Raw, at: str, *, is_alike: bool = True) -> tuple[EmbeddingsInput, _Settings]:
    wire = Opened(raw, at)
    item, settings = _read_input(wire, f"{at}.content", is_alike=is_alike)
    return msgspec.structs.replace(item, at=at, extras=wire.extras()), settings


def _read_input(wire: Opened, at: str, *, is_alike: bool = True) -> tuple[EmbeddingsInput, _Settings]:
    """Return the text of one request and what is asked of its vector."""
    if wire.raw("model") is not None:
        wire.form(_NAMED)
    settings = _UNSAID
    if is_alike:
        settings = (wire.integer("outputDimensionality"), wire.text("taskType"), wire.text("title"))
    content = wire.needed("content")
    items = content.items("parts")
    texts = [wire.item(raw, f"content.parts[{i}]") for i, raw in enumerate(items or ())]
    if len(texts) != 1 or not texts[0].has("text"):
        raise InvalidRequest("Expected one part with a text.", path=f"{at}.parts", hint="Send one text a request.")
    content.silence("role")
    return EmbeddingsInput(text=texts[0].text("text"), at=at), settings


def path_of(request: EmbeddingsRequest) -> str:
    """Return which operation takes the request."""
    is_batch = _BATCH in forms_of(request) if is_own(request) else len(request.inputs) != 1
    return "batch_embeddings" if is_batch else "embeddings"


def write_request(request: EmbeddingsRequest, target: Target) -> Written:
    """Return the request for a host."""
    manifest = Manifest(request, NAME, source=target.source, reclassified=target.habits.weights)
    pen = Pen(manifest, is_own=is_own(request), is_answer=False)
    manifest.take(request, "inputs", "encoding", *_COMMON)  # vectors come as numbers; the client's dialect encodes them
    common = _common(request)
    model = f"models/{target.model}"
    body: Object
    if path_of(request) == "batch_embeddings":
        items = [_write_item(item, common, pen=pen, model=model) for item in request.inputs]
        body = pen.close(request, {"requests": items})
    else:
        named = {"model": model} if _NAMED in forms_of(request) else {}
        content = [{"content": _write_content(item, pen)} for item in request.inputs]
        body = pen.close(request, named | (content[0] if content else {}) | common)
    return finish_body(body, manifest)


def _common(request: EmbeddingsRequest) -> Object:
    names = (("outputDimensionality", request.dimensions), ("taskType", request.task), ("title", request.title))
    return {name: value for name, value in names if value is not None}


def _write_item(item: EmbeddingsInput, common: Object, *, pen: Pen, model: str) -> Object:
    body: Object = {"content": _write_content(item, pen)} | common
    if not pen.is_own or _NAMED in forms_of(item):
        body["model"] = model
    return pen.close(item, body)


def _write_content(item: EmbeddingsInput, pen: Pen) -> Object:
    if item.text is None:
        pen.manifest.lose(item, "tokens", _NO_TOKENS)
    else:
        pen.manifest.take(item, "text")
    return {"parts": [{"text": item.text or ""}]}


def read_response(body: bytes) -> EmbeddingsResponse:
    """Return a host's vectors.

    Raises:
        BrokenStream: It cannot be read.
    """
    try:
        check_text(body)
        wire = Opened(body, "")
        usage = read_usage(wire.inner(USAGE))
        if wire.has("embedding"):
            vectors = [_read_vector(wire.needed("embedding"))]
        else:
            items = wire.items("embeddings") or []
            vectors = [_read_vector(wire.item(raw, f"embeddings[{i}]")) for i, raw in enumerate(items)]
        return EmbeddingsResponse(vectors=tuple(vectors), usage=usage, extras=wire.own_extras())
    except CallerFault as error:
        raise unreadable(error) from error


def _read_vector(wire: Opened) -> msgspec.Raw:
    values = wire.raw("values")
    if values is None:
        raise InvalidRequest("This member is missing.", path=f"{wire.at}.values")
    return values


def write_response(response: EmbeddingsResponse, request: EmbeddingsRequest) -> Written:
    """Return vectors for a client."""
    manifest = Manifest(response, NAME, source=Vocabulary())
    pen = Pen(manifest, is_own=is_own(response), is_answer=True)
    manifest.take(response, "vectors", "usage", "model")
    vectors: list[Object] = [{"values": vector} for vector in response.vectors]
    body: Object = {"embedding": vectors[0] if vectors else {"values": []}}
    if path_of(request) == "batch_embeddings":
        body = {"embeddings": vectors}
    if response.usage is not None:
        body[USAGE] = write_usage(response.usage)
    pen.close(response, body)
    return finish_body(body, manifest)
