"""Blocks of content to parts and back: words, media, calls and results of tools, thoughts.

A `cachePoint` after a block is the cache hint of its part; one that follows nothing stays as it came.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import assert_never

import msgspec
from msgspec import Raw, UnsetType
from msgspec.structs import replace

from hortus.canon.errors import InvalidRequest
from hortus.canon.nodes import CacheHint, Seal
from hortus.canon.parts import Media, MediaKind, Opaque, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from hortus.dialects.bedrock_converse.citations import read_citation, write_citations
from hortus.dialects.bedrock_converse.media import GUARD, read_media, write_media
from hortus.dialects.bedrock_converse.models import caches
from hortus.dialects.bedrock_converse.pen import Object, Pen
from hortus.dialects.bedrock_converse.pieces import cut_pieces, join_pieces
from hortus.dialects.bedrock_converse.wire import (
    NAME,
    CitationsContent,
    GuardText,
    ReasoningContent,
    ToolOutcome,
    ToolUse,
    Wire,
    given,
)
from hortus.framing.objects import write_opaque
from hortus.framing.opening import Notes

_CITED, _JSON, _STATUS, _NO_CONTENT = "citations", "json", "status", "-content"
_OWN_CALL = "tool_use"
"""What calls of the client's tools say of themselves where they say anything."""

CACHEABLE = (Text, Media, ToolCall, ToolResult)
_EMPTY_OBJECT = Raw(b"{}")
_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_.:-]")
_LONGEST_ID = 64

_OBJECT = msgspec.json.Decoder(dict[str, Raw]).decode
_STRING = msgspec.json.Decoder(str, strict=True).decode


class _CachePoint(Wire, frozen=True):
    type: str
    ttl: str | UnsetType = msgspec.UNSET


class _CacheBlock(Wire, frozen=True):
    cache_point: _CachePoint


_CACHE = msgspec.json.Decoder(_CacheBlock).decode


def read_blocks(raws: list[Raw], at: str) -> tuple[Part, ...]:
    """Return the parts of a list of blocks.

    Raises:
        InvalidRequest: A block is not as it must be.
    """
    parts: list[Part] = []
    for index, raw in enumerate(raws):
        hint = read_cache_point(raw)
        last = parts[-1] if parts else None
        if hint is not None and isinstance(last, CACHEABLE) and last.cache is None:
            parts[-1] = replace(last, cache=hint)
        else:
            parts.append(read_block(raw, f"{at}[{index}]"))
    return tuple(parts)


def read_cache_point(raw: Raw) -> CacheHint | None:
    """Return the hint that a block or tool is, None where it is something else, or says more."""
    if b"cachePoint" not in bytes(raw):
        return None
    try:
        point = _CACHE(raw).cache_point
    except msgspec.DecodeError:
        return None
    return CacheHint(ttl=given(point.ttl)) if point.type == "default" else None


def write_cache_point(hint: CacheHint) -> Object:
    """Return the block of a hint."""
    return {"cachePoint": {"type": "default"} if hint.ttl is None else {"type": "default", "ttl": hint.ttl}}


def write_blocks(parts: Iterable[Part], pen: Pen) -> list[Object | Raw]:
    """Return the blocks of those parts that have one."""
    blocks: list[Object | Raw] = []
    for part in parts:
        block = write_block(part, pen)
        if block is None:
            continue
        blocks.append(block)
        if isinstance(part, CACHEABLE) and part.cache is not None and (pen.is_own or caches(pen.model)):
            blocks.append(write_cache_point(part.cache))
            pen.manifest.take(part, "cache")
    return blocks


def read_block(raw: Raw, at: str) -> Part:
    """Return the part that a block is; a block of an unknown kind is opaque."""
    kind, inner = member_of(raw, at)
    read = _READERS.get(kind)
    part = None if read is None or inner is None else read(inner, at)
    return Opaque(dialect=NAME, kind=kind, raw=raw, at=at) if part is None else part


def member_of(raw: Raw, at: str) -> tuple[str, Raw | None]:
    """Return the one member of a block, without its value where there are several.

    Raises:
        InvalidRequest: It is no object, or an empty one.
    """
    try:
        members = _OBJECT(raw)
    except msgspec.DecodeError as error:
        raise InvalidRequest("This must be an object with one member.", path=at) from error
    if not members:
        raise InvalidRequest("This object must have one member.", path=at)
    kind = next(iter(members))
    return kind, members[kind] if len(members) == 1 else None


def write_block(part: Part, pen: Pen) -> Object | Raw | None:
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
            pen.manifest.approximate(part, "text", "Written as text: Bedrock has no block for a refusal.")
            return {"text": part.text}
        case Opaque():
            return write_opaque(part, pen.manifest, dialect=NAME)
    assert_never(part)


def _read_string(raw: Raw, at: str) -> str:
    try:
        return _STRING(raw)
    except msgspec.DecodeError as error:
        raise InvalidRequest("Expected str.", path=f"{at}.text") from error


def _read_text(raw: Raw, at: str) -> Text:
    return Text(text=_read_string(raw, at), at=at)


def _read_guarded(raw: Raw, at: str) -> Text | Media | None:
    kind, inner = member_of(raw, f"{at}.guardContent")
    if inner is not None and kind == "text":
        notes = Notes(NAME, at)
        notes.form(GUARD)
        text = notes.open(inner, GuardText, under="guardContent.text").text
        return Text(text=text, at=at, extras=notes.extras())
    if inner is not None and kind == "image":
        return read_media(inner, "image", at=at, under="guardContent.image")
    return None


def _read_cited(raw: Raw, at: str) -> Text:
    notes = Notes(NAME, at)
    block = notes.open(raw, CitationsContent, under="citationsContent")
    notes.form(_CITED)
    items, cited = given(block.content), given(block.citations)
    if items is None:
        notes.form(_NO_CONTENT)
    if cited is None:
        notes.form("-citations")
    path = f"{at}.citationsContent.citations"
    return Text(
        text="" if items is None else join_pieces(items, notes),
        citations=tuple(read_citation(one, at=f"{path}[{i}]") for i, one in enumerate(cited or ())),
        at=at,
        extras=notes.extras(),
    )


def _write_text(part: Text, pen: Pen) -> Object | None:
    pen.manifest.take(part, "text", "seal")
    if pen.manifest.has_form(part, GUARD):
        return pen.close(part, {"guardContent": {"text": {"text": part.text}}})
    if not (part.text or part.citations or pen.is_own):
        pen.manifest.adapt("-empty_text")  # Bedrock refuses it, and clients send back what they get
        return None
    cited = write_citations(part.citations, pen) if pen.is_own or pen.is_answer else []
    if cited or pen.manifest.has_form(part, _CITED):
        return _write_cited(part, cited, pen)
    return pen.close(part, {"text": part.text})


def _write_cited(part: Text, cited: list[Object], pen: Pen) -> Object:
    inner: Object = {}
    if not pen.manifest.has_form(part, _NO_CONTENT):
        inner["content"] = cut_pieces(part.text, part)
    if not pen.manifest.has_form(part, "-citations"):
        inner["citations"] = cited
    return pen.close(part, {"citationsContent": inner})


def _read_call(raw: Raw, at: str) -> ToolCall | None:
    notes = Notes(NAME, at)
    block = notes.open(raw, ToolUse, under="toolUse")
    if given(block.type) not in {None, _OWN_CALL}:
        return None
    if block.type == _OWN_CALL:
        notes.hush("toolUse.type", Raw(b'"tool_use"'))
    return ToolCall(
        id=block.tool_use_id,
        name=block.name,
        arguments=bytes(block.input).decode(),
        at=at,
        extras=notes.extras(),
    )


def _write_call(part: ToolCall, pen: Pen) -> Object:
    pen.manifest.take(part, "id", "name", "arguments", "seal")
    inner = {"toolUseId": _id(part.id, pen), "name": part.name, "input": _input(part, pen)}
    return pen.close(part, {"toolUse": inner})


def _input(part: ToolCall, pen: Pen) -> Raw:
    if not part.arguments.strip():
        return _EMPTY_OBJECT
    written = Raw(part.arguments.encode())
    try:
        _OBJECT(written)
    except (msgspec.DecodeError, RecursionError):
        if not pen.is_own:
            pen.manifest.lose(part, "arguments", "They are no JSON object, and Bedrock's models take nothing else.")
            return _EMPTY_OBJECT
    return written


def _id(text: str, pen: Pen) -> str:
    if pen.is_own or pen.is_answer or not (_NOT_IN_IDS.search(text) or len(text) > _LONGEST_ID):
        return text
    pen.manifest.adapt("toolUseId")
    return _NOT_IN_IDS.sub("_", text)[-_LONGEST_ID:]


def _read_result(raw: Raw, at: str) -> ToolResult | None:
    notes = Notes(NAME, at)
    block = notes.open(raw, ToolOutcome, under="toolResult")
    if given(block.type) is not None or given(block.status) not in {None, "success", "error"}:
        return None
    if block.status == "success":
        notes.form(_STATUS)
    path = f"{at}.toolResult.content"
    return ToolResult(
        call_id=block.tool_use_id,
        parts=tuple(_read_outcome(one, f"{path}[{i}]") for i, one in enumerate(block.content)),
        is_error=block.status == "error",
        at=at,
        extras=notes.extras(),
    )


def _read_outcome(raw: Raw, at: str) -> Text | Media | Opaque:
    kind, inner = member_of(raw, at)
    if inner is not None and kind == _JSON:
        notes = Notes(NAME, at)
        notes.form(_JSON)
        return Text(text=bytes(inner).decode(), at=at, extras=notes.extras())
    read = _OUTCOME_READERS.get(kind)
    part = None if read is None or inner is None else read(inner, at)
    return Opaque(dialect=NAME, kind=kind, raw=raw, at=at) if part is None else part


def _write_result(part: ToolResult, pen: Pen) -> Object:
    pen.manifest.take(part, "call_id", "is_error", "parts")
    written = (_write_outcome(one, pen) for one in part.parts)
    inner: Object = {
        "toolUseId": _id(part.call_id, pen),
        "content": [block for block in written if block is not None],
    }
    if part.is_error or pen.manifest.has_form(part, _STATUS):
        inner["status"] = "error" if part.is_error else "success"
    return pen.close(part, {"toolResult": inner})


def _write_outcome(part: Text | Media | Opaque, pen: Pen) -> Object | Raw | None:
    if isinstance(part, Text) and pen.manifest.has_form(part, _JSON):
        pen.manifest.take(part, "text", "seal")
        return {_JSON: Raw(part.text.encode())}
    if isinstance(part, Media) and part.kind == "audio":
        pen.manifest.lose(part, "", "Bedrock's results of tools hold no sound.")
        return None
    return write_block(part, pen)


def _read_reasoning(raw: Raw, at: str) -> Reasoning | None:
    notes = Notes(NAME, at)
    block = notes.open(raw, ReasoningContent, under="reasoningContent")
    if isinstance(block.redacted_content, str) and isinstance(block.reasoning_text, UnsetType):
        return Reasoning(is_redacted=True, seal=Seal(NAME, block.redacted_content), at=at, extras=notes.extras())
    if isinstance(block.reasoning_text, UnsetType) or isinstance(block.redacted_content, str):
        return None
    text, signature = block.reasoning_text.text, given(block.reasoning_text.signature)
    if signature == "":
        notes.hush("reasoningContent.reasoningText.signature", Raw(b'""'))
    return Reasoning(
        texts=(text,) if text else (),
        seal=Seal(NAME, signature) if signature else None,
        at=at,
        extras=notes.extras(),
    )


def _write_reasoning(part: Reasoning, pen: Pen) -> Object | None:
    """Return the block; towards a host only with its own seal, as it refuses thoughts that it cannot prove."""
    seal = _own_seal(part)
    if part.is_redacted and seal:
        pen.manifest.take(part, "seal", "is_redacted")
        return pen.close(part, {"reasoningContent": {"redactedContent": seal}})
    thoughts = "\n\n".join((*part.summary, *part.texts))
    if not (seal or pen.is_own or (pen.is_answer and thoughts)):
        if pen.is_answer:  # the gateway keeps the seal
            pen.manifest.take(part, "seal", "is_redacted")
        return None
    pen.manifest.take_all(part)
    inner = {"text": thoughts, "signature": seal} if seal else {"text": thoughts}
    return pen.close(part, {"reasoningContent": {"reasoningText": inner}})


def _own_seal(part: Reasoning) -> str:
    return part.seal.data if part.seal is not None and part.seal.dialect == NAME else ""


def _media_reader(kind: MediaKind) -> Callable[[Raw, str], Media | None]:
    def read(raw: Raw, at: str) -> Media | None:
        return read_media(raw, kind, at=at)

    return read


_OUTCOME_READERS: Mapping[str, Callable[[Raw, str], Text | Media | None]] = MappingProxyType(
    {
        "text": _read_text,
        "image": _media_reader("image"),
        "document": _media_reader("document"),
        "video": _media_reader("video"),
    }
)

_READERS: Mapping[str, Callable[[Raw, str], Part | None]] = MappingProxyType(
    {
        **_OUTCOME_READERS,
        "audio": _media_reader("audio"),
        "guardContent": _read_guarded,
        "citationsContent": _read_cited,
        "toolUse": _read_call,
        "toolResult": _read_result,
        "reasoningContent": _read_reasoning,
    }
)
