"""Is an endpoint worth a call? A breaker for each: closed while it works, open while it does not, then one probe.

Which faults count is a table: those that say that a host is down or overloaded, never the caller's. Time comes in as
an argument; nothing here waits, logs or counts.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from hortus.canon.errors import (
    BrokenStream,
    HostFault,
    HostRefused,
    HostRejected,
    HostTimedOut,
    HostUnavailable,
)

State = Literal["closed", "half_open", "open"]

_COUNTS: tuple[tuple[type[HostFault], bool], ...] = (
    (HostRejected, False),  # the caller's fault, or an admin's
    (HostRefused, False),  # a credential that an admin must mend: the message has to reach people
    (HostUnavailable, True),
    (HostTimedOut, True),
    (BrokenStream, True),
    (HostFault, True),  # 5xx, 429, 503 and an account that is used up
)
"""The first class that fits says whether the fault counts against the endpoint."""


class BreakerRules(msgspec.Struct, frozen=True):
    """When a breaker opens, and for how long.

    Attributes:
        in_a_row: So many failures one after the other open it; 0: nothing ever does.
        of_window: So many failures among the last `window` calls do too.
        memory_s: What failed longer ago than this, with no failure since, is forgotten.
        cooldown_s: How long it stays open at first; each probe that fails doubles that.
        longest_cooldown_s: But no longer than this.
        longest_heed_s: A host that names a time (`Retry-After`) is left alone that long, but no longer than this.
    """

    in_a_row: int = 5
    of_window: int = 10
    window: int = 20
    memory_s: float = 60.0
    cooldown_s: float = 5.0
    longest_cooldown_s: float = 120.0
    longest_heed_s: float = 300.0


def counts(error: HostFault) -> bool:
    """Tell whether an error says that the host is down or overloaded."""
    if isinstance(error, HostUnavailable) and not error.retry_helps:
        return False  # this request cannot be sent, or a certificate is not trusted: the host may be well
    return next(is_counted for kind, is_counted in _COUNTS if isinstance(error, kind))


class Breaker:
    """One endpoint's, in one worker. Whoever calls passes a token of its own, so that a probe is known again."""

    __slots__ = (
        "_cooldown_s",
        "_failed_at_s",
        "_history",
        "_in_a_row",
        "_prober",
        "_rules",
        "is_closed",
        "is_spotless",
        "until_s",
    )

    def __init__(self, rules: BreakerRules) -> None:
        self._rules = rules
        self._cooldown_s = rules.cooldown_s
        self._history = 0
        """The last calls as bits, the latest lowest; 1: failed."""
        self._in_a_row = 0
        self._failed_at_s = 0.0
        self._prober: object | None = None
        self.is_closed = True
        self.is_spotless = True
        """None of the calls that it remembers has failed: a success tells it nothing."""
        self.until_s = 0.0
        """While it is not closed: from when on it may be probed."""

    @property
    def state(self) -> State:
        """Closed, open, or half-open: a probe is under way."""
        if self.is_closed:
            return "closed"
        return "open" if self._prober is None else "half_open"

    def may_call(self, now_s: float) -> bool:
        """Tell whether `claim` would succeed."""
        return self.is_closed or (now_s >= self.until_s and self._prober is None)

    def claim(self, who: object, now_s: float) -> bool:
        """Ask to call the endpoint; where it is open and its time has come, `who` becomes the one probe."""
        if not self.may_call(now_s):
            return False
        if not self.is_closed:
            self._prober = who
        return True

    def release(self, who: object) -> None:
        """The call is over, whatever came of it: a probe that nothing was learnt from makes room for the next."""
        if self._prober is who:
            self._prober = None

    def greet(self, who: object) -> bool:
        """The host has begun to answer; tell whether that closed the breaker, which the next failure opens again."""
        if self.is_closed or self._prober is not who:
            return False
        self._prober = None
        self.is_closed = True
        self.is_spotless = False
        self._history = 0
        self._in_a_row = self._rules.in_a_row - 1
        self._grow_cooldown()
        return True

    def succeed(self, who: object) -> bool:
        """The host has answered; tell whether that closed the breaker. What began before it opened proves nothing."""
        is_change = self.greet(who)
        if self.is_closed and not self.is_spotless:
            self._in_a_row = 0
            self._cooldown_s = self._rules.cooldown_s
            self._note(failed=0)
        return is_change

    def fail(self, who: object, now_s: float, *, wait_s: float | None = None) -> bool:
        """The host has failed; tell whether that opened the breaker.

        Args:
            who: As in `claim`.
            now_s: When.
            wait_s: How long the host says that it wants to be left alone.
        """
        rules = self._rules
        if not rules.in_a_row:
            return False
        heed_s = min(wait_s, rules.longest_heed_s) if wait_s else None
        if not self.is_closed:
            return self._fail_again(who, now_s, heed_s=heed_s)
        if now_s - self._failed_at_s > rules.memory_s:
            self._history = self._in_a_row = 0
        self._failed_at_s = now_s
        self._in_a_row += 1
        self._note(failed=1)
        if heed_s is None and self._in_a_row < rules.in_a_row and self._history.bit_count() < rules.of_window:
            return False
        self.is_closed = False
        self.until_s = now_s + (heed_s or self._cooldown_s)
        return True

    def _fail_again(self, who: object, now_s: float, *, heed_s: float | None) -> bool:
        """Take a failure while it is not closed: a probe's keeps it open for longer, others count where they say so."""
        if self._prober is who:
            self._prober = None
            if heed_s is None:
                self._grow_cooldown()
            self.until_s = now_s + (heed_s or self._cooldown_s)
            return True
        if heed_s is not None:
            self.until_s = max(self.until_s, now_s + heed_s)
        return False

    def _grow_cooldown(self) -> None:
        self._cooldown_s = min(self._cooldown_s * 2, self._rules.longest_cooldown_s)

    def _note(self, *, failed: int) -> None:
        self._history = (self._history << 1 | failed) & ((1 << self._rules.window) - 1)
        self.is_spotless = not self._history
