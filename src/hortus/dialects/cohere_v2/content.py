"""Blocks of content to parts and back: text, pictures, thoughts, and the documents in which tools answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec
from msgspec import Raw

from hortus.canon.parts import Inline, Link, Media, Opaque, Part, Reasoning, Refusal, Text
from hortus.dialects.cohere_v2.documents import text_of
from hortus.dialects.cohere_v2.pen import Object, Pen, notes_at
from hortus.dialects.cohere_v2.wire import (
    NAME,
    DocumentBlock,
    ImageBlock,
    OptionalKind,
    TextBlock,
    ThinkingBlock,
    given,
)
from hortus.framing.objects import write_opaque
from hortus.framing.reading import read_open

PLAN = "plan"
"""Form: these thoughts are the `tool_plan` of a message."""

_DOCUMENT = "document"
"""Form: a text of a tool's result is a document whose data is this JSON."""

_DATA_URL = re.compile(r"data:([^;,]+);base64,([A-Za-z0-9+/]*={0,2})")


def read_block(raw: Raw, at: str) -> Part:
    """Return the part that a block is; a block of an unknown type is opaque.

    Raises:
        InvalidRequest: Something in it has the wrong type.
    """
    kind = read_open(raw, OptionalKind, at=at)[0].type or ""
    read = _READERS.get(kind)
    return Opaque(dialect=NAME, kind=kind, raw=raw, at=at) if read is None else read(raw, at)


def _read_text(raw: Raw, at: str) -> Part:
    notes = notes_at(at)
    return Text(text=notes.open(raw, TextBlock).text, at=at, extras=notes.extras())


def _read_thinking(raw: Raw, at: str) -> Part:
    notes = notes_at(at)
    thinking = notes.open(raw, ThinkingBlock).thinking
    return Reasoning(texts=(thinking,) if thinking else (), at=at, extras=notes.extras())


def _read_image(raw: Raw, at: str) -> Part:
    notes = notes_at(at)
    image = notes.open(raw, ImageBlock).image_url
    match = _DATA_URL.fullmatch(image.url)
    source = Link(url=image.url) if match is None else Inline(media_type=match[1], data=match[2])
    return Media(kind="image", source=source, detail=given(image.detail), at=at, extras=notes.extras())


def _read_document(raw: Raw, at: str) -> Part:
    notes = notes_at(at)
    document = notes.open(raw, DocumentBlock).document
    if given(document.id) is not None:
        notes.keep("document.id", Raw(msgspec.json.encode(document.id)))
    notes.form(_DOCUMENT)
    return Text(text=bytes(document.data).decode(), at=at, extras=notes.extras())


def write_block(part: Part, pen: Pen) -> Object | Raw | None:
    """Return the block of a part; None where there is none, and the manifest knows why."""
    match part:
        case Text():
            return _write_text(part, pen)
        case Reasoning():
            return _write_reasoning(part, pen)
        case Refusal():
            pen.manifest.approximate(part, "text", "Written as text: Cohere has no block for a refusal.")
            return {"type": "text", "text": part.text}
        case Media():
            return _write_media(part, pen)
        case Opaque():
            return write_opaque(part, pen.manifest, dialect=NAME)
        case _:
            pen.manifest.lose(part, "", "Cohere has no place for it among the blocks of a content.")
            return None


def _write_text(part: Text, pen: Pen) -> Object | None:
    pen.manifest.take(part, "text", "seal")
    if pen.manifest.has_form(part, _DOCUMENT):
        return pen.close(part, {"type": "document", "document": {"data": Raw(part.text.encode())}})
    if not (part.text or part.citations or pen.is_own):
        pen.manifest.adapt("-empty_text")
        return None
    return pen.close(part, {"type": "text", "text": part.text})


def thoughts_of(part: Reasoning, pen: Pen) -> str | None:
    """Return thoughts as one text; None where Cohere's models cannot take them back, or there are none."""
    thoughts = "\n\n".join((*part.summary, *part.texts))
    if part.seal is not None and not pen.is_answer:
        return None  # another maker's
    if not (thoughts or pen.is_own):
        pen.manifest.take(part, "seal", "is_redacted")
        return None
    pen.manifest.take_all(part)
    return thoughts


def _write_reasoning(part: Reasoning, pen: Pen) -> Object | None:
    thoughts = thoughts_of(part, pen)
    return None if thoughts is None else pen.close(part, {"type": "thinking", "thinking": thoughts})


def _write_media(part: Media, pen: Pen) -> Object | None:
    source = part.source
    words = text_of(part) if part.kind == "document" else None
    if words is not None and not pen.is_answer:
        pen.manifest.take(part, "kind", "seal")
        pen.manifest.approximate(part, "source", "The document is written as a text.")
        return {"type": "text", "text": words}
    if pen.is_answer or part.kind != "image" or not isinstance(source, Inline | Link):
        pen.manifest.lose(part, "", "Cohere takes pictures (inline or by address) and documents that are text.")
        return None
    url = source.url if isinstance(source, Link) else f"data:{source.media_type};base64,{source.data}"
    image: Object = {"url": url}
    if part.detail is not None:
        image["detail"] = part.detail
    pen.manifest.take(part, "kind", "source", "detail", "seal")
    return pen.close(part, {"type": "image_url", "image_url": image})


_READERS: Mapping[str, Callable[[Raw, str], Part]] = MappingProxyType(
    {"text": _read_text, "thinking": _read_thinking, "image_url": _read_image, "document": _read_document}
)
