"""What must a dialect bring so that conversations over a WebSocket pass through the gateway? A few plain functions.

Messages pass byte for byte. The gateway reads which route is meant, when an answer begins, and what it has used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

import msgspec

from hortus.canon.errors import RequestError
from hortus.canon.usage import Usage

Message = str | bytes
"""One whole WebSocket message: text or binary."""


class Mark(msgspec.Struct, frozen=True):
    """Something that a host's message says of an answer.

    Attributes:
        kind: `begun`: the model answers; `ended`: it has, or stopped doing so.
        answer: Tells answers apart that run at once.
        usage: What it has used, where the host says so.
        is_failed: The answer ended with an error of the host.
    """

    kind: Literal["begun", "ended"]
    answer: str
    usage: Usage | None = None
    is_failed: bool = False


class Meter(Protocol):
    """Reads a host's messages of one conversation as they pass."""

    def hear(self, message: Message) -> tuple[Mark, ...]:
        """Return what a message says of answers; nothing for what cannot be read, which is the client's to judge."""
        ...


class Realtime(msgspec.Struct, frozen=True):
    """A dialect's conversations.

    Attributes:
        route_in: Whether the address names the route, or the client's first message does.
        read_route: Parameters of the address, and the first message where that is what names it, to the route's name;
            raises CallerFault.
        write_first: The first message and the host's name of the model, to the message for the host.
        open_meter: A meter for one conversation.
        write_error: An error and the receipt's id, to the message that tells the client; None where there is no such
            message and the close frame must do.
        write_next: A further message of the client, the route's name and the host's name of the model, to the message
            for the host; raises CallerFault where it names another model than the one that was judged.
        subprotocols: Those that the dialect's clients ask for and expect to be chosen.
    """

    route_in: Literal["query", "message"]
    read_route: Callable[[Mapping[str, str], Message | None], str]
    open_meter: Callable[[], Meter]
    write_error: Callable[[RequestError, str], Message | None]
    write_next: Callable[[Message, str, str], Message]
    write_first: Callable[[Message, str], Message] = lambda message, _: message
    subprotocols: tuple[str, ...] = ()
