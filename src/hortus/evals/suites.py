"""Which questions are asked, and what should be answered: the held-out examples of a dataset, and exact-match suites.

A suite is a JSON Lines file of chats whose last message is the expected answer: `{"messages": [...]}`, and where wanted
`tools`, an `id` and a `group` (a language, say), by which figures are shown apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from hortus.evals.graders import GRADERS, Expected, Grader, GraderName, choose
from hortus.evals.ports import ToolCall
from hortus.jobs.errors import StepError
from hortus.jobs.examples import HELD_OUT, Example, read_examples

HELD_OUT_NAME = "held_out"
MOST_ITEMS = 10_000
"""Of a suite: more would take days on a small machine."""

_SHOWN_PROBLEMS = 20
_BUDGET_TOKENS = 32
"""Beside half of the longest answer's bytes: a tokenizer that fits its language needs fewer."""
_FEWEST_OF_A_LABEL, _MOST_LABELS, _LABEL_LETTERS = 5, 30, 40


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """One question."""

    id: str
    messages: list[dict[str, Any]]
    expected: Expected
    tools: list[dict[str, Any]] | None = None
    group: str | None = None


class Questions(msgspec.Struct, frozen=True):
    """A suite that is ready to be asked.

    Attributes:
        key: `held_out`, or `suite:` and its name.
        of: How many there are; `items` may be a part of them.
        without_answer: Examples that are plain text: nothing can be asked of them.
        max_tokens: What an answer may take: room for the longest one that is expected.
    """

    key: str
    items: tuple[Item, ...]
    grader: GraderName
    of: int
    max_tokens: int
    without_answer: int = 0

    @property
    def hash(self) -> str:
        """SHA-256 of what is asked and expected, and of how it is judged."""
        said = msgspec.json.encode([self.grader, self.max_tokens, self.items], order="deterministic")
        return hashlib.sha256(said).hexdigest()

    @property
    def judge(self) -> Grader:
        """The grader."""
        return GRADERS[self.grader]


class Problem(msgspec.Struct, frozen=True):
    """Why a line of a suite cannot be used; `path` is the place in the line."""

    line: int
    path: str
    message: str


_Kind = TypeVar("_Kind")


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


def held_out(dataset: Path, *, grader: Literal["auto"] | GraderName, most: int, longest: int) -> Questions:
    """Return the held-out examples of a dataset, at most so many: always the same ones, chosen by their hashes.

    Args:
        dataset: The folder.
        grader: How answers are judged; `auto`: as they look.
        most: Examples.
        longest: Tokens that an answer may take at most.

    Raises:
        StepError: The dataset has none, or it cannot be read.
    """
    path = dataset / HELD_OUT
    try:
        examples = list(read_examples(path))
    except OSError as error:
        raise StepError(
            "The held-out examples cannot be read.",
            reason="bad_dataset",
            path=str(path),
            hint="Check the dataset again: `hortus train` writes it anew.",
        ) from error
    chats = _named([_item(one) for one in examples if not one.is_text])
    chosen = {one.id for one in sorted(chats, key=_lot)[:most]}
    items = tuple(one for one in chats if one.id in chosen)
    kind = choose([one.expected for one in items]) if grader == "auto" else grader
    return Questions(
        HELD_OUT_NAME,
        _labelled(items) if GRADERS[kind].is_binary else items,
        kind,
        of=len(chats),
        max_tokens=_budget(items, longest),
        without_answer=len(examples) - len(chats),
    )


def read_suite(path: Path, *, name: str, longest: int) -> Questions:
    """Return an exact-match suite.

    Raises:
        StepError: It cannot be read, or lines of it cannot be used: all of them are named.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StepError(
            f"The suite {name} cannot be read.", reason="bad_suite", path=str(path), hint="Bring the file again."
        ) from error
    items, problems = check_suite(content)
    if problems:
        raise StepError(_say(name, problems), reason="bad_suite", path=f"{path}:{problems[0].line}", hint="Correct it.")
    return Questions(f"suite:{name}", items, "exact", of=len(items), max_tokens=_budget(items, longest))


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
    return ((), problems) if problems else (_named(items), [])


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
    text = _text(answer.content)
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


def _say(name: str, problems: Sequence[Problem]) -> str:
    shown = " ".join(f"Line {one.line}, {one.path}: {one.message}" for one in problems[:_SHOWN_PROBLEMS])
    more = f" And {len(problems) - _SHOWN_PROBLEMS} more." if len(problems) > _SHOWN_PROBLEMS else ""
    return f"{len(problems)} lines of the suite {name} cannot be used. {shown}{more}"


def _item(example: Example) -> Item:
    calls = tuple(
        ToolCall(call["function"]["name"], call["function"].get("arguments") or "{}")
        for call in example.answer.get("tool_calls") or ()
    )
    rejected = None if example.rejected is None else _text(example.rejected.get("content"))
    expected = Expected(_text(example.answer.get("content")), calls, rejected)
    return Item(example.id, example.prompt, expected, example.tools)


def _text(content: object) -> str:
    """Return a message's text; of parts, those that are text."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _named(items: Sequence[Item]) -> tuple[Item, ...]:
    """Give the second of two with the same id another one."""
    return tuple(_renamed(items))


def _renamed(items: Sequence[Item]) -> Iterator[Item]:
    seen: dict[str, int] = {}
    for one in items:
        seen[one.id] = seen.get(one.id, 0) + 1
        yield one if seen[one.id] == 1 else msgspec.structs.replace(one, id=f"{one.id}#{seen[one.id]}")


def _lot(item: Item) -> bytes:
    return hashlib.sha256(b"gate " + item.id.encode()).digest()


def _labelled(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Group by the expected answer where those are labels: few, short, and none so rare that it tells of a person."""
    counts: dict[str, int] = {}
    for one in items:
        label = one.expected.text.strip()
        counts[label] = counts.get(label, 0) + 1
    if not 1 < len(counts) <= _MOST_LABELS or min(counts.values()) < _FEWEST_OF_A_LABEL:
        return items
    if any(not label or len(label) > _LABEL_LETTERS for label in counts):
        return items
    return tuple(msgspec.structs.replace(one, group=one.expected.text.strip()) for one in items)


def _budget(items: Sequence[Item], longest: int) -> int:
    """Return how many tokens an answer may take."""
    sizes = [len(msgspec.json.encode(one.expected)) for one in items]
    return min(longest, max(sizes, default=0) // 2 + _BUDGET_TOKENS)
