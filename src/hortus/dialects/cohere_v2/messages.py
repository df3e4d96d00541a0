"""Messages: who speaks, what they say, which calls and citations stand beside it, in both directions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec
from msgspec import UNSET, Raw

from hortus.canon.errors import InvalidRequest
from hortus.canon.parts import Media, Opaque, Part, Reasoning, Text, ToolCall, ToolResult
from hortus.canon.request import Message, Role
from hortus.canon.turns import turns_of
from hortus.dialects.cohere_v2.citations import cite, write_citation
from hortus.dialects.cohere_v2.content import PLAN, read_block, thoughts_of, write_block
from hortus.dialects.cohere_v2.documents import DOCUMENTS, documents_of, write_document
from hortus.dialects.cohere_v2.pen import Object, Pen, notes_at
from hortus.dialects.cohere_v2.wire import NAME, CallObject, MessageObject, OptionalKind, given
from hortus.framing.opening import Notes
from hortus.framing.reading import read_open

AS_CALL = "call"
"""Form: something opaque stands among the calls, not in the content."""

_STRING = "string"
_EMPTY_LIST, _EMPTY_TEXT = Raw(b"[]"), Raw(b'""')
_ROLES: Mapping[str, Role] = MappingProxyType({"system": "system", "user": "user", "assistant": "assistant"})
_ENCODE = msgspec.json.Encoder().encode


def read_message(raw: Raw, at: str) -> Message:
    """Return one message.

    Raises:
        InvalidRequest: Its role or content is not one that this API has.
    """
    notes = notes_at(at)
    message = notes.open(raw, MessageObject)
    role = _ROLES.get(given(message.role) or "")
    if message.role == "tool":
        result = _read_result(message, notes, at=at)
        return Message(role="user", parts=(result,), at=at)
    if role is None:
        raise InvalidRequest("The value is none of those that this member takes.", path=f"{at}.role")
    _keep_strange(message, ("tool_call_id",), notes)
    if role != "assistant":
        _keep_strange(message, ("tool_plan", "tool_calls", "citations"), notes)
        return Message(role=role, parts=tuple(_read_content(message, notes, at=at)), at=at, extras=notes.extras())
    return Message(role=role, parts=read_parts(message, notes, at=at), at=at, extras=notes.extras())


def read_parts(message: MessageObject, notes: Notes, *, at: str) -> tuple[Part, ...]:
    """Return what a message of the assistant consists of: content, plan, calls; the rest goes into `notes`."""
    parts = _read_content(message, notes, at=at)
    citations = given(message.citations)
    if citations:
        parts = cite(parts, citations, notes, at=f"{at}.citations")
    elif citations is not None:
        notes.hush("citations", _EMPTY_LIST)
    plan = given(message.tool_plan)
    if plan:
        parts.append(begin_plan(plan, at=at))
    elif plan is not None:
        notes.hush("tool_plan", _EMPTY_TEXT)
    calls = given(message.tool_calls)
    if calls is not None and not calls:
        notes.hush("tool_calls", _EMPTY_LIST)
    return (*parts, *(read_call(raw, f"{at}.tool_calls[{number}]") for number, raw in enumerate(calls or ())))


def begin_plan(*words: str, at: str) -> Reasoning:
    """Return a plan for the use of tools: thoughts, in a place of their own."""
    notes = notes_at(f"{at}.tool_plan")
    notes.form(PLAN)
    return Reasoning(texts=words, at=f"{at}.tool_plan", extras=notes.extras())


def read_call(raw: Raw, at: str) -> ToolCall | Opaque:
    """Return one item of `tool_calls`.

    Raises:
        InvalidRequest: Something in it has the wrong type.
    """
    notes = notes_at(at)
    kind = read_open(raw, OptionalKind, at=at)[0].type
    if kind not in {None, "function"}:
        notes.form(AS_CALL)
        return Opaque(dialect=NAME, kind=kind or "", raw=raw, at=at, extras=notes.extras())
    call = notes.open(raw, CallObject)
    if call.type is UNSET:
        notes.form("-type")
    if not given(call.function.arguments):
        notes.hush("function", Raw(_ENCODE(call.function)))
    return ToolCall(
        id=call.id,
        name=call.function.name,
        arguments=given(call.function.arguments) or "{}",
        at=at,
        extras=notes.extras(),
    )


def _read_content(message: MessageObject, notes: Notes, *, at: str) -> list[Part]:
    content = message.content
    if content is UNSET:
        notes.form("-content")
    if isinstance(content, str):
        if not content:
            notes.hush("content", _EMPTY_TEXT)
            return []
        notes.form(_STRING)
        return [Text(text=content, at=f"{at}.content")]
    return [read_block(raw, f"{at}.content[{number}]") for number, raw in enumerate(given(content) or ())]


def _read_result(message: MessageObject, notes: Notes, *, at: str) -> ToolResult:
    call_id = given(message.tool_call_id)
    if call_id is None:
        raise InvalidRequest("This member is missing.", path=f"{at}.tool_call_id", hint="The id of the call.")
    _keep_strange(message, ("tool_plan", "tool_calls", "citations"), notes)
    content = _read_content(message, notes, at=at)
    parts = tuple(part for part in content if isinstance(part, Text | Media | Opaque))
    if len(parts) != len(content):
        raise InvalidRequest("A result of a tool holds text and documents.", path=f"{at}.content")
    return ToolResult(call_id=call_id, parts=parts, at=at, extras=notes.extras())


def _keep_strange(message: MessageObject, names: Iterable[str], notes: Notes) -> None:
    """Keep members that mean nothing in such a message, but are not ours to drop."""
    for name in names:
        value = getattr(message, name)
        if value is not UNSET and value is not None:
            notes.keep(name, Raw(_ENCODE(value)))


def write_messages(messages: tuple[Message, ...], pen: Pen) -> tuple[list[Object], list[Object | Raw]]:
    """Return the messages, as they came from this dialect's client, else one for each turn; and the documents."""
    written: list[Object] = []
    documents = documents_of(messages, pen)
    for turn in turns_of(messages):
        if turn.role == "assistant":
            groups = [(message,) for message in turn.messages] if pen.is_own else [turn.messages]
            written += [body for group in groups if (body := _write_assistant(group, pen)) is not None]
            continue
        for message in turn.messages:
            written += _write_asking(message, pen, documents)
    return written, [write_document(part, pen) for part in documents]


def _write_asking(message: Message, pen: Pen, documents: tuple[Media, ...]) -> list[Object]:
    """Return the messages for one of user or system: results of tools first, as they must follow their calls."""
    pen.manifest.take(message, "role", "parts")
    written: list[Object] = []
    rest: list[Part] = []
    for part in message.parts:
        if isinstance(part, ToolResult):
            if rest:
                pen.manifest.adapt("results>before text")
            written.append(_write_result(part, pen))
        elif not any(part is one for one in documents):
            rest.append(part)
    content = _write_content(message, rest, pen)
    is_empty_here = pen.is_own and not (written or pen.manifest.has_form(message, DOCUMENTS))
    return [*written, _as(message, content, pen)] if content or is_empty_here else written


def _as(message: Message, content: object, pen: Pen) -> Object:
    if message.role == "developer":
        pen.manifest.adapt("role:developer>system")
    role = "system" if message.role == "developer" else message.role
    return pen.close(message, {"role": role, "content": content})


def _write_content(node: Message | ToolResult, parts: Iterable[Part], pen: Pen) -> object:
    """Return a content: a string where the client wrote one, or another one's client wrote one text."""
    return _as_content(node, [block for _, block in _blocks_of(parts, pen)], pen)


def _blocks_of(parts: Iterable[Part], pen: Pen) -> list[tuple[Part, Object | Raw]]:
    """Return those parts that have a block, with it."""
    return [(part, block) for part in parts if (block := write_block(part, pen)) is not None]


def _as_content(node: Message | ToolResult, blocks: list[Object | Raw], pen: Pen) -> object:
    only = blocks[0] if len(blocks) == 1 else None
    is_string = pen.manifest.has_form(node, _STRING) if pen.is_own else not pen.is_answer
    if is_string and isinstance(only, dict) and only.keys() == {"type", "text"}:
        return only["text"]
    return blocks


def _write_result(part: ToolResult, pen: Pen) -> Object:
    pen.manifest.take(part, "call_id", "parts", "name")
    if part.is_error:
        pen.manifest.approximate(
            part, "is_error", "Cohere's results of tools have no mark for errors: the text says it."
        )
    said = [inner for inner in part.parts if pen.is_own or not isinstance(inner, Media)]
    for inner in part.parts:
        if not any(inner is one for one in said):
            pen.manifest.lose(inner, "", "Cohere's results of tools hold text only.")
    content = _write_content(part, said, pen) or ([] if pen.is_own else "")
    return pen.close(part, {"role": "tool", "tool_call_id": part.call_id, "content": content})


def _write_assistant(messages: tuple[Message, ...], pen: Pen) -> Object | None:
    for message in messages:
        pen.manifest.take(message, "role", "parts")
    parts = [part for message in messages for part in message.parts]
    body = write_parts(messages[0], parts, pen)
    return body if pen.is_own or body.keys() != {"role"} else None


def write_parts(message: Message, parts: list[Part], pen: Pen) -> Object:
    """Return a message of the assistant, or the one of an answer."""
    beside = [part for part in parts if _is_beside(part, pen)]
    blocks = _blocks_of([part for part in parts if not _is_beside(part, pen)], pen)
    body: Object = {"role": "assistant"}
    content = _as_content(message, [block for _, block in blocks], pen)
    if content or pen.is_own:
        body["content"] = content
    plans = [thoughts_of(part, pen) for part in beside if isinstance(part, Reasoning)]
    calls = [write_call(part, pen) for part in beside if isinstance(part, ToolCall | Opaque)]
    citations = _write_citations([part for part, _ in blocks], pen)
    named = (("tool_plan", "".join(filter(None, plans))), ("tool_calls", calls), ("citations", citations))
    body.update([pair for pair in named if pair[1]])
    return pen.close(message, body)


def _write_citations(said: list[Part], pen: Pen) -> list[Object]:
    """Return the citations of those parts that are blocks."""
    return [
        write_citation(citation, pen, text=part.text, block=number)
        for number, part in enumerate(said)
        if isinstance(part, Text)
        for citation in part.citations
    ]


def _is_beside(part: Part, pen: Pen) -> bool:
    """Tell whether a part stands beside the content."""
    match part:
        case ToolCall():
            return True
        case Reasoning():
            return pen.manifest.has_form(part, PLAN)
        case Opaque():
            return pen.manifest.has_form(part, AS_CALL)
        case _:
            return False


def write_call(part: ToolCall | Opaque, pen: Pen) -> Object | Raw:
    """Return a call as an item of `tool_calls`."""
    if isinstance(part, Opaque):
        pen.manifest.take_all(part)
        return part.raw
    pen.manifest.take(part, "id", "name", "arguments", "seal")
    function = {"name": part.name, "arguments": part.arguments}
    return pen.close(part, {"id": part.id, "type": "function", "function": function})
