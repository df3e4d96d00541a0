"""What every writing function needs: the account of what is written, and for whom."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw, UnsetType

from hortus.canon.loss import Weight
from hortus.canon.manifest import Manifest, Vocabulary
from hortus.canon.nodes import Extras, Node
from hortus.dialects.cohere_v2.wire import NAME
from hortus.framing.opening import NULL, Notes
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
        """Return `block` with what only this dialect knows of `node` put back, and without what it left out."""
        if self.is_own and node.extras is not None:
            for name in [name for name in block if self.manifest.has_form(node, f"-{name}")]:
                del block[name]
            for members in (self.manifest.silent(node), self.manifest.members(node)):
                for path in members.keys() & block.keys():
                    del block[path]
                put_back(block, members)
        return block


def notes_at(at: str) -> Notes:
    """Return the notes of a node of this dialect."""
    return Notes(NAME, at)


def told_raw(value: Raw | UnsetType, name: str, notes: Notes) -> Raw | None:
    """Return what was said, None where nothing was, or null, which is kept."""
    if isinstance(value, UnsetType):
        return None
    if bytes(value) == b"null":
        notes.keep(name, NULL)
        return None
    return value


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
