"""Requests and whole answers that stay in this dialect: what the gateway must know, everything else as it was sent."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from hortus.canon.dialect import Answer, Asked, Operation, Rewritten, RouteCard
from hortus.canon.usage import Usage
from hortus.dialects.openai_responses.pen import ENCODE
from hortus.dialects.openai_responses.relay_ids import given_ids, named_ids
from hortus.dialects.openai_responses.usage import Told, count
from hortus.framing.asking import read_flag, read_limit, read_route
from hortus.framing.counting import UNREADABLE, estimate_whole, read_served_model
from hortus.framing.opening import NULL
from hortus.framing.shallow import read_members, write_members


class _Head(Told):
    model: Raw = NULL


_DECODE = msgspec.json.Decoder(_Head).decode


def read_request(operation: Operation, body: bytes, route: str | None = None) -> Asked:
    """Read route, stream, output limit and hosts' ids out of a request.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: `model` is missing, or a member that the gateway reads has the wrong type.
    """
    del route  # it stands in the body
    members = read_members(body)
    return Asked(
        route=read_route(members),
        is_stream=operation.can_stream and read_flag(members, "stream", path="stream"),
        wants_usage=True,  # its streams always report it
        output_limit=read_limit(members, "max_output_tokens"),
        members=members,
        host_ids=named_ids(members),
    )


def write_request(asked: Asked, upstream_model: str) -> Rewritten:
    """Return the body for a host that calls the model `upstream_model`."""
    if upstream_model == asked.route:
        return Rewritten(body=write_members(asked.members), adaptations=())
    model = Raw(ENCODE(upstream_model))
    return Rewritten(body=write_members(asked.members | {"model": model}), adaptations=("model",))


def read_answer(operation: Operation, body: bytes, input_bytes: int) -> Answer:
    """Return usage, served model and given ids of a whole answer; usage that the host leaves out is estimated."""
    if not operation.can_stream:  # counting tokens uses none
        return Answer(usage=Usage(), served_model=None)
    try:
        head = _DECODE(body)
    except UNREADABLE:
        return Answer(usage=estimate_whole(input_bytes=input_bytes, output_bytes=0), served_model=None)
    said = 0 if head.output == NULL else len(bytes(head.output))
    usage = count(head) or estimate_whole(input_bytes=input_bytes, output_bytes=said)
    return Answer(usage=usage, served_model=read_served_model(head.model), given_ids=given_ids(body))


def write_routes(cards: tuple[RouteCard, ...]) -> bytes:
    """Return nothing: models are listed by OpenAI's other dialect, which has the same bases."""
    del cards
    return b""


def write_route(card: RouteCard) -> bytes:
    """Return nothing, as above."""
    del card
    return b""
