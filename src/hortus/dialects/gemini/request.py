"""A whole request, read and written.

https://ai.google.dev/api/generate-content and
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from hortus.canon.errors import InvalidRequest
from hortus.canon.habits import apply_habits
from hortus.canon.manifest import Manifest
from hortus.canon.parts import Part, ToolResult
from hortus.canon.request import Message, Request, Role
from hortus.canon.translation import Call, Target, Written
from hortus.canon.turns import call_names, split_system, turns_of
from hortus.dialects.gemini.calls import CallIds
from hortus.dialects.gemini.members import NAME, Object, Opened, Pen, forms_of, is_own
from hortus.dialects.gemini.parts import read_part, write_part
from hortus.dialects.gemini.settings import read_settings, write_settings
from hortus.dialects.gemini.tools import read_choice, read_tools, write_choice, write_tools
from hortus.framing.objects import finish_body
from hortus.framing.shallow import check_text

_ROLES: Mapping[str, Role] = {"user": "user", "model": "assistant", "function": "user"}
_NOT_FIRST = "Gemini has one place for instructions, before the conversation: move this message to the front."

FIELDS: Mapping[str, str] = {"contents": "messages", "tools": "tools", "toolConfig": "tool_choice"}
"""Member of the body to the canonical field that it carries, for hosts that refuse one."""

ENCODE = msgspec.json.Encoder().encode


def read_request(body: bytes, call: Call) -> Request:
    """Return what a client asks.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: A member is missing or has the wrong type.
    """
    check_text(body)
    return read_opened(Opened(body, ""), call)


def read_opened(wire: Opened, call: Call) -> Request:
    """Return what the opened object asks. Raises InvalidRequest."""
    ids = CallIds()
    contents = wire.items("contents")
    if contents is None:
        raise InvalidRequest("This member is missing.", path="contents", hint="Send the conversation there.")
    system = wire.raw("systemInstruction")
    messages = [] if system is None else [_read_content(system, "systemInstruction", ids=ids, role="system")]
    messages += [_read_content(raw, f"contents[{i}]", ids=ids) for i, raw in enumerate(contents)]
    tools, choice = read_tools(wire), read_choice(wire)
    fields = read_settings(wire.inner("generationConfig"))
    is_stream = bool(call.is_stream)
    request = Request(
        model=call.route or "",
        messages=tuple(messages),
        tools=tools,
        tool_choice=choice,
        is_stream=is_stream,
        wants_usage=is_stream,
        extras=wire.own_extras(),
    )
    return msgspec.structs.replace(request, **fields)


def write_request(request: Request, target: Target) -> Written:
    """Return the request for a host."""
    manifest = Manifest(request, NAME, source=target.source, reclassified=target.habits.weights)
    body = write_body(request, target, manifest=manifest)
    return finish_body(body, manifest)


def write_body(request: Request, target: Target, *, manifest: Manifest) -> Object:
    """Return the members of the request."""
    pen = Pen(manifest, is_own=is_own(request), is_answer=False, names=call_names(request.messages))
    manifest.take(request, "messages")
    for message in request.messages:
        manifest.take(message, "parts")
    first, rest = split_system(request.messages)
    body: Object = {"contents": _write_contents(rest, pen)}
    system = _write_system(first, pen) if first else {}
    if system.get("parts") or (pen.is_own and first):
        body["systemInstruction"] = system
    tools = write_tools(request, pen)
    if tools:
        body["tools"] = tools
    if request.tool_choice is not None:
        body["toolConfig"] = {"functionCallingConfig": write_choice(request.tool_choice, pen)}
    settings = write_settings(request, pen, model=target.model)
    if settings:
        body["generationConfig"] = settings
    pen.close(request, body)
    apply_habits(body, target.habits, manifest=manifest, root=request, fields=FIELDS)
    return body


def _read_content(raw: msgspec.Raw, at: str, *, ids: CallIds, role: Role | None = None) -> Message:
    wire = Opened(raw, at)
    if role is None:
        role = _read_role(wire)
    else:
        wire.silence("role")
    items = wire.items("parts")
    if items is None:
        wire.form("no_parts")
    parts = tuple(read_part(item, f"{at}.parts[{number}]", ids=ids) for number, item in enumerate(items or ()))
    return Message(role=role, parts=parts, at=at, extras=wire.extras())


def _read_role(wire: Opened) -> Role:
    said = wire.text("role")
    if said is None:
        wire.form("no_role")
        return "user"
    known = _ROLES.get(said)
    if said == "function":
        wire.keep("role", msgspec.Raw(b'"function"'), is_silent=True)
    elif known is None:
        raise InvalidRequest(
            "The value is none of those that this member takes.", path=f"{wire.at}.role", hint="Use user or model."
        )
    return known or "user"


def _write_contents(messages: tuple[Message, ...], pen: Pen) -> list[object]:
    if pen.is_own:
        return [_write_own(message, pen) for message in messages]
    contents: list[object] = []
    for turn in turns_of(messages):
        if turn.role in {"system", "developer"}:
            for message in turn.messages:
                pen.manifest.lose(message, "", _NOT_FIRST)
            continue
        role = "model" if turn.role == "assistant" else "user"
        # Results stand alone in a content, right after the calls that they answer.
        for wants_results in (True, False):
            written = _write_parts((one for one in turn.parts if isinstance(one, ToolResult) is wants_results), pen)
            if written:
                contents.append({"role": role, "parts": written})
    return contents


def _write_own(message: Message, pen: Pen) -> Object:
    forms = forms_of(message)
    body: Object = {}
    if "no_role" not in forms and "role" not in pen.manifest.silent(message):
        body["role"] = "model" if message.role == "assistant" else "user"
    if "no_parts" not in forms:
        body["parts"] = _write_parts(message.parts, pen)
    return pen.close(message, body)


def _write_system(messages: tuple[Message, ...], pen: Pen) -> Object:
    if any(message.role == "developer" for message in messages):
        pen.manifest.adapt("role:developer>system")
    parts = [part for message in messages for part in message.parts]
    body: Object = {"parts": _write_parts(parts, pen)}
    if "no_parts" in forms_of(messages[0]):
        del body["parts"]
    return pen.close(messages[0], body)


def _write_parts(parts: Iterable[Part], pen: Pen) -> list[object]:
    written = (write_part(part, pen) for part in parts)
    return [one for one in written if one is not None]
