"""Tools, the choice among them, and the form of the answer."""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal

import msgspec
from msgspec import UNSET, Raw, UnsetType

from hortus.canon.request import HostTool, OutputFormat, Tool, ToolChoice
from hortus.dialects.mistral import wire
from hortus.dialects.mistral.pen import Pen, notes_at
from hortus.dialects.mistral.vocabulary import NAME
from hortus.framing.chat_notation import write_function, write_host_tool, write_schema
from hortus.framing.objects import Body, kind_of, text_of, told, told_raw
from hortus.framing.opening import Notes

_REQUIRED = "required"
_ANY = "any"  # what `required` was called first, and what every model of theirs knows
_MODES: MappingProxyType[str, Literal["auto", "none", "required"]] = MappingProxyType(
    {"auto": "auto", "none": "none", "required": "required", _ANY: "required"}
)
_KINDS: MappingProxyType[str, Literal["text", "json", "schema"]] = MappingProxyType(
    {"text": "text", "json_object": "json", "json_schema": "schema"}
)
_TYPES = MappingProxyType({kind: name for name, kind in _KINDS.items()})

_NAMELESS = "-json_schema.name"
_WITHOUT_PARAMETERS = "-function.parameters"
_NO_PARAMETERS = Raw(b'{"type":"object","properties":{}}')
"""For a function without a schema, which Mistral demands."""

_DECODE_NAMED = msgspec.json.Decoder(wire.NamedTool).decode


def read_tool(raw: Raw, at: str) -> Tool | HostTool:
    """Return one of `tools`; one that is no function belongs to this dialect alone.

    Raises:
        InvalidRequest: Something in it has the wrong type.
    """
    kind = kind_of(raw, at)
    if kind not in {None, "function"}:
        return HostTool(dialect=NAME, kind=kind or "", raw=raw, at=at)
    notes = notes_at(at)
    tool = notes.open(raw, wire.Tool)
    if tool.type is UNSET:
        notes.form("-type")
    function = tool.function
    if function.parameters is UNSET:
        notes.form(_WITHOUT_PARAMETERS)
    return Tool(
        name=function.name,
        description=told(function.description),
        parameters=told_raw(function.parameters, "function.parameters", notes),
        is_strict=told(function.strict),
        at=at,
        extras=notes.extras(),
    )


def write_tool(tool: Tool | HostTool, pen: Pen) -> Body | Raw | None:
    """Return one of `tools`, None where it is another dialect's."""
    manifest = pen.manifest
    if isinstance(tool, HostTool):
        return write_host_tool(tool, manifest, dialect=NAME)
    parameters = tool.parameters
    if parameters is None and not pen.is_own:
        parameters = _NO_PARAMETERS
        manifest.adapt("+tools.function.parameters")
    function = write_function(tool, manifest, parameters=parameters)
    return pen.close(tool, {"type": "function", "function": function})


def read_choice(raw: Raw | UnsetType, notes: Notes) -> ToolChoice | None:
    """Return `tool_choice`; one that is not known here is kept."""
    given = told_raw(raw, "tool_choice", notes)
    if given is None:
        return None
    word = text_of(given)
    own = notes_at("tool_choice")
    if word is not None and word in _MODES:
        if word == _REQUIRED:
            own.form(_REQUIRED)
        return ToolChoice(mode=_MODES[word], at="tool_choice", extras=own.extras())
    try:
        named = _DECODE_NAMED(given)
    except msgspec.DecodeError:
        notes.keep("tool_choice", given)
        return None
    if named.type is UNSET:
        own.form("-type")
    return ToolChoice(mode="required", names=(named.function.name,), at="tool_choice", extras=own.extras())


def write_choice(choice: ToolChoice, pen: Pen) -> object:
    """Return `tool_choice`."""
    manifest = pen.manifest
    manifest.take(choice, "mode")
    if choice.mode == "required" and len(choice.names) == 1:
        manifest.take(choice, "names")
        return pen.close(choice, {"type": "function", "function": {"name": choice.names[0]}})
    if choice.mode == "none":
        manifest.take(choice, "names")
    elif choice.names:
        manifest.lose(choice, "names", "Mistral narrows the choice to one function that must be called, no further.")
    if choice.mode == "required":
        return _REQUIRED if manifest.has_form(choice, _REQUIRED) else _ANY
    return choice.mode


def read_output(raw: Raw | UnsetType, notes: Notes) -> OutputFormat | None:
    """Return `response_format`; one that is not known here is kept."""
    given = told_raw(raw, "response_format", notes)
    if given is None:
        return None
    if kind_of(given, "response_format") not in _KINDS:
        notes.keep("response_format", given)
        return None
    own = notes_at("response_format")
    found = own.open(given, wire.ResponseFormat)
    schema = told(found.json_schema)
    kind = _KINDS[found.type]
    if kind != "schema" and schema is None:
        return OutputFormat(kind=kind, at="response_format", extras=own.extras())
    if kind != "schema" or schema is None or schema.schema is UNSET:
        notes.keep("response_format", given)  # nothing that can be meant
        return None
    if schema.name is UNSET:
        own.form(_NAMELESS)
    return OutputFormat(
        kind=kind,
        schema=told_raw(schema.schema, "json_schema.schema", own),
        name=told(schema.name),
        description=told(schema.description),
        is_strict=told(schema.strict),
        at="response_format",
        extras=own.extras(),
    )


def write_output(output: OutputFormat, pen: Pen) -> Body:
    """Return `response_format`."""
    pen.manifest.take_all(output)
    body: Body = {"type": _TYPES[output.kind]}
    if output.kind == "schema":
        if output.name is None and not pen.is_own:
            pen.manifest.adapt("+response_format.json_schema.name")
        body["json_schema"] = write_schema(output)
    return pen.close(output, body)
