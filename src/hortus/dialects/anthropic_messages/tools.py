"""Tools, the choice among them, and the form of the answer."""

from __future__ import annotations

from typing import Literal

from msgspec import Raw, UnsetType

from hortus.canon.errors import InvalidRequest
from hortus.canon.request import HostTool, OutputFormat, Request, Tool, ToolChoice
from hortus.dialects.anthropic_messages.pen import Object, Pen, read_cache
from hortus.dialects.anthropic_messages.wire import (
    NAME,
    CustomTool,
    FormatObject,
    OptionalKind,
    ToolChoiceObject,
    given,
)
from hortus.framing.opening import Notes
from hortus.framing.reading import read_open

_Mode = Literal["auto", "none", "required"]
_MODES: dict[str, _Mode] = {"auto": "auto", "any": "required", "tool": "required", "none": "none"}
_ANY_OBJECT = Raw(b'{"type":"object","properties":{}}')
_PARALLEL = "disable_parallel_tool_use"


def read_tool(raw: Raw, at: str) -> Tool | HostTool:
    """Return a tool: the client's own, or one of Anthropic's that only it knows.

    Raises:
        InvalidRequest: A member is missing or of the wrong type.
    """
    kind = read_open(raw, OptionalKind, at=at)[0].type
    if kind not in {None, "custom"}:
        return HostTool(dialect=NAME, kind=kind or "", raw=raw, at=at)
    notes = Notes(NAME, at)
    tool = notes.open(raw, CustomTool)
    if kind is not None:
        notes.form("custom")
    if tool.strict is False:
        notes.form("strict")
    return Tool(
        name=tool.name,
        description=given(tool.description),
        parameters=given(tool.input_schema),
        is_strict=given(tool.strict),
        cache=read_cache(tool.cache_control),
        at=at,
        extras=notes.extras(),
    )


def write_tool(tool: Tool | HostTool, pen: Pen) -> Object | Raw | None:
    """Return a tool; None for one that another maker's host runs."""
    if isinstance(tool, HostTool):
        if tool.dialect != NAME:
            pen.manifest.lose(
                tool, "", f"Only hosts that speak {tool.dialect} run `{tool.kind[:100]}`; offer a function."
            )
            return None
        pen.manifest.take_all(tool)
        return tool.raw
    block: Object = {"name": tool.name}
    if pen.manifest.has_form(tool, "custom"):
        block["type"] = "custom"
    if tool.description is not None:
        block["description"] = tool.description
    if tool.parameters is not None:
        block["input_schema"] = tool.parameters
    elif not pen.is_own:
        block["input_schema"] = _ANY_OBJECT
        pen.manifest.adapt("+input_schema")
    if tool.is_strict or pen.manifest.has_form(tool, "strict"):
        block["strict"] = tool.is_strict
    pen.manifest.take(tool, "name", "description", "parameters", "is_strict")
    pen.cache(tool, block)
    return pen.close(tool, block)


def read_choice(raw: Raw | UnsetType, notes: Notes) -> tuple[ToolChoice | None, bool | None]:
    """Return the choice, and whether several tools may be called in one turn.

    Raises:
        InvalidRequest: It is of a type that is not known here.
    """
    if isinstance(raw, UnsetType):
        return None, None
    if bytes(raw) == b"null":
        notes.keep("tool_choice", raw)
        return None, None
    own = Notes(NAME, "tool_choice")
    choice = own.open(raw, ToolChoiceObject)
    mode = _MODES.get(choice.type)
    if mode is None:
        raise InvalidRequest("The value is none of those that this member takes.", path="tool_choice.type")
    is_single = given(choice.disable_parallel_tool_use)
    if is_single is False:
        own.form(_PARALLEL)
    name = given(choice.name)
    read = ToolChoice(
        mode=mode,
        names=() if name is None else (name,),
        at="tool_choice",
        extras=own.extras(),
    )
    return read, None if is_single is None else not is_single


def write_choice(request: Request, pen: Pen) -> Object | None:
    """Return `tool_choice`, None where the request needs none."""
    choice, may_be_parallel = request.tool_choice, request.parallel_tools
    if choice is None:
        if may_be_parallel is not False or not request.tools:
            return None
        pen.manifest.take(request, "parallel_tools")
        return {"type": "auto", _PARALLEL: True}
    block = _write_mode(choice, pen)
    if may_be_parallel is not None:
        is_said = pen.manifest.has_form(choice, _PARALLEL)
        if is_said or (may_be_parallel is False and (choice.mode != "none" or pen.is_own)):
            block[_PARALLEL] = not may_be_parallel
            pen.manifest.take(request, "parallel_tools")
    return pen.close(choice, block)


def _write_mode(choice: ToolChoice, pen: Pen) -> Object:
    pen.manifest.take(choice, "mode", "names")
    if choice.mode == "required" and len(choice.names) == 1:
        return {"type": "tool", "name": choice.names[0]}
    mode = "any" if choice.mode == "required" else choice.mode
    if choice.names and pen.is_own:
        return {"type": mode, "name": choice.names[0]}
    if choice.names:
        pen.manifest.lose(choice, "names", "Anthropic narrows to one tool; send only the tools that may be called.")
    return {"type": mode}


def read_format(raw: Raw, at: str) -> OutputFormat | None:
    """Return the form of the answer; None where it is of a type that is not known here."""
    notes = Notes(NAME, at)
    wanted = notes.open(raw, FormatObject)
    if wanted.type != "json_schema":
        return None
    return OutputFormat(kind="schema", schema=given(wanted.schema), at=at, extras=notes.extras())


def write_format(wanted: OutputFormat, pen: Pen) -> Object | None:
    """Return the form of the answer; None where there is none, and the manifest knows why."""
    if wanted.kind == "text":
        return None
    if wanted.kind == "json":
        pen.manifest.lose(wanted, "", "Anthropic has no JSON without a schema; send a schema.")
        return None
    block: Object = {"type": "json_schema"}
    if wanted.schema is not None:
        block["schema"] = wanted.schema
    pen.manifest.take(wanted, "kind", "schema")
    if wanted.is_strict:
        pen.manifest.leave_out(wanted, "is_strict")  # what a schema says is always kept to
    return pen.close(wanted, block)
