"""Images and documents: their sources in Anthropic's words, and which of them it takes."""

from __future__ import annotations

import binascii
from base64 import b64decode

from msgspec import Raw

from hortus.canon.parts import HostFile, Inline, Link, Media, MediaKind, Opaque, Plain, Source
from hortus.dialects.anthropic_messages.pen import Object, Pen, read_cache
from hortus.dialects.anthropic_messages.wire import NAME, DataSource, FileSource, Kind, MediaBlock, UrlSource, given
from hortus.framing.opening import Notes
from hortus.framing.reading import read_open

# https://docs.claude.com/en/docs/build-with-claude/vision, …/pdf-support, read 2026-11
_IMAGES = frozenset(("image/jpeg", "image/png", "image/gif", "image/webp"))
_PDF, _TEXT = "application/pdf", "text/plain"


def read_media(raw: Raw, kind: MediaKind, *, at: str) -> Media | Opaque:
    """Return an image or document; one whose source is of an unknown kind is opaque."""
    notes = Notes(NAME, at)
    block = notes.open(raw, MediaBlock)
    source = _read_source(block.source, notes, at=f"{at}.source")
    if source is None:
        return Opaque(dialect=NAME, kind=block.type, raw=raw, at=at)
    return Media(
        kind=kind,
        source=source,
        name=given(block.title),
        cache=read_cache(block.cache_control),
        at=at,
        extras=notes.extras(),
    )


def _read_source(raw: Raw, notes: Notes, *, at: str) -> Source | None:
    kind = read_open(raw, Kind, at=at)[0].type
    if kind == "base64":
        data = notes.open(raw, DataSource, under="source")
        return Inline(media_type=data.media_type, data=data.data)
    if kind == "url":
        return Link(url=notes.open(raw, UrlSource, under="source").url)
    if kind == "file":
        return HostFile(id=notes.open(raw, FileSource, under="source").file_id)
    if kind == "text":
        text = notes.open(raw, DataSource, under="source")
        return Plain(text=text.data) if text.media_type == _TEXT else None
    return None


def write_media(part: Media, pen: Pen) -> Object | None:
    """Return the block of an image or document, None where it cannot be carried (the manifest says so)."""
    if part.kind not in {"image", "document"} or (pen.is_answer and not pen.is_own):
        side = "answers hold" if pen.is_answer else "models take"
        pen.manifest.lose(part, "", f"Anthropic's {side} no {part.kind}.")
        return None
    source = _write_source(part, pen)
    if isinstance(source, str):
        pen.manifest.lose(part, "", source)
        return None
    block: Object = {"type": part.kind, "source": source}
    pen.manifest.take(part, "kind", "source", "seal")
    if part.name is not None and (pen.is_own or part.kind == "document"):
        block["title"] = part.name
        pen.manifest.take(part, "name")
    pen.cache(part, block)
    return pen.close(part, block)


def _write_source(part: Media, pen: Pen) -> Object | str:
    """Return the source, or the reason why there is none."""
    match part.source:
        case Inline(media_type, data):
            return _write_inline(part, pen, media_type=media_type, data=data)
        case Link(url):
            return {"type": "url", "url": url}
        case Plain(text):
            return {"type": "text", "media_type": _TEXT, "data": text}
        case HostFile(id) if pen.is_own:
            return {"type": "file", "file_id": id}
        case _:
            return "The file lies at another host; send it inline (base64)."


def _write_inline(part: Media, pen: Pen, *, media_type: str, data: str) -> Object | str:
    bare_type = media_type.partition(";")[0].strip().lower()
    takes = bare_type in _IMAGES if part.kind == "image" else bare_type == _PDF
    if pen.is_own or takes:
        return {"type": "base64", "media_type": media_type if pen.is_own else bare_type, "data": data}
    if part.kind == "document" and bare_type.startswith("text/"):
        try:
            text = b64decode(data, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return "The document is no UTF-8 text in base64; send it so, or as a PDF."
        pen.manifest.adapt("document:text")
        return {"type": "text", "media_type": _TEXT, "data": text}
    return f"Anthropic's models take no {part.kind} of the type {bare_type[:100]}."
