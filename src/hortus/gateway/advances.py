"""Work that a host does later, batches and tuning jobs: paid for when it is begun, set right once it has ended.

When a batch is begun, the most that it can use is charged, so that nobody overspends by many of them. When somebody
first sees that it has ended, the difference to what its host says is given back: as usage, cost and charge of that
look, in the budgets and periods that paid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import reduce

import msgspec

from hortus.base.money import EXACT
from hortus.canon.dialect import Asked, Operation
from hortus.canon.usage import COUNTS, Usage
from hortus.canon.work import Work
from hortus.catalog.costs import cost_of
from hortus.catalog.pricerows import PriceRow
from hortus.catalog.works import price_of_work
from hortus.content.ports import HostIds, Note
from hortus.gateway.choose import need_of
from hortus.receipts.records import Hold

_BATCHES, _TUNING = "batches", "fine_tuning"
_ZERO = Decimal(0)


class Correction(msgspec.Struct, frozen=True):
    """What work has used beyond what it was charged beforehand; nearly always less than nothing.

    Attributes:
        cost: None where it cannot be reckoned: the charge stays as it is.
        charges: Of budgets, each in its own currency.
        owed: Those of them that take more of a budget that refuses.
    """

    usage: Usage
    cost: Decimal | None
    charges: tuple[Hold, ...] = ()
    owed: tuple[Hold, ...] = ()


def runs_batches(operation: Operation) -> bool:
    """Tell whether a host is asked to run many requests later on."""
    return need_of(operation) == _BATCHES and not operation.is_free


def tunes(operation: Operation) -> bool:
    """Tell whether a host is asked to tune a model."""
    return need_of(operation) == _TUNING and not operation.is_free


def work_of(operation: Operation, asked: Asked, *, project_id: str, host_ids: HostIds) -> Work | None:
    """Return what is to be run, None where nothing is, or nobody has looked at it on its way to the host."""
    if not runs_batches(operation):
        return None
    if asked.work is not None or len(asked.host_ids) != 1:  # the request brings what is to be run, or several files
        return asked.work
    thing = host_ids.thing(*asked.host_ids[0])
    return None if thing is None or thing.project_id != project_id else thing.note.work


def correction_of(note: Note, used: Usage, *, price: PriceRow | None) -> Correction | None:
    """Return what sets right what was charged for work that has ended; None where nothing was.

    Args:
        note: What was noted when it was begun.
        used: All that it has used, as its host says.
        price: The endpoint's.
    """
    advance = note.advance
    if advance is None:
        return None
    usage = _difference(used, advance.usage)
    if price is None or advance.cost is None or advance.currency != price.currency:
        return Correction(usage, None)
    cost = EXACT.subtract(cost_of(used, price_of_work(price, note.work)), advance.cost)
    charges = tuple([Hold(share.pool, EXACT.multiply(cost, share.factor)) for share in advance.shares])
    is_more = cost > 0
    owed = tuple([hold for hold, share in zip(charges, advance.shares, strict=True) if is_more and share.is_hard])
    return Correction(usage, cost, charges, owed)


def together(corrections: Sequence[Correction]) -> Correction | None:
    """Return several corrections as one, None where there is none."""
    if not corrections:
        return None
    costs = [one.cost for one in corrections if one.cost is not None]
    return Correction(
        usage=reduce(_sum, [one.usage for one in corrections]),
        cost=reduce(EXACT.add, costs, _ZERO) if len(costs) == len(corrections) else None,
        charges=tuple(_each(one.charges for one in corrections)),
        owed=tuple(_each(one.owed for one in corrections)),
    )


def _each(groups: Iterable[tuple[Hold, ...]]) -> Iterable[Hold]:
    for group in groups:
        yield from group


def _difference(used: Usage, before: Usage) -> Usage:
    counts = {name: getattr(used, name) - getattr(before, name) for name in COUNTS}
    is_estimated = used.is_estimated or before.is_estimated  # sums of estimates must come to the end, too
    return Usage(**counts, is_estimated=is_estimated, service_tier=used.service_tier, region=used.region)


def _sum(one: Usage, other: Usage) -> Usage:
    counts = {name: getattr(one, name) + getattr(other, name) for name in COUNTS}
    is_estimated = one.is_estimated or other.is_estimated
    return Usage(**counts, is_estimated=is_estimated, service_tier=one.service_tier, region=one.region)
