"""`hortus policy` and what `hortus projects` and `hortus status` say of policies, shown and sent."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from hortus.cli.policyoptions import Rules, rules_of
from hortus.cli.policyreplies import (
    Change,
    EndpointVerdict,
    Explanation,
    Facts,
    Money,
    Policy,
    Rehearsal,
    Ruling,
    Said,
)
from hortus.cli.policywords import (
    say_demands,
    say_facts,
    show_explanation,
    show_policies,
    show_policy,
    show_rehearsal,
)
from hortus.cli.replies import PolicyInUse
from hortus.cli.status import say_policy
from hortus.policy.rules import Policy as Declared

FACTS = Facts(
    confidence="stated",
    is_stale=False,
    compute="DE",
    storage="DE",
    retention_days=0,
    trains=False,
    home="DE",
    source="contract 7",
    checked_on="2026-11-01",
)
NEAR = EndpointVerdict(endpoint="near", is_allowed=True, is_usable=True, facts=FACTS, adaptations=("store=false",))
FAR = EndpointVerdict(
    endpoint="far", is_allowed=False, is_usable=True, rulings=(Ruling("compute_in", "it computes in US"),)
)
DARK = EndpointVerdict(endpoint="dark", is_allowed=True, is_usable=False, reason="its credential is not here")


def explanation(*endpoints: EndpointVerdict, **changes: object) -> Explanation:
    members: dict[str, object] = {
        "project": "library", "route": "mixed", "operation": "chat", "policy": "europe", "mark": "europe~1a2b3c4d",
        "is_draft": False, "on": "2026-11-23", "may_use_route": True, "is_allowed": True,
    }  # fmt: skip
    return Explanation(**{**members, **changes}, endpoints=endpoints)


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_a_verdict_names_each_endpoint_with_rule_reason_and_facts(capsys: pytest.CaptureFixture[str]) -> None:
    show_explanation(explanation(FAR, NEAR, DARK))
    said = shown(capsys)
    for word in ("far", "ruled out", "compute_in", "allowed", "store=false", "contract 7", "2026-11-01", "away"):
        assert word in said, word


@pytest.mark.parametrize(
    ("said", "word"),
    [
        (explanation(NEAR), "allowed"),
        (explanation(FAR, is_allowed=False), "refused: it goes nowhere"),
        (explanation(DARK), "nothing that it may go to can be called now"),
        (explanation(NEAR, may_use_route=False), "the project may not use"),
        (explanation(NEAR, is_draft=True), "a draft"),
        (explanation(NEAR, shadow_policy="strict"), "strict has nothing against it"),
        (
            explanation(msgspec.structs.replace(NEAR, shadow_rulings=(Ruling("makers", "x"),)), shadow_policy="strict"),
            "strict would say no to near (makers)",
        ),
        (explanation(NEAR, request_rulings=(Ruling("tools", "it brings web_search"),)), "it brings web_search (tools)"),
        (explanation(NEAR, content=(Said("secrets", "Keys are refused."),)), "Keys are refused."),
    ],
)
def test_a_verdict_says_what_matters_before_the_table(
    said: Explanation, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show_explanation(said)
    assert word in shown(capsys)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "computes: DE; stores: DE; keeps 0 d; law: DE; stated 2026-11-01"),
        ({"is_stale": True}, "stated 2026-11-01 (stale)"),
        ({"undecided": ("sku",)}, "computes: decided by its sku"),
        ({"compute": None}, "computes: unknown"),
        ({"retention_days": None}, "keeps: unknown"),
        ({"trains": True}, "trains"),
        ({"is_own": True}, "own machine"),
        ({"checked_on": None, "source": None}, "nobody says when"),
    ],
)
def test_facts_are_said_with_source_and_day(changes: dict[str, object], said: str) -> None:
    assert said in say_facts(msgspec.structs.replace(FACTS, **changes))


def test_a_policy_is_shown_one_line_a_rule(capsys: pytest.CaptureFixture[str]) -> None:
    policy = Policy(
        name="europe",
        rules={"description": "Ours."},
        words=(Said("compute_in", "It is computed within the EU."), Said("no_training", "Not trained on.")),
        mark="europe~1a2b3c4d",
        origin="file",
        where="hortus.toml:3",
        projects=("library",),
        shadow_of=("museum",),
    )
    show_policy(policy)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["compute_in", "It", "is", "computed", "within", "the", "EU."] in lines
    assert ["no_training", "Not", "trained", "on."] in lines
    show_policies([policy, msgspec.structs.replace(policy, name="free", words=())])
    said = shown(capsys)
    assert "museum (shadow)" in said
    assert "free nothing" in said


def test_a_policy_without_rules_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    show_policy(Policy(name="anywhere", rules={}, words=(), mark="anywhere~0", origin="built-in"))
    assert "requests may go anywhere" in shown(capsys)


def test_a_rehearsal_lists_what_would_change_and_what_it_cannot_see(capsys: pytest.CaptureFixture[str]) -> None:
    changes = (
        Change("mixed", "refused", 3, endpoint="far", rulings=(Ruling("compute_in", "it computes in US"),)),
        Change("mixed", "moved", 2, endpoint="far", instead=("near",), cost=(Money("EUR", Decimal("0.10")),)),
        Change("mixed", "adapted", 1, endpoint="near", adaptations=("store=false",), is_at_most=True),
        Change("mixed", "allowed", 1),
    )
    show_rehearsal(
        Rehearsal(
            project="library",
            policy="anywhere",
            draft="europe~1a2b3c4d",
            since_ms=0,
            requests=20,
            unchanged=13,
            changes=changes,
            stranded=("abroad",),
            not_rehearsed=("tools: receipts do not say",),
        )
    )
    said = shown(capsys)
    for word in ("20, of which 7", "abroad", "receipts do not say", "refused", "elsewhere", "left: near", "0.1 EUR"):
        assert word in said, word
    assert "≤ 1" in said


def test_every_member_of_a_policy_has_its_option() -> None:
    members = set(Declared.__struct_fields__)
    assert members <= set(Rules.__struct_fields__)


def test_only_what_was_given_is_sent() -> None:
    options = Rules(name="a", compute_in=["EU"], no_training=True, no_tools=True, like="eu-computed", json=True)
    assert rules_of(options) == {"compute_in": ["EU"], "no_training": True, "tools": []}
    assert rules_of(Rules(name="a")) == {}


def test_demands_are_said_in_one_line() -> None:
    assert say_demands([Said("a", "One."), "Two."]) == "One. Two."
    assert say_demands(()) == "nothing: requests may go anywhere"


@pytest.mark.parametrize(
    ("used", "said"),
    [
        (None, None),
        (PolicyInUse("default", "anywhere", ()), "anywhere: requests of project default may go anywhere"),
        (
            PolicyInUse("default", "own", ("Only own machines.",)),
            "own: requests of project default may go only where all of this holds: Only own machines.",
        ),
    ],
)
def test_the_status_says_the_default_policy_as_a_sentence(used: PolicyInUse | None, said: str | None) -> None:
    assert say_policy(used) == said
