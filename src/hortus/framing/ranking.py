"""Documents that are to be ranked, and the numbers that rank them, where dialects write them alike."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from hortus.canon.errors import BrokenStream
from hortus.canon.manifest import Manifest
from hortus.canon.rerank import RerankDocument, RerankRequest, RerankResult
from hortus.canon.units import Units
from hortus.framing.weighing import Members, count_parts, list_of

_DOCUMENTS_IN_UNIT = 100
_LEAST_CHUNK_BYTES = 244
"""A search unit is a question with so many documents; one that is longer than 500 tokens, less those of the question
(at most 256), counts once for each such piece. https://cohere.com/pricing, recalled 2026-11; a byte is a token at most.
"""

_BETWEEN = 8
"""Tokens that stand between a question and a document, at most; four where it was counted."""

_DECODE_RAWS = msgspec.json.Decoder(list[Raw]).decode
_DECODE_NUMBER = msgspec.json.Decoder(float).decode
_DECODE_FIELDS = msgspec.json.Decoder(dict[str, object]).decode
_PICTURES = frozenset(("image", "image_url"))
_MARKS = tuple(f'"{name}"'.encode() for name in sorted(_PICTURES))


def weigh_ranking(members: Members, body: bytes) -> Units:
    """Return what ranking documents may use, by the token and by the portion: each is read with the question anew."""
    documents = len(list_of(members, "documents", _DECODE_RAWS))
    question = len(bytes(members.get("query", b"")))
    return Units(
        output_tokens=0,
        images=count_parts(body, _MARKS, lambda part: "image" if part.keys() & _PICTURES else None)["image"],
        search_units=1 + (documents + len(body) // _LEAST_CHUNK_BYTES) // _DOCUMENTS_IN_UNIT,
        repeated_bytes=documents * (question + _BETWEEN),
    )


def check_score(raw: Raw, *, at: str) -> Raw:
    """Return a host's score.

    Raises:
        BrokenStream: It is no number.
    """
    try:
        _DECODE_NUMBER(raw)
    except msgspec.DecodeError as error:
        raise BrokenStream("The host's answer cannot be read: a score is no number.", path=at) from error
    return raw


def write_as_text(document: RerankDocument, manifest: Manifest) -> str | None:
    """Return a document as a text; None where it cannot be one, which is a loss."""
    if document.fields is None:
        manifest.take_all(document)
        return document.text or ""
    members = _DECODE_FIELDS(document.fields)
    if _PICTURES & members.keys() or any(isinstance(value, dict | list) for value in members.values()):
        manifest.lose(document, "fields", "The target ranks texts: send this document as one.")
        return None
    manifest.approximate(document, "fields", "Written as a text, a line for each member.")
    return "".join(f"{name}: {'' if value is None else value}\n" for name, value in members.items())


def write_document(result: RerankResult, request: RerankRequest) -> dict[str, object] | None:
    """Return the document of a result as an object: the client's own words, else those that the host gave back."""
    is_known = 0 <= result.index < len(request.documents)
    document = request.documents[result.index] if is_known else result.document
    if document is None:
        return None
    if document.fields is not None:
        return {name: Raw(value) for name, value in msgspec.json.decode(document.fields, type=dict[str, Raw]).items()}
    return {"text": document.text or ""}
