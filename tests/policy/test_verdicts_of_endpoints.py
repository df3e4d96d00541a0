"""Which endpoints may be used under which policy, by hand, over facts as real hosts state them."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from msgspec.structs import replace

from hortus.policy.facts import Facts, Gains, Lever
from hortus.policy.ready import READY
from hortus.policy.rules import Policy
from hortus.policy.verdict import Verdict, judge_endpoint
from policy.real_facts import BOTH, CHAT, GEO_US, MESSAGES, NO_LOGS, NO_STORE, ON, REAL, RESPONSES


def _dialects(facts: Facts) -> tuple[str, ...]:
    return MESSAGES if facts.host == "anthropic" else BOTH


def _judge(name: str, policy: Policy, **other: object) -> Verdict:
    facts = replace(REAL[name], **other)
    return judge_endpoint(policy, facts, dialects=_dialects(facts), on=ON)


def _rules(verdict: Verdict) -> str:
    return " ".join(ruling.rule for ruling in verdict.rulings)


PLACES = "compute_in store_in"
LAWS = "operators_from out_of_reach_of"
EU_TABLE: dict[str, tuple[str, str]] = {
    "openai": (PLACES, f"{PLACES} {LAWS}"),
    "openai-eu": ("", LAWS),
    "anthropic": (PLACES, f"{PLACES} {LAWS}"),
    "anthropic-us": (PLACES, f"{PLACES} {LAWS}"),
    "azure-standard": ("", LAWS),
    "azure-data-zone": ("", LAWS),
    "azure-global": ("compute_in", f"compute_in {LAWS}"),
    "azure-without-sku": ("compute_in", f"compute_in {LAWS}"),
    "bedrock-frankfurt": ("", LAWS),
    "bedrock-eu": ("", LAWS),
    "bedrock-global": ("compute_in", f"compute_in {LAWS}"),
    "bedrock-london": (PLACES, f"{PLACES} {LAWS}"),
    "bedrock-zurich": (PLACES, f"{PLACES} {LAWS}"),
    "bedrock-without-prefix": ("compute_in", f"compute_in {LAWS}"),
    "vertex-netherlands": ("", LAWS),
    "vertex-global": ("compute_in", f"compute_in {LAWS}"),
    "mistral": ("compute_in", "compute_in out_of_reach_of"),
    "mistral-eu": ("", "out_of_reach_of"),
    "cohere": (f"{PLACES} no_training", f"{PLACES} {LAWS} no_training"),
    "ovh": ("", ""),
    "scaleway": ("", ""),
    "stackit": ("", ""),
    "aws-esc": ("", "out_of_reach_of longest_retention_days"),
    "nordic": ("", ""),
    "deepseek": (f"{PLACES} no_training", f"{PLACES} {LAWS} longest_retention_days no_training"),
    "own-in-germany": ("", ""),
    "own-somewhere": ("compute_in", "compute_in"),
    "own-in-the-us": ("compute_in", "compute_in"),
}


def test_every_one_of_the_real_looking_facts_has_its_row() -> None:
    assert EU_TABLE.keys() == REAL.keys()


@pytest.mark.parametrize("name", EU_TABLE)
def test_eu_computed_looks_at_place_and_training(name: str) -> None:
    assert _rules(_judge(name, READY["eu-computed"])) == EU_TABLE[name][0]


@pytest.mark.parametrize("name", EU_TABLE)
def test_eu_operated_looks_at_the_operators_law_as_well(name: str) -> None:
    assert _rules(_judge(name, READY["eu-operated"])) == EU_TABLE[name][1]


@pytest.mark.parametrize("name", EU_TABLE)
def test_own_machines_only_lets_nothing_else_pass(name: str) -> None:
    assert _judge(name, READY["own-machines-only"]).is_allowed is name.startswith("own-")


@pytest.mark.parametrize("name", EU_TABLE)
def test_anywhere_asks_nothing(name: str) -> None:
    assert _judge(name, READY["anywhere"]) == Verdict()


ONE = [
    # where it computes
    ("openai-eu", Policy("p", compute_in=("DE",)), {}, "it computes in some EU country (EU*), not surely within DE"),
    ("openai-eu", Policy("p", compute_in=("EU",)), {}, None),
    ("openai-eu", Policy("p", compute_in=("ADEQUATE",)), {}, None),
    ("openai", Policy("p", compute_in=("EU", "CH")), {}, "it computes anywhere (GLOBAL), not surely within EU or CH"),
    ("openai", Policy("p", compute_in=("GLOBAL",)), {}, "it computes anywhere (GLOBAL), not surely within GLOBAL"),
    ("ovh", Policy("p", compute_in=("FR",)), {}, None),
    ("ovh", Policy("p", compute_in=("DE",)), {}, "it computes in FR, not surely within DE"),
    ("ovh", Policy("p", compute_in=()), {}, "it computes in FR, not surely within any: the policy names none"),
    ("ovh", Policy("p", compute_in=("EU",)), {"compute": None}, "where it computes is not known"),
    ("nordic", Policy("p", compute_in=("EU",)), {}, "it computes in NO, not surely within EU"),
    ("nordic", Policy("p", compute_in=("EEA",)), {}, None),
    ("bedrock-zurich", Policy("p", compute_in=("EEA",)), {}, "it computes in CH, not surely within EEA"),
    ("bedrock-zurich", Policy("p", compute_in=("ADEQUATE",)), {}, None),
    ("bedrock-london", Policy("p", compute_in=("ADEQUATE",)), {}, None),
    ("anthropic-us", Policy("p", compute_in=("ADEQUATE",)), {}, "it computes in US, not surely within ADEQUATE"),
    (
        "azure-without-sku",
        Policy("p", compute_in=("EU",)),
        {},
        "the place is decided by its `sku`, which the endpoint does not say",
    ),
    (
        "azure-without-sku",
        Policy("p", compute_in=("EU",)),
        {"undecided": ("sku", "region")},
        "the place is decided by its `region` and `sku`, which the endpoint does not say",
    ),
    (
        "own-somewhere",
        Policy("p", compute_in=("EU",)),
        {},
        "where it computes is not known: set the setting `country` to where this installation stands",
    ),
    # where it stores
    ("ovh", Policy("p", store_in=("DE",)), {}, None),
    ("ovh", Policy("p", store_in=("DE",)), {"state_days": 1}, "what it keeps lies in FR, not surely within DE"),
    (
        "scaleway",
        Policy("p", store_in=("FR",)),
        {"state_days": None},
        "where it keeps what it keeps is not known, nor that it keeps nothing",
    ),
    ("azure-global", Policy("p", store_in=("EU",)), {}, None),
    # whose law binds the operator
    (
        "openai-eu",
        Policy("p", operators_from=("EEA",)),
        {},
        "its operator OpenAI is bound by US law, not by that of EEA",
    ),
    ("mistral", Policy("p", operators_from=("FR",)), {}, None),
    (
        "mistral",
        Policy("p", operators_from=("FR",)),
        {"home": None, "operator": None},
        "whose law binds its operator is not known",
    ),
    ("own-in-the-us", Policy("p", operators_from=("EU",)), {}, None),
    # how long it keeps
    (
        "bedrock-eu",
        Policy("p", longest_retention_days=7),
        {},
        "it keeps requests and answers for 30 days, longer than 7",
    ),
    ("bedrock-eu", Policy("p", longest_retention_days=30), {}, None),
    ("vertex-netherlands", Policy("p", longest_retention_days=1), {}, None),
    ("own-somewhere", Policy("p", longest_retention_days=0), {}, None),
    (
        "aws-esc",
        Policy("p", longest_retention_days=0),
        {},
        "how long it keeps requests and answers and answers for later requests is not known",
    ),
    (
        "openai",
        Policy("p", longest_retention_days=7),
        {"levers": ()},
        "it keeps requests and answers for 30 days and answers for later requests for 30 days, longer than 7",
    ),
    # training
    ("cohere", Policy("p", no_training=True), {}, "it trains on requests"),
    ("deepseek", Policy("p", no_training=True), {}, "whether it trains on requests is not known"),
    # state
    (
        "openai",
        Policy("p", stateless=True),
        {"levers": ()},
        "it keeps answers for later requests for 30 days",
    ),
    ("aws-esc", Policy("p", stateless=True), {}, "whether it keeps answers for later requests is not known"),
    ("anthropic-us", Policy("p", stateless=True), {}, None),
    # own machines
    ("ovh", Policy("p", own_machines=True), {}, "its operator OVH is not this organisation itself"),
    # makers and hosts
    ("ovh", Policy("p", makers=("meta", "mistral")), {}, None),
    ("openai", Policy("p", makers=("meta", "mistral")), {}, "its model was made by openai, not by meta or mistral"),
    ("openai", Policy("p", makers=("unknown",)), {"maker": "unknown"}, "who made its model is not known"),
    ("deepseek", Policy("p", without_makers=("deepseek",)), {}, "its model was made by deepseek"),
    ("ovh", Policy("p", without_makers=("deepseek",)), {}, None),
    ("ovh", Policy("p", without_makers=("deepseek",)), {"maker": "unknown"}, "who made its model is not known"),
    ("ovh", Policy("p", hosts=("stackit",)), {}, "its host is ovh, not stackit"),
    ("stackit", Policy("p", hosts=("stackit",)), {}, None),
    # the model
    ("own-in-germany", Policy("p", licences=("apache-2.0", "MIT")), {}, None),
    ("ovh", Policy("p", licences=("MIT",)), {}, "the licence of its model is Llama-3.3, not MIT"),
    ("openai", Policy("p", licences=("MIT",)), {}, "the licence of its model is not known"),
    ("ovh", Policy("p", open_weights=True), {}, None),
    ("openai", Policy("p", open_weights=True), {"open_weights": False}, "the weights of its model are not open"),
    ("openai", Policy("p", open_weights=True), {}, "whether the weights of its model are open is not known"),
    ("openai", Policy("p", states=("current", "legacy")), {}, None),
    ("openai", Policy("p", states=("current",)), {"state": "preview"}, "its model is preview, not current"),
    ("openai", Policy("p", states=("current",)), {"state": None}, "where its model is in its life is not known"),
    (
        "openai",
        Policy("p", states=("current",)),
        {"retires": ON},
        "its model is retired since 2026-11-23, not current",
    ),
    ("openai", Policy("p", states=("current",)), {"retires": date(2026, 11, 24)}, None),
    # how well it is known
    ("deepseek", Policy("p", least_confidence="reported"), {}, "what is known of it is only recalled, not reported"),
    ("aws-esc", Policy("p", least_confidence="reported"), {}, None),
    ("deepseek", Policy("p", least_confidence="recalled"), {}, None),
    ("ovh", Policy("p", stale_facts="refuse"), {}, None),
    (
        "ovh",
        Policy("p", stale_facts="refuse"),
        {"checked_on": date(2026, 5, 1)},
        "its facts were read on 2026-05-01 and their review was due on 2026-07-30",
    ),
    ("ovh", Policy("p", stale_facts="refuse"), {"checked_on": None}, "nobody wrote down when its facts were read"),
    ("ovh", Policy("p"), {"checked_on": None}, None),
]


@pytest.mark.parametrize(("name", "policy", "other", "reason"), ONE)
def test_one_rule_says_why(name: str, policy: Policy, other: dict[str, object], reason: str | None) -> None:
    verdict = _judge(name, policy, **other)
    assert [ruling.reason for ruling in verdict.rulings] == ([] if reason is None else [reason])


REACH = [
    # home, laws, of whom; None: it passes
    ("US", {"US": "yes"}, "its operator OVH is bound by US law"),
    ("US", {"US": "no"}, "its operator OVH is bound by US law"),
    ("US", None, "its operator OVH is bound by US law"),
    ("FR", {"US": "yes"}, "authorities of US can demand what is there"),
    ("FR", {"US": "indirect"}, "authorities of US can reach what is there through a company or processor in the chain"),
    ("FR", {"US": "disputed"}, "authorities of US may be able to demand what is there, which is disputed"),
    ("FR", {"US": "no"}, None),
    ("FR", {"CN": "no"}, "whether authorities of US can demand what is there is not known"),
    ("FR", {}, "whether authorities of US can demand what is there is not known"),
    ("FR", None, "whether authorities of US can demand what is there is not known"),
    (None, {"US": "no"}, "whose law binds its operator OVH is not known"),
    (None, None, "whether authorities of US can demand what is there is not known"),
]


@pytest.mark.parametrize(("home", "laws", "reason"), REACH)
def test_the_reach_of_a_country_is_out_only_where_that_is_known(
    home: str | None, laws: dict[str, str] | None, reason: str | None
) -> None:
    verdict = _judge("ovh", Policy("p", out_of_reach_of=("US",)), home=home, laws=laws)
    assert [ruling.reason for ruling in verdict.rulings] == ([] if reason is None else [reason])


def test_of_several_countries_each_that_reaches_is_named() -> None:
    (ruling,) = _judge("deepseek", Policy("p", out_of_reach_of=("US", "CN", "RU"))).rulings
    assert ruling.reason == (
        "its operator DeepSeek is bound by CN law; whether authorities of RU can demand what is there is not known"
    )


def test_nobody_reaches_what_the_organisation_runs_itself() -> None:
    assert _judge("own-in-the-us", Policy("p", out_of_reach_of=("US",))).is_allowed


def test_of_what_nothing_is_known_every_rule_says_no_that_asks_of_facts() -> None:
    policy = Policy("p", compute_in=("EU",), stateless=True, stale_facts="refuse", tools=(), personal_data="refuse")
    verdict = judge_endpoint(policy, None, dialects=CHAT, on=ON)
    assert _rules(verdict) == "compute_in stateless stale_facts"
    assert {ruling.reason for ruling in verdict.rulings} == {"nothing is known of it"}


def test_what_would_do_is_asked_of_the_host() -> None:
    assert _judge("openai", Policy("p", stateless=True)) == Verdict(levers=(NO_STORE,))


def test_nothing_is_asked_of_the_host_where_nothing_is_needed() -> None:
    assert _judge("openai", Policy("p", no_training=True)).levers == ()


def test_a_place_that_a_request_can_decide_is_decided_by_it() -> None:
    verdict = _judge("anthropic", Policy("p", compute_in=("US",)))
    assert verdict == Verdict(levers=(GEO_US,))


def test_the_host_keeps_nothing_once_it_is_asked_to() -> None:
    policy = Policy("p", store_in=("DE",))
    assert _judge("openai", policy, levers=(NO_STORE, NO_LOGS)).levers == (NO_LOGS,)


def test_two_levers_are_pulled_where_one_is_not_enough() -> None:
    keeps_no_log = Lever("no-log", BOTH, Gains(retention_days=0), header="no-log")
    policy = Policy("p", longest_retention_days=0)
    assert _judge("openai", policy, levers=(NO_STORE, keeps_no_log)).levers == (keeps_no_log, NO_STORE)


@pytest.mark.parametrize("dialects", [("openai_chat", "gemini"), ()])
def test_a_lever_counts_only_where_it_works_in_every_dialect(dialects: tuple[str, ...]) -> None:
    verdict = judge_endpoint(Policy("p", stateless=True), REAL["openai"], dialects=dialects, on=ON)
    assert _rules(verdict) == "stateless"


def test_a_lever_works_where_the_endpoint_speaks_fewer_dialects() -> None:
    assert judge_endpoint(Policy("p", stateless=True), REAL["openai"], dialects=RESPONSES, on=ON).is_allowed


def test_two_values_of_one_member_are_never_asked_at_once() -> None:
    first = Lever("mode=a", BOTH, Gains(retention_days=0), member="mode", value=msgspec.Raw(b'"a"'))
    second = Lever("mode=b", BOTH, Gains(state_days=0), member="mode", value=msgspec.Raw(b'"b"'))
    assert _rules(_judge("openai", Policy("p", longest_retention_days=0), levers=(first, second))) == (
        "longest_retention_days"
    )


def test_levers_that_contradict_each_other_are_never_pulled_at_once() -> None:
    first = Lever("a", BOTH, Gains(compute="DE", retention_days=0), member="a")
    second = Lever("b", BOTH, Gains(compute="US", state_days=0), member="b")
    policy = Policy("p", compute_in=("EU",), longest_retention_days=0)
    assert not _judge("openai", policy, levers=(first, second)).is_allowed


def test_only_what_no_lever_can_change_is_held_against_an_endpoint() -> None:
    verdict = _judge("openai", Policy("p", compute_in=("EU",), stateless=True))
    assert (_rules(verdict), verdict.levers) == ("compute_in", ())


def test_an_adequacy_decision_counts_until_its_last_day() -> None:
    policy, facts = Policy("p", compute_in=("ADEQUATE",)), REAL["bedrock-london"]
    days = date(2031, 12, 27), date(2031, 12, 28)
    assert [judge_endpoint(policy, facts, dialects=CHAT, on=day).is_allowed for day in days] == [True, False]


def test_all_member_states_together_are_the_union() -> None:
    states = tuple("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split())  # noqa: SIM905 -- as short as can be
    assert _judge("openai-eu", Policy("p", compute_in=states)).is_allowed
    assert not _judge("openai-eu", Policy("p", compute_in=states[1:])).is_allowed


def test_the_cases_by_hand_are_many(record_property) -> None:
    cases = 4 * len(EU_TABLE) + len(ONE) + len(REACH)
    record_property("law", f"verdicts of endpoints by hand: {cases} cases over {len(REAL)} endpoints")
    assert cases > 60
