"""Is a host's answer one that can be read? What would be the client's fault in a request is the host's here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

from hortus.canon.errors import BrokenStream, CallerFault
from hortus.framing.shallow import check_text

T = TypeVar("T")


def unreadable(fault: CallerFault) -> BrokenStream:
    """Return the host's fault for what, from a client, would be the client's."""
    return BrokenStream(f"The host's answer cannot be read: {fault.message}", path=fault.path)


def misshapen(fault: CallerFault, what: Literal["answer", "stream"]) -> BrokenStream:
    """Return the same where it is read in pieces that must fit each other."""
    return BrokenStream(f"The host's {what} is not as it must be: {fault.message}", path=fault.path)


def read_whole(body: bytes, read: Callable[[bytes], T]) -> T:
    """Return what `read` makes of an answer.

    Raises:
        BrokenStream: It cannot be read as one.
    """
    try:
        check_text(body)
        return read(body)
    except CallerFault as fault:
        raise unreadable(fault) from fault
