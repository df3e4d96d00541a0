"""What the gateway must know of a request, and the request as a host gets it: two members changed, the rest as sent."""

from __future__ import annotations

import msgspec

from hortus.canon.dialect import Asked, Operation, Rewritten
from hortus.canon.errors import InvalidRequest
from hortus.framing.shallow import Members, read_members, write_members

ADAPTED_MODEL = "model"
"""Adaptation: the route's name is replaced by the host's name of the model."""

ADAPTED_USAGE = "stream_options.include_usage"
"""Adaptation: usage is asked for where the client did not, and the extra frame is consumed."""

_MOST_OUTPUT_TOKENS = 1_000_000_000
"""A limit above this is taken as this: it serves to reserve money, and no model writes as much."""

_TRUE = msgspec.Raw(b"true")
_DECODE_MEMBERS = msgspec.json.Decoder(Members).decode
_DECODE_TEXT = msgspec.json.Decoder(str).decode
_DECODE_INT = msgspec.json.Decoder(int).decode
_ENCODE = msgspec.json.Encoder().encode


def read_request(operation: Operation, body: bytes, route: str | None = None) -> Asked:
    """Read route, stream and output limit out of a request.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: `model` is missing, or a member that the gateway reads has the wrong type.
    """
    del route  # it stands in the body
    members = read_members(body)
    is_stream = operation.can_stream and _flag(members, "stream", path="stream")
    wants_usage = False
    if is_stream and "stream_options" in members:
        wants_usage = _flag(_stream_options(members), "include_usage", path="stream_options.include_usage")
    return Asked(
        route=_model(members),
        is_stream=is_stream,
        wants_usage=wants_usage,
        output_limit=_output_limit(members),
        members=members,
    )


def write_request(asked: Asked, upstream_model: str) -> Rewritten:
    """Return the body for a host that calls the model `upstream_model`."""
    members = asked.members
    changed: Members = {}
    adaptations: tuple[str, ...] = ()
    if upstream_model != asked.route:
        changed["model"] = msgspec.Raw(_ENCODE(upstream_model))
        adaptations = (ADAPTED_MODEL,)
    if asked.is_stream and not (asked.wants_usage and _is_said_once(members["stream_options"])):
        options = _stream_options(members) if "stream_options" in members else {}
        changed["stream_options"] = msgspec.Raw(write_members(options | {"include_usage": _TRUE}))
        if not asked.wants_usage:
            adaptations += (ADAPTED_USAGE,)
    return Rewritten(body=write_members(members | changed), adaptations=adaptations)


def _model(members: Members) -> str:
    value = members.get("model")
    if value is None:
        raise InvalidRequest(
            "`model` is missing.", path="model", hint="Name a route there; GET /v1/models lists those you may use."
        )
    try:
        return _DECODE_TEXT(value)
    except msgspec.ValidationError as error:
        raise InvalidRequest("`model` must be a string.", path="model", hint="Name a route there.") from error


def _flag(members: Members, name: str, *, path: str) -> bool:
    value = members.get(name)
    if value is None:
        return False
    text = bytes(value)
    if text not in {b"true", b"false", b"null"}:
        raise InvalidRequest(f"`{path}` must be true or false.", path=path, hint="Send a JSON boolean.")
    return text == b"true"


def _stream_options(members: Members) -> Members:
    value = members["stream_options"]
    if bytes(value) == b"null":
        return {}
    try:
        return _DECODE_MEMBERS(value)
    except msgspec.ValidationError as error:
        raise InvalidRequest(
            "`stream_options` must be an object.", path="stream_options", hint='Such as {"include_usage": true}.'
        ) from error


def _is_said_once(options: msgspec.Raw) -> bool:
    """Tell whether `include_usage` cannot stand twice: the host must see the one that was judged here."""
    text = bytes(options)
    return text.count(b'"include_usage"') == 1 and b"\\" not in text


def _output_limit(members: Members) -> int | None:
    # `max_tokens` is deprecated in favour of `max_completion_tokens`; hosts other than OpenAI mostly know the old one.
    for name in ("max_completion_tokens", "max_tokens"):
        value = members.get(name)
        if value is not None:
            try:
                return min(max(0, _DECODE_INT(value)), _MOST_OUTPUT_TOKENS)
            except msgspec.DecodeError:
                return None  # null, or of a wrong type that is the host's to judge
    return None
