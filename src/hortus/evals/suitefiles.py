"""Suites as files: JSON Lines of chats whose last message is the expected answer, and what is wrong with such a file.

`{"messages": [...]}`, and where wanted `tools`, an `id` and a `group` (a language, say), by which figures are shown
apart. Control reads this too: nothing large is imported.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeVar

import msgspec

from hortus.evals.graders import Expected
from hortus.evals.ports import ToolCall

MOST_ITEMS = 10_000
"""Of a suite: more would take days on a small machine."""

_SHOWN_PROBLEMS = 20

_Kind = TypeVar("_Kind")


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """One question."""

    id: str
    messages: list[dict[str, Any]]
    expected: Expected
    tools: list[dict[str, Any]] | None = None
    group: str | None = None


class Problem(msgspec.Struct, frozen=True):
    """Why a line of a suite cannot be used; `path` is the place in the line."""

    line: int
    path: str
    message: str


class _Call(msgspec.Struct):
    name: str
    arguments: str = "{}"


class _ToolCall(msgspec.Struct):
    function: _Call


class _Message(msgspec.Struct):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[_ToolCall] | None = None


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    messages: list[msgspec.Raw]
    tools: list[dict[str, Any]] | None = None
    id: str | None = None
    group: str | None = None


def check_suite(content: bytes) -> tuple[tuple[Item, ...], list[Problem]]:
    """Return what a suite's file asks, and everything that is wrong with it; one of the two is empty."""
    items: list[Item] = []
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            item, is_named = _read(line)
        except _BadLineError as bad:
            problems.append(Problem(number, bad.path, bad.message))
            continue
        if is_named and item.id in seen:
            problems.append(Problem(number, "$.id", f"The same id as in line {seen[item.id]}."))
        seen[item.id] = number
        items.append(item)
    if not items and not problems:
        problems.append(Problem(1, "$", "There is no chat in this file."))
    if len(items) > MOST_ITEMS:
        problems.append(Problem(len(lines), "$", f"A suite may have {MOST_ITEMS} chats; this one has {len(items)}."))
    return ((), problems) if problems else (with_own_ids(items), [])


def say_problems(name: str, problems: Sequence[Problem]) -> str:
    """Return what is wrong with a suite as a sentence: the first lines of it."""
    shown = " ".join(f"Line {one.line}, {one.path}: {one.message}" for one in problems[:_SHOWN_PROBLEMS])
    more = f" And {len(problems) - _SHOWN_PROBLEMS} more." if len(problems) > _SHOWN_PROBLEMS else ""
    return f"{len(problems)} lines of the suite {name} cannot be used. {shown}{more}"


def with_own_ids(items: Sequence[Item]) -> tuple[Item, ...]:
    """Give the second of two with the same id another one."""
    return tuple(_renamed(items))


def text_of(content: object) -> str:
    """Return a message's text; of parts, those that are text."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _renamed(items: Sequence[Item]) -> Iterator[Item]:
    seen: dict[str, int] = {}
    for one in items:
        seen[one.id] = seen.get(one.id, 0) + 1
        yield one if seen[one.id] == 1 else msgspec.structs.replace(one, id=f"{one.id}#{seen[one.id]}")


class _BadLineError(Exception):
    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path, self.message = path, message


def _read(line: bytes) -> tuple[Item, bool]:
    """Return a line's item and whether its id is the author's. Raises _BadLineError."""
    shape = _decoded(line, _Line, "$")
    if len(shape.messages) < 2:  # noqa: PLR2004 -- a question and its answer
        raise _BadLineError("$.messages", "A chat has at least two messages: a question and the expected answer.")
    messages = [_decoded(raw, _Message, f"$.messages[{index}]") for index, raw in enumerate(shape.messages)]
    asked = [_decoded(raw, dict[str, Any], f"$.messages[{index}]") for index, raw in enumerate(shape.messages[:-1])]
    name = shape.id or hashlib.sha256(line).hexdigest()
    return Item(name, asked, _answer(messages), shape.tools, shape.group), shape.id is not None


def _answer(messages: Sequence[_Message]) -> Expected:
    """Return what is expected after the question. Raises _BadLineError."""
    place = len(messages) - 1
    answer = messages[-1]
    if answer.role != "assistant":
        raise _BadLineError(
            f"$.messages[{place}].role", "The last message must be the assistant's: the expected answer."
        )
    if messages[-2].role == "assistant":
        raise _BadLineError(f"$.messages[{place - 1}].role", "Before the answer there must be a question.")
    text = text_of(answer.content)
    if not text.strip() and not answer.tool_calls:
        raise _BadLineError(f"$.messages[{place}].content", "The expected answer is empty.")
    return Expected(text, tuple(ToolCall(one.function.name, one.function.arguments) for one in answer.tool_calls or ()))


def _decoded(content: bytes | msgspec.Raw, kind: type[_Kind], where: str) -> _Kind:
    """Read a piece of a line. Raises _BadLineError."""
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        without_content = message.partition(" '")[0]
        raise _BadLineError(where + path.rstrip("`"), f"{without_content}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _BadLineError(where, "This is not JSON in UTF-8.") from error
    except RecursionError as error:
        raise _BadLineError(where, "This is nested too deep.") from error
