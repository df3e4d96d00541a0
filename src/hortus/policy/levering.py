"""Which levers of a host can be pulled together, and what holds once they are?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import msgspec
from msgspec.structs import asdict, replace

from hortus.policy.facts import Facts, Lever


def sets_of_levers(facts: Facts, dialects: tuple[str, ...]) -> Iterator[tuple[Lever, ...]]:
    """Yield what can be pulled together: nothing first, then ever more, by name; it ends at all of them.

    A lever counts where it works in every one of the endpoint's dialects, for any of them may carry the request.
    """
    usable = [lever for lever in facts.levers if dialects and set(dialects) <= set(lever.dialects)]
    usable.sort(key=lambda lever: (lever.name, msgspec.json.encode(lever)))
    for size in range(len(usable) + 1):
        yield from (levers for levers in combinations(usable, size) if _go_together(levers))


def pull(facts: Facts, levers: tuple[Lever, ...]) -> Facts:
    """Return what holds of an endpoint once these are pulled."""
    gains = _gains(levers)
    if "compute" in gains:
        gains["undecided"] = ()
    return replace(facts, **gains) if gains else facts


def _gains(levers: tuple[Lever, ...]) -> dict[str, object]:
    return {name: value for lever in levers for name, value in asdict(lever.gains).items() if value is not None}


def _go_together(levers: tuple[Lever, ...]) -> bool:
    """Tell whether no two set the same place of a request, nor say different things of the same fact."""
    places = {(lever.member, lever.header) for lever in levers}
    gains = _gains(levers)
    return len(places) == len(levers) and all(
        value is None or gains[name] == value for lever in levers for name, value in asdict(lever.gains).items()
    )
