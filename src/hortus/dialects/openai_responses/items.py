"""Items to parts and back: calls of functions and their results, reasoning, messages, and the opaque rest."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Raw

from hortus.canon.nodes import Extras, Seal
from hortus.canon.parts import Media, Opaque, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from hortus.dialects.openai_responses.parts import Content, encode, read_content, read_part, write_part
from hortus.dialects.openai_responses.pen import OBJECT, RAWS, Object, Pen, hush_item, is_list, read_head
from hortus.dialects.openai_responses.wire import (
    NAME,
    FunctionCall,
    FunctionCallOutput,
    ReasoningItem,
    Thought,
    given,
)
from hortus.framing.opening import Notes

ITEM = "@item"
"""Silent member of the last part of an answer's message: the message around it, without its content."""

GOES_ON = "item_goes_on"
"""Form of a part of an answer whose message has further parts."""

AS_ITEM = "@item"
"""Form of what is opaque and stands by itself, not in a message."""

NO_CONTENT = "no_content"
"""Form of the empty text that stands for an answer's message without content."""

_RUN_BY_CLIENT = frozenset(
    ("custom_tool_call", "computer_call", "local_shell_call", "shell_call", "apply_patch_call", "mcp_approval_request")
)


def waits_for_client(parts: tuple[Part, ...]) -> bool:
    """Tell whether an answer ends with calls that the client is to run."""
    return any(
        isinstance(part, ToolCall) or (isinstance(part, Opaque) and part.kind in _RUN_BY_CLIENT) for part in parts
    )


def read_output(raw: Raw, *, at: str) -> tuple[Part, ...]:
    """Return the parts that an item of an answer is: one, but for a message with several.

    Raises:
        InvalidRequest: It is not as it must be.
    """
    kind = read_head(raw, at=at).type or ""
    if kind == "message":
        return _read_message(raw, at)
    return (read_item(raw, kind, at=at),)


def read_item(raw: Raw, kind: str, *, at: str) -> ToolCall | ToolResult | Reasoning | Opaque:
    """Return what an item that is no message is; one of an unknown type is opaque.

    Raises:
        InvalidRequest: It is not as it must be.
    """
    if kind == "function_call":
        return read_call(raw, at=at)
    if kind == "function_call_output":
        return _read_result(raw, at=at)
    if kind == "reasoning":
        return read_reasoning(raw, at=at)
    return _opaque(raw, kind, at=at)


def read_call(raw: Raw, *, at: str) -> ToolCall:
    """Return the call of a function."""
    notes = Notes(NAME, at)
    item = notes.open(raw, FunctionCall)
    hush_item(item, notes)
    return ToolCall(id=item.call_id, name=item.name, arguments=item.arguments, at=at, extras=notes.extras())


def read_reasoning(raw: Raw, *, at: str) -> Reasoning | Opaque:
    """Return reasoning; opaque where pieces of it are of an unknown type."""
    notes = Notes(NAME, at)
    item = notes.open(raw, ReasoningItem)
    hush_item(item, notes)
    texts, summary = given(item.content), given(item.summary)
    if not (_are_all(texts, "reasoning_text") and _are_all(summary, "summary_text")):
        return _opaque(raw, "reasoning", at=at)
    if texts is not None and not texts:
        notes.form("content")
    if summary is None:
        notes.form("no_summary")
    seal = given(item.encrypted_content)
    return Reasoning(
        texts=_texts(texts),
        summary=_texts(summary),
        seal=None if seal is None else Seal(dialect=NAME, data=seal),
        at=at,
        extras=notes.extras(),
    )


def write_call(part: ToolCall, pen: Pen, *, item: Object) -> Object:
    """Return the item of a call; `item` is what an answer notes on each."""
    pen.manifest.take(part, "id", "name", "arguments")
    if pen.is_answer:
        pen.manifest.take(part, "seal")
    written = {"type": "function_call", "call_id": part.id, "name": part.name, "arguments": part.arguments}
    return pen.close(part, written | item)


def write_reasoning(part: Reasoning, pen: Pen, *, item: Object) -> Object | None:
    """Return the item of reasoning; None towards a host that cannot read it, which the manifest then reports."""
    sealed: Object = {}
    if part.seal is not None and part.seal.dialect == NAME:
        sealed["encrypted_content"] = part.seal.data
    if not (pen.is_own or pen.is_answer or sealed):
        return None
    pen.manifest.take(part, "texts", "summary", "seal")
    if not sealed:
        pen.manifest.take(part, "is_redacted")
    written: Object = {"type": "reasoning"}
    if not pen.has_form(part, "no_summary"):
        written["summary"] = _thoughts("summary_text", part.summary)
    if part.texts or pen.has_form(part, "content"):
        written["content"] = _thoughts("reasoning_text", part.texts)
    return pen.close(part, written | sealed | item)


def write_result(part: ToolResult, pen: Pen) -> Object:
    """Return the item of a result."""
    pen.manifest.take(part, "call_id", "name", "parts")
    if part.is_error:
        pen.manifest.approximate(part, "is_error", "The text is carried; OpenAI's results have no mark for errors.")
    return pen.close(
        part, {"type": "function_call_output", "call_id": part.call_id, "output": _write_output(part, pen)}
    )


def _write_output(part: ToolResult, pen: Pen) -> object:
    is_bare = pen.has_form(part, "bare") if pen.is_own else all(isinstance(one, Text) for one in part.parts)
    if is_bare and len(part.parts) <= 1:
        for one in part.parts:
            pen.manifest.take(one, "text")
        return "".join(one.text for one in part.parts if isinstance(one, Text))
    return [written for one in part.parts if (written := write_part(one, pen, role="user")) is not None]


def group(parts: tuple[Part, ...], *, is_own: bool) -> Iterator[tuple[Part, ...]]:
    """Group the parts of an answer into its items: texts and refusals of one message stand together."""
    message: list[Part] = []
    for part in parts:
        if message and not (goes_on(message[-1]) if is_own else is_content(part)):
            yield tuple(message)
            message = []
        if is_content(part) or goes_on(part):
            message.append(part)
        else:
            yield (part,)
    if message:
        yield tuple(message)


def is_content(part: Part) -> bool:
    """Tell whether a part of an answer stands in a message."""
    return isinstance(part, Text | Refusal) or ITEM in _silent(part)


def goes_on(part: Part) -> bool:
    """Tell whether further parts of the same message follow, as this dialect noted it."""
    return part.extras is not None and GOES_ON in part.extras.forms


def item_of(part: Part) -> Object | None:
    """Return the message around a part, without its content; None where no host gave one."""
    raw = _silent(part).get(ITEM)
    return None if raw is None else dict(OBJECT(raw))


def bare_item(raw: Raw) -> Raw:
    """Return a message without its content and type, for `ITEM`."""
    return encode({name: value for name, value in OBJECT(raw).items() if name not in {"type", "content"}})


def read_piece(raw: Raw, *, at: str, item: Raw | None) -> Content:
    """Return one part of an answer's message; `item` is the message where it is the last, None where more follow."""
    notes = Notes(NAME, at)
    if item is None:
        notes.form(GOES_ON)
    else:
        notes.hush(ITEM, item)
    return read_part(raw, role="assistant", at=at, notes=notes)


def _read_message(raw: Raw, at: str) -> tuple[Part, ...]:
    item = bare_item(raw)
    content = OBJECT(raw).get("content", Raw(b"[]"))
    pieces = RAWS(content) if is_list(content) else []
    if not pieces:
        return (Text(text="", at=at, extras=Extras(dialect=NAME, forms=(NO_CONTENT,), silent={ITEM: item})),)
    last = len(pieces) - 1
    return tuple(
        read_piece(one, at=f"{at}.content[{i}]", item=item if i == last else None) for i, one in enumerate(pieces)
    )


def _read_result(raw: Raw, *, at: str) -> ToolResult:
    notes = Notes(NAME, at)
    item = notes.open(raw, FunctionCallOutput)
    hush_item(item, notes)
    content = read_content(item.output, notes, role="user", at=f"{at}.output")
    parts = tuple(part for part in content if isinstance(part, Text | Media | Opaque))
    return ToolResult(call_id=item.call_id, parts=parts, at=at, extras=notes.extras())


def _opaque(raw: Raw, kind: str, *, at: str) -> Opaque:
    return Opaque(dialect=NAME, kind=kind, raw=raw, at=at, extras=Extras(dialect=NAME, forms=(AS_ITEM,)))


def _thoughts(kind: str, texts: tuple[str, ...]) -> list[Object]:
    return [{"type": kind, "text": text} for text in texts]


def _texts(pieces: list[Thought] | None) -> tuple[str, ...]:
    return tuple(piece.text for piece in pieces or ())


def _are_all(pieces: list[Thought] | None, kind: str) -> bool:
    return all(piece.type == kind for piece in pieces or ())


def _silent(part: Part) -> dict[str, Raw]:
    return part.extras.silent if part.extras is not None and part.extras.dialect == NAME else {}
