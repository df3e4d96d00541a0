"""The ready-made policies are four, each stricter than the one before it where it says so, and named in receipts."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hortus.policy.digest import policy_mark
from hortus.policy.places import DECISIONS, REGIONS, in_words, is_region, is_within
from hortus.policy.ready import READY
from hortus.policy.rules import Policy
from policy.real_facts import ON


def test_there_are_four_each_described() -> None:
    assert list(READY) == ["anywhere", "eu-computed", "eu-operated", "own-machines-only"]
    assert all(policy.description for policy in READY.values())


def test_eu_operated_demands_all_that_eu_computed_does() -> None:
    computed, operated = READY["eu-computed"], READY["eu-operated"]
    more = ("operators_from", "out_of_reach_of", "longest_retention_days")
    without = {name: getattr(computed, name) for name in more}
    assert replace(operated, name=computed.name, description=computed.description, **without) == computed


def test_the_mark_tells_rules_apart_and_not_descriptions() -> None:
    policy = Policy("ours", description="a", compute_in=("EU",))
    name, _, digest = policy_mark(policy).partition("~")
    assert (name, len(digest)) == ("ours", 8)
    assert policy_mark(replace(policy, description="b")) == policy_mark(policy)
    assert policy_mark(replace(policy, compute_in=("EEA",))) != policy_mark(policy)


def test_a_mark_is_the_same_for_ever() -> None:
    assert policy_mark(Policy("ours", compute_in=("EU",), no_training=True)) == "ours~0f95c2b4"


def test_countries_found_adequate_lie_outside_the_eea_and_the_united_states_are_not_among_them() -> None:
    assert REGIONS["EU"] < REGIONS["EEA"] < REGIONS["ADEQUATE"]
    assert not DECISIONS.keys() & REGIONS["EEA"]
    assert "US" not in REGIONS["ADEQUATE"]


@pytest.mark.parametrize("region", ["EU", "EEA", "ADEQUATE", "DE"])
def test_policies_name_regions_and_countries(region: str) -> None:
    assert is_region(region)


@pytest.mark.parametrize("other", ["EU*", "GLOBAL", "de", "XX", ""])
def test_policies_name_no_places_that_are_uncertain(other: str) -> None:
    assert not is_region(other)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("GLOBAL", "anywhere (GLOBAL)"),
        ("EU*", "in some EU country (EU*)"),
        ("EEA+CH*", "in some country of the EEA or Switzerland (EEA+CH*)"),
        ("ADEQUATE*", "in the EEA or some country found adequate (ADEQUATE*)"),
        ("DE", "in DE"),
    ],
)
def test_places_are_said_in_words(place: str, words: str) -> None:
    assert in_words(place) == words


WITHIN = {
    # place: the regions that surely hold it, of EU, EEA, EEA and Switzerland, ADEQUATE
    "EU*": (True, True, True, True),
    "EEA+CH*": (False, False, True, True),
    "ADEQUATE*": (False, False, False, True),
    "GLOBAL": (False, False, False, False),
    "FR": (True, True, True, True),
    "LI": (False, True, True, True),
    "CH": (False, False, True, True),
    "BR": (False, False, False, True),
    "US": (False, False, False, False),
}


@pytest.mark.parametrize("place", WITHIN)
def test_a_place_lies_within_where_all_that_it_may_mean_does(place: str) -> None:
    areas = (("EU",), ("EEA",), ("EEA", "CH"), ("ADEQUATE",))
    assert tuple(is_within(place, area, on=ON) for area in areas) == WITHIN[place]
