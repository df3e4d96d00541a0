"""Has an engine that was replaced answered everything? Waits until nobody can still be sent to it and nothing runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from hortus.base.time import Clock

GRACE_S = 3.0
"""Gateway workers look for new addresses ten times a second; a stalled one gets so long."""
DRAIN_S = 600.0
"""A request that runs longer than this is cut with its engine."""

_LOOK_EVERY_S = 0.25
_QUIET_LOOKS = 2
"""So many looks in a row without work: one alone could fall between two steps of a request."""

_LOCAL, _STATE, _QUEUES = 1, 3, 4
"""Columns of /proc/net/tcp, proc_pid_net(5)."""
_OPEN = frozenset({"01", "08"})
"""Established, or closed by the other side only; what is left in one that the engine has closed needs no engine."""

CountRunning = Callable[[], Awaitable[int | None]]
"""Requests that an engine works on; None where it does not say."""


async def drained(
    count_running: CountRunning, *, port: int, clock: Clock, grace_s: float = GRACE_S, drain_s: float = DRAIN_S
) -> bool:
    """Wait until an engine has nothing left to do; tell whether that came true within `drain_s`.

    Args:
        count_running: Asks the engine.
        port: The engine's; what it has written and nobody has taken yet keeps it busy.
        clock: Measures.
        grace_s: Nothing is asked before: requests may still be on their way to it.
        drain_s: From the end of the grace on.
    """
    await asyncio.sleep(grace_s)
    end_s = clock.monotonic_s() + drain_s
    quiet = 0
    while quiet < _QUIET_LOOKS:
        is_quiet = await count_running() == 0 and unsent_bytes(port) == 0
        quiet = quiet + 1 if is_quiet else 0
        if clock.monotonic_s() >= end_s:
            return is_quiet
        await asyncio.sleep(_LOOK_EVERY_S)
    return True


def unsent_bytes(port: int, *, table: Path = Path("/proc/net/tcp")) -> int:
    """Return how many bytes wait in the kernel to leave this port: a slow reader holds up an answer that is done."""
    ending = f":{port:04X}"
    rows = (line.split() for line in table.read_text("ascii").splitlines()[1:])
    mine = (row for row in rows if row[_LOCAL].endswith(ending) and row[_STATE] in _OPEN)
    return sum(int(row[_QUEUES].partition(":")[0], 16) for row in mine)
