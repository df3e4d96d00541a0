"""Do tools, calls and their results fit together? Read into OpenAI's form: arguments are JSON in a string."""

from __future__ import annotations

from typing import Any

import msgspec

from hortus.jobs.examples import Message
from hortus.tuning.datasets.problems import Flaws
from hortus.tuning.datasets.shapes import check_members, wanted

_TOOL = frozenset(("type", "function"))
_FUNCTION = frozenset(("name", "description", "parameters", "strict"))
_CALL = frozenset(("id", "type", "function", "index"))
_CALLED = frozenset(("name", "arguments"))

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Calls:
    """The tools of one line, and what was called.

    Args:
        flaws: Where problems go.
        tools: Names of the tools; None: the line has none.
    """

    def __init__(self, flaws: Flaws, tools: frozenset[str] | None) -> None:
        self.flaws = flaws
        self.tools = tools
        self._seen: set[str] = set()
        self._open: dict[str, str] = {}

    def call(self, call_id: str, *, path: str) -> None:
        """Note that something is called."""
        if call_id in self._seen:
            self.flaws.add("doubled_call", f"{path}.id")
        self._seen.add(call_id)
        self._open[call_id] = path

    def answer(self, call_id: str, *, path: str) -> None:
        """Note a result."""
        if call_id not in self._seen:
            self.flaws.add("result_without_call", path)
        self._open.pop(call_id, None)

    def go_on(self) -> None:
        """Something else than a result follows: what was called before needs its results."""
        for path in self._open.values():
            self.flaws.add("call_without_result", path)
        self._open.clear()


def read_tools(value: object, flaws: Flaws, *, path: str) -> tuple[list[dict[str, Any]] | None, frozenset[str] | None]:
    """Return the tools of a line and their names; None where there are none."""
    listed = None if value is None else wanted(value, list, path=path, flaws=flaws)
    if listed is None:
        return None, None
    tools: list[dict[str, Any]] = []
    names: set[str] = set()
    for number, tool in enumerate(listed):
        at = f"{path}[{number}]"
        name = _tool_name(tool, flaws, at=at)
        if name is None:
            continue
        if name in names:
            flaws.add("doubled_tool", f"{at}.function.name")
        names.add(name)
        tools.append(tool)
    return (tools, frozenset(names)) if tools else (None, None)


def _tool_name(tool: object, flaws: Flaws, *, at: str) -> str | None:
    function = _function_of(tool, flaws, at=at, known=(_TOOL, _FUNCTION))
    return None if function is None else _name(function, flaws, at=f"{at}.function")


def _function_of(
    value: object, flaws: Flaws, *, at: str, known: tuple[frozenset[str], frozenset[str]]
) -> dict[str, Any] | None:
    """Return the function within a tool or a call; `known` members are those around it and its own."""
    around = wanted(value, dict, path=at, flaws=flaws)
    if around is None:
        return None
    check_members(around, known[0], path=at, flaws=flaws)
    if around.get("function") is None:
        flaws.add("missing_member", at, name="function")
        return None
    function = wanted(around["function"], dict, path=f"{at}.function", flaws=flaws)
    if function is not None:
        check_members(function, known[1], path=f"{at}.function", flaws=flaws)
    return function


def _name(function: dict[str, Any], flaws: Flaws, *, at: str) -> str | None:
    if function.get("name") is None:
        flaws.add("missing_member", at, name="name")
        return None
    return wanted(function["name"], str, path=f"{at}.name", flaws=flaws)


def read_calls(value: object, calls: Calls, *, at: str, into: Message) -> None:
    """Put the calls of a message into it."""
    listed = wanted(value, list, path=at, flaws=calls.flaws) or []
    read = [_read_call(one, calls, at=f"{at}[{number}]") for number, one in enumerate(listed)]
    if read:
        into["tool_calls"] = [one for one in read if one is not None]


def _read_call(call: Any, calls: Calls, *, at: str) -> dict[str, Any] | None:
    flaws = calls.flaws
    function = _function_of(call, flaws, at=at, known=(_CALL, _CALLED))
    if function is None:
        return None
    name = _name(function, flaws, at=f"{at}.function")
    if name is not None:
        _check_name(name, calls, at=at)
    read: dict[str, Any] = {"type": "function"}
    call_id = None if call.get("id") is None else wanted(call["id"], str, path=f"{at}.id", flaws=flaws)
    if call_id is not None:
        read["id"] = call_id
        calls.call(call_id, path=at)
    read["function"] = {"name": name, "arguments": _arguments(function.get("arguments"), flaws, at=f"{at}.function")}
    return read


def _check_name(name: str, calls: Calls, *, at: str) -> None:
    if calls.tools is None:
        calls.flaws.add("call_without_tools", at)
    elif name not in calls.tools:
        calls.flaws.add("unknown_tool", f"{at}.function.name")


def _arguments(value: object, flaws: Flaws, *, at: str) -> str:
    """Return the arguments as JSON text, as they were spelled where they came so."""
    if isinstance(value, dict):  # as Hugging Face writes them
        return _encode(value).decode()
    if value is None:
        return "{}"
    if isinstance(value, str):
        try:
            if isinstance(_decode(value or "{}"), dict):
                return value
        except (msgspec.DecodeError, RecursionError):
            pass
    flaws.add("arguments_not_json", f"{at}.arguments")
    return "{}"
