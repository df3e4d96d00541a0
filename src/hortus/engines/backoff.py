"""How long to wait before an engine that ended is started again: exponential, capped, forgotten after a stable time."""

from __future__ import annotations

FIRST_DELAY_S = 0.25
LONGEST_DELAY_S = 30.0
STABLE_AFTER_S = 60.0
"""An engine that was ready for so long has a clean record."""

_DOUBLINGS = 16
"""More would only make a number that the cap cuts."""


def delay_s(failures: int) -> float:
    """Return the wait after the given number of failures in a row (1 or more).

    >>> [delay_s(count) for count in (1, 2, 3, 20)]
    [0.25, 0.5, 1.0, 30.0]
    """
    return float(min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** min(max(failures, 1) - 1, _DOUBLINGS)))


def count_failure(failures: int, *, ready_for_s: float) -> int:
    """Return the failures in a row after one more, given how long the engine had been ready.

    >>> count_failure(7, ready_for_s=0.0), count_failure(7, ready_for_s=3600.0)
    (8, 1)
    """
    return 1 if ready_for_s >= STABLE_AFTER_S else failures + 1
