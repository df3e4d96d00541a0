"""What holds of every verdict, whatever policy and facts: tighter never allows more, unknown never more than known.

Each law is tried by hypothesis, which finds the smallest case against it, and by plain luck on many more cases.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hortus.policy.facts import Facts
from hortus.policy.levering import pull
from hortus.policy.objections import RULES
from hortus.policy.ready import READY
from hortus.policy.rules import Policy
from hortus.policy.verdict import Verdict, judge_ask, judge_endpoint
from laws.tally import LAW
from policy.drawn import (
    COUNTRIES,
    DEMANDS,
    UNKNOWN,
    Pick,
    a_demand,
    a_policy,
    a_tighter,
    an_ask,
    some_dialects,
    some_facts,
)
from policy.real_facts import ON

BY_LUCK = 4000


class Court:
    """Judges, and counts how often it said yes: a law over refusals alone proves little."""

    def __init__(self) -> None:
        self.verdicts = 0
        self.allowed = 0

    def judge(self, policy: Policy, known: Facts | None, spoken: tuple[str, ...]) -> Verdict:
        """Return the verdict."""
        verdict = judge_endpoint(policy, known, dialects=spoken, on=ON)
        self.verdicts += 1
        self.allowed += verdict.is_allowed
        return verdict

    def allows(self, policy: Policy, known: Facts | None, spoken: tuple[str, ...]) -> bool:
        """Tell whether an endpoint may be used."""
        return self.judge(policy, known, spoken).is_allowed


def tighter_never_allows_more(pick: Pick, court: Court) -> None:
    name = pick(DEMANDS)
    loose = replace(a_policy(pick), **{name: a_demand(pick, name)})
    tight = a_tighter(pick, loose, name)
    known, spoken, ask = some_facts(pick), some_dialects(pick), an_ask(pick)
    assert court.allows(loose, known, spoken) or not court.allows(tight, known, spoken)
    assert not judge_ask(loose, ask) or judge_ask(tight, ask)


def any_demand_is_tighter_than_none(pick: Pick, court: Court) -> None:
    name = pick(DEMANDS)
    policy, known, spoken, ask = a_policy(pick), some_facts(pick), some_dialects(pick), an_ask(pick)
    default = next(field.default for field in msgspec.structs.fields(Policy) if field.name == name)
    without = replace(policy, **{name: default})
    assert court.allows(without, known, spoken) or not court.allows(policy, known, spoken)
    assert not judge_ask(without, ask) or judge_ask(policy, ask)


def unknown_never_allows_more_than_known(pick: Pick, court: Court) -> None:
    policy, known, spoken = a_policy(pick), some_facts(pick), some_dialects(pick)
    if court.allows(policy, known, spoken):
        return
    assert not court.allows(policy, None, spoken)
    for name, value in UNKNOWN.items():
        assert not court.allows(policy, replace(known, **{name: value}), spoken), name


def a_law_that_nobody_knows_reaches(pick: Pick, court: Court) -> None:
    policy, known, spoken = a_policy(pick), some_facts(pick), some_dialects(pick)
    policy, unknown = replace(policy, out_of_reach_of=(pick(COUNTRIES),)), pick(COUNTRIES)
    fewer = {country: reach for country, reach in (known.laws or {}).items() if country != unknown}
    assert court.allows(policy, known, spoken) or not court.allows(policy, replace(known, laws=fewer), spoken)


def what_is_asked_of_a_host_is_enough_and_needed(pick: Pick, court: Court) -> None:
    policy, known, spoken = a_policy(pick), some_facts(pick), some_dialects(pick)
    verdict = court.judge(policy, known, spoken)
    pulled = verdict.levers
    assert not (pulled and verdict.rulings)
    assert not verdict.is_allowed or court.allows(policy, replace(pull(known, pulled), levers=()), spoken)
    for at in range(len(pulled)):
        fewer = (*pulled[:at], *pulled[at + 1 :])
        assert not court.allows(policy, replace(pull(known, fewer), levers=()), spoken)


def a_lever_on_offer_forbids_nothing_and_is_not_pulled_for_nothing(pick: Pick, court: Court) -> None:
    policy, known, spoken = a_policy(pick), some_facts(pick), some_dialects(pick)
    if court.allows(policy, replace(known, levers=()), spoken):
        assert court.judge(policy, known, spoken) == Verdict()


def order_changes_nothing(pick: Pick, court: Court) -> None:
    policy, known, spoken = a_policy(pick), some_facts(pick), some_dialects(pick)
    other = replace(
        known,
        levers=known.levers[::-1],
        undecided=known.undecided[::-1],
        laws=None if known.laws is None else dict(reversed(known.laws.items())),
    )
    first = court.judge(policy, known, spoken)
    assert court.judge(policy, known, spoken) == first
    assert court.judge(policy, other, spoken[::-1]) == first


def rules_say_no_each_for_itself_in_the_policys_order(pick: Pick, court: Court) -> None:
    policy, known, spoken = a_policy(pick), replace(some_facts(pick), levers=()), some_dialects(pick)
    members = [name for name in msgspec.structs.asdict(policy) if name in DEMANDS]
    alone = [Policy("p", **{name: getattr(policy, name)}) for name in members]
    rulings = [ruling for one in alone for ruling in court.judge(one, known, spoken).rulings]
    assert list(court.judge(policy, known, spoken).rulings) == rulings


def anywhere_allows_everything(pick: Pick, court: Court) -> None:
    known = pick((None, some_facts(pick), some_facts(pick)))
    assert court.judge(READY["anywhere"], known, some_dialects(pick)) == Verdict()


LAWS = [
    tighter_never_allows_more,
    any_demand_is_tighter_than_none,
    unknown_never_allows_more_than_known,
    a_law_that_nobody_knows_reaches,
    what_is_asked_of_a_host_is_enough_and_needed,
    a_lever_on_offer_forbids_nothing_and_is_not_pulled_for_nothing,
    order_changes_nothing,
    rules_say_no_each_for_itself_in_the_policys_order,
    anywhere_allows_everything,
]
Law = Callable[[Pick, Court], None]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_a_law_holds_for_what_hypothesis_chooses(law: Law) -> None:
    @settings(LAW, max_examples=80)
    @given(st.data())
    def hold(data: st.DataObject) -> None:
        law(lambda values: data.draw(st.sampled_from(values)), Court())

    hold()


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_a_law_holds_for_many_cases_by_luck(law: Law, record_property) -> None:
    court = Court()
    for seed in range(BY_LUCK):
        law(Random(seed).choice, court)
    name = law.__name__.replace("_", " ")
    line = f"policy, {name}: {BY_LUCK} cases, {court.verdicts} verdicts, {court.allowed} of them allowed"
    record_property("law", line)
    assert court.allowed > court.verdicts // 50


def test_rules_stand_in_the_order_of_the_policys_members() -> None:
    members = [field.name for field in msgspec.structs.fields(Policy)]
    names = [rule.name for rule in RULES]
    assert names == [name for name in members if name in names]
