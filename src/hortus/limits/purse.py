"""What one worker holds of each pool: granted to it, used by it, reserved by requests that run. No I/O, no clock.

Whoever has a purse takes its asks to the ledger (`begin` when one is sent) and brings the replies back (`take`), one
ask of a pool at a time. An ask with a need gives back all that is free, so that no two writers wait for each other.

Soft limits have no place here: they refuse nothing, so nobody need reserve of them; the ledger counts the charges in
receipts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal

import msgspec

from hortus.limits.amounts import ZERO, add, part_of, subtract
from hortus.limits.period import split_pool_id
from hortus.limits.ports import Ask, Reply, Want

LINGERS_MS = 3_600_000
"""How long a pool is remembered after its period: a request that began in it may try another endpoint."""

_PORTION = Decimal(1) / 64  # of a limit
_HOLDS = 4  # that a portion has room for, at least
_HALF = Decimal("0.5")
_MINUTE_MS = 60_000


class _Held(msgspec.Struct, gc=False):
    """One pool. `granted` is `used` + `free` + what is reserved; `free` below zero: more was used than granted."""

    limit_id: str
    granted: Decimal = ZERO
    used: Decimal = ZERO
    free: Decimal = ZERO
    portion: Decimal = ZERO
    low: Decimal = ZERO
    asked: Ask | None = None
    is_recalled: bool = False
    is_touched: bool = True
    end_ms: int | None = None

    def reserved(self) -> Decimal:
        return subtract(subtract(self.granted, self.used), self.free)

    def without_free(self) -> Decimal:
        """Return what is left of `granted` when all that is free is given back."""
        return subtract(self.granted, self.free) if self.free > 0 else self.granted


class Purse:
    """The parts of pools that one writer holds."""

    def __init__(self) -> None:
        self._pools: dict[str, _Held] = {}
        self.low: set[str] = set()
        """Pools of which it is time to fetch more; see `prefetch`."""

    def reserve(self, wants: Sequence[Want]) -> tuple[Ask, ...]:
        """Reserve all of it or nothing; return what must be asked for, nothing where all is reserved.

        An ask is returned for every pool that is short, also where one is under way already (`is_asked`).
        """
        pools = self._pools
        for place, want in enumerate(wants):
            held = pools.get(want.pool) or self._add(want.pool, want.limit_id)
            amount = want.amount
            if held.free < amount:
                for earlier in wants[:place]:
                    self.free(earlier.pool, earlier.amount)
                return self._shortages(wants)
            held.free = free = subtract(held.free, amount)
            held.is_touched = True
            if free < held.low:
                self.low.add(want.pool)
        return ()

    def settle(self, pool: str, reserved: Decimal, *, charged: Decimal) -> None:
        """End a reservation with what it took; what exceeds it is owed, and the next ask has it on top."""
        held = self._pools.get(pool)
        if held is None:  # reserved of nobody: all of it is owed
            held, reserved = self._add(pool, split_pool_id(pool)[0]), ZERO
        held.used = add(held.used, charged)
        held.free = subtract(add(held.free, reserved), charged)

    def free(self, pool: str, reserved: Decimal) -> None:
        """End a reservation of which nothing was used."""
        held = self._pools[pool]
        held.free = add(held.free, reserved)

    def is_asked(self, pool: str) -> bool:
        """Tell whether an ask for this pool is under way: no other may begin."""
        held = self._pools.get(pool)
        return held is not None and held.asked is not None

    def is_any_asked(self) -> bool:
        """Tell whether any ask is under way."""
        return any(held.asked is not None for held in self._pools.values())

    def granted_of(self, pool: str) -> Decimal:
        """Return all that was granted, net of what was given back."""
        held = self._pools.get(pool)
        return held.granted if held else ZERO

    def free_of(self, pool: str) -> Decimal:
        """Return what is neither used nor reserved."""
        held = self._pools.get(pool)
        return held.free if held else ZERO

    def reserved_of(self, pool: str) -> Decimal:
        """Return what is reserved."""
        held = self._pools.get(pool)
        return held.reserved() if held else ZERO

    def begin(self, ask: Ask) -> None:
        """Note that an ask goes out now: what it gives back is gone from here on. It must be a fresh one."""
        held = self._pools.get(ask.pool) or self._add(ask.pool, ask.limit)
        held.free = subtract(held.free, subtract(held.granted, ask.held))
        held.granted = ask.held
        held.asked = ask

    def take(self, reply: Reply) -> Ask | None:
        """Take what was granted; return the ask that this answers, None where there was none."""
        held = self._pools.get(reply.pool)
        if held is None or held.asked is None:
            return None
        ask, held.asked = held.asked, None
        held.free = add(held.free, subtract(reply.granted, held.granted))
        held.granted = reply.granted
        held.end_ms = reply.end_ms
        # Where less is given than wanted, the pool runs dry: fetching ahead would only keep others from it
        is_plenty = reply.granted >= add(ask.held, add(ask.need, ask.want))
        held.low = part_of(held.portion, _HALF, is_whole=False) if is_plenty else ZERO
        return ask

    def prefetch(self) -> tuple[Ask, ...]:
        """Return asks for the pools of which less than half a portion is left."""
        names, self.low = self.low, set()
        chosen = [(name, held) for name in names if (held := self._pools.get(name)) and held.asked is None]
        return tuple(
            Ask(name, held.limit_id, held.granted, _owed(held), subtract(held.portion, max(held.free, ZERO)))
            for name, held in chosen
            if held.free < held.low
        )

    def recall(self, pools: Iterable[str]) -> tuple[Ask, ...]:
        """Return asks that give back what is free of these pools, also where that is nothing: the ledger waits.

        Where an ask is under way, the answer comes with the next `recalled`.
        """
        asks = []
        for name in pools:
            held = self._pools.get(name)
            if held is None:
                asks.append(Ask(name, split_pool_id(name)[0], ZERO))
            elif held.asked is not None:
                held.is_recalled = True
            else:
                held.is_recalled = False
                asks.append(_back(name, held))
        return tuple(asks)

    def recalled(self) -> tuple[Ask, ...]:
        """Return the answers to recalls that had to wait for a reply."""
        return self.recall([name for name, held in self._pools.items() if held.is_recalled and held.asked is None])

    def give_back(self) -> tuple[Ask, ...]:
        """Return asks that give back all that is free."""
        return self._backs(self._pools)

    def idle(self) -> tuple[Ask, ...]:
        """Return asks that give back what is free of pools that nobody has reserved of since the last call."""
        asks = self._backs([name for name, held in self._pools.items() if not held.is_touched])
        for held in self._pools.values():
            held.is_touched = False
        return asks

    def forget_over(self, now_ms: int) -> tuple[Ask, ...]:
        """Give back what is free of pools whose period is over, and drop those that nobody will use again.

        What is left of a minute is of use to nobody: that is dropped without a word.
        """
        over = {name: held for name, held in self._pools.items() if held.end_ms is not None and held.end_ms <= now_ms}
        for name, held in tuple(over.items()):
            if _is_done(name, held, now_ms):
                del self._pools[name], over[name]
        return self._backs([name for name, held in over.items() if not _is_minute(name, held)])

    def restate(self) -> tuple[Ask, ...]:
        """A new connection: nothing is under way any more; return asks that say what is held."""
        for held in self._pools.values():
            held.asked = None
            held.is_recalled = False
        return tuple(Ask(name, held.limit_id, held.granted) for name, held in self._pools.items())

    def _shortages(self, wants: Sequence[Want]) -> tuple[Ask, ...]:
        amounts: dict[str, Decimal] = {}
        for want in wants:
            amounts[want.pool] = add(amounts.get(want.pool, ZERO), want.amount)
        asks = []
        for want in {want.pool: want for want in wants}.values():
            held = self._pools.get(want.pool) or self._add(want.pool, want.limit_id)
            amount = amounts[want.pool]
            held.is_touched = True
            if held.free < amount:
                held.portion = _portion(want)
                need = add(amount, _owed(held))
                asks.append(Ask(want.pool, held.limit_id, held.without_free(), need, held.portion))
        return tuple(asks)

    def _backs(self, names: Collection[str]) -> tuple[Ask, ...]:
        chosen = [(name, self._pools[name]) for name in names]
        return tuple(_back(name, held) for name, held in chosen if held.free > 0 and held.asked is None)

    def _add(self, pool: str, limit_id: str) -> _Held:
        held = self._pools[pool] = _Held(limit_id)
        return held


def _portion(want: Want) -> Decimal:
    # Of what is counted there are no parts; where an amount of money is whole, this does no harm
    is_whole = want.amount == want.amount.to_integral_value()
    return max(part_of(want.limit_amount, _PORTION, is_whole=is_whole), _HOLDS * want.amount)


def _back(name: str, held: _Held) -> Ask:
    return Ask(name, held.limit_id, held.without_free())


def _owed(held: _Held) -> Decimal:
    return subtract(ZERO, held.free) if held.free < 0 else ZERO


def _is_minute(name: str, held: _Held) -> bool:
    return held.end_ms is not None and held.end_ms - split_pool_id(name)[1] <= _MINUTE_MS


def _is_done(name: str, held: _Held, now_ms: int) -> bool:
    if held.asked is not None or held.reserved() != 0:
        return False
    return _is_minute(name, held) or (held.free <= 0 and held.end_ms is not None and held.end_ms + LINGERS_MS <= now_ms)
