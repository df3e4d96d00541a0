"""Results of tools: Google's `functionResponse` holds an object, the canonical result text and media.

`{"output": "…"}` is a text and `{"error": "…"}` a failure; any other object is a text of JSON.
https://ai.google.dev/api/caching#FunctionResponse, read 2026-11.
"""

from __future__ import annotations

import msgspec

from hortus.canon.parts import Media, Opaque, Text, ToolResult
from hortus.dialects.gemini.calls import CallIds
from hortus.dialects.gemini.media import read_source, write_source
from hortus.dialects.gemini.members import NAME, Object, Opened, Pen, forms_of

_NAMELESS = "Gemini must be told the function's name, and no call of this id is in the conversation: send the call too."

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_ENCODE = msgspec.json.Encoder().encode


def read_result(wire: Opened, ids: CallIds) -> ToolResult:
    """Return the result in a part that has a `functionResponse`."""
    result = wire.needed("functionResponse")
    given, name, response = result.text("id"), result.text("name"), result.raw("response")
    items = result.items("parts")
    if items == []:
        result.keep("parts", msgspec.Raw(b"[]"), is_silent=True)
    note_id(wire, result, given)
    text, is_error = _read_response(response, wire)
    at = f"{wire.at}.functionResponse.parts"
    return ToolResult(
        call_id=ids.of_result(name or "", given),
        name=name,
        parts=(*text, *(_read_item(item, f"{at}[{number}]") for number, item in enumerate(items or ()))),
        is_error=is_error,
        at=wire.at,
        extras=wire.extras(),
    )


def note_id(wire: Opened, inner: Opened, given: str | None) -> None:
    """Note that a part has no id of its own, though its call has one here."""
    if given is None:
        wire.form("no_id")
    elif not given:
        inner.keep("id", msgspec.Raw(b'""'), is_silent=True)


def write_result(part: ToolResult, pen: Pen) -> Object | None:
    """Return the part that holds a result; None where its call is not known."""
    forms = forms_of(part)
    name = part.name if pen.is_own else part.name or pen.names.get(part.call_id)
    if not (name or pen.is_own):
        pen.manifest.lose(part, "", _NAMELESS)
        return None
    pen.manifest.take(part, "call_id", "name", "is_error", "parts")
    result: Object = {} if name is None else {"name": name}
    if "no_id" not in forms:
        result["id"] = part.call_id
    if "no_response" not in forms:
        result["response"] = _write_response(part, pen)
    items = _write_items(part, pen)
    if items:
        result["parts"] = items
    body: Object = {"functionResponse": result}
    if "not_a_thought" in forms:
        body["thought"] = False
    return pen.close(part, body)


def _read_response(response: msgspec.Raw | None, wire: Opened) -> tuple[tuple[Text, ...], bool]:
    if response is None:
        wire.form("no_response")
        return (), False
    at = f"{wire.at}.functionResponse.response"
    members = _members(bytes(response))
    if members is not None and len(members) == 1:
        ((name, value),) = members.items()
        text = _string(value) if name in {"output", "error"} else None
        if text == "" and name == "output":
            wire.form("empty_output")
        if text is not None:
            return (Text(text=text, at=at),) if text else (), name == "error"
    wire.form("json")
    if members == {}:
        return (), False
    return (Text(text=bytes(response).decode(), at=at),), False


def _write_response(part: ToolResult, pen: Pen) -> object:
    texts = [item for item in part.parts if isinstance(item, Text)]
    for item in texts:
        pen.manifest.take(item, "text", "seal")
    words = [item.text for item in texts]
    if part.is_error:
        return {"error": "\n".join(words)}
    if not words:
        return {"output": ""} if "empty_output" in forms_of(part) else {}
    return _write_words(words, is_json="json" in forms_of(part))


def _write_words(words: list[str], *, is_json: bool) -> object:
    if len(words) > 1:
        return {"output": words}
    return msgspec.Raw(words[0].encode()) if is_json or _is_plain_object(words[0]) else {"output": words[0]}


def _read_item(raw: msgspec.Raw, at: str) -> Media | Opaque:
    wire = Opened(raw, at)
    if not (wire.has("inlineData") or wire.has("fileData")):
        return Opaque(dialect=NAME, kind=next(iter(wire.names()), "part"), raw=raw, at=at)
    kind, source, name = read_source(wire)
    return Media(kind=kind, source=source, name=name, at=at, extras=wire.extras())


def _write_items(part: ToolResult, pen: Pen) -> list[object]:
    items = (_write_item(item, pen) for item in part.parts if not isinstance(item, Text))
    return [item for item in items if item is not None]


def _write_item(item: Media | Opaque, pen: Pen) -> object | None:
    if isinstance(item, Media):
        written = write_source(item, pen)
        return None if written is None else pen.close(item, written)
    return write_opaque(item, pen)


def write_opaque(item: Opaque, pen: Pen) -> object | None:
    """Return what only this dialect understands as it is; of another one, nothing."""
    if item.dialect != NAME:
        return None
    pen.manifest.take_all(item)
    return item.raw


def _is_plain_object(text: str) -> bool:
    """Tell whether a text is a JSON object that is not read as something else again."""
    members = _members(text.encode())
    return members is not None and members.keys() not in ({"output"}, {"error"}, set())


def _members(data: bytes) -> dict[str, msgspec.Raw] | None:
    try:
        return _OBJECT.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return None


def _string(raw: msgspec.Raw) -> str | None:
    try:
        return _TEXT.decode(raw)
    except msgspec.DecodeError:
        return None
