"""Policies and facts made of choices: hypothesis chooses for the laws, plain luck for many more cases of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import TypeVar, get_args

import msgspec
from msgspec.structs import replace

from hortus.catalog.rows import State
from hortus.policy.facts import Facts, Gains, Lever
from hortus.policy.objections import CONFIDENCES
from hortus.policy.rules import Policy
from hortus.policy.verdict import Ask
from policy.real_facts import ON

_Value = TypeVar("_Value")
Pick = Callable[[Sequence[_Value]], _Value]
"""Chooses one of several."""

PLACES = (None, "DE", "FR", "NO", "CH", "GB", "US", "CN", "EU*", "EEA+CH*", "GLOBAL")
REGIONS = ("DE", "FR", "CH", "US", "EU", "EEA", "ADEQUATE")
COUNTRIES = ("US", "CN", "FR")
MAKERS, HOSTS, LICENCES = ("meta", "mistral", "openai"), ("ovh", "azure"), ("MIT", "Apache-2.0")
DIALECTS = ("openai_chat", "openai_responses", "gemini")
TOOLS = ("function", "mcp", "web_search")
STATES: tuple[State, ...] = get_args(State)
TREATMENTS = ("allow", "pseudonymise", "refuse")
DAYS = (0, 1, 30)
YES_OR_NO = (False, True)

GAINS: Mapping[str, Sequence[object]] = {
    "compute": (None, *PLACES),
    "storage": (None, *PLACES),
    "retention_days": (None, None, *DAYS),
    "state_days": (None, None, *DAYS),
    "trains": (None, None, *YES_OR_NO),
}
FACTS: Mapping[str, Sequence[object]] = {
    "maker": (*MAKERS, "unknown"),
    "host": HOSTS,
    "is_own": (False, False, True),
    "compute": PLACES,
    "storage": PLACES,
    "retention_days": (None, *DAYS),
    "state_days": (None, *DAYS),
    "trains": (None, *YES_OR_NO),
    "home": (None, *COUNTRIES),
    "licence": (None, *LICENCES),
    "open_weights": (None, *YES_OR_NO),
    "state": (None, *STATES),
    "retires": (None, ON, ON + timedelta(days=1)),
    "confidence": CONFIDENCES,
    "checked_on": (None, ON, date(2026, 1, 1)),
    "undecided": ((), (), ("sku",), ("sku", "region")),
}
UNKNOWN: Mapping[str, object] = {
    **dict.fromkeys(("compute", "storage", "retention_days", "state_days", "trains", "home", "laws", "licence")),
    **dict.fromkeys(("open_weights", "state", "checked_on")),
    "maker": "unknown",
    "undecided": ("sku",),
    "confidence": "recalled",
    "levers": (),
}
"""How a fact looks of which nothing is known."""

_SETS: Mapping[str, Sequence[str]] = {
    "compute_in": REGIONS,
    "store_in": REGIONS,
    "operators_from": REGIONS,
    "makers": MAKERS,
    "hosts": HOSTS,
    "licences": LICENCES,
    "states": STATES,
    "tools": TOOLS,
}
_BARS: Mapping[str, Sequence[str]] = {"out_of_reach_of": COUNTRIES, "without_makers": MAKERS}
_BOUNDS: Mapping[str, Sequence[int]] = {"longest_retention_days": (30, 1, 0), "largest_request_kib": (8, 4, 1)}
_STEPS: Mapping[str, Sequence[object]] = {
    **dict.fromkeys(("no_training", "stateless", "own_machines", "open_weights"), YES_OR_NO),
    "least_confidence": CONFIDENCES[::-1],
    "stale_facts": ("allow", "refuse"),
    "personal_data": TREATMENTS,
    "secrets": TREATMENTS,
}
_LADDERS = {**_BOUNDS, **_STEPS}
"""Each value is tighter than the one before it."""

DEMANDS = sorted((*_SETS, *_BARS, *_LADDERS))


def some(pick: Pick, values: Sequence[_Value]) -> tuple[_Value, ...]:
    """Choose any of the values, none or all."""
    return tuple(value for value in values if pick(YES_OR_NO))


def a_lever(pick: Pick) -> Lever:
    """Choose a lever."""
    return Lever(
        name=pick(("a", "b", "c")),
        dialects=some(pick, DIALECTS) or DIALECTS,
        gains=Gains(**{name: pick(values) for name, values in GAINS.items()}),
        member=pick(("store", "geo", "mode")),
        value=msgspec.Raw(pick((b"1", b"2"))),
    )


def some_facts(pick: Pick) -> Facts:
    """Choose what is known of an endpoint."""
    reaches = {country: pick((None, "no", "no", "no", "indirect", "disputed", "yes")) for country in COUNTRIES}
    laws = {country: reach for country, reach in reaches.items() if reach is not None}
    return Facts(
        **{name: pick(values) for name, values in FACTS.items()},
        laws=pick((None, laws, laws)),
        levers=tuple(a_lever(pick) for _ in range(pick((0, 1, 2, 3)))),
    )


def some_dialects(pick: Pick) -> tuple[str, ...]:
    """Choose what an endpoint speaks."""
    return some(pick, DIALECTS) or DIALECTS[:1]


def a_demand(pick: Pick, name: str) -> object:
    """Choose a value of one member of a policy."""
    if name in _LADDERS:
        return pick(_LADDERS[name])
    return some(pick, {**_SETS, **_BARS}[name])


def a_policy(pick: Pick) -> Policy:
    """Choose a policy of a few demands, so that some endpoints pass."""
    names = {pick(DEMANDS) for _ in range(pick((0, 1, 2, 3)))}
    return Policy("p", **{name: a_demand(pick, name) for name in sorted(names)})


def a_tighter(pick: Pick, loose: Policy, name: str) -> Policy:
    """Choose the same policy with one member that demands as much or more."""
    value = getattr(loose, name)
    if value is None:
        tighter = a_demand(pick, name)
    elif name in _LADDERS:
        tighter = pick(_LADDERS[name][_LADDERS[name].index(value) :])
    elif name in _BARS:
        tighter = (*value, *some(pick, _BARS[name]))
    else:
        tighter = some(pick, value)
    return replace(loose, **{name: tighter})


def an_ask(pick: Pick) -> Ask:
    """Choose a request."""
    return Ask(
        pick((0, 1024, 5000, 9000)), some(pick, TOOLS), names_history=pick(YES_OR_NO), names_files=pick(YES_OR_NO)
    )
