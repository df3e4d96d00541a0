"""Messages of requests and answers: a content of chunks in their order, and calls beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain

from msgspec import UNSET, Raw, UnsetType

from hortus.canon.errors import InvalidRequest
from hortus.canon.parts import Media, Opaque, Part, Reasoning, Text, ToolCall, ToolResult
from hortus.canon.request import Message, Role
from hortus.dialects.mistral import wire
from hortus.dialects.mistral.parts import read_part, write_part
from hortus.dialects.mistral.pen import Pen, encode, notes_at
from hortus.dialects.mistral.vocabulary import NAME
from hortus.framing.chat_notation import (
    AS_CALL,
    AS_LIST,
    EMPTY_LIST,
    read_arguments,
    read_content,
    read_stranger,
    write_called,
)
from hortus.framing.objects import Body, kind_of, told
from hortus.framing.opening import Notes

_NO_ID = "null"
"""What Mistral writes as the id of a call that has none. https://docs.mistral.ai/api, read 2026-11."""

_ROLES: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant"}


def read_message(raw: Raw, at: str, *, make_id: Callable[[], str]) -> Message:
    """Return one message of a request.

    Raises:
        InvalidRequest: Something in it has the wrong type.
    """
    notes = notes_at(at)
    message = notes.open(raw, wire.Message)
    role = told(message.role)
    if role is None:
        raise InvalidRequest("This member is missing.", path=f"{at}.role", hint="Such as user, assistant, tool.")
    if role == "tool":
        return _read_result(message, at, notes)
    known = _ROLES.get(role)
    if known is None:
        return read_stranger(raw, at, role=role, dialect=NAME)
    parts = read_parts(message, at, notes=notes, make_id=make_id)
    return Message(role=known, parts=parts, name=told(message.name), at=at, extras=notes.extras())


def read_parts(message: wire.Message, at: str, *, notes: Notes, make_id: Callable[[], str]) -> tuple[Part, ...]:
    """Return what a message consists of: content, then calls; the rest goes into `notes`."""
    parts = read_content(message.content, at, notes=notes, read_part=read_part)
    calls = told(message.tool_calls)
    if calls is not None and not calls:
        notes.hush("tool_calls", EMPTY_LIST)
    parts += [read_call(one, f"{at}.tool_calls[{i}]", make_id=make_id) for i, one in enumerate(calls or ())]
    if isinstance(message.tool_call_id, str):
        notes.keep("tool_call_id", Raw(encode(message.tool_call_id)))
    if isinstance(message.prefix, bool):
        (notes.keep if message.prefix else notes.hush)("prefix", Raw(encode(message.prefix)))
    return tuple(parts)


def _read_result(message: wire.Message, at: str, notes: Notes) -> Message:
    content = read_content(message.content, at, notes=notes, read_part=read_part)
    for name in ("tool_calls", "prefix"):  # nonsense here, but not ours to drop
        value = getattr(message, name)
        if value is not UNSET and value is not None:
            notes.keep(name, Raw(encode(value)))
    if message.tool_call_id is UNSET:
        notes.form("-tool_call_id")
    parts = tuple(part for part in content if isinstance(part, Text | Media | Opaque))
    if len(parts) != len(content):
        raise InvalidRequest("A result of a tool cannot hold thoughts.", path=f"{at}.content")
    result = ToolResult(
        call_id=told(message.tool_call_id) or "",
        parts=parts,
        name=told(message.name),
        at=at,
        extras=notes.extras(),
    )
    return Message(role="user", parts=(result,), at=at)


def read_call(raw: Raw, at: str, *, make_id: Callable[[], str]) -> ToolCall | Opaque:
    """Return one item of `tool_calls`.

    Raises:
        InvalidRequest: Something in it has the wrong type.
    """
    kind = kind_of(raw, at)
    notes = notes_at(at)
    if kind not in {None, "function"}:
        notes.form(AS_CALL)
        return Opaque(dialect=NAME, kind=kind or "", raw=raw, at=at, extras=notes.extras())
    call = notes.open(raw, wire.ToolCall)
    if call.type is UNSET:
        notes.form("-type")
    if call.index is not UNSET:
        notes.hush("index", call.index)
    call_id = given_id(call.id)
    if call.id is UNSET:
        notes.form("-id")
    elif isinstance(call.id, str) and call_id is None:
        notes.hush("id", Raw(encode(call.id)))
    return ToolCall(
        id=call_id or make_id(),
        name=call.function.name,
        arguments=read_arguments(call.function.arguments, notes),
        at=at,
        extras=notes.extras(),
    )


def given_id(call_id: str | UnsetType | None) -> str | None:
    """Return the id of a call, None where it has none."""
    return None if call_id in {"", _NO_ID} else told(call_id)


def write_result(result: ToolResult, pen: Pen) -> Body:
    """Return the message that carries a tool's result."""
    manifest = pen.manifest
    manifest.take(result, "call_id", "parts", "name")
    if result.is_error:
        manifest.approximate(
            result, "is_error", "Mistral's results of tools have no mark for errors: the text says it."
        )
    content = write_content(result.parts, pen, role="tool", is_list=manifest.has_form(result, AS_LIST))
    body: Body = {"role": "tool", "content": content, "tool_call_id": pen.id_of(result.call_id)}
    if result.name is not None:
        body["name"] = result.name
    return pen.close(result, body)


def write_content(parts: Iterable[Part], pen: Pen, *, role: str, is_list: bool) -> object:
    """Return a content: a string where texts are all there is, else a list."""
    written = [body for part in parts if (body := write_part(part, pen, role=role)) is not None]
    if is_list:
        return written
    if not written:
        return ""
    texts = [body["text"] for body in written if isinstance(body, dict) and body.keys() == {"type", "text"}]
    if len(texts) == len(written) and (len(texts) == 1 or pen.is_answer):
        return "".join(map(str, texts))
    return written


def write_assistant(messages: tuple[Message, ...], pen: Pen) -> Body | None:
    """Return one message of the assistant that holds those of one turn, None where nothing of them can be written."""
    parts = list(chain.from_iterable(message.parts for message in messages))
    is_list = any(pen.manifest.has_form(message, AS_LIST) for message in messages)
    content = write_content(_without_calls(parts, pen), pen, role="assistant", is_list=is_list)
    calls = _write_calls(parts, pen)
    body: Body = {"role": "assistant", "content": content}
    if calls or pen.is_answer:
        body["tool_calls"] = calls or None
    for message in messages:
        pen.manifest.take(message, "parts")
        write_name(message, body, pen)
        pen.close(message, body)
    return body if content or calls or pen.keeps_all else None


def write_name(message: Message, body: Body, pen: Pen) -> None:
    """Write a name where the source spoke this dialect: Mistral's documents know none."""
    if pen.is_own and message.name is not None:
        pen.manifest.take(message, "name")
        body["name"] = message.name


def _write_calls(parts: list[Part], pen: Pen) -> list[object]:
    """Return the calls; text after one moves before it, as the format wants it."""
    calls: list[object] = []
    for part in parts:
        if isinstance(part, ToolCall):
            calls.append(write_call(part, pen))
        elif isinstance(part, Opaque) and pen.manifest.has_form(part, AS_CALL):
            pen.manifest.take(part, "raw")
            calls.append(part.raw)
        elif calls and isinstance(part, Text | Reasoning):
            pen.manifest.adapt("text>before calls")
    return calls


def _without_calls(parts: list[Part], pen: Pen) -> list[Part]:
    said = (part for part in parts if not isinstance(part, ToolCall))
    return [part for part in said if not (isinstance(part, Opaque) and pen.manifest.has_form(part, AS_CALL))]


def write_call(call: ToolCall, pen: Pen) -> Body:
    """Return a call as an item of `tool_calls`."""
    pen.manifest.take(call, "name", "arguments", *(("seal",) if pen.is_answer else ()))
    function = write_called(call, pen.manifest)
    return pen.close(call, {"id": pen.id_of(call.id), "type": "function", "function": function})
