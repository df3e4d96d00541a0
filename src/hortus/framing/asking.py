"""What the gateway must know of a request where it stands in the body: route, flags, output limit."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from hortus.canon.dialect import Asked, Operation
from hortus.canon.errors import InvalidRequest
from hortus.framing.shallow import Members, read_members

_MOST_OUTPUT_TOKENS = 1_000_000_000
"""A limit above this is taken as this: it serves to reserve money, and no model writes as much."""

ADDED_MODEL = "+model"
"""Adaptation: the route stands in the path only, and is named in the body too."""

OVERRULED_MODEL = "path>model"
"""Adaptation: path and body name different routes; the body's is replaced by the path's."""

_ENCODE = msgspec.json.Encoder().encode
_DECODE_TEXT = msgspec.json.Decoder(str).decode
_DECODE_INT = msgspec.json.Decoder(int).decode


def read_route(members: Members) -> str:
    """Return the route's name, from `model`.

    Raises:
        InvalidRequest: It is missing or not a string.
    """
    value = members.get("model")
    if value is None:
        raise InvalidRequest(
            "`model` is missing.", path="model", hint="Name a route there; GET /v1/models lists those you may use."
        )
    try:
        return _DECODE_TEXT(value)
    except msgspec.ValidationError as error:
        raise InvalidRequest("`model` must be a string.", path="model", hint="Name a route there.") from error


def read_asked(operation: Operation, body: bytes, *, limit: str) -> Asked:
    """Return what is asked where the body alone says it, and streams always report what was used.

    Args:
        operation: Which one.
        body: The request's.
        limit: The member that limits the output.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: `model` is missing, or `stream` is no boolean.
    """
    members = read_members(body)
    is_stream = operation.can_stream and read_flag(members, "stream", path="stream")
    return Asked(
        route=read_route(members),
        is_stream=is_stream,
        wants_usage=is_stream,
        output_limit=read_limit(members, limit),
        members=members,
    )


class Named(msgspec.Struct, frozen=True):
    """A request's route and its members, which name it too; `adaptations` say where Hortus made them do so."""

    route: str
    members: Members
    adaptations: tuple[str, ...] = ()


def name_route(members: Members, in_path: str | None) -> Named:
    """Return the route, from the path where that has one, else from `model`; where they disagree, the path wins.

    Raises:
        InvalidRequest: Neither names one.
    """
    if in_path is None:
        return Named(read_route(members), members)
    said = members.get("model")
    if said is not None and _is_text(said, in_path):
        return Named(in_path, members)
    named = members | {"model": msgspec.Raw(_ENCODE(in_path))}
    return Named(in_path, named, (ADDED_MODEL if said is None else OVERRULED_MODEL,))


def _is_text(value: msgspec.Raw, text: str) -> bool:
    try:
        return _DECODE_TEXT(value) == text
    except msgspec.DecodeError:
        return False


def read_flag(members: Members, name: str, *, path: str) -> bool:
    """Return whether the member `name` is true; absent and null are false.

    Raises:
        InvalidRequest: It is something else.
    """
    value = members.get(name)
    if value is None:
        return False
    text = bytes(value)
    if text not in {b"true", b"false", b"null"}:
        raise InvalidRequest(f"`{path}` must be true or false.", path=path, hint="Send a JSON boolean.")
    return text == b"true"


def read_limit(members: Members, *names: str) -> int | None:
    """Return the first of these members that is set, as a limit of tokens; None where none is."""
    for name in names:
        value = members.get(name)
        if value is not None:
            try:
                return min(max(0, _DECODE_INT(value)), _MOST_OUTPUT_TOKENS)
            except msgspec.DecodeError:
                return None  # null, or of a wrong type that is the host's to judge
    return None


def write_limit(asked: Asked, name: str, most_tokens: int) -> Asked:
    """Return the request with a limit of output tokens in the member `name`."""
    limit = {name: msgspec.Raw(b"%d" % most_tokens)}
    return replace(asked, output_limit=most_tokens, members=asked.members | limit)
