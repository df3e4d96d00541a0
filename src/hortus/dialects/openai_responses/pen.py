"""What every reading and writing function here shares: decoders, values as Raw, the account of what is written."""

from __future__ import annotations

import msgspec
from msgspec import Raw, UnsetType

from hortus.canon.errors import InvalidRequest
from hortus.canon.manifest import Manifest
from hortus.canon.nodes import Node
from hortus.dialects.openai_responses.wire import NAME, Head, Item
from hortus.framing.opening import NULL, Notes
from hortus.framing.paths import put_back

Object = dict[str, object]
"""A JSON object that is being written."""

APART = "@"
"""How names of silent members begin that stand elsewhere than in their node."""

MADE = "hx"
"""How ids of items begin, after their kind, that Hortus makes: hosts know nothing by them."""

ENCODE = msgspec.json.Encoder().encode
OBJECT = msgspec.json.Decoder(dict[str, Raw]).decode
RAWS = msgspec.json.Decoder(list[Raw]).decode
STRING = msgspec.json.Decoder(str).decode
_HEAD = msgspec.json.Decoder(Head).decode


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

    def close(self, node: Node, written: Object) -> Object:
        """Return `written` with what only this dialect knows of `node` put back."""
        for path in put_back(written, self.manifest.members(node)):
            self.manifest.approximate(node, path, "Something else stands there now.")
        silent = self.manifest.silent(node)
        written.update((name, value) for name, value in silent.items() if not name.startswith(APART))
        return written

    def has_form(self, node: Node, form: str) -> bool:
        """Tell whether this dialect used this notation for a node."""
        return self.manifest.has_form(node, form)


def is_own(node: Node) -> bool:
    """Tell whether a whole request or answer was read from this dialect."""
    return node.extras is not None and node.extras.dialect == NAME


def read_head(raw: Raw, *, at: str) -> Head:
    """Return what kind of object this is.

    Raises:
        InvalidRequest: It is no object, or its `type` no string.
    """
    try:
        return _HEAD(raw)
    except msgspec.ValidationError as error:
        raise InvalidRequest("This must be an object whose `type` is a string.", path=at) from error


def is_string(raw: Raw) -> bool:
    """Tell whether JSON is a string."""
    return bytes(memoryview(raw)[:1]) == b'"'


def is_list(raw: Raw) -> bool:
    """Tell whether JSON is a list."""
    return bytes(memoryview(raw)[:1]) == b"["


def solid(raw: Raw | UnsetType, notes: Notes, *, path: str) -> Raw | None:
    """Return a member left as JSON, None where it is absent or null; the latter is noted."""
    if isinstance(raw, UnsetType):
        return None
    if raw == NULL:
        notes.keep(path, NULL)
        return None
    return raw


def hush_item(item: Item, notes: Notes) -> None:
    """Keep what hosts note on items: null stands among the notes already."""
    for name, value in (("id", item.id), ("status", item.status)):
        if isinstance(value, str):
            notes.hush(name, Raw(ENCODE(value)))
