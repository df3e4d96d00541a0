"""Parts of a message's content: text, images, sound, documents, refusals."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import assert_never

from msgspec import Raw

from hortus.canon.manifest import Manifest
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
from hortus.dialects.openai_chat import wire
from hortus.dialects.openai_chat.pen import Body, kind_of, notes_at, read_cache, restore, told, write_cache
from hortus.dialects.openai_chat.vocabulary import NAME
from hortus.framing.opening import Notes

AS_PART = "part"
"""Form: a refusal stands in the content, not beside it."""

_ANYWHERE = "anywhere"
"""Form: the source has media where OpenAI takes text only; its host knows why."""

_FILE = "file"
"""Form: the source spoke this dialect, so ids of files and addresses in place of their bytes mean something here."""

_BARE_URL = "bare url"
_BARE_DATA = "bare data"
_UNNAMED_FILE = "application/octet-stream"

_DATA_URL = re.compile(r"data:([^;,]+);base64,([A-Za-z0-9+/]*={0,2})")
_FORMATS = MappingProxyType({"wav": "audio/wav", "mp3": "audio/mpeg"})
_MEDIA_TYPES = MappingProxyType(
    {"audio/wav": "wav", "audio/x-wav": "wav", "audio/wave": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}
)


def read_part(raw: Raw, at: str, *, role: str) -> Part:
    """Return one item of a content; what is not known here is opaque.

    Raises:
        InvalidRequest: Something in it has the wrong type.
    """
    kind = kind_of(raw, at)
    read = _READERS.get(kind or "")
    notes = notes_at(at)
    if role != "user":
        notes.form(_ANYWHERE)
    return (read and read(raw, at, notes)) or Opaque(dialect=NAME, kind=kind or "", raw=raw, at=at)


def _read_text(raw: Raw, at: str, notes: Notes) -> Part:
    del notes
    notes = notes_at(at)  # a text may stand anywhere
    part = notes.open(raw, wire.TextPart)
    cache = read_cache(part.cache_control, notes)
    return Text(text=part.text, cache=cache, at=at, extras=notes.extras())


def _read_refusal(raw: Raw, at: str, notes: Notes) -> Part:
    part = notes.open(raw, wire.RefusalPart)
    notes.form(AS_PART)
    return Refusal(text=part.refusal, at=at, extras=notes.extras())


def _read_image(raw: Raw, at: str, notes: Notes) -> Part:
    part = notes.open(raw, wire.ImagePart)
    cache = read_cache(part.cache_control, notes)
    detail = None
    if isinstance(part.image_url, str):
        notes.form(_BARE_URL)
        url = part.image_url
    else:
        url, detail = part.image_url.url, told(part.image_url.detail)
    source = _read_data_url(url) or Link(url=url)
    return Media(kind="image", source=source, detail=detail, cache=cache, at=at, extras=notes.extras())


def _read_audio(raw: Raw, at: str, notes: Notes) -> Part | None:
    part = notes.open(raw, wire.AudioPart)
    sound = part.input_audio
    if isinstance(sound, str):
        return None
    media_type = _FORMATS.get(sound.format, f"audio/{sound.format}")
    if _format_of(media_type) != sound.format:
        return None
    cache = read_cache(part.cache_control, notes)
    source = Inline(media_type=media_type, data=sound.data)
    return Media(kind="audio", source=source, cache=cache, at=at, extras=notes.extras())


def _read_file(raw: Raw, at: str, notes: Notes) -> Part | None:
    part = notes.open(raw, wire.FilePart)
    data, file_id, name = told(part.file.file_data), told(part.file.file_id), told(part.file.filename)
    if (data is None) == (file_id is None):
        return None
    notes.form(_FILE)
    source: Inline | Link | HostFile
    if data is None:
        source = HostFile(id=file_id or "")
    elif data.startswith(("https://", "http://")):
        source = Link(url=data)
    else:
        found = _read_data_url(data)
        if found is None:
            notes.form(_BARE_DATA)
            is_pdf = (name or "").lower().endswith(".pdf")
            found = Inline(media_type="application/pdf" if is_pdf else _UNNAMED_FILE, data=data)
        source = found
    cache = read_cache(part.cache_control, notes)
    return Media(kind="document", source=source, name=name, cache=cache, at=at, extras=notes.extras())


def _read_data_url(url: str) -> Inline | None:
    match = _DATA_URL.fullmatch(url)
    return Inline(media_type=match[1], data=match[2]) if match else None


def _format_of(media_type: str) -> str | None:
    name = _MEDIA_TYPES.get(media_type)
    if name is None and media_type.startswith("audio/"):
        return media_type.removeprefix("audio/")
    return name


_READERS: MappingProxyType[str, Callable[[Raw, str, Notes], Part | None]] = MappingProxyType(
    {
        "text": _read_text,
        "refusal": _read_refusal,
        "image_url": _read_image,
        "input_audio": _read_audio,
        "file": _read_file,
    }
)


def write_part(part: Part, manifest: Manifest, *, role: str) -> Body | Raw | None:
    """Return a part as an item of a content, None where it is none (its loss is said)."""
    match part:
        case Text():
            manifest.take(part, "text")
            body: Body = {"type": "text", "text": part.text}
            write_cache(part.cache, body, node=part, manifest=manifest)
            return restore(body, part, manifest)
        case Refusal():
            manifest.take(part, "text")
            return restore({"type": "refusal", "refusal": part.text}, part, manifest)
        case Opaque():
            if part.dialect != NAME:
                return None
            manifest.take(part, "raw")
            return part.raw
        case Media():
            return _write_media(part, manifest, role)
        case ToolCall() | ToolResult() | Reasoning():
            return None  # each has its own place
        case _:
            assert_never(part)


def _write_media(media: Media, manifest: Manifest, role: str) -> Body | None:
    if role != "user" and not manifest.has_form(media, _ANYWHERE):
        where = "results of tools" if role == "tool" else f"messages of the {role}"
        manifest.lose(media, "", f"OpenAI's {where} take text only: send it in a message of the user.")
        return None
    body = _MEDIA_WRITERS[media.kind](media, manifest)
    if body is None:
        return None
    manifest.take(media, "kind", "source")
    write_cache(media.cache, body, node=media, manifest=manifest)
    return restore(body, media, manifest)


def _write_image(media: Media, manifest: Manifest) -> Body | None:
    match media.source:
        case Inline(media_type, data):
            url = f"data:{media_type};base64,{data}"
        case Link(url):
            pass
        case HostFile() | Plain():
            manifest.lose(media, "", "OpenAI's Chat Completions take images by address or inline (base64) only.")
            return None
        case _:
            assert_never(media.source)
    if manifest.has_form(media, _BARE_URL):
        return {"type": "image_url", "image_url": url}
    image: Body = {"url": url}
    if media.detail is not None:
        manifest.take(media, "detail")
        image["detail"] = media.detail
    return {"type": "image_url", "image_url": image}


def _write_audio(media: Media, manifest: Manifest) -> Body | None:
    source = media.source
    name = _format_of(source.media_type) if isinstance(source, Inline) else None
    if not isinstance(source, Inline) or name is None:
        manifest.lose(media, "", "OpenAI's Chat Completions take sound inline (base64) only, as wav or mp3.")
        return None
    return {"type": "input_audio", "input_audio": {"data": source.data, "format": name}}


def _write_document(media: Media, manifest: Manifest) -> Body | None:
    file: Body = {}
    is_own = manifest.has_form(media, _FILE)
    match media.source:
        case Inline(media_type, data):
            file["file_data"] = data if manifest.has_form(media, _BARE_DATA) else f"data:{media_type};base64,{data}"
        case HostFile(file_id) if is_own:
            file["file_id"] = file_id
        case Link(url) if is_own:
            file["file_data"] = url
        case Plain(text):
            manifest.approximate(media, "source", "The document is written as a text.")
            return {"type": "text", "text": text}
        case _:
            manifest.lose(media, "", "OpenAI's Chat Completions take documents inline (base64) only.")
            return None
    _name_file(media, file, manifest=manifest)
    return {"type": "file", "file": file}


def _name_file(media: Media, file: Body, *, manifest: Manifest) -> None:
    """Write the name, which OpenAI demands beside the bytes."""
    if media.name is not None:
        manifest.take(media, "name")
        file["filename"] = media.name
    elif isinstance(media.source, Inline) and not manifest.has_form(media, _FILE):
        file["filename"] = "document.pdf" if media.source.media_type == "application/pdf" else "document"
        manifest.adapt("+file.filename")


def _write_video(media: Media, manifest: Manifest) -> None:
    manifest.lose(media, "", "OpenAI's Chat Completions take no films.")


_MEDIA_WRITERS: MappingProxyType[str, Callable[[Media, Manifest], Body | None]] = MappingProxyType(
    {"image": _write_image, "audio": _write_audio, "document": _write_document, "video": _write_video}
)
