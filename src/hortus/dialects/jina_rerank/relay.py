"""What the gateway must know of requests and answers that stay in this dialect."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from hortus.canon.dialect import Answer, Asked, Operation
from hortus.canon.units import Units
from hortus.dialects.jina_rerank.wire import NAME
from hortus.framing.asking import Named, read_route
from hortus.framing.counting import UNREADABLE, estimate, read_served_model
from hortus.framing.metering import read_members as read_counts
from hortus.framing.metering import usage_of
from hortus.framing.plain import ask
from hortus.framing.ranking import weigh_ranking
from hortus.framing.shallow import read_members

_NOTHING = Raw(b"null")


class _Head(msgspec.Struct):
    model: Raw = _NOTHING
    usage: Raw = _NOTHING


_DECODE = msgspec.json.Decoder(_Head).decode


def read_request(operation: Operation, body: bytes, route: str | None = None) -> Asked:
    """Read the route out of a request.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: `model` is missing or no text.
    """
    del operation, route  # there is but one, and its path names no route
    members = read_members(body)
    return ask(Named(read_route(members), members))


def read_answer(operation: Operation, body: bytes, input_bytes: int) -> Answer:
    """Return usage and served model, the usage estimated where the host leaves it out."""
    del operation
    try:
        head = _DECODE(body)
    except UNREADABLE:
        head = _Head()
    counts = read_counts(head.usage)
    usage = usage_of(NAME, counts) if counts is not None else None
    return Answer(
        usage=usage or estimate(input_bytes=input_bytes, output_tokens=0), served_model=read_served_model(head.model)
    )


def weigh(operation: Operation, asked: Asked, body: bytes) -> Units:
    """Return what the request may use."""
    del operation
    return weigh_ranking(asked.members, body)
