"""Parts of contents, read and written, one adjacent pair for each kind.

https://ai.google.dev/api/caching#Part, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

import msgspec

from hortus.canon.nodes import Seal
from hortus.canon.parts import Media, Opaque, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from hortus.dialects.gemini.calls import CallIds
from hortus.dialects.gemini.media import read_source, write_source
from hortus.dialects.gemini.members import NAME, Object, Opened, Pen, forms_of
from hortus.dialects.gemini.results import note_id, read_result, write_opaque, write_result

_BESIDE = frozenset(
    ("thought", "thoughtSignature", "thought_signature", "videoMetadata", "video_metadata", "mediaResolution")
)
"""Members that say something about the part; what it is stands in another one."""

_NO_OBJECT = "Gemini takes a call's arguments as a JSON object, and this text is none: repair or leave out the call."

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_part(raw: msgspec.Raw, at: str, *, ids: CallIds) -> Part:
    """Return one part.

    Raises:
        InvalidRequest: A member has the wrong type.
    """
    wire = Opened(raw, at)
    for name, read in _READERS:
        if wire.has(name):
            return read(wire, ids)
    rest = [name for name in wire.names() if name not in _BESIDE]
    if rest:
        return Opaque(dialect=NAME, kind=rest[0], raw=raw, at=at)
    wire.form("no_text")
    return _read_text(wire, ids)


def write_part(part: Part, pen: Pen) -> object | None:
    """Return one part, None where nothing of it can be carried."""
    match part:
        case Text():
            return _write_text(part, pen)
        case Reasoning():
            return _write_reasoning(part, pen)
        case ToolCall():
            return _write_call(part, pen)
        case ToolResult():
            return write_result(part, pen)
        case Media():
            return _write_media(part, pen)
        case Refusal():
            pen.manifest.approximate(part, "text", "Gemini has no refusals of their own: it is written as text.")
            return {"text": part.text}
        case Opaque():
            return write_opaque(part, pen)
        case _:
            assert_never(part)


def _read_text(wire: Opened, ids: CallIds) -> Text | Reasoning:
    del ids
    text = wire.text("text")
    is_thought = wire.flag("thought")
    seal = _read_seal(wire)
    if is_thought:
        return Reasoning(summary=() if text is None else (text,), seal=seal, at=wire.at, extras=wire.extras())
    if is_thought is False:
        wire.form("not_a_thought")
    return Text(text=text or "", seal=seal, at=wire.at, extras=wire.extras())


def _write_text(part: Text, pen: Pen) -> Object | None:
    pen.manifest.take(part, "text")
    if not part.text and part.seal is None and not pen.is_own:
        return None  # Gemini refuses texts without words
    body: Object = {} if "no_text" in forms_of(part) else {"text": part.text}
    return pen.close(part, _with_seal(part, body, pen=pen))


def _write_reasoning(part: Reasoning, pen: Pen) -> Object | None:
    is_sealed = part.seal is not None and part.seal.dialect == NAME
    if not (pen.is_own or pen.is_answer or is_sealed):
        return None
    pen.manifest.take_all(part)
    pieces = part.texts + part.summary
    if not (pieces or is_sealed or pen.is_own):
        return None
    body: Object = {"thought": True}
    if "no_text" not in forms_of(part):
        body["text"] = "\n\n".join(pieces)
    return pen.close(part, _with_seal(part, body, pen=pen))


def _read_media(wire: Opened, ids: CallIds) -> Media:
    del ids
    kind, source, name = read_source(wire)
    seal = _read_sealed(wire)
    return Media(kind=kind, source=source, name=name, seal=seal, at=wire.at, extras=wire.extras())


def _write_media(part: Media, pen: Pen) -> Object | None:
    written = write_source(part, pen)
    return None if written is None else pen.close(part, _with_seal(part, written, pen=pen))


def _read_call(wire: Opened, ids: CallIds) -> ToolCall:
    seal = _read_sealed(wire)
    call = wire.needed("functionCall")
    given, name, arguments = call.text("id"), call.word("name"), call.raw("args")
    note_id(wire, call, given)
    if arguments is None:
        wire.form("no_args")
    return ToolCall(
        id=ids.of_call(name, given),
        name=name,
        arguments="{}" if arguments is None else bytes(arguments).decode(),
        seal=seal,
        at=wire.at,
        extras=wire.extras(),
    )


def _write_call(part: ToolCall, pen: Pen) -> Object:
    forms = forms_of(part)
    call: Object = {"name": part.name}
    if "no_id" not in forms:
        call["id"] = part.id
    if "no_args" not in forms:
        call["args"] = _arguments(part, pen)
    pen.manifest.take(part, "id", "name", "arguments")
    return pen.close(part, _with_seal(part, {"functionCall": call}, pen=pen))


def _arguments(part: ToolCall, pen: Pen) -> object:
    try:
        _OBJECT.decode(part.arguments or "{}")
    except (msgspec.DecodeError, RecursionError):
        pen.manifest.lose(part, "arguments", _NO_OBJECT)
        return {}
    return msgspec.Raw((part.arguments or "{}").encode())


def _read_reply(wire: Opened, ids: CallIds) -> ToolResult:
    if wire.flag("thought") is False:
        wire.form("not_a_thought")
    return read_result(wire, ids)


def _read_seal(wire: Opened) -> Seal | None:
    signature = wire.text("thoughtSignature")
    return None if signature is None else Seal(dialect=NAME, data=signature)


def _read_sealed(wire: Opened) -> Seal | None:
    """Return the seal of a part that is no text; only that it is no thought is without meaning there."""
    if wire.has("thought"):
        is_thought = wire.flag("thought")
        if is_thought:
            wire.keep("thought", msgspec.Raw(b"true"))
        else:
            wire.form("not_a_thought")
    return _read_seal(wire)


def _with_seal(part: Text | Reasoning | Media | ToolCall, body: Object, *, pen: Pen) -> Object:
    pen.manifest.take(part, "seal")
    if part.seal is not None and part.seal.dialect == NAME:
        body["thoughtSignature"] = part.seal.data
    if "not_a_thought" in forms_of(part):
        body["thought"] = False
    return body


_READERS: tuple[tuple[str, Callable[[Opened, CallIds], Part]], ...] = (
    ("text", _read_text),
    ("functionCall", _read_call),
    ("functionResponse", _read_reply),
    ("inlineData", _read_media),
    ("fileData", _read_media),
)
