"""What of OpenAI's Realtime events the gateway reads, the name that it changes, and the one that it writes."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hortus.canon.errors import InvalidRequest, RequestError
from hortus.canon.realtime import Mark, Message
from hortus.framing.conversing import members_of
from hortus.framing.counting import UNREADABLE
from hortus.framing.metering import read_members, usage_of
from hortus.framing.openai_errors import describe

_NAMES = ("model", "deployment")
"""Parameters that name the route; the second is Azure's older word."""

_LOOKED_AT = ('"response.created"', '"response.done"', '"conversation.item.input_audio_transcription.completed"')
"""Events that say something of answers; others are passed without being read."""

_NOTHING = msgspec.Raw(b"null")


class _Response(msgspec.Struct):
    id: str = ""
    status: str = ""
    usage: msgspec.Raw = _NOTHING


class _Event(msgspec.Struct):
    type: str
    response: _Response | None = None
    item_id: str = ""
    usage: msgspec.Raw = _NOTHING


_MODEL = "model"
_NAMING = frozenset((_MODEL, "session", "response"))
"""Members of clients' events in which some host takes the name of a model."""

_read_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_read_text = msgspec.json.Decoder(str).decode
_DECODE = msgspec.json.Decoder(_Event).decode
_ENCODE = msgspec.json.Encoder().encode


def read_route(query: Mapping[str, str], first: Message | None) -> str:
    """Return the route that the address names.

    Raises:
        InvalidRequest: It names none.
    """
    del first
    for name in _NAMES:
        if query.get(name):
            return query[name]
    raise InvalidRequest("The address does not say `model`.", path="model", hint="Such as /v1/realtime?model=NAME.")


class Meter:
    """Reads a host's events. Implements `canon.realtime.Meter`."""

    def hear(self, message: Message) -> tuple[Mark, ...]:
        """Return what an event says of an answer."""
        if not isinstance(message, str) or not any(word in message for word in _LOOKED_AT):
            return ()
        try:
            event = _DECODE(message)
        except UNREADABLE:
            return ()
        return _marks_of(event)


def _marks_of(event: _Event) -> tuple[Mark, ...]:
    response = event.response or _Response()
    if event.type == "response.created":
        return (Mark("begun", response.id),)
    if event.type == "response.done":
        members = read_members(response.usage)
        usage = usage_of("openai_realtime", members) if members is not None else None
        return (Mark("ended", response.id, usage=usage, is_failed=response.status == "failed"),)
    if event.type == "conversation.item.input_audio_transcription.completed":
        # Another model of the same host wrote it down: charged beside the answers, at this endpoint's price.
        members = read_members(event.usage)
        usage = usage_of("openai_realtime", members) if members is not None else None
        return (Mark("ended", event.item_id, usage=usage),) if usage is not None else ()
    return ()


def write_next(message: Message, route: str, model: str) -> Message:
    """Return a client's event with the host's name where it names the model; events that cannot do so as they came.

    Raises:
        InvalidRequest: It names another one than the address did, or cannot be read.
    """
    event = members_of(message)
    naming = [name for name in event if name.lower() in _NAMING]
    if not naming:
        return message
    named = _name_model(event, "", route=route, model=model)
    for name in naming:
        if name != _MODEL and bytes(event[name])[:1] == b"{":
            within = _name_model(_read_members(event[name]), f"{name}.", route=route, model=model)
            named[name] = msgspec.Raw(_ENCODE(within))
    written = _ENCODE(named)
    return written if isinstance(message, bytes) else written.decode()


def _name_model(members: dict[str, msgspec.Raw], at: str, *, route: str, model: str) -> dict[str, msgspec.Raw]:
    names = [name for name in members if name.lower() == _MODEL]
    for name in names:
        try:
            said = _read_text(members[name])
        except UNREADABLE:
            said = ""
        if name != _MODEL or said not in {route, model}:
            raise InvalidRequest(
                "A conversation stays with the model that its address names.", path=f"{at}{name}", hint="Connect anew."
            )
    return members | dict.fromkeys(names, msgspec.Raw(_ENCODE(model)))


def write_error(error: RequestError, receipt_id: str) -> Message:
    """Return the event that tells a client of an error."""
    event = {"type": "error", "event_id": f"event_{receipt_id}", "error": describe(error)}
    return _ENCODE(event).decode()
