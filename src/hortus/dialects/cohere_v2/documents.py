"""The documents of a request, which its answer may cite: for others, parts of a message before the last question."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Sequence
from itertools import takewhile

import msgspec
from msgspec import Raw

from hortus.canon.nodes import Extras
from hortus.canon.parts import Inline, Media, Part, Plain, ToolResult
from hortus.canon.request import Message
from hortus.dialects.cohere_v2.pen import Object, Pen
from hortus.dialects.cohere_v2.wire import NAME, DocumentObject, given
from hortus.framing.counting import UNREADABLE
from hortus.framing.reading import read_open

DOCUMENTS = "documents"
"""Form: a message that holds the documents of the request."""

_RAW = "document"
_WORDS = frozenset(("text", "title"))
_DECODE_TEXT = msgspec.json.Decoder(str).decode
_DECODE_OBJECT = msgspec.json.Decoder(dict[str, object]).decode


def read_documents(raws: Iterable[Raw]) -> Message:
    """Return the message that holds the documents.

    Raises:
        InvalidRequest: One is neither a text nor an object with `data`.
    """
    parts = tuple(_read_document(raw, f"documents[{number}]") for number, raw in enumerate(raws))
    return Message(role="user", parts=parts, at=DOCUMENTS, extras=Extras(NAME, forms=(DOCUMENTS,)))


def _read_document(raw: Raw, at: str) -> Media:
    name: object = None
    if bytes(memoryview(raw)[:1]) == b'"':
        text: object = _DECODE_TEXT(raw)
    else:
        document = read_open(raw, DocumentObject, at=at)[0]
        text, name = _said_in(document.data)
        name = name if isinstance(name, str) else given(document.id)
    return Media(
        kind="document",
        source=Plain(text=str(text)),
        name=name if isinstance(name, str) else None,
        at=at,
        extras=Extras(NAME, silent={_RAW: raw}),
    )


def _said_in(data: Raw) -> tuple[object, object]:
    """Return the words of a document and its title: what it is in JSON, where it is more than these."""
    if bytes(memoryview(data)[:1]) == b'"':
        return _DECODE_TEXT(data), None
    try:
        members = _DECODE_OBJECT(data)
    except UNREADABLE:
        members = {}
    text, title = members.get("text"), members.get("title")
    is_plain = isinstance(text, str) and members.keys() <= _WORDS
    return (text if is_plain else bytes(data).decode()), title


def last_question(messages: Sequence[Message]) -> int | None:
    """Return which message is the user's last that says more than what calls gave, None where there is none."""
    asking = (number for number, one in enumerate(messages) if one.role == "user" and not _answers(one))
    return max(asking, default=None)


def _answers(message: Message) -> bool:
    return bool(message.parts) and all(isinstance(part, ToolResult) for part in message.parts)


def documents_of(messages: Sequence[Message], pen: Pen) -> tuple[Media, ...]:
    """Return the parts that are documents of the request: elsewhere, those with which the last question begins."""
    if pen.is_own:
        holders = (one for one in messages if pen.manifest.has_form(one, DOCUMENTS))
        return tuple(part for one in holders for part in one.parts if isinstance(part, Media))
    place = last_question(messages)
    parts = () if place is None else tuple(one for one in messages[place].parts if not isinstance(one, ToolResult))
    leading = tuple(takewhile(_is_text, parts))
    return tuple(part for part in leading if isinstance(part, Media)) if len(leading) < len(parts) else ()


def _is_text(part: Part) -> bool:
    return isinstance(part, Media) and part.kind == "document" and text_of(part) is not None


def write_document(part: Media, pen: Pen) -> Object | Raw:
    """Return a document of the request."""
    pen.manifest.take(part, "kind", "source", "name", "seal")
    raw = pen.manifest.silent(part).get(_RAW)
    if raw is not None:
        return raw
    pen.manifest.adapt("document>documents")
    data = {"text": text_of(part)}
    return {"data": data if part.name is None else data | {"title": part.name}}


def text_of(part: Media) -> str | None:
    """Return what a document says, None where it is no text."""
    source = part.source
    if isinstance(source, Plain):
        return source.text
    if not isinstance(source, Inline) or not source.media_type.startswith("text/"):
        return None
    try:
        return b64decode(source.data, validate=True).decode()
    except ValueError:
        return None
