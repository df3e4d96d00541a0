"""Tools and whether they must be called: `tools` and `toolConfig`, read and written.

https://ai.google.dev/api/caching#Tool, read 2026-11. One Tool object of the wire may hold many functions and tools of
the host at once; which stood together is remembered by their paths.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from hortus.canon.request import HostTool, Request, Tool, ToolChoice
from hortus.dialects.gemini.members import NAME, Object, Opened, Pen, camel, forms_of, silent_of
from hortus.dialects.gemini.schema import to_json_schema

_GROUPS = "tools:"
_GROUP = re.compile(r"tools\[(\d+)\]")

_Mode = Literal["auto", "none", "required"]
_MODES: Mapping[str, _Mode] = {"AUTO": "auto", "ANY": "required", "NONE": "none"}
_WORDS: Mapping[str, str] = {mode: word for word, mode in _MODES.items()}


def read_tools(wire: Opened) -> tuple[Tool | HostTool, ...]:
    """Return the tools of a request; what stands beside them in their groups is noted in `wire`.

    Raises:
        InvalidRequest: A member has the wrong type.
    """
    groups = wire.items("tools")
    if groups is None:
        return ()
    wire.form(f"{_GROUPS}{len(groups)}")
    if not groups:
        wire.keep("tools", msgspec.Raw(b"[]"), is_silent=True)
    found: list[Tool | HostTool] = []
    for number, raw in enumerate(groups):
        found += _read_group(wire.item(raw, f"tools[{number}]"))
    return tuple(found)


def _read_group(group: Opened) -> list[Tool | HostTool]:
    found: list[Tool | HostTool] = []
    functions = group.items("functionDeclarations")
    if functions == []:
        group.keep("functionDeclarations", msgspec.Raw(b"[]"), is_silent=True)
    for number, raw in enumerate(functions or ()):
        found.append(_read_function(Opened(raw, f"{group.at}.functionDeclarations[{number}]")))
    for name in group.names():
        kind = camel(name)
        tool = group.raw(kind)
        if tool is not None:
            found.append(HostTool(dialect=NAME, kind=kind, raw=tool, at=f"{group.at}.{kind}"))
    return found


def write_tools(request: Request, pen: Pen) -> list[object]:
    """Return the groups of tools, empty where there are none."""
    groups = [_Group() for _ in range(_group_count(request))] if pen.is_own else []
    rest = _Group()
    for tool in request.tools:
        group = _group_of(tool.at, groups) or rest
        if isinstance(tool, Tool):
            group.functions.append(_write_function(tool, pen))
        elif tool.dialect == NAME:
            pen.manifest.take_all(tool)
            (group if group is not rest else _new(groups)).others[tool.kind] = tool.raw
    written = [group.written() for group in groups]
    return [*written, rest.written()] if rest.functions else written


class _Group:
    """One Tool object of the wire."""

    def __init__(self) -> None:
        self.functions: list[Object] = []
        self.others: Object = {}

    def written(self) -> object:
        return self.others | ({"functionDeclarations": self.functions} if self.functions else {})


def _group_count(request: Request) -> int:
    return next((int(form.removeprefix(_GROUPS)) for form in forms_of(request) if form.startswith(_GROUPS)), 0)


def _group_of(at: str, groups: list[_Group]) -> _Group | None:
    match = _GROUP.match(at)
    return groups[int(match[1])] if match and int(match[1]) < len(groups) else None


def _new(groups: list[_Group]) -> _Group:
    groups.append(_Group())
    return groups[-1]


def _read_function(wire: Opened) -> Tool:
    name, description = wire.word("name"), wire.text("description")
    parameters = wire.raw("parametersJsonSchema")
    own = wire.raw("parameters") if parameters is None else None
    if own is not None:
        parameters = to_json_schema(own)
        wire.keep("parameters", own, is_silent=parameters is not None)
    return Tool(name=name, description=description, parameters=parameters, at=wire.at, extras=wire.extras())


def _write_function(tool: Tool, pen: Pen) -> Object:
    pen.manifest.take(tool, "name", "description", "parameters")
    body: Object = {"name": tool.name}
    if tool.description is not None:
        body["description"] = tool.description
    if tool.parameters is not None and "parameters" not in silent_of(tool):
        body["parametersJsonSchema"] = tool.parameters
    return pen.close(tool, body)


def read_choice(wire: Opened) -> ToolChoice | None:
    """Return whether tools must be called, from `toolConfig`.

    Raises:
        InvalidRequest: A member has the wrong type.
    """
    config = wire.inner("toolConfig")
    if config is None:
        return None
    raw = config.raw("functionCallingConfig")
    if raw is None:
        return None
    choice = Opened(raw, f"{config.at}.functionCallingConfig")
    names = choice.texts("allowedFunctionNames")
    said = choice.text("mode")
    mode = _MODES.get(said or "")
    if said is None:
        choice.form("no_mode")
    elif mode is None:  # VALIDATED and what is to come: as AUTO, but for what only Gemini can do
        choice.keep("mode", msgspec.Raw(msgspec.json.encode(said)))
    if names == []:
        choice.keep("allowedFunctionNames", msgspec.Raw(b"[]"), is_silent=True)
    return ToolChoice(mode=mode or "auto", names=tuple(names or ()), at=choice.at, extras=choice.extras())


def write_choice(choice: ToolChoice, pen: Pen) -> Object:
    """Return `functionCallingConfig`."""
    pen.manifest.take(choice, "mode", "names")
    body: Object = {}
    if choice.names:
        body["allowedFunctionNames"] = list(choice.names)
    if "mode" not in pen.manifest.members(choice) and "no_mode" not in forms_of(choice):
        # Names narrow only where a call must come, or may come and then fits its schema.
        body["mode"] = "VALIDATED" if choice.names and choice.mode == "auto" else _WORDS[choice.mode]
    return pen.close(choice, body)
