"""Where in a request or answer can words stand? In every text and every JSON value, but for a closed list.

The types of `canon` are walked, not a list of their fields: a field that is new is looked at without a word here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Literal, Protocol, TypeVar, cast

import msgspec

from hortus.canon.manifest import Vocabulary
from hortus.canon.nodes import Extras, Node
from hortus.framing.paths import join_paths

Kind = Literal["text", "thought", "json", "fixed"]
"""Words; words that a maker may have sealed; JSON; words of which no other may stand in the place, for whoever reads
them acts on them."""

_SKIPPED = frozenset(
    (
        "Request.model",
        "EmbeddingsRequest.model",
        "RerankRequest.model",
        "ModerationRequest.model",
        "ModerationTurn.role",
        "Message.role",
        "Media.kind",
        "Opaque.dialect",
        "HostTool.dialect",
        "ToolChoice.mode",
        "OutputFormat.kind",
        "Extras.dialect",
        "Extras.forms",
        "Seal.dialect",
        "Inline.data",
        "Choice.stop",
        "Choice.index",
        "Response.usage",
        "EmbeddingsResponse.vectors",
        "EmbeddingsResponse.usage",
        "EmbeddingsInput.tokens",
    )
)
"""Words of Hortus, and what is not written for a host. (`Inline.data` and `EmbeddingsInput.tokens` are no words:
`Look.enter` sees them.)"""

_KINDS: Mapping[str, Kind] = {
    "ToolCall.arguments": "json",
    "Reasoning.texts": "thought",
    "Reasoning.summary": "thought",
    "Seal.data": "fixed",
    "CacheHint.ttl": "fixed",
    "Inline.media_type": "fixed",
    "Link.url": "fixed",
    "Link.media_type": "fixed",
    "HostFile.id": "fixed",
    "HostFile.media_type": "fixed",
    "HostTool.kind": "fixed",
    "HostTool.raw": "fixed",
    "Media.detail": "fixed",
    "Opaque.kind": "fixed",
    "ReasoningWish.effort": "fixed",
    "ReasoningWish.shows": "fixed",
    "Request.continues": "fixed",
    "Request.logit_bias": "fixed",
    "Request.service_tier": "fixed",
    "Request.verbosity": "fixed",
    "EmbeddingsRequest.encoding": "fixed",
    "EmbeddingsRequest.task": "fixed",
}
"""What a field holds, where that is not words (or, of `Raw`, JSON)."""

_OF_NODES = frozenset(("at", "extras"))

S = TypeVar("S", bound=msgspec.Struct)


class Look(Protocol):
    """What is done at every place, in the order in which they are walked; the same twice for the same value."""

    def enter(self, node: msgspec.Struct, at: str) -> msgspec.Struct:
        """Return what stands instead of a node, before its fields are walked."""
        ...

    def words(self, text: str, kind: Kind, *, at: str) -> str:
        """Return what stands instead of a text."""
        ...

    def json(self, raw: msgspec.Raw, kind: Kind, *, at: str) -> msgspec.Raw:
        """Return what stands instead of a JSON value."""
        ...


class Walk:
    """Walks a canonical value.

    Args:
        look: What is done at every place.
        vocabulary: How the source's dialect calls fields, for paths.
    """

    def __init__(self, look: Look, vocabulary: Vocabulary) -> None:
        self._look = look
        self._names = vocabulary.names

    def through(self, value: S, at: str = "") -> S:
        """Return a value in which every place is what `look` made of it; the same one where nothing has changed."""
        at = value.at or at if isinstance(value, Node) else at
        entered = self._look.enter(value, at)
        changes = dict(self._changes(entered, at))
        if isinstance(entered, Node) and entered.extras is not None:
            extras = self.through_extras(entered.extras, at)
            if extras is not entered.extras:
                changes["extras"] = extras
        return cast("S", msgspec.structs.replace(entered, **changes) if changes else entered)

    def _changes(self, node: msgspec.Struct, at: str) -> Iterator[tuple[str, object]]:
        for name, kind, path in _fields_of(type(node)):
            before = getattr(node, name)
            if not before:
                continue
            after = self._field(before, kind, at=at or self._names.get(path, name).removeprefix("/"))
            if after is not before:
                yield name, after

    def _field(self, value: object, kind: Kind, *, at: str) -> object:
        if isinstance(value, str):
            return self._look.words(value, kind, at=at)
        if isinstance(value, msgspec.Raw):
            return self._look.json(value, "fixed" if kind == "fixed" else "json", at=at)
        if isinstance(value, msgspec.Struct):
            return self.through(value, at)
        if isinstance(value, tuple):
            made = tuple(self._field(one, kind, at=at) for one in value)
            return value if all(one is other for one, other in zip(made, value, strict=True)) else made
        return value

    def through_extras(self, extras: Extras, at: str = "") -> Extras:
        """Likewise of what only one dialect knows; members' names are looked at, too, for they end up in losses."""
        members, silent = self._members(extras.members, at), self._members(extras.silent, at)
        if members == extras.members and silent == extras.silent:
            return extras
        return msgspec.structs.replace(extras, members=members, silent=silent)

    def _members(self, members: Mapping[str, msgspec.Raw], at: str) -> dict[str, msgspec.Raw]:
        made: dict[str, msgspec.Raw] = {}
        for path, raw in members.items():
            place = join_paths(at, path)
            self._look.words(path, "fixed", at=place)
            made[path] = self._look.json(raw, "json", at=place)
        return made


@cache  # one for each type
def _fields_of(kind: type[msgspec.Struct]) -> tuple[tuple[str, Kind, str], ...]:
    """Return each field that is walked, what it holds, and its name with that of its type."""
    names = (name for name in kind.__struct_fields__ if name not in _OF_NODES)
    fields = ((name, f"{kind.__name__}.{name}") for name in names)
    return tuple((name, _KINDS.get(field, "text"), field) for name, field in fields if field not in _SKIPPED)
