"""Messages for formats whose system prompt stands at the top, and where each turn is one message."""

from __future__ import annotations

from collections.abc import Iterable

from hortus.canon.manifest import Manifest
from hortus.canon.parts import Part, ToolResult
from hortus.canon.request import Message
from hortus.canon.turns import Turn, split_system, turns_of

IN_TURN = "in_turn"
"""Notation: a system prompt among the messages."""


def split_top(messages: tuple[Message, ...], manifest: Manifest) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """Return the messages that make the system prompt, and the rest."""
    leading, rest = split_system(messages)
    in_turn = [i for i, message in enumerate(leading) if manifest.has_form(message, IN_TURN)]
    return (leading[: in_turn[0]], messages[in_turn[0] :]) if in_turn else (leading, rest)


def spoken_turns(messages: Iterable[Message], manifest: Manifest, *, why_not_system: str) -> tuple[Turn, ...]:
    """Return what the user and the assistant say by turns; a system prompt among it is lost."""
    spoken = []
    for message in messages:
        if message.role in {"user", "assistant"}:
            spoken.append(message)
        else:
            manifest.lose(message, "", why_not_system)
    return turns_of(spoken)


def results_first(messages: Iterable[Message], manifest: Manifest) -> list[Part]:
    """Return the parts of one turn; the results of tools come first, as Anthropic's models demand."""
    parts: list[Part] = []
    for message in messages:
        manifest.take(message, "role", "parts")
        parts += message.parts
    ordered = sorted(parts, key=lambda part: not isinstance(part, ToolResult))
    if ordered != parts:
        manifest.adapt("order:tool_result")
    return ordered
