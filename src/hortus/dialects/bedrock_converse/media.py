"""Images, films, sounds and documents: their formats and sources in Bedrock's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Raw, UnsetType

from hortus.canon.parts import HostFile, Inline, Media, MediaKind, Plain, Source
from hortus.dialects.bedrock_converse.pen import Object, Pen
from hortus.dialects.bedrock_converse.pieces import cut_pieces, join_pieces
from hortus.dialects.bedrock_converse.wire import NAME, MediaBlock, MediaSource
from hortus.framing.objects import word_of
from hortus.framing.opening import Notes

GUARD = "guard"
"""Notation: what the guardrail looks at, in a `guardContent`."""

_NO_FORMAT, _FORMAT, _CONTENT = "-format", "format:", "content"
_PLAIN_FORMAT = "txt"
_OFFICE = "application/vnd.openxmlformats-officedocument"

# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html and its like, read 2026-11
_TYPES: Mapping[MediaKind, Mapping[str, str]] = MappingProxyType(
    {
        "image": {name: f"image/{name}" for name in ("png", "jpeg", "gif", "webp")},
        "document": {
            "pdf": "application/pdf",
            "csv": "text/csv",
            "doc": "application/msword",
            "docx": f"{_OFFICE}.wordprocessingml.document",
            "xls": "application/vnd.ms-excel",
            "xlsx": f"{_OFFICE}.spreadsheetml.sheet",
            "html": "text/html",
            _PLAIN_FORMAT: "text/plain",
            "md": "text/markdown",
        },
        "video": {
            "mkv": "video/x-matroska",
            "mov": "video/quicktime",
            "mp4": "video/mp4",
            "webm": "video/webm",
            "flv": "video/x-flv",
            "mpeg": "video/mpeg",
            "wmv": "video/x-ms-wmv",
            "three_gp": "video/3gpp",
        },
        "audio": {
            "mp3": "audio/mpeg",
            "opus": "audio/opus",
            "wav": "audio/wav",
            "aac": "audio/aac",
            "flac": "audio/flac",
            "mp4": "audio/mp4",
            "ogg": "audio/ogg",
            "mka": "audio/x-matroska",
            "m4a": "audio/x-m4a",
            "pcm": "audio/pcm",
            "webm": "audio/webm",
        },
    }
)
_ALIASES: Mapping[str, str] = MappingProxyType(
    {"mpg": "video/mpeg", "mpga": "audio/mpeg", "x-aac": "audio/aac", "mkv": "audio/x-matroska"}
)
"""Further names that Bedrock takes for types that it has."""

_SPELLED: Mapping[str, str] = MappingProxyType(
    {"image/jpg": "image/jpeg", "audio/mp3": "audio/mpeg", "audio/x-wav": "audio/wav", "audio/wave": "audio/wav"}
)
"""How others spell types."""

_FORMATS: Mapping[str, str] = MappingProxyType(
    {kind: name for formats in _TYPES.values() for name, kind in formats.items()}
)
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9\-()\[\] ]+| {2,}")
"""What Bedrock refuses in the name of a document."""

_LONGEST_NAME = 190


def read_media(raw: Raw, kind: MediaKind, *, at: str, under: str = "") -> Media | None:
    """Return the medium in the member `under` of a block; None where source or format are of an unknown kind."""
    notes = Notes(NAME, at)
    under = under or kind
    if under != kind:
        notes.form(GUARD)
    block = notes.open(raw, MediaBlock, under=under)
    found = None if isinstance(block.format, UnsetType) else block.format
    media_type = _type_of(kind, found, notes)
    source = _read_source(block.source, notes, media_type=media_type or "")
    if source is None or media_type is None:
        return None
    name = None if isinstance(block.name, UnsetType) else block.name
    return Media(kind=kind, source=source, name=name, at=at, extras=notes.extras())


def _type_of(kind: MediaKind, name: str | None, notes: Notes) -> str | None:
    if name is None:
        notes.form(_NO_FORMAT)
        return _TYPES[kind].get(_PLAIN_FORMAT, f"{kind}/*")
    media_type = _TYPES[kind].get(name) or _ALIASES.get(name)
    if media_type is not None and _FORMATS.get(media_type) != name:
        notes.form(_FORMAT + name)
    return media_type


def _read_source(source: MediaSource, notes: Notes, *, media_type: str) -> Source | None:
    match source:
        case MediaSource(data=str() as data):
            return Inline(media_type=media_type, data=data)
        case MediaSource(text=str() as text):
            if media_type != _TYPES["document"][_PLAIN_FORMAT]:
                notes.form(_FORMAT + _FORMATS.get(media_type, ""))
            return Plain(text=text)
        case MediaSource(content=list() as items):
            notes.form(_CONTENT)
            if media_type != _TYPES["document"][_PLAIN_FORMAT]:
                notes.form(_FORMAT + _FORMATS.get(media_type, ""))
            return Plain(text=join_pieces(items, notes))
        case MediaSource(s3_location=location) if not isinstance(location, UnsetType):
            return HostFile(id=location.uri, media_type=media_type)
        case _:
            return None


def write_media(part: Media, pen: Pen) -> Object | None:
    """Return the block of a medium, None where it cannot be carried (the manifest says so)."""
    source, name = _write_source(part, pen), _format_of(part, pen)
    if isinstance(source, str):
        pen.manifest.lose(part, "", source)
        return None
    if name is None:
        pen.manifest.lose(part, "", f"Bedrock takes no {part.kind} of this type.")
        return None
    inner: Object = {} if pen.manifest.has_form(part, _NO_FORMAT) else {"format": name}
    if part.kind == "document":
        inner["name"] = _name_of(part, pen)
        pen.manifest.take(part, "name")
    inner["source"] = source
    pen.manifest.take(part, "kind", "source", "seal")
    is_guarded = pen.manifest.has_form(part, GUARD)
    return pen.close(part, {"guardContent": {part.kind: inner}} if is_guarded else {part.kind: inner})


def _write_source(part: Media, pen: Pen) -> Object | str:
    """Return the source, or the reason why there is none."""
    if pen.is_answer and not pen.is_own and part.kind != "image":
        return f"Bedrock's answers hold no {part.kind}."
    match part.source:
        case Inline(data=data):
            return {"bytes": data}
        case Plain(text):
            return {_CONTENT: cut_pieces(text, part)} if pen.manifest.has_form(part, _CONTENT) else {"text": text}
        case HostFile(id) if pen.is_own:
            return {"s3Location": {"uri": id}}
        case HostFile():
            return "The file lies at another host; send it inline (base64)."
        case _:
            return "Bedrock fetches nothing: send the image or document inline (base64)."


def _format_of(part: Media, pen: Pen) -> str | None:
    word = word_of(part, _FORMAT, dialect=NAME)
    if word is not None:
        return word
    if isinstance(part.source, Plain):
        return _PLAIN_FORMAT
    media_type = (part.source.media_type or "").partition(";")[0].strip().lower()
    if pen.is_own and media_type.endswith("/*"):
        return ""
    name = _FORMATS.get(_SPELLED.get(media_type, media_type))
    return name if name in _TYPES[part.kind] else None


def _name_of(part: Media, pen: Pen) -> str:
    """Return a name that Bedrock takes and that no other document of the request has."""
    if pen.is_own:
        return part.name or ""
    plain = _NOT_IN_NAMES.sub(" ", part.name or "document").strip()[:_LONGEST_NAME] or "document"
    name, number = plain, 1
    while name in pen.names:
        number += 1
        name = f"{plain} {number}"
    pen.names.add(name)
    if part.name is None:
        pen.manifest.adapt("+document.name")
    elif name != part.name:
        pen.manifest.approximate(part, "name", "Bedrock's names have no such characters, and none twice.")
    return name
