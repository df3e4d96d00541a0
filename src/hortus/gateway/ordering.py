"""In which order are a route's endpoints tried? One function for each strategy, in a table; a further one is a row.

They only order: which endpoints may be used was decided before, and whether one is well or has room comes after. Where
an endpoint would lose more of the request than another, no price and no speed makes up for that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from hortus.gateway.sticky import rank
from hortus.snapshot.resolved import Target

Heaviness = tuple[int, ...]
"""What of a request is lost, compared member by member: smaller is better."""


class View(NamedTuple):
    """What an order may look at; each is reckoned only where it is asked for.

    Attributes:
        draw: Gives a random number from 0 to 1.
        conversation: Keys the turns that belong together; None where they may go anywhere.
        price: What the request will cost there, in one currency for all; None where that is unknown.
        slowness_s: How long it takes to its first byte.
        load: How full it is.
        heaviness: What would be lost there.
    """

    draw: Callable[[], float]
    conversation: bytes | None
    price: Callable[[Target], Decimal | None]
    slowness_s: Callable[[Target], float]
    load: Callable[[Target], float]
    heaviness: Callable[[Target], Heaviness]


Order = Callable[[Sequence[Target], View], Sequence[Target]]


def as_listed(targets: Sequence[Target], view: View) -> Sequence[Target]:
    """Return them as the route lists them: a conversation finds the same first one each time by itself."""
    del view
    return targets


def by_weight(targets: Sequence[Target], view: View) -> Sequence[Target]:
    """Draw by weight without putting back, or, for a conversation, the same each time; weight 0 comes last."""
    if view.conversation is not None:
        return rank(targets, view.conversation, is_weighted=True)
    left = [target for target in targets if target.weight > 0]
    drawn = []
    while left:
        mark = view.draw() * sum(target.weight for target in left)
        for target in left:
            mark -= target.weight
            if mark < 0:
                break
        drawn.append(target)
        left.remove(target)
    return (*drawn, *(target for target in targets if target.weight <= 0))


def by_price(targets: Sequence[Target], view: View) -> Sequence[Target]:
    """Return the cheapest first and those without a price last; a conversation decides among equals."""
    if view.conversation is not None:
        targets = rank(targets, view.conversation)

    def key(target: Target) -> tuple[Heaviness, bool, Decimal]:
        price = view.price(target)
        return view.heaviness(target), price is None, price or Decimal(0)

    return sorted(targets, key=key)


def by_slowness(targets: Sequence[Target], view: View) -> Sequence[Target]:
    """Return the quickest first, behind the one that a conversation stays with."""
    return _after_favourite(targets, view, view.slowness_s)


def by_load(targets: Sequence[Target], view: View) -> Sequence[Target]:
    """Return the least busy first, behind the one that a conversation stays with."""
    return _after_favourite(targets, view, view.load)


def _after_favourite(targets: Sequence[Target], view: View, measure: Callable[[Target], float]) -> Sequence[Target]:
    losses = {target.endpoint.name: view.heaviness(target) for target in targets}
    favourite: Target | None = None
    if view.conversation is not None:
        least = min(losses.values())
        favourite = rank([one for one in targets if losses[one.endpoint.name] == least], view.conversation)[0]

    def key(target: Target) -> tuple[Heaviness, bool, float]:
        return losses[target.endpoint.name], target is not favourite, measure(target)

    return sorted(targets, key=key)


ORDERS: Mapping[str, Order] = MappingProxyType(
    {
        "ordered": as_listed,
        "weighted": by_weight,
        "cheapest": by_price,
        "least_latency": by_slowness,
        "least_busy": by_load,
    }
)
"""Every strategy by its name in the configuration."""
