"""System prompt and messages: what stands at the top and what in turn, in both directions."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Raw, UnsetType

from hortus.canon.errors import InvalidRequest
from hortus.canon.parts import Part, Refusal, Text, ToolResult
from hortus.canon.request import Message, Request, Role
from hortus.canon.turns import split_system, turns_of
from hortus.dialects.bedrock_converse.parts import read_blocks, write_blocks
from hortus.dialects.bedrock_converse.pen import Object, Pen
from hortus.dialects.bedrock_converse.wire import NAME, MessageObject
from hortus.framing.opening import Notes

_IN_TURN = "in_turn"
"""Notation: a system prompt among the messages."""

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}


def read_system(blocks: list[Raw] | UnsetType | None, notes: Notes) -> tuple[Message, ...]:
    """Return the system prompt as a message, none where there is none."""
    if not isinstance(blocks, list):
        return ()
    if not blocks:
        notes.form("system")
        return ()
    return (Message(role="system", parts=read_blocks(blocks, "system"), at="system"),)


def read_message(raw: Raw, at: str) -> Message:
    """Return one message.

    Raises:
        InvalidRequest: Its role or content is not one that this API has.
    """
    notes = Notes(NAME, at)
    message = notes.open(raw, MessageObject)
    role = _ROLES.get(message.role)
    if role is None:
        raise InvalidRequest("The value is none of those that this member takes.", path=f"{at}.role")
    if role == "system":
        notes.form(_IN_TURN)
    parts = read_blocks(message.content, f"{at}.content")
    return Message(role=role, parts=parts, at=at, extras=notes.extras())


def write_system(request: Request, pen: Pen) -> list[Object | Raw] | None:
    """Return the `system` member, None where there is none."""
    leading, _ = _split(request.messages, pen)
    blocks: list[Object | Raw] = []
    for message in leading:
        pen.manifest.take(message, "role", "parts")
        if message.role == "developer":
            pen.manifest.adapt("role:developer>system")
        blocks += write_blocks(_spoken(message.parts, pen), pen)
    return blocks if blocks or pen.manifest.has_form(request, "system") else None


def _spoken(parts: Iterable[Part], pen: Pen) -> Iterable[Part]:
    """Return what a system prompt may hold; the rest is lost."""
    for part in parts:
        if pen.is_own or isinstance(part, Text | Refusal):
            yield part
        else:
            pen.manifest.lose(part, "", "Bedrock's system prompts are text; move this into a message.")


def write_messages(request: Request, pen: Pen) -> list[Object]:
    """Return the messages: as they came from this dialect's client, else one for each turn."""
    _, rest = _split(request.messages, pen)
    pen.manifest.take(request, "messages")
    if pen.is_own:
        return [_write_own(message, pen) for message in rest]
    spoken = []
    for message in rest:
        if message.role in {"user", "assistant"}:
            spoken.append(message)
        else:
            pen.manifest.lose(message, "", "Bedrock has one system prompt; move this to the front.")
    written = [_write_turn(turn.role, turn.messages, pen) for turn in turns_of(spoken)]
    return [message for message in written if message is not None]


def _split(messages: tuple[Message, ...], pen: Pen) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    leading, rest = split_system(messages)
    in_turn = [i for i, message in enumerate(leading) if pen.manifest.has_form(message, _IN_TURN)]
    return (leading[: in_turn[0]], messages[in_turn[0] :]) if in_turn else (leading, rest)


def _write_own(message: Message, pen: Pen) -> Object:
    pen.manifest.take(message, "role", "parts")
    return pen.close(message, {"role": message.role, "content": write_blocks(message.parts, pen)})


def _write_turn(role: Role, messages: Iterable[Message], pen: Pen) -> Object | None:
    """Return one message for a turn; the results of tools come first, as Anthropic's models demand."""
    parts: list[Part] = []
    for message in messages:
        pen.manifest.take(message, "role", "parts")
        parts += message.parts
    ordered = sorted(parts, key=lambda part: not isinstance(part, ToolResult))
    if ordered != parts:
        pen.manifest.adapt("order:tool_result")
    blocks = write_blocks(ordered, pen)
    return {"role": role, "content": blocks} if blocks else None
