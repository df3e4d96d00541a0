"""Blocks of content to parts and back: one pair of functions for each type of block that means something to others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar, assert_never

import msgspec
from msgspec import Raw, UnsetType

from hortus.canon.errors import InvalidRequest
from hortus.canon.nodes import Seal
from hortus.canon.parts import Media, Opaque, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from hortus.canon.request import Message
from hortus.dialects.anthropic_messages.citations import read_citation, write_citations
from hortus.dialects.anthropic_messages.media import read_media, write_media
from hortus.dialects.anthropic_messages.pen import Object, Pen, read_cache
from hortus.dialects.anthropic_messages.wire import (
    NAME,
    Kind,
    RedactedBlock,
    TextBlock,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    given,
)
from hortus.framing.objects import write_opaque
from hortus.framing.opening import Notes
from hortus.framing.reading import read_open

P = TypeVar("P")

_RAWS = msgspec.json.Decoder(list[Raw]).decode
_STRING = msgspec.json.Decoder(str).decode
_OBJECT = msgspec.json.Decoder(dict[str, Raw]).decode

_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")
UNSIGNED = "unsigned"
"""Notation: thoughts with an empty signature."""

_EMPTY_OBJECT = Raw(b"{}")


def read_content(raw: Raw, notes: Notes, *, at: str, read: Callable[[Raw, str], P]) -> tuple[P | Text, ...]:
    """Return the parts of a `content` or `system` member, which is a string or a list of blocks.

    Raises:
        InvalidRequest: It is neither, or a block is not as it must be.
    """
    first = bytes(memoryview(raw)[:1])
    if first == b'"':
        notes.form("string")
        return (Text(text=_STRING(raw), at=at),)
    if first != b"[":
        raise InvalidRequest("This member must be a string or a list of blocks.", path=at)
    return tuple(read(block, f"{at}[{index}]") for index, block in enumerate(_RAWS(raw)))


def read_part(raw: Raw, at: str) -> Part:
    """Return the part that a block is; a block of an unknown type is opaque."""
    kind = _kind_of(raw, at)
    read = _READERS.get(kind)
    return _opaque(raw, at, kind=kind) if read is None else read(raw, at)


def write_part(part: Part, pen: Pen) -> Object | Raw | None:
    """Return the block of a part; None where there is none, and the manifest knows why."""
    match part:
        case Text():
            return _write_text(part, pen)
        case Media():
            return write_media(part, pen)
        case ToolCall():
            return _write_call(part, pen)
        case ToolResult():
            return _write_result(part, pen)
        case Reasoning():
            return _write_reasoning(part, pen)
        case Refusal():
            pen.manifest.approximate(part, "text", "Written as text: Anthropic has no block for a refusal.")
            return {"type": "text", "text": part.text}
        case Opaque():
            return write_opaque(part, pen.manifest, dialect=NAME)
    assert_never(part)


def _kind_of(raw: Raw, at: str) -> str:
    return read_open(raw, Kind, at=at)[0].type


def _opaque(raw: Raw, at: str, *, kind: str) -> Opaque:
    return Opaque(dialect=NAME, kind=kind, raw=raw, at=at)


def _read_text(raw: Raw, at: str) -> Text:
    notes = Notes(NAME, at)
    block = notes.open(raw, TextBlock)
    citations = given(block.citations)
    if citations is not None and not citations:
        notes.form("citations")
    return Text(
        text=block.text,
        citations=tuple(read_citation(one, at=f"{at}.citations[{i}]") for i, one in enumerate(citations or ())),
        cache=read_cache(block.cache_control),
        at=at,
        extras=notes.extras(),
    )


def _write_text(part: Text, pen: Pen) -> Object | None:
    pen.manifest.take(part, "text", "seal")
    if not (part.text or part.citations or pen.is_own):
        pen.manifest.adapt("-empty_text")  # Anthropic refuses it, and clients send back what they get
        return None
    block: Object = {"type": "text", "text": part.text}
    citations = write_citations(part.citations, pen)
    if citations or pen.manifest.has_form(part, "citations"):
        block["citations"] = citations
    pen.cache(part, block)
    return pen.close(part, block)


def _read_image(raw: Raw, at: str) -> Media | Opaque:
    return read_media(raw, "image", at=at)


def _read_document(raw: Raw, at: str) -> Media | Opaque:
    return read_media(raw, "document", at=at)


def _read_call(raw: Raw, at: str) -> ToolCall:
    notes = Notes(NAME, at)
    block = notes.open(raw, ToolUseBlock)
    return ToolCall(
        id=block.id,
        name=block.name,
        arguments=bytes(block.input).decode(),
        cache=read_cache(block.cache_control),
        at=at,
        extras=notes.extras(),
    )


def _write_call(part: ToolCall, pen: Pen) -> Object:
    block: Object = {"type": "tool_use", "id": _id(part.id, pen), "name": part.name, "input": _input(part, pen)}
    pen.manifest.take(part, "id", "name", "arguments", "seal")
    pen.cache(part, block)
    return pen.close(part, block)


def _input(part: ToolCall, pen: Pen) -> Raw:
    if not part.arguments.strip():
        return _EMPTY_OBJECT
    written = Raw(part.arguments.encode())
    try:
        _OBJECT(written)
    except (msgspec.DecodeError, RecursionError):
        if not pen.is_own:
            pen.manifest.lose(part, "arguments", "They are no JSON object, and Anthropic takes nothing else.")
            return _EMPTY_OBJECT
    return written


def _id(text: str, pen: Pen) -> str:
    if pen.is_own or pen.is_answer or not _NOT_IN_IDS.search(text):
        return text
    pen.manifest.adapt("tool_use.id")
    return _NOT_IN_IDS.sub("_", text)


def _read_result(raw: Raw, at: str) -> ToolResult:
    notes = Notes(NAME, at)
    block = notes.open(raw, ToolResultBlock)
    if block.is_error is False:
        notes.form("is_error")
    return ToolResult(
        call_id=block.tool_use_id,
        parts=_read_outcome(block.content, notes, at=f"{at}.content"),
        is_error=given(block.is_error) or False,
        cache=read_cache(block.cache_control),
        at=at,
        extras=notes.extras(),
    )


def _read_outcome(content: Raw | UnsetType, notes: Notes, *, at: str) -> tuple[Text | Media | Opaque, ...]:
    if isinstance(content, UnsetType):
        notes.form("no_content")
        return ()
    if bytes(content) == b"null":
        notes.form("no_content")
        notes.keep("content", content)
        return ()
    return read_content(content, notes, at=at, read=_read_outcome_part)


def _read_outcome_part(raw: Raw, at: str) -> Text | Media | Opaque:
    kind = _kind_of(raw, at)
    read = _OUTCOME_READERS.get(kind)
    return _opaque(raw, at, kind=kind) if read is None else read(raw, at)


def _write_result(part: ToolResult, pen: Pen) -> Object:
    block: Object = {"type": "tool_result", "tool_use_id": _id(part.call_id, pen)}
    pen.manifest.take(part, "call_id", "is_error", "parts")
    if part.is_error or pen.manifest.has_form(part, "is_error"):
        block["is_error"] = part.is_error
    if not pen.manifest.has_form(part, "no_content"):
        block["content"] = write_content(part, part.parts, pen)
    pen.cache(part, block)
    return pen.close(part, block)


def write_content(node: Message | ToolResult, parts: tuple[Part, ...], pen: Pen) -> object:
    """Return the `content` of a node: a string where the client wrote one, else a list of blocks."""
    blocks = write_blocks(parts, pen)
    if pen.manifest.has_form(node, "string") and len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    return blocks


def write_blocks(parts: Iterable[Part], pen: Pen) -> list[Object | Raw]:
    """Return the blocks of those parts that have one."""
    return [block for part in parts if (block := write_part(part, pen)) is not None]


def _read_thinking(raw: Raw, at: str) -> Reasoning:
    notes = Notes(NAME, at)
    block = notes.open(raw, ThinkingBlock)
    if block.signature == "":
        notes.form(UNSIGNED)
    return Reasoning(
        texts=(block.thinking,) if block.thinking else (),
        seal=Seal(NAME, block.signature) if block.signature else None,
        at=at,
        extras=notes.extras(),
    )


def _read_redacted(raw: Raw, at: str) -> Reasoning:
    notes = Notes(NAME, at)
    data = notes.open(raw, RedactedBlock).data
    return Reasoning(is_redacted=True, seal=Seal(NAME, data), at=at, extras=notes.extras())


def _write_reasoning(part: Reasoning, pen: Pen) -> Object | None:
    """Return the block; towards a host only with its own seal, as it refuses thoughts that it cannot prove."""
    seal = _own_seal(part)
    if part.is_redacted and seal:
        pen.manifest.take(part, "seal", "is_redacted")
        return pen.close(part, {"type": "redacted_thinking", "data": seal})
    if pen.is_answer:
        return _show_thoughts(part, pen, signature=seal)
    if not (seal or pen.is_own):
        return None
    pen.manifest.take_all(part)
    block: Object = {"type": "thinking", "thinking": "\n\n".join(part.texts or part.summary)}
    if seal or pen.manifest.has_form(part, UNSIGNED):
        block["signature"] = seal
    return pen.close(part, block)


def _own_seal(part: Reasoning) -> str:
    return part.seal.data if part.seal is not None and part.seal.dialect == NAME else ""


def _show_thoughts(part: Reasoning, pen: Pen, *, signature: str) -> Object | None:
    """Return the block for a client; another maker's seal is left to the gateway, which keeps it."""
    thoughts = "\n\n".join((*part.summary, *part.texts))
    if not (thoughts or signature or pen.is_own):
        pen.manifest.take(part, "seal", "is_redacted")
        return None
    pen.manifest.take_all(part)
    return pen.close(part, {"type": "thinking", "thinking": thoughts, "signature": signature})


_OUTCOME_READERS: Mapping[str, Callable[[Raw, str], Text | Media | Opaque]] = MappingProxyType(
    {"text": _read_text, "image": _read_image, "document": _read_document}
)

_READERS: Mapping[str, Callable[[Raw, str], Part]] = MappingProxyType(
    {
        **_OUTCOME_READERS,
        "tool_use": _read_call,
        "tool_result": _read_result,
        "thinking": _read_thinking,
        "redacted_thinking": _read_redacted,
    }
)
