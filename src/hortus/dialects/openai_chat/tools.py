"""Tools, the choice among them, and the form of the answer."""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal, TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

from hortus.canon.manifest import Manifest
from hortus.canon.request import HostTool, OutputFormat, Tool, ToolChoice
from hortus.dialects.openai_chat import wire
from hortus.dialects.openai_chat.pen import (
    Body,
    kind_of,
    notes_at,
    read_cache,
    restore,
    text_of,
    told,
    told_raw,
    write_cache,
)
from hortus.dialects.openai_chat.vocabulary import NAME
from hortus.framing.chat_notation import write_function, write_host_tool, write_schema
from hortus.framing.opening import Notes

S = TypeVar("S", bound=msgspec.Struct)

Mode = Literal["auto", "none", "required"]

_MODES: MappingProxyType[str, Mode] = MappingProxyType({"auto": "auto", "none": "none", "required": "required"})
_ANY = "any"  # Mistral's word for `required`. https://docs.mistral.ai/api, read 2026-11
_AS_ALLOWED = "allowed_tools"
_KINDS: MappingProxyType[str, Literal["text", "json", "schema"]] = MappingProxyType(
    {"text": "text", "json_object": "json", "json_schema": "schema"}
)
_TYPES = MappingProxyType({kind: name for name, kind in _KINDS.items()})

_NAMELESS = "-json_schema.name"


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
    return Tool(
        name=function.name,
        description=told(function.description),
        parameters=told_raw(function.parameters, "function.parameters", notes),
        is_strict=told(function.strict),
        cache=read_cache(tool.cache_control, notes),
        at=at,
        extras=notes.extras(),
    )


def write_tool(tool: Tool | HostTool, manifest: Manifest) -> Body | Raw | None:
    """Return one of `tools`, None where it is another dialect's."""
    if isinstance(tool, HostTool):
        return write_host_tool(tool, manifest, dialect=NAME)
    function = write_function(tool, manifest, parameters=tool.parameters)
    body: Body = {"type": "function", "function": function}
    write_cache(tool.cache, body, node=tool, manifest=manifest)
    return restore(body, tool, manifest)


def read_choice(raw: Raw | UnsetType, notes: Notes) -> ToolChoice | None:
    """Return `tool_choice`; one that is not known here is kept."""
    given = told_raw(raw, "tool_choice", notes)
    if given is None:
        return None
    word = text_of(given)
    own = notes_at("tool_choice")
    if word == _ANY:
        own.form(_ANY)
        return ToolChoice(mode="required", at="tool_choice", extras=own.extras())
    if word is not None and word in _MODES:
        return ToolChoice(mode=_MODES[word], at="tool_choice")
    named = _exactly(given, wire.NamedTool)
    if named is not None:
        return ToolChoice(mode="required", names=(named.function.name,), at="tool_choice")
    allowed = _exactly(given, wire.AllowedChoice)
    if allowed is not None and allowed.allowed_tools.tools:
        own.form(_AS_ALLOWED)
        names = tuple(tool.function.name for tool in allowed.allowed_tools.tools)
        return ToolChoice(mode=allowed.allowed_tools.mode, names=names, at="tool_choice", extras=own.extras())
    notes.keep("tool_choice", given)
    return None


def write_choice(choice: ToolChoice, manifest: Manifest) -> object:
    """Return `tool_choice`."""
    manifest.take_all(choice)
    named = [{"type": "function", "function": {"name": name}} for name in choice.names]
    if choice.mode == "none" or not named:
        return _ANY if manifest.has_form(choice, _ANY) else choice.mode
    if choice.mode == "required" and len(named) == 1 and not manifest.has_form(choice, _AS_ALLOWED):
        return named[0]
    return {"type": "allowed_tools", "allowed_tools": {"mode": choice.mode, "tools": named}}


def read_output(raw: Raw | UnsetType, notes: Notes) -> OutputFormat | None:
    """Return `response_format`; one of a kind that is not known here is kept."""
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
    if kind != "schema" or schema is None or schema.schema is UNSET:
        if found.json_schema is not UNSET or kind == "schema":
            notes.keep("response_format", given)  # nothing that can be meant
            return None
        return OutputFormat(kind=kind, at="response_format", extras=own.extras())
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


def write_output(output: OutputFormat, manifest: Manifest) -> Body:
    """Return `response_format`."""
    manifest.take_all(output)
    body: Body = {"type": _TYPES[output.kind]}
    if output.kind == "schema":
        if output.name is None and not manifest.has_form(output, _NAMELESS):
            manifest.adapt("+response_format.json_schema.name")
        body["json_schema"] = write_schema(output)
    return restore(body, output, manifest)


def _exactly(raw: Raw, kind: type[S]) -> S | None:
    """Return the object in `raw` where it has these members and no others."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError:
        return None
