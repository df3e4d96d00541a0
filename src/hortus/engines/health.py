"""Does an engine still answer, and if not, is it busy or hung? One small HTTP call, and a pure judgement of it."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from hortus.engines.asking import ask

PROBE_INTERVAL_S = 2.0
PROBE_TIMEOUT_S = 2.0
HUNG_AFTER_S = 6.0
"""Without an answer and without processor time for so long: hung."""
LOST_AFTER_S = 300.0
"""Without an answer for so long it is hung even when it computes; less could be a queue of long answers."""

_BUSY_SHARE = 0.01
"""Processor seconds per second above which an engine counts as computing."""


class Pulse(msgspec.Struct, frozen=True):
    """What the last probes said.

    Attributes:
        answered_at_s: When it last answered, on the monotonic clock.
        computed_at_s: When it was last seen computing or answering.
        cpu_s: Its processor time at the last probe.
        checked_at_s: When that was.
    """

    answered_at_s: float
    computed_at_s: float
    cpu_s: float
    checked_at_s: float

    @classmethod
    def first(cls, now_s: float, *, cpu_s: float) -> Pulse:
        """Return the pulse of an engine that has just reported ready."""
        return cls(answered_at_s=now_s, computed_at_s=now_s, cpu_s=cpu_s, checked_at_s=now_s)

    def after_probe(self, *, answered: bool, cpu_s: float, now_s: float) -> Pulse:
        """Return the pulse after one more probe."""
        is_busy = cpu_s - self.cpu_s > _BUSY_SHARE * (now_s - self.checked_at_s)
        return Pulse(
            answered_at_s=now_s if answered else self.answered_at_s,
            computed_at_s=now_s if answered or is_busy else self.computed_at_s,
            cpu_s=cpu_s,
            checked_at_s=now_s,
        )

    def is_hung(self) -> bool:
        """Tell whether waiting longer has no point."""
        silent_s = self.checked_at_s - self.answered_at_s
        idle_s = self.checked_at_s - self.computed_at_s
        return idle_s >= HUNG_AFTER_S or silent_s >= LOST_AFTER_S


async def probe(port: int, *, path: str, timeout_s: float = PROBE_TIMEOUT_S) -> bool:
    """Ask an engine on this machine whether it lives; anything but a 200 in time is a no."""
    answer = await ask(port, path, timeout_s=timeout_s, wants_body=False)
    return answer is not None and answer.status == HTTPStatus.OK
