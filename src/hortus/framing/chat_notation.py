"""Pieces of a chat as OpenAI began to write them, and others do too: contents, stops, functions, calls, results."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from msgspec import UNSET, Raw, UnsetType

from hortus.canon.manifest import Manifest
from hortus.canon.parts import Opaque, Part, Text, ToolCall, ToolResult
from hortus.canon.request import HostTool, Message, OutputFormat, Request, Tool
from hortus.framing.objects import Body, text_of, told, told_raw
from hortus.framing.opening import NULL, Notes

AS_LIST = "content is a list"

AS_MESSAGE = "message"
"""Form: an opaque part is a whole message, of a role that only its dialect has."""

AS_CALL = "call"
"""Form: something opaque stands among the calls, not in the content."""

EMPTY_LIST = Raw(b"[]")
_IN_CHOICE = re.compile(r"choices\[(\d+)\]\.(.*)", re.DOTALL)
_EMPTY_TEXT = Raw(b'""')
_AS_OBJECT = "arguments are an object"
_BARE_STOP = "stop is a string"
_SCHEMA_NAME = "answer"
"""For a schema without a name, which the makers demand."""


def read_content(
    content: str | list[Raw] | UnsetType | None, at: str, *, notes: Notes, read_part: Callable[[Raw, str], Part]
) -> list[Part]:
    """Return the parts in the `content` of the message at `at`."""
    at = f"{at}.content"
    if isinstance(content, str):
        if content:
            return [Text(text=content, at=at)]
        notes.hush("content", _EMPTY_TEXT)
    elif isinstance(content, list):
        notes.form(AS_LIST)
        return [read_part(raw, f"{at}[{i}]") for i, raw in enumerate(content)]
    elif content is UNSET:
        notes.form("-content")
    return []


def read_stranger(raw: Raw, at: str, *, role: str, dialect: str) -> Message:
    """Return a message of a role that is not known here: it stays as it is."""
    notes = Notes(dialect, at)
    notes.form(AS_MESSAGE)
    part = Opaque(dialect=dialect, kind=role, raw=raw, at=at, extras=notes.extras())
    return Message(role="user", parts=(part,), at=at)


def results_apart(
    message: Message, manifest: Manifest, *, write_result: Callable[[ToolResult], Body]
) -> tuple[list[object], list[Part]]:
    """Return the messages that results of tools become, which must follow their calls, and the parts beside them."""
    written: list[object] = []
    rest: list[Part] = []
    for part in message.parts:
        if isinstance(part, ToolResult):
            if rest:
                manifest.adapt("results>before text")
            written.append(write_result(part))
        elif isinstance(part, Opaque) and manifest.has_form(part, AS_MESSAGE):
            manifest.take(part, "raw")
            written.append(part.raw)
        else:
            rest.append(part)
    manifest.take(message, "parts")
    return written, rest


def unknown_in_choice(unknown: Mapping[str, Raw], number: int) -> Iterator[tuple[str, Raw]]:
    """Return what of a chunk's unknown members stands in the choice at this place, by its path below it."""
    for path, value in unknown.items():
        match = _IN_CHOICE.fullmatch(path)
        if match and int(match[1]) == number and value != NULL:
            yield match[2], value


def read_stop(given: str | list[str] | UnsetType | None, notes: Notes) -> tuple[str, ...]:
    """Return the words at which an answer stops."""
    stop = told(given)
    if isinstance(stop, str):
        notes.form(_BARE_STOP)
        return (stop,)
    if stop is not None and not stop:
        notes.hush("stop", EMPTY_LIST)
    return tuple(stop or ())


def write_stop(request: Request, body: Body, manifest: Manifest) -> None:
    """Write them."""
    if request.stop:
        manifest.take(request, "stop")
        body["stop"] = request.stop[0] if manifest.has_form(request, _BARE_STOP) else list(request.stop)


def read_arguments(raw: Raw | UnsetType, notes: Notes) -> str:
    """Return the arguments of a call, which some hosts write as an object, not as a text of one."""
    if raw is UNSET:
        notes.form("-function.arguments")
    given = told_raw(raw, "function.arguments", notes)
    if given is None:
        return "{}"
    text = text_of(given)
    if text is None:
        notes.form(_AS_OBJECT)
        return bytes(given).decode()
    if not text:
        notes.hush("function.arguments", given)
    return text or "{}"


def write_called(call: ToolCall, manifest: Manifest) -> Body:
    """Return the `function` of a call."""
    arguments = Raw(call.arguments.encode()) if manifest.has_form(call, _AS_OBJECT) else call.arguments
    return {"name": call.name, "arguments": arguments}


def write_function(tool: Tool, manifest: Manifest, *, parameters: Raw | None) -> Body:
    """Return the `function` of a tool."""
    manifest.take(tool, "name", "description", "parameters", "is_strict")
    return _said(name=tool.name, description=tool.description, parameters=parameters, strict=tool.is_strict)


def write_host_tool(tool: HostTool, manifest: Manifest, *, dialect: str) -> Raw | None:
    """Return a tool that only its dialect knows, None where that is another one."""
    if tool.dialect != dialect:
        manifest.lose(tool, "", f"`{tool.kind}` runs at hosts of another format only; offer a function instead.")
        return None
    manifest.take(tool, "raw")
    return tool.raw


def write_schema(output: OutputFormat) -> Body:
    """Return the `json_schema` of an answer's form."""
    name = output.name or _SCHEMA_NAME
    return _said(name=name, description=output.description, schema=output.schema, strict=output.is_strict)


def _said(**members: object) -> Body:
    return {name: value for name, value in members.items() if value is not None}
