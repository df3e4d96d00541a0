"""Which of a name's addresses answers first: RFC 8305, for any event loop (uvloop has no such thing of its own)."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

_HEAD_START_S = 0.25
"""RFC 8305, section 8: how long an address is tried alone before the next one joins."""

_LONGEST_S = 3600.0  # the dialler's own timeout is over long before

_P = TypeVar("_P")

Resolve = Callable[[str, int], Coroutine[Any, Any, list[str]]]
"""Finds the addresses of a host and port; raises OSError."""

Dial = Callable[[str], Coroutine[Any, Any, _P]]
"""Connects to one address. Cancelled or failed, it leaves nothing open."""


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, families taking turns, the system's preference first.

    Raises:
        OSError: The name is not known.
    """
    try:
        ipaddress.ip_address(host)
    except ValueError:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    else:
        return [host]
    families = list(dict.fromkeys(int(family) for family, *_ in found))
    ranked = [
        (rank, families.index(family), address)
        for family in families
        for rank, address in enumerate(dict.fromkeys(str(each[4][0]) for each in found if each[0] == family))
    ]
    return [address for *_, address in sorted(ranked)]


async def connect_any(addresses: Sequence[str], dial: Dial[_P], *, discard: Callable[[_P], None]) -> _P:
    """Return the first connection that stands; each later address starts a moment after the one before.

    Args:
        discard: Closes one that came too late.

    Raises:
        OSError: None of them answered; the first one's error.
    """
    if len(addresses) == 1:
        return await dial(addresses[0])
    attempts: list[asyncio.Task[_P]] = []
    winner: asyncio.Task[_P] | None = None

    def end(attempt: asyncio.Task[_P]) -> None:
        if not attempt.cancelled() and attempt.exception() is None:
            discard(attempt.result())

    try:
        for number, address in enumerate(addresses, start=1):
            attempts.append(asyncio.create_task(dial(address)))
            is_last = number == len(addresses)
            winner = await _first_connected(attempts, timeout_s=_LONGEST_S if is_last else _HEAD_START_S)
            if winner is not None:
                return winner.result()
    finally:
        for attempt in attempts:
            if attempt is not winner:
                attempt.cancel()
                attempt.add_done_callback(end)
    raise next((error for each in attempts if (error := each.exception())), OSError("no address"))


async def _first_connected(attempts: Sequence[asyncio.Task[_P]], *, timeout_s: float) -> asyncio.Task[_P] | None:
    """Return the first success, or None when all have failed or the newest one's head start is over."""
    loop = asyncio.get_running_loop()
    ends_at_s = loop.time() + timeout_s
    while (winner := _find_success(attempts)) is None:
        running = [each for each in attempts if not each.done()]
        left_s = ends_at_s - loop.time()
        if not running or left_s <= 0:
            return None
        await asyncio.wait(running, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
    return winner


def _find_success(attempts: Sequence[asyncio.Task[_P]]) -> asyncio.Task[_P] | None:
    return next((each for each in attempts if each.done() and each.exception() is None), None)
