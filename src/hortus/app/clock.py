"""The real clock and the real randomness; everything below `app` takes them as ports."""

from __future__ import annotations

import os
import time


class SystemClock:
    """Tells the machine's time."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000

    monotonic_s = staticmethod(time.monotonic)
    """Seconds that only grow."""


def random_bytes(count: int) -> bytes:
    """Return `count` bytes from the system's secure source."""
    return os.urandom(count)
