"""Pictures and files to parts and back."""

from __future__ import annotations

import base64
import re
from types import MappingProxyType

from msgspec import Raw

from hortus.canon.parts import HostFile, Inline, Link, Media, Opaque, Plain, Source
from hortus.dialects.openai_responses.pen import Object, Pen
from hortus.dialects.openai_responses.wire import NAME, InputFile, InputImage, given
from hortus.framing.opening import Notes

_DATA = re.compile(r"data:([^;,]+);base64,(.*)", re.DOTALL)

_EXTENSIONS = MappingProxyType(
    {
        "application/pdf": "pdf",
        "text/plain": "txt",
        "text/markdown": "md",
        "text/csv": "csv",
        "text/html": "html",
        "application/json": "json",
    }
)
"""File names that are made up end so: the host tells the type of a file by it."""

_TYPES = MappingProxyType({extension: media_type for media_type, extension in _EXTENSIONS.items()})


def read_image(raw: Raw, at: str) -> Media | Opaque:
    """Return a picture; opaque where it names none, or two."""
    notes = Notes(NAME, at)
    part = notes.open(raw, InputImage)
    url, file_id = given(part.image_url), given(part.file_id)
    if (url is None) == (file_id is None):
        return Opaque(dialect=NAME, kind="input_image", raw=raw, at=at)
    source = _read_address(url) if url is not None else HostFile(id=file_id or "")
    return Media(kind="image", source=source, detail=given(part.detail), at=at, extras=notes.extras())


def read_file(raw: Raw, at: str) -> Media | Opaque:
    """Return a file; opaque where it names none, or two."""
    notes = Notes(NAME, at)
    part = notes.open(raw, InputFile)
    data, url, file_id, name = given(part.file_data), given(part.file_url), given(part.file_id), given(part.filename)
    if [data, url, file_id].count(None) != 2:  # noqa: PLR2004 -- two of the three ways are not used
        return Opaque(dialect=NAME, kind="input_file", raw=raw, at=at)
    source: Source
    if data is not None:
        source = _read_address(data)
        if isinstance(source, Link):
            notes.form("bare_data")
            source = Inline(_TYPES.get((name or "").rpartition(".")[2].lower(), "application/octet-stream"), data)
    else:
        source = Link(url=url) if url is not None else HostFile(id=file_id or "")
    return Media(kind="document", source=source, name=name, detail=given(part.detail), at=at, extras=notes.extras())


def write_media(part: Media, pen: Pen) -> Object | None:
    """Return the part of a picture or file; None where there is none, and the manifest knows why."""
    if part.kind == "image":
        written = _write_image(part, pen)
    elif part.kind == "document":
        written = _write_file(part, pen)
    else:
        pen.manifest.lose(part, "", "OpenAI's Responses API takes pictures and documents only.")
        return None
    if written is None:
        return None
    pen.manifest.take(part, "kind", "source", "detail", "seal" if pen.is_answer else "kind")
    if part.detail is not None:
        written["detail"] = part.detail
    return pen.close(part, written)


def _write_image(part: Media, pen: Pen) -> Object | None:
    match part.source:
        case Inline(media_type, data):
            return {"type": "input_image", "image_url": f"data:{media_type};base64,{data}"}
        case Link(url):
            return {"type": "input_image", "image_url": url}
        case HostFile(file_id):
            return _of_file(part, pen, {"type": "input_image", "file_id": file_id})
        case _:
            pen.manifest.lose(part, "", "A picture cannot be given as text.")
            return None


def _write_file(part: Media, pen: Pen) -> Object | None:
    written: Object = {"type": "input_file"}
    match part.source:
        case Inline(media_type, data):
            bare = pen.has_form(part, "bare_data")
            written["file_data"] = data if bare else f"data:{media_type};base64,{data}"
            _name(part, pen, written, media_type=media_type)
        case Plain(text):
            written["file_data"] = "data:text/plain;base64," + base64.b64encode(text.encode()).decode()
            pen.manifest.adapt("document>text/plain")
            _name(part, pen, written, media_type="text/plain")
        case Link(url):
            written["file_url"] = url
        case _:
            return _of_file(part, pen, written | {"file_id": part.source.id})
    if part.name is not None:
        written["filename"] = part.name
        pen.manifest.take(part, "name")
    return written


def _name(part: Media, pen: Pen, written: Object, *, media_type: str) -> None:
    """Name a file that has no name: OpenAI demands one for bytes."""
    if part.name is None and not pen.is_own:
        written["filename"] = "document." + _EXTENSIONS.get(media_type, "bin")
        pen.manifest.adapt("+filename")


def _of_file(part: Media, pen: Pen, written: Object) -> Object | None:
    """Return what names a host's file, where the id is one of this dialect."""
    if not pen.is_own:
        pen.manifest.lose(part, "", "Another API gave this file its id; send the file inline (base64).")
        return None
    if part.name is not None:
        written["filename"] = part.name
        pen.manifest.take(part, "name")
    return written


def _read_address(url: str) -> Inline | Link:
    match = _DATA.fullmatch(url)
    return Inline(media_type=match[1], data=match[2]) if match else Link(url=url)
