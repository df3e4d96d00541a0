"""Parts of messages to canonical parts and back: texts with their citations, refusals, pictures, files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec import Raw, UnsetType

from hortus.canon.errors import InvalidRequest
from hortus.canon.parts import Citation, Media, Opaque, Part, Refusal, Text
from hortus.dialects.openai_responses.media import read_file, read_image, write_media
from hortus.dialects.openai_responses.pen import (
    ENCODE,
    OBJECT,
    RAWS,
    STRING,
    Object,
    Pen,
    is_list,
    is_string,
    read_head,
    solid,
)
from hortus.dialects.openai_responses.wire import NAME, InputText, OutputText, RefusalPart, UrlCitation, given
from hortus.framing.opening import Notes

Content = Text | Media | Refusal | Opaque
"""What a message's content consists of."""

EMPTY_LIST = Raw(b"[]")


def read_content(raw: Raw, notes: Notes, *, role: str, at: str) -> tuple[Content, ...]:
    """Return the parts of a `content` or `output` member, which is a string or a list.

    Raises:
        InvalidRequest: It is neither, or a part is not as it must be.
    """
    if is_string(raw):
        notes.form("bare")
        return (Text(text=STRING(raw), at=at),)
    if not is_list(raw):
        raise InvalidRequest("This member must be a string or a list of parts.", path=at)
    return tuple(read_part(one, role=role, at=f"{at}[{index}]") for index, one in enumerate(RAWS(raw)))


def read_part(raw: Raw, *, role: str, at: str, notes: Notes | None = None) -> Content:
    """Return what a part of a message is; one of an unknown type is opaque.

    Args:
        raw: The part.
        role: Whose message it stands in: those of the assistant hold `output_text`, all others `input_text`.
        at: Its path.
        notes: Where more than the part's own is to be noted (of its item).
    """
    kind = read_head(raw, at=at).type or ""
    notes = notes or Notes(NAME, at)
    if kind in {"input_text", "output_text"}:
        if kind != _kind_of_text(role):
            notes.form(kind)
        return _read_output(raw, notes, at=at) if kind == "output_text" else _read_input(raw, notes, at=at)
    if kind == "refusal":
        text = notes.open(raw, RefusalPart).refusal
        return Refusal(text=text, at=at, extras=notes.extras())
    read = _MEDIA.get(kind)
    return Opaque(dialect=NAME, kind=kind, raw=raw, at=at, extras=notes.extras()) if read is None else read(raw, at)


_MEDIA: Mapping[str, Callable[[Raw, str], Media | Opaque]] = MappingProxyType(
    {"input_image": read_image, "input_file": read_file}
)


def write_part(part: Part, pen: Pen, *, role: str) -> Object | Raw | None:
    """Return the part of a message for one of `Content`; None where there is none, and the manifest knows why."""
    match part:
        case Text():
            return write_text(part, pen, role=role)
        case Refusal():
            pen.manifest.take(part, "text")
            return pen.close(part, {"type": "refusal", "refusal": part.text})
        case Media():
            return write_media(part, pen)
        case Opaque() if part.dialect == NAME:
            pen.manifest.take(part, "raw")
            return part.raw
        case _:
            return None


def write_text(part: Text, pen: Pen, *, role: str) -> Object:
    """Return the part of a text."""
    usual = _kind_of_text(role)
    other = "input_text" if usual == "output_text" else "output_text"
    kind = other if pen.has_form(part, other) else usual
    pen.manifest.take(part, "text")
    if pen.is_answer:
        pen.manifest.take(part, "seal")
    written: Object = {"type": kind, "text": part.text}
    if kind == "output_text":
        annotations = [one for citation in part.citations if (one := write_citation(citation, part, pen))]
        if annotations or not pen.has_form(part, "no_annotations"):
            written["annotations"] = annotations
        if not (pen.has_form(part, "no_logprobs") or "logprobs" in pen.manifest.members(part)):
            written["logprobs"] = []
    return pen.close(part, written)


def read_citation(raw: Raw, *, at: str) -> Citation:
    """Return an annotation; one that is no address of a page is known by its file's name only."""
    if read_head(raw, at=at).type == "url_citation":
        notes = Notes(NAME, at)
        wire = notes.open(raw, UrlCitation)
        return Citation(
            url=wire.url,
            title=given(wire.title),
            start=given(wire.start_index),
            end=given(wire.end_index),
            at=at,
            extras=notes.extras(),
        )
    notes = Notes(NAME, at)
    members = OBJECT(raw)
    title = None
    for path, value in members.items():
        if path == "filename" and is_string(value):
            title = STRING(value)
        else:
            notes.keep(path, value)
    return Citation(title=title, at=at, extras=notes.extras())


def write_citation(citation: Citation, text: Text, pen: Pen) -> Object | None:
    """Return an annotation; None where its source has no address."""
    if "type" in pen.manifest.members(citation):
        pen.manifest.take(citation, "title")
        named: Object = {} if citation.title is None else {"filename": citation.title}
        return pen.close(citation, named)
    if citation.url is None:
        return None
    pen.manifest.take(citation, "url", "title", "start", "end")
    written: Object = {"type": "url_citation", "url": citation.url}
    start, end, title = citation.start, citation.end, citation.title
    if not pen.is_own:
        start, end, title = start or 0, len(text.text) if end is None else end, title or ""
    places = {"title": title, "start_index": start, "end_index": end}
    return pen.close(citation, written | {name: value for name, value in places.items() if value is not None})


def _kind_of_text(role: str) -> str:
    return "output_text" if role == "assistant" else "input_text"


def _read_input(raw: Raw, notes: Notes, *, at: str) -> Text:
    text = notes.open(raw, InputText).text
    return Text(text=text, at=at, extras=notes.extras())


def _read_output(raw: Raw, notes: Notes, *, at: str) -> Text:
    part = notes.open(raw, OutputText)
    if isinstance(part.annotations, UnsetType | None):
        notes.form("no_annotations")
    annotations = given(part.annotations) or []
    logprobs = solid(part.logprobs, notes, path="logprobs")
    if logprobs is None:
        notes.form("no_logprobs")
    elif logprobs != EMPTY_LIST:
        notes.keep("logprobs", logprobs)
    citations = tuple(read_citation(one, at=f"{at}.annotations[{i}]") for i, one in enumerate(annotations))
    return Text(text=part.text, citations=citations, at=at, extras=notes.extras())


def encode(value: object) -> Raw:
    """Return a value as JSON that is put in as it is."""
    return Raw(ENCODE(value))
