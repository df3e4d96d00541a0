"""What a dialect says that has nothing but conversations over a WebSocket: whatever is none is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import msgspec

from hortus.canon.dialect import Asked, Dialect, ErrorReply, Operation
from hortus.canon.errors import Internal, InvalidRequest, RequestError, UpgradeRefused
from hortus.canon.realtime import Message, Realtime
from hortus.canon.units import Units
from hortus.framing.counting import UNREADABLE
from hortus.framing.shallow import Members

REALTIME = "realtime"
"""The operation's name."""

_DECODE = msgspec.json.Decoder(Members).decode


def read_request(operation: Operation, body: bytes, route: str | None) -> NoReturn:
    """Refuse a request that asks for no WebSocket.

    Raises:
        UpgradeRefused: Always.
    """
    del operation, body, route
    raise UpgradeRefused(
        "This path wants a WebSocket.", hint="Use the maker's SDK for live conversations, or a WebSocket client."
    )


def members_of(message: Message) -> Members:
    """Return the members of a client's message.

    Raises:
        InvalidRequest: It is no JSON object: nobody can tell what a host that takes more would read in it.
    """
    try:
        return _DECODE(message)
    except UNREADABLE:
        raise InvalidRequest(
            "A message is no JSON object.", hint="Send messages as the API's reference has them."
        ) from None


def nothing(*given: object) -> NoReturn:
    """Stand where only requests over plain HTTP come by, which there are none of.

    Raises:
        Internal: Always.
    """
    del given
    raise Internal("A conversation was taken for a request.")


def weigh(operation: Operation, asked: Asked, body: bytes) -> Units:
    """Return what one answer of a conversation may use: it takes in all that was said before."""
    del operation, asked, body
    return Units(kept=1)


def conversing_dialect(
    name: str,
    *,
    operations: tuple[Operation, ...],
    bases: tuple[str, ...],
    render_error: Callable[[RequestError, str], ErrorReply],
    realtime: Realtime,
    passed_headers: tuple[str, ...] = (),
) -> Dialect:
    """Return the record of a dialect that has nothing but conversations."""
    return Dialect(
        name=name,
        operations=operations,
        read_request=read_request,
        write_request=nothing,
        render_error=render_error,
        render_stream_error=nothing,
        read_answer=nothing,
        open_stream=nothing,
        weigh=weigh,
        cap_output=nothing,
        write_routes=nothing,
        write_route=nothing,
        bases=bases,
        passed_headers=passed_headers,
        realtime=realtime,
    )
