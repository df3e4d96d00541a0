"""What every writing function here holds: the account of what is written, and for whom."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from hashlib import sha256

import msgspec

from hortus.canon.manifest import Manifest
from hortus.canon.nodes import Node
from hortus.dialects.mistral.vocabulary import NAME
from hortus.framing.objects import Body, restore_into
from hortus.framing.opening import Notes

_OWN_ID = re.compile(r"[A-Za-z0-9]{9}")
_ID_LENGTH = 9
_LETTERS = bytes.maketrans(b"-_", b"xz")

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
        if self.keeps_all or _OWN_ID.fullmatch(call_id):
            return call_id
        self.manifest.adapt("tool_calls.id>9 characters")
        return short_id(call_id)


def short_id(call_id: str) -> str:
    """Return nine letters and digits for the id of a call, always the same ones.

    >>> short_id("call_1"), short_id("call_2")
    ('dBlv5y5M3', 'G2j4P6NEr')
    """
    digest = urlsafe_b64encode(sha256(call_id.encode()).digest()).translate(_LETTERS)
    return digest[:_ID_LENGTH].decode()
