"""Requests and whole answers that stay in this dialect: what the gateway must know, everything else as it was sent."""

from __future__ import annotations

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hortus.canon.dialect import Answer, Asked, Operation, Rewritten
from hortus.dialects.cohere_v2.usage import read_meta, read_usage
from hortus.framing.asking import read_asked
from hortus.framing.counting import UNREADABLE, estimate_whole
from hortus.framing.shallow import write_members

_NOTHING = Raw(b"null")
_ENCODE = msgspec.json.Encoder().encode


class _Head(msgspec.Struct):
    usage: Raw = _NOTHING
    meta: Raw = _NOTHING
    message: Raw = _NOTHING


_DECODE = msgspec.json.Decoder(_Head).decode


def read_request(operation: Operation, body: bytes, route: str | None = None) -> Asked:
    """Read route, stream and output limit out of a request.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: `model` is missing, or a member that the gateway reads has the wrong type.
    """
    del route  # it stands in the body
    asked = read_asked(operation, body, limit="max_tokens")
    return asked if operation.can_stream else replace(asked, output_limit=None)


def write_request(asked: Asked, upstream_model: str) -> Rewritten:
    """Return the body for a host that calls the model `upstream_model`."""
    changed: dict[str, Raw] = {}
    if upstream_model != asked.route:
        changed["model"] = Raw(_ENCODE(upstream_model))
    return Rewritten(body=write_members(asked.members | changed), adaptations=tuple(changed))


def read_answer(operation: Operation, body: bytes, input_bytes: int) -> Answer:
    """Return the usage of a whole answer, estimated where the host leaves it out; Cohere never names the model."""
    try:
        head = _DECODE(body)
    except UNREADABLE:
        head = _Head()
    usage = read_usage(head.usage) if operation.can_stream else read_meta(head.meta)
    if usage is None:
        size = len(bytes(head.message)) if operation.can_stream and head.message != _NOTHING else 0
        usage = estimate_whole(input_bytes=input_bytes, output_bytes=size)
    return Answer(usage=usage, served_model=None)
