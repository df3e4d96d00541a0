"""What every writing function needs: the account of what is written, and for whom."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hortus.canon.loss import Weight
from hortus.canon.manifest import Manifest, Vocabulary
from hortus.canon.nodes import Extras, Node
from hortus.dialects.bedrock_converse.wire import NAME
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
        model: What the host calls the model, empty in answers.
        names: Of the documents written so far: Bedrock refuses two of one name.
    """

    manifest: Manifest
    is_own: bool
    is_answer: bool
    model: str = ""
    names: set[str] = msgspec.field(default_factory=set)

    def close(self, node: Node, block: Object) -> Object:
        """Return `block` with what only this dialect knows of `node` put back."""
        if node.extras is not None:
            put_back(block, self.manifest.members(node))
            put_back(block, self.manifest.silent(node))
        return block


def pen_for(
    root: Node,
    source: Vocabulary,
    *,
    is_answer: bool,
    model: str = "",
    reclassified: Mapping[str, Weight] = {},
) -> Pen:
    """Return the pen for a request or a part of an answer."""
    extras = root.extras
    return Pen(
        manifest=Manifest(root, NAME, source=source, reclassified=reclassified),
        is_own=extras is not None and extras.dialect == NAME,
        is_answer=is_answer,
        model=model,
    )


def own_extras(extras: Extras | None) -> Extras:
    """Return extras of this dialect; of another one, or none: nothing."""
    return extras if extras is not None and extras.dialect == NAME else NOTHING
