"""Chunks of a message's content: text, images, sound, documents, thoughts; others are opaque."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import assert_never

from msgspec import Raw

from hortus.canon.nodes import Seal
from hortus.canon.parts import (
    HostFile,
    Inline,
    Link,
    Media,
    Opaque,
    Part,
    Plain,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from hortus.dialects.mistral import wire
from hortus.dialects.mistral.pen import Pen, encode, notes_at
from hortus.dialects.mistral.vocabulary import NAME
from hortus.framing.objects import Body, kind_of, text_of, told

_BARE_URL = "bare url"
_BARE_DATA = "bare data"
"""Form: sound as base64 alone, without saying what it is."""

_FILE = "file"
"""Form: the source spoke this dialect, so ids of files mean something here."""

_DATA_URL = re.compile(r"data:([^;,]+);base64,([A-Za-z0-9+/]*={0,2})")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_SOUNDS = MappingProxyType(
    {"UklGR": "audio/wav", "SUQz": "audio/mpeg", "//": "audio/mpeg", "T2dnU": "audio/ogg", "ZkxhQ": "audio/flac"}
)
"""How base64 of sounds begins."""

_WEB = ("https://", "http://")


def read_part(raw: Raw, at: str) -> Part:
    """Return one chunk of a content; what is not known here is opaque.

    Raises:
        InvalidRequest: Something in it has the wrong type.
    """
    kind = kind_of(raw, at) or ""
    read = _READERS.get(kind)
    return (read and read(raw, at)) or Opaque(dialect=NAME, kind=kind, raw=raw, at=at)


def _read_text(raw: Raw, at: str) -> Part:
    notes = notes_at(at)
    part = notes.open(raw, wire.TextPart)
    return Text(text=part.text, at=at, extras=notes.extras())


def _read_image(raw: Raw, at: str) -> Part:
    notes = notes_at(at)
    image = notes.open(raw, wire.ImagePart).image_url
    if isinstance(image, str):
        notes.form(_BARE_URL)
        image = wire.ImageUrl(url=image)
    source = _read_url(image.url)
    return Media(kind="image", source=source, detail=told(image.detail), at=at, extras=notes.extras())


def _read_document(raw: Raw, at: str) -> Part:
    notes = notes_at(at)
    part = notes.open(raw, wire.DocumentPart)
    source = _read_url(part.document_url)
    return Media(kind="document", source=source, name=told(part.document_name), at=at, extras=notes.extras())


def _read_file(raw: Raw, at: str) -> Part:
    notes = notes_at(at)
    part = notes.open(raw, wire.FilePart)
    notes.form(_FILE)
    return Media(kind="document", source=HostFile(id=part.file_id), at=at, extras=notes.extras())


def _read_audio(raw: Raw, at: str) -> Part | None:
    notes = notes_at(at)
    sound = text_of(notes.open(raw, wire.AudioPart).input_audio)
    if sound is None:
        return None
    source: Inline | Link | None = _read_data_url(sound)
    if source is None and sound.startswith(_WEB):
        source = Link(url=sound)
    if source is None:
        media_type = next((_SOUNDS[start] for start in _SOUNDS if sound.startswith(start)), None)
        if media_type is None or not _BASE64.fullmatch(sound):
            return None
        notes.form(_BARE_DATA)
        source = Inline(media_type=media_type, data=sound)
    return Media(kind="audio", source=source, at=at, extras=notes.extras())


def _read_thinking(raw: Raw, at: str) -> Part:
    notes = notes_at(at)
    part = notes.open(raw, wire.ThinkingPart)
    if part.closed is True:
        notes.hush("closed", Raw(b"true"))
    elif part.closed is False:
        notes.keep("closed", Raw(b"false"))
    texts = read_thoughts(part.thinking, at)
    if len(texts) != len(part.thinking):
        notes.keep("thinking", Raw(encode(part.thinking)))
    signature = told(part.signature)
    seal = None if signature is None else Seal(dialect=NAME, data=signature)
    return Reasoning(texts=texts, seal=seal, at=at, extras=notes.extras())


def read_thoughts(items: list[Raw], at: str) -> tuple[str, ...]:
    """Return the words among the pieces of thoughts; others are references."""
    texts = []
    for number, raw in enumerate(items):
        place = f"{at}.thinking[{number}]"
        if kind_of(raw, place) == "text":
            notes = notes_at(place)
            text = notes.open(raw, wire.TextPart).text
            if notes.extras() is None:
                texts.append(text)
    return tuple(texts)


def _read_url(url: str) -> Inline | Link:
    return _read_data_url(url) or Link(url=url)


def _read_data_url(url: str) -> Inline | None:
    match = _DATA_URL.fullmatch(url)
    return Inline(media_type=match[1], data=match[2]) if match else None


_READERS: MappingProxyType[str, Callable[[Raw, str], Part | None]] = MappingProxyType(
    {
        "text": _read_text,
        "image_url": _read_image,
        "document_url": _read_document,
        "file": _read_file,
        "input_audio": _read_audio,
        "thinking": _read_thinking,
    }
)


def write_part(part: Part, pen: Pen, *, role: str) -> Body | Raw | None:
    """Return a part as a chunk of a content, None where it is none (its loss is said)."""
    manifest = pen.manifest
    match part:
        case Text():
            manifest.take(part, "text", *(("seal",) if pen.is_answer else ()))
            return pen.close(part, {"type": "text", "text": part.text})
        case Refusal():
            manifest.approximate(part, "text", "Mistral has no mark for a refusal: it is written as text.")
            return {"type": "text", "text": part.text}
        case Reasoning():
            return _write_thinking(part, pen)
        case Opaque():
            if part.dialect != NAME:
                return None
            manifest.take(part, "raw")
            return part.raw
        case Media():
            return _write_media(part, pen, role=role)
        case ToolCall() | ToolResult():
            return None  # each has its own place
        case _:
            assert_never(part)


def _write_thinking(part: Reasoning, pen: Pen) -> Body | None:
    """Write thoughts that Mistral can take back; what another maker sealed only where it is shown."""
    signature = signature_of(part)
    if part.seal is not None and signature is None and not pen.is_answer:
        return None
    words = (*part.texts, *part.summary)
    pen.manifest.take_all(part)
    if not words and signature is None and not pen.is_own:
        return None  # all of it is in another maker's seal
    body: Body = {"type": "thinking", "thinking": [{"type": "text", "text": text} for text in words]}
    if signature is not None:
        body["signature"] = signature
    return pen.close(part, body)


def signature_of(part: Reasoning) -> str | None:
    """Return Mistral's signature of thoughts, None where they have none or another maker's."""
    return part.seal.data if part.seal is not None and part.seal.dialect == NAME else None


def _write_media(media: Media, pen: Pen, *, role: str) -> Body | None:
    manifest = pen.manifest
    if role == "system" and not pen.is_own:
        manifest.lose(media, "", "Mistral's messages of the system take text only: send it in a message of the user.")
        return None
    body = _MEDIA_WRITERS[media.kind](media, pen)
    if body is None:
        return None
    manifest.take(media, "kind", "source", *(("seal",) if pen.is_answer else ()))
    return pen.close(media, body)


def _url_of(media: Media) -> str | None:
    match media.source:
        case Inline(media_type, data):
            return f"data:{media_type};base64,{data}"
        case Link(url):
            return url
        case HostFile() | Plain():
            return None
        case _:
            assert_never(media.source)


def _write_image(media: Media, pen: Pen) -> Body | None:
    url = _url_of(media)
    if url is None:
        pen.manifest.lose(media, "", "Mistral takes images by address or inline (base64) only.")
        return None
    if pen.manifest.has_form(media, _BARE_URL):
        return {"type": "image_url", "image_url": url}
    image: Body = {"url": url}
    if media.detail is not None:
        pen.manifest.take(media, "detail")
        image["detail"] = media.detail
    return {"type": "image_url", "image_url": image}


def _write_audio(media: Media, pen: Pen) -> Body | None:
    source = media.source
    if pen.manifest.has_form(media, _BARE_DATA) and isinstance(source, Inline):
        return {"type": "input_audio", "input_audio": source.data}
    url = _url_of(media)
    if url is None:
        pen.manifest.lose(media, "", "Mistral takes sound by address or inline (base64) only.")
        return None
    sound = source.data if isinstance(source, Inline) and not pen.is_own else url
    return {"type": "input_audio", "input_audio": sound}


def _write_document(media: Media, pen: Pen) -> Body | None:
    source = media.source
    if isinstance(source, HostFile) and pen.manifest.has_form(media, _FILE):
        return {"type": "file", "file_id": source.id}
    if isinstance(source, Plain):
        pen.manifest.approximate(media, "source", "The document is written as a text.")
        return {"type": "text", "text": source.text}
    url = _url_of(media)
    if url is None:
        pen.manifest.lose(media, "", "Mistral takes documents by address or inline (base64) only.")
        return None
    body: Body = {"type": "document_url", "document_url": url}
    if media.name is not None:
        pen.manifest.take(media, "name")
        body["document_name"] = media.name
    return body


def _write_video(media: Media, pen: Pen) -> None:
    pen.manifest.lose(media, "", "Mistral takes no films.")


_MEDIA_WRITERS: MappingProxyType[str, Callable[[Media, Pen], Body | None]] = MappingProxyType(
    {"image": _write_image, "audio": _write_audio, "document": _write_document, "video": _write_video}
)
