"""What a dialect is whose answers all come whole: no streams, no limit of output, no models of its own to list."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from hortus.canon.dialect import Asked, Rewritten, RouteCard, StreamUsage
from hortus.canon.errors import Internal, RequestError
from hortus.framing.asking import Named
from hortus.framing.openai_errors import ErrorObject, describe
from hortus.framing.shallow import write_members

MODEL = "model"
"""Adaptation: the route's name is replaced by the host's name of the model."""

_ENCODE = msgspec.json.Encoder().encode


class _Body(msgspec.Struct):
    error: ErrorObject


def ask(named: Named) -> Asked:
    """Return what is asked where the body, and nothing else, says it."""
    return Asked(
        route=named.route,
        is_stream=False,
        wants_usage=True,
        output_limit=None,
        members=named.members,
        adaptations=named.adaptations,
    )


def write_request(asked: Asked, upstream_model: str) -> Rewritten:
    """Return the body for a host that calls the model `upstream_model`."""
    if upstream_model == asked.route:
        return Rewritten(write_members(asked.members), asked.adaptations)
    members = asked.members | {MODEL: Raw(_ENCODE(upstream_model))}
    return Rewritten(write_members(members), (MODEL, *asked.adaptations))


def cap_nothing(asked: Asked, most_tokens: int) -> Asked:
    """Return the request as it is: it has no output that could be limited."""
    del most_tokens
    return asked


def no_stream(wants_usage: bool) -> StreamUsage:  # noqa: FBT001 -- as `Dialect.open_stream` is called
    """Refuse: nothing comes in parts."""
    del wants_usage
    raise Internal("This dialect has no streams.")


def no_routes(cards: tuple[RouteCard, ...]) -> bytes:
    """Return an empty list: no path asks for it."""
    del cards
    return b'{"object":"list","data":[]}'


def no_route(card: RouteCard) -> bytes:
    """Return nothing: no path asks for it."""
    del card
    return b"{}"


def write_error(error: RequestError, receipt_id: str) -> bytes:
    """Return OpenAI's error object, where an answer has begun."""
    del receipt_id
    return _ENCODE(_Body(describe(error)))
