"""What a dialect says that has nothing but conversations over a WebSocket: whatever is none is refused."""

from __future__ import annotations

from typing import NoReturn

from hortus.canon.dialect import Asked, Operation
from hortus.canon.errors import Internal, UpgradeRefused
from hortus.canon.units import Units

REALTIME = "realtime"
"""The operation's name."""


def read_request(operation: Operation, body: bytes, route: str | None) -> NoReturn:
    """Refuse a request that asks for no WebSocket.

    Raises:
        UpgradeRefused: Always.
    """
    del operation, body, route
    raise UpgradeRefused(
        "This path wants a WebSocket.", hint="Use the maker's SDK for live conversations, or a WebSocket client."
    )


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
