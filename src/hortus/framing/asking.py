"""What the gateway must know of a request where it stands in the body: route, flags, output limit."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from hortus.canon.dialect import Asked
from hortus.canon.errors import InvalidRequest
from hortus.framing.shallow import Members

_MOST_OUTPUT_TOKENS = 1_000_000_000
"""A limit above this is taken as this: it serves to reserve money, and no model writes as much."""

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
