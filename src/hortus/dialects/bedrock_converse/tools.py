"""Tools, the choice among them, and the form of the answer."""

from __future__ import annotations

import msgspec
from msgspec import Raw, UnsetType
from msgspec.structs import replace

from hortus.canon.errors import InvalidRequest
from hortus.canon.parts import ToolCall, ToolResult
from hortus.canon.request import HostTool, OutputFormat, Request, Tool, ToolChoice
from hortus.dialects.bedrock_converse.models import caches
from hortus.dialects.bedrock_converse.parts import member_of, read_cache_point, write_cache_point
from hortus.dialects.bedrock_converse.pen import Object, Pen
from hortus.dialects.bedrock_converse.wire import (
    NAME,
    InputSchema,
    TextFormat,
    ToolChoiceObject,
    ToolConfig,
    ToolSpec,
    given,
)
from hortus.framing.opening import Notes

CHOICE_AT, FORMAT_AT = "toolConfig.toolChoice", "outputConfig.textFormat"
_ANY_OBJECT = Raw(b'{"type":"object","properties":{}}')
_NO_SCHEMA, _NO_JSON, _STRICT = "-inputSchema", "-json", "strict"
_JSON_SCHEMA = "json_schema"
_ANY_VALUE = msgspec.json.Decoder().decode


def read_tools(config: ToolConfig | UnsetType | None, notes: Notes) -> tuple[Tool | HostTool, ...]:
    """Return the tools; `notes` are the request's.

    Raises:
        InvalidRequest: A tool is not as it must be.
    """
    if not isinstance(config, ToolConfig):
        return ()
    raws = given(config.tools)
    notes.form("toolConfig")
    if raws is not None:
        notes.form("tools")
    tools: list[Tool | HostTool] = []
    for index, raw in enumerate(raws or ()):
        hint = read_cache_point(raw)
        last = tools[-1] if tools else None
        if hint is not None and isinstance(last, Tool) and last.cache is None:
            tools[-1] = replace(last, cache=hint)
        else:
            tools.append(_read_tool(raw, f"toolConfig.tools[{index}]"))
    return tuple(tools)


def _read_tool(raw: Raw, at: str) -> Tool | HostTool:
    kind, inner = member_of(raw, at)
    if kind != "toolSpec" or inner is None:
        return HostTool(dialect=NAME, kind=kind, raw=raw, at=at)
    notes = Notes(NAME, at)
    spec = notes.open(inner, ToolSpec, under="toolSpec")
    if not isinstance(spec.input_schema, InputSchema):
        notes.form(_NO_SCHEMA)
        schema = None
    else:
        schema = given(spec.input_schema.json)
    if spec.strict is False:
        notes.form(_STRICT)
    return Tool(
        name=spec.name,
        description=given(spec.description),
        parameters=schema,
        is_strict=given(spec.strict),
        at=at,
        extras=notes.extras(),
    )


def write_tools(request: Request, pen: Pen) -> Object:
    """Return the `toolConfig`, empty where there is none."""
    choice = request.tool_choice
    if choice is not None and choice.mode == "none" and not _has_calls(request):
        _leave_out(request.tools, choice, pen)
        return {}
    written = [block for tool in request.tools for block in _write_tool(tool, pen)]
    config: Object = {"tools": written} if written or pen.manifest.has_form(request, "tools") else {}
    wanted = _write_choice(choice, pen) if choice is not None else None
    if wanted is not None:
        config["toolChoice"] = wanted
    return config


def _leave_out(tools: tuple[Tool | HostTool, ...], choice: ToolChoice, pen: Pen) -> None:
    """Forbid tools in the one way that there is: those that are not there are not called."""
    for node in (*tools, choice):
        pen.manifest.take_all(node)
        pen.manifest.approximate(node, "", "Left out: Bedrock has no word that forbids tools.")


def _has_calls(request: Request) -> bool:
    return any(isinstance(part, ToolCall | ToolResult) for message in request.messages for part in message.parts)


def _write_tool(tool: Tool | HostTool, pen: Pen) -> list[Object | Raw]:
    """Return a tool, and its cache point; nothing for one that another maker's host runs."""
    if isinstance(tool, Tool):
        spec = _write_spec(tool, pen)
        if tool.cache is None or not (pen.is_own or caches(pen.model)):
            return [spec]
        pen.manifest.take(tool, "cache")
        return [spec, write_cache_point(tool.cache)]
    if tool.dialect == NAME:
        pen.manifest.take_all(tool)
        return [tool.raw]
    pen.manifest.lose(tool, "", f"Only hosts that speak {tool.dialect} run `{tool.kind[:100]}`; offer a function.")
    return []


def _write_spec(tool: Tool, pen: Pen) -> Object:
    spec: Object = {"name": tool.name}
    if tool.description or (pen.is_own and tool.description is not None):
        spec["description"] = tool.description
    elif tool.description is not None:
        pen.manifest.leave_out(tool, "description")  # Bedrock refuses an empty one
    if not pen.manifest.has_form(tool, _NO_SCHEMA):
        spec["inputSchema"] = _write_schema(tool, pen)
    if tool.is_strict or pen.manifest.has_form(tool, _STRICT):
        spec["strict"] = tool.is_strict
        pen.manifest.take(tool, "is_strict")
    pen.manifest.take(tool, "name", "description", "parameters")
    return pen.close(tool, {"toolSpec": spec})


def _write_schema(tool: Tool, pen: Pen) -> Object:
    if tool.parameters is not None:
        return {"json": tool.parameters}
    if pen.is_own:
        return {}
    pen.manifest.adapt("+inputSchema")
    return {"json": _ANY_OBJECT}


def read_choice(config: ToolConfig | UnsetType | None, notes: Notes) -> ToolChoice | None:
    """Return the choice; one of an unknown kind is kept in `notes`, which are the request's."""
    raw = config.tool_choice if isinstance(config, ToolConfig) else msgspec.UNSET
    if isinstance(raw, UnsetType):
        return None
    own = Notes(NAME, CHOICE_AT)
    kind = "" if bytes(raw) == b"null" else member_of(raw, CHOICE_AT)[0]
    if kind not in {"auto", "any", "tool"}:
        notes.keep(CHOICE_AT, raw)
        return None
    wire = own.open(raw, ToolChoiceObject)
    names = () if isinstance(wire.tool, UnsetType) else (wire.tool.name,)
    mode = "auto" if kind == "auto" else "required"
    return ToolChoice(mode="auto" if mode == "auto" else "required", names=names, at=CHOICE_AT, extras=own.extras())


def _write_choice(choice: ToolChoice, pen: Pen) -> Object | None:
    if choice.mode == "none":
        pen.manifest.lose(choice, "", "Bedrock cannot forbid tools; send none, or allow them.")
        return None
    pen.manifest.take(choice, "mode", "names")
    if choice.mode == "required" and len(choice.names) == 1:
        return pen.close(choice, {"tool": {"name": choice.names[0]}})
    if choice.names:
        pen.manifest.lose(choice, "names", "Bedrock narrows to one tool; send only the tools that may be called.")
    return pen.close(choice, {"any" if choice.mode == "required" else "auto": {}})


def read_format(raw: Raw | UnsetType, notes: Notes) -> OutputFormat | None:
    """Return the form of the answer; one of an unknown type is kept in `notes`, which are the request's.

    Raises:
        InvalidRequest: Its schema is no JSON.
    """
    if isinstance(raw, UnsetType):
        return None
    own = Notes(NAME, FORMAT_AT)
    if bytes(raw) == b"null":
        notes.keep(FORMAT_AT, raw)
        return None
    wanted = own.open(raw, TextFormat)
    if wanted.type != _JSON_SCHEMA:
        notes.keep(FORMAT_AT, raw)
        return None
    described = wanted.structure.json_schema
    try:
        _ANY_VALUE(described.schema)
    except (msgspec.DecodeError, RecursionError) as error:
        path = f"{FORMAT_AT}.structure.jsonSchema.schema"
        raise InvalidRequest("The schema must be JSON, as a string.", path=path) from error
    return OutputFormat(
        kind="schema",
        schema=Raw(described.schema.encode()),
        name=given(described.name),
        description=given(described.description),
        at=FORMAT_AT,
        extras=own.extras(),
    )


def write_format(wanted: OutputFormat, pen: Pen) -> Object | None:
    """Return the form of the answer; None where there is none, and the manifest knows why."""
    if wanted.kind == "text":
        return None
    if wanted.kind == "json" or wanted.schema is None:
        pen.manifest.lose(wanted, "", "Bedrock has no JSON without a schema; send a schema.")
        return None
    described: Object = {"schema": bytes(wanted.schema).decode()}
    for name in ("name", "description"):
        value = getattr(wanted, name)
        if value is not None:
            described[name] = value
    pen.manifest.take(wanted, "kind", "schema", "name", "description")
    if wanted.is_strict:
        pen.manifest.leave_out(wanted, "is_strict")  # what a schema says is always kept to
    return pen.close(wanted, {"type": _JSON_SCHEMA, "structure": {"jsonSchema": described}})
