"""Tools, the choice among them, the form of the answer, and how much to think."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec
from msgspec import UNSET, Raw, UnsetType

from hortus.canon.effort import budget_of
from hortus.canon.request import HostTool, OutputFormat, ReasoningWish, Request, Tool, ToolChoice
from hortus.dialects.cohere_v2.pen import Object, Pen, notes_at, told_raw
from hortus.dialects.cohere_v2.wire import (
    NAME,
    FormatObject,
    FunctionTool,
    OptionalKind,
    ThinkingConfig,
    given,
)
from hortus.framing.opening import Notes
from hortus.framing.reading import read_open

_Mode = Literal["none", "required"]
_MODES: Mapping[str, _Mode] = MappingProxyType({"REQUIRED": "required", "NONE": "none"})
_CHOICES: Mapping[str, str] = MappingProxyType({mode: word for word, mode in _MODES.items()})
_ANY = -1
"""As many tokens as the model likes."""

_OLD_SCHEMA = "schema"
_ANY_OBJECT = Raw(b'{"type":"object","properties":{}}')
_ENCODE = msgspec.json.Encoder().encode


def read_tool(raw: Raw, at: str, *, is_strict: bool | None) -> Tool | HostTool:
    """Return a tool: the client's own, or one of a kind that only Cohere knows.

    Raises:
        InvalidRequest: A member is missing or of the wrong type.
    """
    kind = read_open(raw, OptionalKind, at=at)[0].type
    if kind not in {None, "function"}:
        return HostTool(dialect=NAME, kind=kind or "", raw=raw, at=at)
    notes = notes_at(at)
    tool = notes.open(raw, FunctionTool)
    if tool.type is UNSET:
        notes.form("-type")
    return Tool(
        name=tool.function.name,
        description=given(tool.function.description),
        parameters=told_raw(tool.function.parameters, "function.parameters", notes),
        is_strict=is_strict,
        at=at,
        extras=notes.extras(),
    )


def write_tools(request: Request, pen: Pen, body: Object) -> None:
    """Write the tools, whether they are strict, and the choice among them."""
    named = _named(request, pen)
    tools = [written for tool in request.tools if (written := _write_tool(tool, pen, named=named)) is not None]
    if tools:
        body["tools"] = tools
    _write_strict(request, pen, body)
    choice = request.tool_choice
    if choice is not None:
        pen.manifest.take(choice, "mode", "names")
        word = _CHOICES.get(choice.mode)
        if word is not None:
            body["tool_choice"] = word


def _write_strict(request: Request, pen: Pen, body: Object) -> None:
    """Say that the tools are strict, where all are: Cohere says it of all at once."""
    own = [tool for tool in request.tools if isinstance(tool, Tool)]
    if pen.is_own or not own or not all(tool.is_strict for tool in own):
        return
    pen.manifest.adapt("strict_tools")
    body["strict_tools"] = True
    for tool in own:
        pen.manifest.take(tool, "is_strict")


def _named(request: Request, pen: Pen) -> frozenset[str]:
    """Return to which tools the choice is narrowed: Cohere has no word for it, so that only these are offered."""
    choice = request.tool_choice
    if choice is None or choice.mode == "none" or not choice.names:
        return frozenset()
    pen.manifest.adapt("tool_choice>tools")
    return frozenset(choice.names)


def _write_tool(tool: Tool | HostTool, pen: Pen, *, named: frozenset[str]) -> Object | Raw | None:
    if isinstance(tool, HostTool):
        if tool.dialect != NAME:
            pen.manifest.lose(
                tool, "", f"Only hosts that speak {tool.dialect} run `{tool.kind[:100]}`; offer a function."
            )
            return None
        pen.manifest.take_all(tool)
        return tool.raw
    if named and tool.name not in named:
        pen.manifest.take_all(tool)
        return None
    pen.manifest.take(tool, "name", "description", "parameters", *(("is_strict",) if pen.is_own else ()))
    function: Object = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.parameters is not None:
        function["parameters"] = tool.parameters
    elif not pen.is_own:
        function["parameters"] = _ANY_OBJECT
        pen.manifest.adapt("+parameters")
    return pen.close(tool, {"type": "function", "function": function})


def read_choice(word: str | UnsetType | None, notes: Notes) -> ToolChoice | None:
    """Return the choice; a word that is not known here is kept."""
    mode = _MODES.get(given(word) or "")
    if mode is not None:
        return ToolChoice(mode=mode, at="tool_choice")
    if isinstance(word, str):
        notes.keep("tool_choice", Raw(_ENCODE(word)))
    return None


def read_format(raw: FormatObject | UnsetType | None, notes: Notes) -> OutputFormat | None:
    """Return the form of the answer; one that is not known here is kept."""
    if not isinstance(raw, FormatObject):
        return None
    if raw.type not in {"text", "json_object"}:
        notes.keep("response_format", Raw(_ENCODE(raw)))
        return None
    own = notes_at("response_format")
    schema = told_raw(raw.json_schema, "json_schema", own)
    old = told_raw(raw.schema, _OLD_SCHEMA, own)
    if old is not None and schema is None:
        schema = old
        own.form(_OLD_SCHEMA)
    elif old is not None:
        own.keep(_OLD_SCHEMA, old)
    if schema is None or raw.type == "text":
        if schema is not None:
            own.keep("json_schema", schema)
        return OutputFormat(kind="text" if raw.type == "text" else "json", at="response_format", extras=own.extras())
    return OutputFormat(kind="schema", schema=schema, at="response_format", extras=own.extras())


def write_format(wanted: OutputFormat, pen: Pen) -> Object:
    """Return the form of the answer."""
    pen.manifest.take(wanted, "kind", "schema")
    if wanted.is_strict:
        pen.manifest.leave_out(wanted, "is_strict")  # what a schema says is always kept to
    block: Object = {"type": "text" if wanted.kind == "text" else "json_object"}
    if wanted.schema is not None:
        block[_OLD_SCHEMA if pen.manifest.has_form(wanted, _OLD_SCHEMA) else "json_schema"] = wanted.schema
    return pen.close(wanted, block)


def read_wish(config: ThinkingConfig | UnsetType | None, notes: Notes) -> ReasoningWish | None:
    """Return how much to think; what is not known here is kept."""
    if not isinstance(config, ThinkingConfig):
        return None
    if config.type not in {"enabled", "disabled"}:
        notes.keep("thinking", Raw(_ENCODE(config)))
        return None
    is_on = config.type == "enabled"
    return ReasoningWish(
        is_on=is_on, budget_tokens=given(config.token_budget), shows="auto" if is_on else None, at="thinking"
    )


def write_wish(wish: ReasoningWish, pen: Pen) -> Object | None:
    """Return `thinking`, None where nothing is wished that Cohere has a word for."""
    if pen.is_own:
        pen.manifest.take_all(wish)
        return pen.close(wish, _budgeted("disabled" if wish.is_on is False else "enabled", wish.budget_tokens))
    budget = _budget_of(wish, pen)
    if wish.is_on is False or budget == 0:
        pen.manifest.take_all(wish)
        return _budgeted("disabled", None)
    if wish.is_on is None and budget is None:
        return None
    pen.manifest.take(wish, "is_on", "budget_tokens")
    _write_shows(wish, pen)
    return _budgeted("enabled", None if budget == _ANY else budget)


def _write_shows(wish: ReasoningWish, pen: Pen) -> None:
    """Say what becomes of a wish to see thoughts, which Cohere always shows as they are."""
    if wish.shows in {None, "none"}:
        pen.manifest.adapt("+thoughts")
    elif wish.shows in {"auto", "full"}:
        pen.manifest.take(wish, "shows")
    else:
        pen.manifest.approximate(wish, "shows", "Cohere shows thoughts as they are.")


def _budget_of(wish: ReasoningWish, pen: Pen) -> int | None:
    """Return the tokens to think with, None where nothing is said of it."""
    if wish.effort is None or wish.is_on is False:
        return wish.budget_tokens
    if wish.budget_tokens is not None:
        pen.manifest.approximate(wish, "effort", "The number of tokens says it here.")
        return wish.budget_tokens
    budget = budget_of(wish.effort)
    if budget:
        pen.manifest.approximate(wish, "effort", f"Written as a budget of {budget} tokens.")
    return budget


def _budgeted(kind: str, budget: int | None) -> Object:
    return {"type": kind} if budget is None else {"type": kind, "token_budget": budget}
