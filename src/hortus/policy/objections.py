"""What does each rule of a policy object to in what is known of an endpoint? One row a rule, in the policy's order.

None of them sends, waits or knows the request; unknown is an objection wherever the policy asks.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

from hortus.catalog.rows import Confidence, State
from hortus.policy.facts import UNTIL_DELETED_DAYS, Facts
from hortus.policy.places import in_words, is_within
from hortus.policy.rules import Policy

UNKNOWN_MAKER = "unknown"
"""Stands for the maker of a model that the catalog does not know."""

CONFIDENCES: tuple[Confidence, ...] = ("stated", "reported", "recalled")
"""Best first."""

_REACHES = {
    "yes": "can demand what is there",
    "indirect": "can reach what is there through a company or processor in the chain",
    "disputed": "may be able to demand what is there, which is disputed",
}


class Rule(NamedTuple):
    """One rule over facts.

    Attributes:
        name: Of the policy's member.
        asks: Whether the policy demands anything by it.
        objection: End of "it is ruled out because …"; None where the facts satisfy the rule. Only asked where it asks.
    """

    name: str
    asks: Callable[[Policy], bool]
    objection: Callable[[Policy, Facts, date], str | None]


def _compute_in(policy: Policy, facts: Facts, on: date) -> str | None:
    regions = policy.compute_in or ()
    if facts.undecided:
        deciding = " and ".join(f"`{name}`" for name in sorted(facts.undecided))
        return f"the place is decided by its {deciding}, which the endpoint does not say"
    if is_within(facts.compute, regions, on=on):
        return None
    if facts.compute is not None:
        return f"it computes {in_words(facts.compute)}, not surely within {_any_of(regions)}"
    if facts.is_own:
        return "where it computes is not known: set the setting `country` to where this installation stands"
    return "where it computes is not known"


def _store_in(policy: Policy, facts: Facts, on: date) -> str | None:
    regions = policy.store_in or ()
    if facts.retention_days == 0 and facts.state_days == 0:
        return None
    if is_within(facts.storage, regions, on=on):
        return None
    if facts.storage is None:
        return "where it keeps what it keeps is not known, nor that it keeps nothing"
    return f"what it keeps lies {in_words(facts.storage)}, not surely within {_any_of(regions)}"


def _operators_from(policy: Policy, facts: Facts, on: date) -> str | None:
    regions = policy.operators_from or ()
    if facts.is_own or is_within(facts.home, regions, on=on):
        return None
    if facts.home is None:
        return f"whose law binds {_operator(facts)} is not known"
    return f"{_operator(facts)} is bound by {facts.home} law, not by that of {_any_of(regions)}"


def _out_of_reach_of(policy: Policy, facts: Facts, _on: date) -> str | None:
    if facts.is_own:
        return None
    found = (_reach(country, facts) for country in policy.out_of_reach_of)
    return "; ".join(reason for reason in found if reason is not None) or None


def _reach(country: str, facts: Facts) -> str | None:
    if facts.home == country:
        return f"{_operator(facts)} is bound by {country} law"
    known = None if facts.laws is None else facts.laws.get(country)
    if known is None:
        return f"whether authorities of {country} can demand what is there is not known"
    if known != "no":
        return f"authorities of {country} {_REACHES[known]}"
    return None if facts.home is not None else f"whose law binds {_operator(facts)} is not known"


def _longest_retention(policy: Policy, facts: Facts, _on: date) -> str | None:
    longest = policy.longest_retention_days
    kept = {"requests and answers": facts.retention_days, "answers for later requests": facts.state_days}
    unknown = [what for what, days in kept.items() if days is None]
    if unknown:
        return f"how long it keeps {' and '.join(unknown)} is not known"
    over = [f"{what} {_for(days or 0)}" for what, days in kept.items() if (days or 0) > (longest or 0)]
    return f"it keeps {' and '.join(over)}, longer than {longest}" if over else None


def _no_training(_policy: Policy, facts: Facts, _on: date) -> str | None:
    if facts.trains is None:
        return "whether it trains on requests is not known"
    return "it trains on requests" if facts.trains else None


def _stateless(_policy: Policy, facts: Facts, _on: date) -> str | None:
    if facts.state_days is None:
        return "whether it keeps answers for later requests is not known"
    return f"it keeps answers for later requests {_for(facts.state_days)}" if facts.state_days else None


def _for(days: int) -> str:
    return "until they are deleted" if days >= UNTIL_DELETED_DAYS else f"for {days} days"


def _own_machines(_policy: Policy, facts: Facts, _on: date) -> str | None:
    return None if facts.is_own else f"{_operator(facts)} is not this organisation itself"


def _makers(policy: Policy, facts: Facts, _on: date) -> str | None:
    if facts.maker == UNKNOWN_MAKER:
        return "who made its model is not known"
    makers = policy.makers or ()
    return None if facts.maker in makers else f"its model was made by {facts.maker}, not by {_any_of(makers)}"


def _without_makers(policy: Policy, facts: Facts, _on: date) -> str | None:
    if facts.maker == UNKNOWN_MAKER:
        return "who made its model is not known"
    return f"its model was made by {facts.maker}" if facts.maker in policy.without_makers else None


def _hosts(policy: Policy, facts: Facts, _on: date) -> str | None:
    hosts = policy.hosts or ()
    return None if facts.host in hosts else f"its host is {facts.host}, not {_any_of(hosts)}"


def _licences(policy: Policy, facts: Facts, _on: date) -> str | None:
    licences = policy.licences or ()
    if facts.licence is None:
        return "the licence of its model is not known"
    if facts.licence.casefold() in {licence.casefold() for licence in licences}:
        return None
    return f"the licence of its model is {facts.licence}, not {_any_of(licences)}"


def _open_weights(_policy: Policy, facts: Facts, _on: date) -> str | None:
    if facts.open_weights is None:
        return "whether the weights of its model are open is not known"
    return None if facts.open_weights else "the weights of its model are not open"


def _states(policy: Policy, facts: Facts, on: date) -> str | None:
    states = policy.states or ()
    state = state_of(facts, on)
    if state is None:
        return "where its model is in its life is not known"
    return None if state in states else f"its model is {state}{_since(facts, on)}, not {_any_of(states)}"


def state_of(facts: Facts, on: date) -> State | None:
    """Return where the model is in its life on a day: retired once its last day has come, whatever its row says."""
    return "retired" if facts.retires is not None and facts.retires <= on else facts.state


def _since(facts: Facts, on: date) -> str:
    return f" since {facts.retires}" if facts.retires is not None and facts.retires <= on else ""


def _least_confidence(policy: Policy, facts: Facts, _on: date) -> str | None:
    least = policy.least_confidence or "recalled"
    if CONFIDENCES.index(facts.confidence) <= CONFIDENCES.index(least):
        return None
    return f"what is known of it is only {facts.confidence}, not {least}"


def _stale_facts(_policy: Policy, facts: Facts, on: date) -> str | None:
    if not facts.is_stale(on):
        return None
    if facts.checked_on is None:
        return "nobody wrote down when its facts were read"
    due = facts.checked_on + timedelta(days=facts.review_days)
    return f"its facts were read on {facts.checked_on} and their review was due on {due}"


def _operator(facts: Facts) -> str:
    return f"its operator {facts.operator}" if facts.operator is not None else "its operator"


def _any_of(names: tuple[str, ...]) -> str:
    return " or ".join(names) if names else "any: the policy names none"


RULES: tuple[Rule, ...] = (
    Rule("compute_in", lambda policy: policy.compute_in is not None, _compute_in),
    Rule("store_in", lambda policy: policy.store_in is not None, _store_in),
    Rule("operators_from", lambda policy: policy.operators_from is not None, _operators_from),
    Rule("out_of_reach_of", lambda policy: bool(policy.out_of_reach_of), _out_of_reach_of),
    Rule("longest_retention_days", lambda policy: policy.longest_retention_days is not None, _longest_retention),
    Rule("no_training", lambda policy: policy.no_training, _no_training),
    Rule("stateless", lambda policy: policy.stateless, _stateless),
    Rule("own_machines", lambda policy: policy.own_machines, _own_machines),
    Rule("makers", lambda policy: policy.makers is not None, _makers),
    Rule("without_makers", lambda policy: bool(policy.without_makers), _without_makers),
    Rule("hosts", lambda policy: policy.hosts is not None, _hosts),
    Rule("licences", lambda policy: policy.licences is not None, _licences),
    Rule("open_weights", lambda policy: policy.open_weights, _open_weights),
    Rule("states", lambda policy: policy.states is not None, _states),
    Rule("least_confidence", lambda policy: policy.least_confidence is not None, _least_confidence),
    Rule("stale_facts", lambda policy: policy.stale_facts == "refuse", _stale_facts),
)
"""Every rule over facts, in the order of the policy's members."""
