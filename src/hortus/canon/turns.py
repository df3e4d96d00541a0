"""Who speaks when? Neighbouring messages of one role are one turn, and which call a result belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

import msgspec

from hortus.canon.parts import Part, ToolCall
from hortus.canon.request import Message, Role


class Turn(msgspec.Struct, frozen=True):
    """Neighbouring messages of one role; its messages are the request's own, so that a manifest knows them."""

    role: Role
    messages: tuple[Message, ...]

    @property
    def parts(self) -> Iterator[Part]:
        """Everything in it, in order."""
        return (part for message in self.messages for part in message.parts)


def turns_of(messages: Iterable[Message]) -> tuple[Turn, ...]:
    """Group messages into turns."""
    return tuple(Turn(role, tuple(group)) for role, group in groupby(messages, key=lambda message: message.role))


def split_system(messages: tuple[Message, ...]) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """Split off the leading messages of system and developer; those that stand later remain where they are."""
    count = next((i for i, message in enumerate(messages) if message.role not in {"system", "developer"}), None)
    return (messages, ()) if count is None else (messages[:count], messages[count:])


def call_names(messages: Iterable[Message]) -> dict[str, str]:
    """Return the function's name for each id of a call, for dialects whose results must say it."""
    return {part.id: part.name for message in messages for part in message.parts if isinstance(part, ToolCall)}
