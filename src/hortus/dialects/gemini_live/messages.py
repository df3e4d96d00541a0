"""What of the Live API's messages the gateway reads, and the one that it changes: the model's name in the first."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hortus.canon.errors import InvalidRequest
from hortus.canon.realtime import Mark, Message
from hortus.canon.usage import Usage
from hortus.framing.conversing import members_of
from hortus.framing.counting import UNREADABLE
from hortus.framing.metering import read_members, usage_of

_PREFIX = "models/"
_SETUP = "setup"
_NOTHING = msgspec.Raw(b"null")
_ANSWER = "turn"
"""The API has one answer at a time and no ids."""

Members = dict[str, msgspec.Raw]

_read_members = msgspec.json.Decoder(Members).decode
_read_text = msgspec.json.Decoder(str).decode
_ENCODE = msgspec.json.Encoder().encode


class _Content(msgspec.Struct, rename="camel"):
    model_turn: msgspec.Raw = _NOTHING
    turn_complete: bool = False


class _Said(msgspec.Struct, rename="camel"):
    server_content: _Content | None = None
    tool_call: msgspec.Raw = _NOTHING
    usage_metadata: msgspec.Raw = _NOTHING

    @property
    def answers(self) -> bool:
        turn = self.server_content.model_turn if self.server_content is not None else _NOTHING
        return bytes(turn) != b"null" or bytes(self.tool_call) != b"null"

    @property
    def ends_turn(self) -> bool:
        return self.server_content is not None and self.server_content.turn_complete


_DECODE = msgspec.json.Decoder(_Said).decode


def read_route(query: Mapping[str, str], first: Message | None) -> str:
    """Return the route that the first message names, `setup.model`.

    Raises:
        InvalidRequest: It is no setup, or names none.
    """
    del query
    _, setup = _read_setup(first or "")
    return _model_of(setup).removeprefix(_PREFIX)


def write_first(first: Message, model: str) -> Message:
    """Return the first message with the host's name of the model; the rest byte for byte."""
    members, setup = _read_setup(first)
    named = model if "/" in model else _PREFIX + model
    members["setup"] = msgspec.Raw(_ENCODE(setup | {"model": msgspec.Raw(_ENCODE(named))}))
    written = _ENCODE(members)
    return written if isinstance(first, bytes) else written.decode()


def write_next(message: Message, route: str, model: str) -> Message:
    """Return a further message of the client as it came.

    Raises:
        InvalidRequest: It is a setup, which could name another model, or cannot be read.
    """
    del route, model
    if any(name.lower() == _SETUP for name in members_of(message)):
        raise InvalidRequest("There was a setup before.", path=_SETUP, hint="Connect anew for another one.")
    return message


def _read_setup(first: Message) -> tuple[Members, Members]:
    try:
        members = _read_members(first)
        return members, _read_members(members["setup"])
    except (*UNREADABLE, KeyError):
        raise InvalidRequest(
            "The first message is no setup.", path="setup", hint='Send {"setup": {"model": "models/NAME"}} first.'
        ) from None


def _model_of(setup: Members) -> str:
    try:
        name = _read_text(setup.get("model", _NOTHING))
    except UNREADABLE:
        name = ""
    if not name:
        raise InvalidRequest("The setup names no model.", path="setup.model", hint="Such as models/NAME.")
    return name


class Meter:
    """Reads a host's messages. Implements `canon.realtime.Meter`.

    A turn's use is told once or several times before its end, the last word counts; told after the end, it counts for
    the turn that follows.
    """

    def __init__(self) -> None:
        self._is_running = False
        self._usage: Usage | None = None

    def hear(self, message: Message) -> tuple[Mark, ...]:
        """Return what a message says of the turn."""
        try:
            said = _DECODE(message)
        except UNREADABLE:
            return ()
        members = read_members(said.usage_metadata)
        self._usage = (usage_of("gemini", members) if members is not None else None) or self._usage
        marks: tuple[Mark, ...] = ()
        if said.answers and not self._is_running:
            self._is_running = True
            marks = (Mark("begun", _ANSWER),)
        if said.ends_turn and (self._is_running or self._usage is not None):
            marks = (*marks, Mark("ended", _ANSWER, usage=self._usage))
            self._is_running, self._usage = False, None
        return marks
