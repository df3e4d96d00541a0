"""What stands beside a request's items, both ways: tools, their choice, the answer's format, how much to think."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from msgspec import Raw

from hortus.canon.effort import effort_of
from hortus.canon.errors import InvalidRequest
from hortus.canon.request import HostTool, OutputFormat, ReasoningWish, Tool, ToolChoice
from hortus.dialects.openai_responses.pen import STRING, Object, Pen, is_string, read_head, solid
from hortus.dialects.openai_responses.wire import (
    NAME,
    AllowedTools,
    Format,
    FunctionTool,
    NamedTool,
    ReasoningOptions,
    given,
)
from hortus.framing.opening import Notes
from hortus.framing.reading import read_open

_Kind = Literal["text", "json", "schema"]
_KINDS: Mapping[str, _Kind] = MappingProxyType({"text": "text", "json_object": "json", "json_schema": "schema"})
_FORMATS = MappingProxyType({kind: name for name, kind in _KINDS.items()})
_NO_PARAMETERS = Raw(b'{"type":"object","properties":{}}')
_SUMMARIES = frozenset(("auto", "concise", "detailed"))


def read_tool(raw: Raw, *, at: str) -> Tool | HostTool:
    """Return a tool; all but functions are the host's."""
    kind = read_head(raw, at=at).type or ""
    if kind != "function":
        return HostTool(dialect=NAME, kind=kind, raw=raw, at=at)
    notes = Notes(NAME, at)
    wire = notes.open(raw, FunctionTool)
    return Tool(
        name=wire.name,
        description=given(wire.description),
        parameters=solid(wire.parameters, notes, path="parameters"),
        is_strict=given(wire.strict),
        at=at,
        extras=notes.extras(),
    )


def write_tool(tool: Tool | HostTool, pen: Pen) -> Object | Raw | None:
    """Return a tool; None for one that only another dialect knows."""
    if isinstance(tool, HostTool):
        if tool.dialect != NAME:
            return None
        pen.manifest.take(tool, "raw")
        return tool.raw
    pen.manifest.take(tool, "name", "description", "parameters", "is_strict")
    written: Object = {"type": "function", "name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    parameters, is_strict = tool.parameters, tool.is_strict
    if not pen.is_own:
        if parameters is None:
            parameters = _NO_PARAMETERS
            pen.manifest.adapt("+tools[].parameters")
        if is_strict is None:
            # Functions are strict here unless they say otherwise, and elsewhere only if they say so:
            # https://platform.openai.com/docs/guides/migrate-to-responses, read 2026-11
            is_strict = False
            pen.manifest.adapt("+tools[].strict=false")
    if parameters is not None:
        written["parameters"] = parameters
    if is_strict is not None:
        written["strict"] = is_strict
    return pen.close(tool, written)


def read_choice(raw: Raw, *, at: str) -> ToolChoice | None:
    """Return which tools may be called; None where it names one that is no function."""
    if is_string(raw):
        match STRING(raw):
            case "auto" | "none" | "required" as mode:
                return ToolChoice(mode=mode, at=at)
            case _:
                return None
    kind = read_head(raw, at=at).type
    try:
        if kind == "function":
            named, unknown = read_open(raw, NamedTool, at=at)
            return None if unknown else ToolChoice(mode="required", names=(named.name,), at=at)
        if kind == "allowed_tools":
            notes = Notes(NAME, at)
            allowed = notes.open(raw, AllowedTools)
            notes.form(kind)
            names = tuple(one.name for one in allowed.tools)
            return ToolChoice(mode=allowed.mode, names=names, at=at, extras=notes.extras())
    except InvalidRequest:
        return None  # it names something else than a function: the host's to judge
    return None


def write_choice(choice: ToolChoice, pen: Pen) -> object:
    """Return which tools may be called."""
    pen.manifest.take(choice, "mode", "names")
    if choice.mode == "none" or not (choice.names or pen.has_form(choice, "allowed_tools")):
        return choice.mode
    named = [{"type": "function", "name": name} for name in choice.names]
    if choice.mode == "required" and len(named) == 1 and not pen.has_form(choice, "allowed_tools"):
        return named[0]
    return pen.close(choice, {"type": "allowed_tools", "mode": choice.mode, "tools": named})


def read_format(raw: Raw, *, at: str) -> OutputFormat:
    """Return how the answer is to be written."""
    notes = Notes(NAME, at)
    wire = notes.open(raw, Format)
    return OutputFormat(
        kind=_KINDS[wire.type],
        schema=solid(wire.schema, notes, path="schema"),
        name=given(wire.name),
        description=given(wire.description),
        is_strict=given(wire.strict),
        at=at,
        extras=notes.extras(),
    )


def write_format(output: OutputFormat, pen: Pen) -> Object:
    """Return how the answer is to be written."""
    pen.manifest.take(output, "kind", "schema", "name", "description", "is_strict")
    written: Object = {"type": _FORMATS[output.kind]}
    name = output.name
    if output.kind == "schema" and name is None and not pen.is_own:
        name = "answer"
        pen.manifest.adapt("+text.format.name")
    members = {"name": name, "description": output.description, "schema": output.schema, "strict": output.is_strict}
    return pen.close(output, written | {key: value for key, value in members.items() if value is not None})


def read_reasoning_wish(raw: Raw, *, at: str) -> ReasoningWish:
    """Return how much to think."""
    notes = Notes(NAME, at)
    wire = notes.open(raw, ReasoningOptions)
    return ReasoningWish(effort=given(wire.effort), shows=given(wire.summary), at=at, extras=notes.extras())


def write_reasoning_wish(wish: ReasoningWish, pen: Pen) -> Object | None:
    """Return how much to think; None where nothing is to be said."""
    written: Object = {}
    effort = _effort(wish, pen)
    if effort is not None:
        written["effort"] = effort
    if wish.shows in _SUMMARIES or (wish.shows is not None and pen.is_own):
        pen.manifest.take(wish, "shows")
        written["summary"] = wish.shows
    elif wish.shows == "full":
        pen.manifest.approximate(wish, "shows", "OpenAI shows summaries of thoughts only.")
        written["summary"] = "detailed"
    written = pen.close(wish, written)
    return written if written or pen.is_own else None


def _effort(wish: ReasoningWish, pen: Pen) -> str | None:
    pen.manifest.take(wish, "is_on")
    if wish.effort is not None:
        pen.manifest.take(wish, "effort")
        return wish.effort
    if wish.is_on is False:
        return "none"
    budget = wish.budget_tokens
    if budget is None or budget < 0:
        if wish.is_on:  # some models think only when told how much
            pen.manifest.approximate(wish, "is_on", "Written as effort medium: OpenAI has no switch.")
            return "medium"
        pen.manifest.take(wish, "budget_tokens")  # the model decides, as it does here by itself
        return None
    effort = effort_of(budget)
    pen.manifest.approximate(wish, "budget_tokens", f"Written as effort {effort}: OpenAI takes no number of tokens.")
    return effort
