"""Calls of tools as messages carry them, with the seal that Gemini puts on them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import UNSET, Raw

from hortus.canon.manifest import Manifest
from hortus.canon.nodes import Seal
from hortus.canon.parts import Opaque, ToolCall
from hortus.dialects.openai_chat import wire
from hortus.dialects.openai_chat.pen import Body, kind_of, notes_at, restore, told
from hortus.dialects.openai_chat.vocabulary import NAME
from hortus.framing.chat_notation import AS_CALL, read_arguments, write_called
from hortus.framing.opening import Notes

GEMINI = "gemini"
"""In whose words `extra_content.google.thought_signature` is. https://ai.google.dev/gemini-api/docs/openai, read
2026-11."""

_WITHOUT_ID = "-id"


def read_call(raw: Raw, at: str, *, make_id: Callable[[], str]) -> ToolCall | Opaque:
    """Return one item of `tool_calls`.

    Raises:
        InvalidRequest: Something in it has the wrong type.
    """
    kind = kind_of(raw, at)
    notes = notes_at(at)
    if kind not in {None, "function"}:
        notes.form(AS_CALL)
        return Opaque(dialect=NAME, kind=kind or "", raw=raw, at=at, extras=notes.extras())
    call = notes.open(raw, wire.ToolCall)
    if call.type is UNSET:
        notes.form("-type")
    if call.index is not UNSET:
        notes.hush("index", call.index)
    return ToolCall(
        id=_read_id(call, notes, make_id),
        name=call.function.name,
        arguments=read_arguments(call.function.arguments, notes),
        seal=read_seal(call.extra_content),
        at=at,
        extras=notes.extras(),
    )


def _read_id(call: wire.ToolCall, notes: Notes, make_id: Callable[[], str]) -> str:
    call_id = told(call.id)
    if call_id:
        return call_id
    if call_id is None:
        notes.form(_WITHOUT_ID)
    else:
        notes.hush("id", Raw(b'""'))
    return make_id()


def read_seal(extra: wire.ExtraContent | msgspec.UnsetType | None) -> Seal | None:
    """Return Gemini's seal."""
    google = told(extra.google) if isinstance(extra, wire.ExtraContent) else None
    signature = told(google.thought_signature) if google is not None else None
    return None if signature is None else Seal(dialect=GEMINI, data=signature)


def write_seal(seal: Seal) -> Body:
    """Return the seal as Gemini puts it on a call."""
    return {"google": {"thought_signature": seal.data}}


def write_call(call: ToolCall, manifest: Manifest) -> Body:
    """Return a call as an item of `tool_calls`."""
    manifest.take(call, "name", "arguments")
    body: Body = {"id": call.id, "type": "function", "function": write_called(call, manifest)}
    if call.seal is not None and call.seal.dialect == GEMINI:
        manifest.take(call, "seal")
        body["extra_content"] = write_seal(call.seal)
    return restore(body, call, manifest)
