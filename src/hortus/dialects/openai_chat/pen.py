"""Nodes to and from JSON objects: what OpenAI's notation leaves open is noted when read and restored when written."""

from __future__ import annotations

import msgspec
from msgspec import UnsetType

from hortus.canon.manifest import Manifest
from hortus.canon.nodes import CacheHint, Node
from hortus.dialects.openai_chat import wire
from hortus.dialects.openai_chat.vocabulary import NAME
from hortus.framing.objects import Body, kind_of, note_absent, restore_into, text_of, told, told_raw
from hortus.framing.opening import Notes

__all__ = (
    "Body",
    "encode",
    "is_own",
    "kind_of",
    "note_absent",
    "notes_at",
    "read_cache",
    "restore",
    "text_of",
    "told",
    "told_raw",
    "write_cache",
)

CACHE = "cache_control"
"""Form: the source hints at the cache as OpenRouter takes it."""

encode = msgspec.json.Encoder().encode


def notes_at(at: str) -> Notes:
    """Return the notes of a node of this dialect."""
    return Notes(NAME, at)


def read_cache(value: wire.CacheControl | UnsetType | None, notes: Notes) -> CacheHint | None:
    """Return the hint at the cache."""
    if isinstance(value, wire.CacheControl):
        notes.form(CACHE)
        return CacheHint(ttl=told(value.ttl))
    return None


def write_cache(hint: CacheHint | None, body: Body, *, node: Node, manifest: Manifest) -> None:
    """Write the hint where the source spoke this dialect; OpenAI caches by itself and refuses the member."""
    if hint is not None and manifest.has_form(node, CACHE):
        manifest.take(node, "cache")
        body[CACHE] = {"type": "ephemeral"} if hint.ttl is None else {"type": "ephemeral", "ttl": hint.ttl}


def is_own(node: Node) -> bool:
    """Tell whether a node was read from this dialect and differs from its plainest notation."""
    return node.extras is not None and node.extras.dialect == NAME


def restore(body: Body, node: Node, manifest: Manifest) -> Body:
    """Return `body` with what this dialect alone knows of its node, and in the notation that the source used."""
    return restore_into(body, node, manifest, dialect=NAME)
