"""What every writing function here holds: the account of what is written, and for whom."""

from __future__ import annotations

import msgspec

from hortus.canon.manifest import Manifest
from hortus.canon.nodes import Node
from hortus.dialects.mistral.vocabulary import NAME
from hortus.framing.call_ids import ADAPTED_IDS, is_short, short_id
from hortus.framing.objects import Body, restore_into
from hortus.framing.opening import Notes

encode = msgspec.json.Encoder().encode


def notes_at(at: str) -> Notes:
    """Return the notes of a node of this dialect."""
    return Notes(NAME, at)


def is_own(node: Node) -> bool:
    """Tell whether a node was read from this dialect and differs from its plainest notation."""
    return node.extras is not None and node.extras.dialect == NAME


class Pen(msgspec.Struct, frozen=True):
    """What a writer holds.

    Attributes:
        manifest: Takes note of what is written.
        is_own: Whether what is written was read from this dialect: then it is written as it was.
        is_answer: Whether it is an answer for a client, not a request for a host.
    """

    manifest: Manifest
    is_own: bool = False
    is_answer: bool = False

    @property
    def keeps_all(self) -> bool:
        """Whether what is written is as the source has it: empty messages stay, and ids of calls."""
        return self.is_own or self.is_answer

    def close(self, node: Node, body: Body) -> Body:
        """Return `body` with what only this dialect knows of `node`, in the notation that the source used."""
        return restore_into(body, node, self.manifest, dialect=NAME)

    def id_of(self, call_id: str) -> str:
        """Return the id of a call as the reader of this gets it: Mistral takes nine letters and digits, no others."""
        if self.keeps_all or is_short(call_id):
            return call_id
        self.manifest.adapt(ADAPTED_IDS)
        return short_id(call_id)
