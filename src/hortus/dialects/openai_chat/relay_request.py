"""What the gateway must know of a request, and the request as a host gets it: two members changed, the rest as sent."""

from __future__ import annotations

import msgspec

from hortus.canon.dialect import Asked, Operation, Rewritten
from hortus.canon.errors import InvalidRequest
from hortus.framing.asking import name_route, read_flag, read_limit
from hortus.framing.named_files import files_in
from hortus.framing.opening import NULL
from hortus.framing.shallow import Members, read_members, write_members

ADAPTED_MODEL = "model"
"""Adaptation: the route's name is replaced by the host's name of the model."""

ADAPTED_USAGE = "stream_options.include_usage"
"""Adaptation: usage is asked for where the client did not, and the extra frame is consumed."""

_TRUE = msgspec.Raw(b"true")
_DECODE_MEMBERS = msgspec.json.Decoder(Members).decode
_ENCODE = msgspec.json.Encoder().encode


def read_request(operation: Operation, body: bytes, route: str | None = None) -> Asked:
    """Read route, stream and output limit out of a request; Azure's paths name the route.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: `model` is missing, or a member that the gateway reads has the wrong type or stands twice.
    """
    named = name_route(read_members(body), route)
    members = named.members
    is_stream = operation.can_stream and read_flag(members, "stream", path="stream")
    wants_usage = False
    if is_stream and "stream_options" in members:
        wants_usage = read_flag(_stream_options(members), "include_usage", path="stream_options.include_usage")
    return Asked(
        route=named.route,
        is_stream=is_stream,
        wants_usage=wants_usage,
        # The second is deprecated in favour of the first; hosts other than OpenAI mostly know the old one.
        output_limit=read_limit(members, "max_completion_tokens", "max_tokens"),
        members=members,
        host_ids=tuple(dict.fromkeys(files_in(members.get("messages", NULL), path="messages"))),
        adaptations=named.adaptations,
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
