"""What holds of every verdict, whatever policy and facts: tighter never allows more, unknown never more than known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hortus.catalog.rows import State
from hortus.policy.facts import Facts, Gains, Lever
from hortus.policy.levering import pull
from hortus.policy.objections import CONFIDENCES, RULES
from hortus.policy.ready import READY
from hortus.policy.rules import Policy
from hortus.policy.verdict import Ask, judge_ask, judge_endpoint
from laws.tally import LAW
from policy.real_facts import ON

PLACES = ("DE", "FR", "NO", "CH", "GB", "US", "CN", "EU*", "GLOBAL")
REGIONS = ("DE", "FR", "CH", "US", "EU", "EEA", "ADEQUATE")
COUNTRIES = ("US", "CN", "FR")
MAKERS, HOSTS, LICENCES = ("meta", "mistral", "openai"), ("ovh", "azure"), ("MIT", "Apache-2.0")
DIALECTS = ("openai_chat", "openai_responses", "gemini")
TOOLS = ("function", "mcp", "web_search")
STATES = get_args(State)
TREATMENTS = ("allow", "pseudonymise", "refuse")
DAYS = (0, 1, 30)
COUNTS = {"cases": 0, "carried": 0}


def _some(values: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), unique=True).map(tuple)


def _maybe(values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | values


gains = st.builds(
    Gains,
    compute=_maybe(st.sampled_from(PLACES)),
    storage=_maybe(st.sampled_from(PLACES)),
    retention_days=_maybe(st.sampled_from(DAYS)),
    state_days=_maybe(st.sampled_from(DAYS)),
    trains=_maybe(st.booleans()),
)
levers = st.builds(
    Lever,
    name=st.sampled_from(("a", "b", "c")),
    dialects=st.lists(st.sampled_from(DIALECTS), min_size=1, unique=True).map(tuple),
    gains=gains,
    member=st.sampled_from(("store", "geo", "mode")),
    value=st.sampled_from((b"1", b"2")).map(msgspec.Raw),
)
facts = st.builds(
    Facts,
    maker=st.sampled_from((*MAKERS, "unknown")),
    host=st.sampled_from(HOSTS),
    is_own=st.sampled_from((False, False, True)),
    compute=_maybe(st.sampled_from(PLACES)),
    storage=_maybe(st.sampled_from(PLACES)),
    retention_days=_maybe(st.sampled_from(DAYS)),
    state_days=_maybe(st.sampled_from(DAYS)),
    trains=_maybe(st.booleans()),
    home=_maybe(st.sampled_from(COUNTRIES)),
    laws=_maybe(st.dictionaries(st.sampled_from(COUNTRIES), st.sampled_from(("yes", "indirect", "disputed", "no")))),
    licence=_maybe(st.sampled_from(LICENCES)),
    open_weights=_maybe(st.booleans()),
    state=_maybe(st.sampled_from(STATES)),
    retires=_maybe(st.sampled_from((ON, ON + timedelta(days=1)))),
    confidence=st.sampled_from(CONFIDENCES),
    checked_on=_maybe(st.sampled_from((ON, date(2026, 1, 1)))),
    levers=st.lists(levers, max_size=3).map(tuple),
    undecided=st.sampled_from(((), (), ("sku",), ("sku", "region"))),
)
dialects = st.lists(st.sampled_from(DIALECTS), min_size=1, unique=True).map(tuple)

DEMANDS: dict[str, st.SearchStrategy[object]] = {
    "compute_in": _some(REGIONS),
    "store_in": _some(REGIONS),
    "operators_from": _some(REGIONS),
    "out_of_reach_of": _some(COUNTRIES),
    "longest_retention_days": st.sampled_from(DAYS),
    "no_training": st.booleans(),
    "stateless": st.booleans(),
    "own_machines": st.booleans(),
    "makers": _some(MAKERS),
    "without_makers": _some(MAKERS),
    "hosts": _some(HOSTS),
    "licences": _some(LICENCES),
    "open_weights": st.booleans(),
    "states": _some(STATES),
    "least_confidence": st.sampled_from(CONFIDENCES),
    "stale_facts": st.sampled_from(("allow", "refuse")),
    "personal_data": st.sampled_from(TREATMENTS),
    "secrets": st.sampled_from(TREATMENTS),
    "largest_request_kib": st.sampled_from((1, 8)),
    "tools": _some(TOOLS),
}


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """A policy of a few demands, so that some endpoints pass."""
    names = draw(st.lists(st.sampled_from(sorted(DEMANDS)), max_size=4, unique=True))
    return Policy("p", **{name: draw(DEMANDS[name]) for name in names})


def _fewer(value: object, draw: st.DrawFn) -> object:
    return tuple(one for one in value if draw(st.booleans())) if isinstance(value, tuple) else value


def _more(value: object, draw: st.DrawFn) -> object:
    return (*value, draw(st.sampled_from((*COUNTRIES, *MAKERS)))) if isinstance(value, tuple) else value


def _lower(value: object, draw: st.DrawFn) -> object:
    return draw(st.integers(0, value)) if isinstance(value, int) else draw(st.integers(0, 40))


def _later(order: tuple[str, ...]) -> Callable[[object, st.DrawFn], object]:
    def tighten(value: object, draw: st.DrawFn) -> object:
        return draw(st.sampled_from(order[order.index(str(value)) :]))

    return tighten


def _on(_value: object, _draw: st.DrawFn) -> object:
    return True


TIGHTER: dict[str, Callable[[object, st.DrawFn], object]] = {
    **dict.fromkeys(
        ("compute_in", "store_in", "operators_from", "makers", "hosts", "licences", "states", "tools"), _fewer
    ),
    **dict.fromkeys(("out_of_reach_of", "without_makers"), _more),
    **dict.fromkeys(("longest_retention_days", "largest_request_kib"), _lower),
    **dict.fromkeys(("no_training", "stateless", "own_machines", "open_weights"), _on),
    "least_confidence": _later(CONFIDENCES[::-1]),
    "stale_facts": _later(("allow", "refuse")),
    "personal_data": _later(TREATMENTS),
    "secrets": _later(TREATMENTS),
}
UNKNOWN: dict[str, object] = {
    **dict.fromkeys(("compute", "storage", "retention_days", "state_days", "trains", "home", "laws", "licence")),
    **dict.fromkeys(("open_weights", "state", "checked_on")),
    "maker": "unknown",
    "undecided": ("sku",),
    "confidence": "recalled",
    "levers": (),
}


def test_every_demand_can_be_tightened() -> None:
    assert TIGHTER.keys() == DEMANDS.keys()


@st.composite
def tightened(draw: st.DrawFn, name: str) -> tuple[Policy, Policy]:
    """A policy, and the same with one member tighter."""
    loose = draw(policies())
    value = getattr(loose, name)
    if value is None:
        return loose, replace(loose, **{name: draw(DEMANDS[name])})
    return loose, replace(loose, **{name: TIGHTER[name](value, draw)})


def _allows(policy: Policy, known: Facts | None, spoken: tuple[str, ...]) -> bool:
    is_allowed = judge_endpoint(policy, known, dialects=spoken, on=ON).is_allowed
    COUNTS["cases"] += 1
    COUNTS["carried"] += is_allowed
    return is_allowed


@pytest.mark.parametrize("name", sorted(DEMANDS))
def test_a_tighter_policy_never_allows_more(name: str) -> None:
    asks = st.builds(
        Ask, request_bytes=st.sampled_from((0, 1024, 9000)), tools=_some(TOOLS), names_history=st.booleans()
    )

    @LAW
    @given(tightened(name), facts, dialects, asks)
    def law(pair: tuple[Policy, Policy], known: Facts, spoken: tuple[str, ...], ask: Ask) -> None:
        loose, tight = pair
        assert _allows(loose, known, spoken) or not _allows(tight, known, spoken)
        assert not judge_ask(loose, ask) or judge_ask(tight, ask)

    law()


@pytest.mark.parametrize("name", sorted(UNKNOWN))
def test_what_is_unknown_is_never_allowed_where_it_is_not_when_known(name: str) -> None:
    @LAW
    @given(policies(), facts, dialects)
    def law(policy: Policy, known: Facts, spoken: tuple[str, ...]) -> None:
        assert _allows(policy, known, spoken) or not _allows(policy, replace(known, **{name: UNKNOWN[name]}), spoken)

    law()


@LAW
@given(policies(), facts, dialects, st.sampled_from(COUNTRIES))
def test_a_country_of_which_nothing_is_known_is_never_out_of_reach(
    policy: Policy, known: Facts, spoken: tuple[str, ...], country: str
) -> None:
    fewer = {one: reach for one, reach in (known.laws or {}).items() if one != country}
    assert _allows(policy, known, spoken) or not _allows(policy, replace(known, laws=fewer), spoken)


@LAW
@given(policies(), facts, dialects)
def test_nothing_known_is_never_allowed_where_something_known_is_not(
    policy: Policy, known: Facts, spoken: tuple[str, ...]
) -> None:
    assert _allows(policy, known, spoken) or not _allows(policy, None, spoken)


@LAW
@given(policies(), facts, dialects)
def test_what_is_asked_of_a_host_is_enough_and_all_of_it_is_needed(
    policy: Policy, known: Facts, spoken: tuple[str, ...]
) -> None:
    verdict = judge_endpoint(policy, known, dialects=spoken, on=ON)
    pulled = verdict.levers
    assert not (pulled and verdict.rulings)
    if verdict.is_allowed:
        assert _allows(policy, replace(pull(known, pulled), levers=()), spoken)
    for at in range(len(pulled)):
        fewer = (*pulled[:at], *pulled[at + 1 :])
        assert not _allows(policy, replace(pull(known, fewer), levers=()), spoken)


@LAW
@given(policies(), facts, dialects)
def test_a_lever_that_is_offered_turns_no_yes_into_a_no_and_is_not_pulled_for_nothing(
    policy: Policy, known: Facts, spoken: tuple[str, ...]
) -> None:
    if _allows(policy, replace(known, levers=()), spoken):
        verdict = judge_endpoint(policy, known, dialects=spoken, on=ON)
        assert (verdict.is_allowed, verdict.levers) == (True, ())


@LAW
@given(policies(), facts, dialects, st.randoms(use_true_random=False))
def test_the_order_of_facts_changes_nothing(policy: Policy, known: Facts, spoken: tuple[str, ...], luck) -> None:
    def shuffled(values: object) -> tuple[object, ...]:
        return tuple(luck.sample(list(values), len(values)))

    other = replace(
        known,
        levers=shuffled(known.levers),
        undecided=shuffled(known.undecided),
        laws=None if known.laws is None else dict(shuffled(known.laws.items())),
    )
    first = judge_endpoint(policy, known, dialects=spoken, on=ON)
    assert judge_endpoint(policy, known, dialects=spoken, on=ON) == first
    assert judge_endpoint(policy, other, dialects=shuffled(spoken), on=ON) == first


@LAW
@given(policies(), facts, dialects)
def test_rules_say_no_each_for_itself_and_in_the_policys_order(
    policy: Policy, known: Facts, spoken: tuple[str, ...]
) -> None:
    without = replace(known, levers=())
    alone = [
        ruling
        for name in msgspec.structs.asdict(policy)
        if name in DEMANDS
        for ruling in judge_endpoint(
            Policy("p", **{name: getattr(policy, name)}), without, dialects=spoken, on=ON
        ).rulings
    ]
    assert list(judge_endpoint(policy, without, dialects=spoken, on=ON).rulings) == alone


@LAW
@given(st.none() | facts, dialects)
def test_anywhere_allows_everything(known: Facts | None, spoken: tuple[str, ...]) -> None:
    verdict = judge_endpoint(READY["anywhere"], known, dialects=spoken, on=ON)
    assert (verdict.rulings, verdict.levers) == ((), ())


def test_rules_stand_in_the_order_of_the_policys_members() -> None:
    members = [field.name for field in msgspec.structs.fields(Policy)]
    names = [rule.name for rule in RULES]
    assert names == [name for name in members if name in names]


def test_zz_the_laws_saw_enough_of_both_answers(record_property) -> None:
    """Last of the file only by custom: counts what ran in this process, and asserts nothing about what did not."""
    cases, carried = COUNTS["cases"], COUNTS["carried"]
    record_property("law", f"verdicts of endpoints, laws: {cases} verdicts, {carried} of them allowed")
    assert carried <= cases
