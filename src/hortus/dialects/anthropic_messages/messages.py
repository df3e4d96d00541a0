"""System prompt and messages: what stands at the top and what in turn, in both directions."""

from __future__ import annotations

from msgspec import Raw, UnsetType

from hortus.canon.errors import InvalidRequest
from hortus.canon.request import Message, Request, Role
from hortus.canon.turns import Turn
from hortus.dialects.anthropic_messages.parts import read_content, read_part, write_blocks, write_content
from hortus.dialects.anthropic_messages.pen import Object, Pen
from hortus.dialects.anthropic_messages.wire import NAME, MessageObject
from hortus.framing.opening import Notes
from hortus.framing.top_prompt import IN_TURN, results_first, split_top, spoken_turns

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}


def read_system(raw: Raw | UnsetType, notes: Notes) -> tuple[Message, ...]:
    """Return the system prompt as a message, none where there is none.

    Raises:
        InvalidRequest: It is neither a string nor a list of blocks.
    """
    if isinstance(raw, UnsetType):
        return ()
    if bytes(raw) == b"null":
        notes.keep("system", raw)
        return ()
    own = Notes(NAME, "system")
    parts = read_content(raw, own, at="system", read=read_part)
    return (Message(role="system", parts=parts, at="system", extras=own.extras()),)


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
        notes.form(IN_TURN)
    parts = read_content(message.content, notes, at=f"{at}.content", read=read_part)
    return Message(role=role, parts=parts, at=at, extras=notes.extras())


def write_system(request: Request, pen: Pen) -> object:
    """Return the `system` member, None where there is none."""
    leading, _ = split_top(request.messages, pen.manifest)
    if not leading:
        return None
    if len(leading) == 1 and pen.is_own:
        pen.manifest.take_all(leading[0])
        return write_content(leading[0], leading[0].parts, pen)
    blocks: list[Object | Raw] = []
    for message in leading:
        pen.manifest.take(message, "role", "parts")
        if message.role == "developer":
            pen.manifest.adapt("role:developer>system")
        blocks += write_blocks(message.parts, pen)
    return blocks or None


def write_messages(request: Request, pen: Pen) -> list[Object]:
    """Return the messages: as they came from this dialect's client, else one for each turn."""
    _, rest = split_top(request.messages, pen.manifest)
    pen.manifest.take(request, "messages")
    if pen.is_own:
        return [_write_own(message, pen) for message in rest]
    why = "Anthropic has one system prompt; move this to the front."
    turns = spoken_turns(rest, pen.manifest, why_not_system=why)
    written = [_write_turn(turn, pen) for turn in turns]
    return [message for message in written if message is not None]


def _write_own(message: Message, pen: Pen) -> Object:
    pen.manifest.take(message, "role", "parts")
    return pen.close(message, {"role": message.role, "content": write_content(message, message.parts, pen)})


def _write_turn(turn: Turn, pen: Pen) -> Object | None:
    blocks = write_blocks(results_first(turn.messages, pen.manifest), pen)
    return {"role": turn.role, "content": blocks} if blocks else None
