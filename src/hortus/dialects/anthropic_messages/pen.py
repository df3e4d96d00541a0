"""What every writing function needs: the account of what is written, and for whom."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import UnsetType

from hortus.canon.loss import Weight
from hortus.canon.manifest import Manifest, Vocabulary
from hortus.canon.nodes import CacheHint, Extras, Node
from hortus.canon.parts import Media, Text, ToolCall, ToolResult
from hortus.canon.request import Tool
from hortus.dialects.anthropic_messages.wire import NAME, CacheControl, given
from hortus.framing.paths import put_back

NOTHING = Extras(NAME)

Object = dict[str, object]
"""A JSON object that is being written."""


class Pen(msgspec.Struct, frozen=True):
    """What a writer holds.

    Attributes:
        manifest: Takes note of what is written.
        is_own: Whether what is written was read from this dialect: then it is written as it was.
        is_answer: Whether it is an answer for a client, not a request for a host.
    """

    manifest: Manifest
    is_own: bool
    is_answer: bool

    def close(self, node: Node, block: Object) -> Object:
        """Return `block` with what only this dialect knows of `node` put back."""
        if node.extras is not None:
            put_back(block, self.manifest.members(node))
        return block

    def cache(self, node: Text | Media | ToolCall | ToolResult | Tool, block: Object) -> None:
        """Write the cache hint of a node."""
        if node.cache is not None:
            block["cache_control"] = write_cache(node.cache)
            self.manifest.take(node, "cache")


def pen_for(root: Node, source: Vocabulary, *, is_answer: bool, reclassified: Mapping[str, Weight] = {}) -> Pen:
    """Return the pen for a request or a part of an answer."""
    extras = root.extras
    return Pen(
        manifest=Manifest(root, NAME, source=source, reclassified=reclassified),
        is_own=extras is not None and extras.dialect == NAME,
        is_answer=is_answer,
    )


def own_extras(extras: Extras | None) -> Extras:
    """Return extras of this dialect; of another one, or none: nothing."""
    return extras if extras is not None and extras.dialect == NAME else NOTHING


def read_cache(wire: CacheControl | UnsetType | None) -> CacheHint | None:
    """Return the cache hint of a block."""
    return CacheHint(ttl=given(wire.ttl)) if isinstance(wire, CacheControl) else None


def write_cache(hint: CacheHint) -> Object:
    """Return a cache hint."""
    return {"type": "ephemeral"} if hint.ttl is None else {"type": "ephemeral", "ttl": hint.ttl}
