"""A draft is tried on what was sent: what would be refused, moved, asked for, or would go at last."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hortus.policy.digest import policy_mark
from hortus.policy.ready import READY
from hortus.policy.rehearsing import Change, Cost, Ground, Place, Rehearsal, Row, rehearse
from hortus.policy.rules import Policy
from hortus.policy.verdict import Ruling
from policy.real_facts import BOTH, ON, REAL

GROUND = Ground(
    endpoints={name: Place(REAL[name], BOTH) for name in ("openai", "mistral-eu", "ovh")},
    routes={"chat": ("openai", "ovh"), "far": ("openai",), "near": ("ovh",)},
    secret_kinds=frozenset({"api_key"}),
)
SENT = Row("town", "chat", "openai", 10, 2000, cost=Decimal("1.50"), currency="EUR")


def _rehearse(draft: Policy, *rows: Row, ground: Ground = GROUND) -> Rehearsal:
    return rehearse(draft, rows, ground=ground, on=ON)


def _only(report: Rehearsal) -> Change:
    (change,) = report.changes
    return change


def test_what_goes_on_as_before_is_counted_and_not_listed() -> None:
    report = _rehearse(READY["anywhere"], SENT, Row("town", "near", "ovh", 3))
    assert report == Rehearsal(policy_mark(READY["anywhere"]), requests=13, unchanged=13)


def test_requests_that_another_endpoint_of_the_route_may_have_move_there() -> None:
    report = _rehearse(Policy("draft", hosts=("ovh",)), SENT)
    assert _only(report) == Change(
        "town",
        "chat",
        "openai",
        "moved",
        rulings=(Ruling("hosts", "its host is openai, not ovh"),),
        instead=("ovh",),
        requests=10,
        cost=(Cost("EUR", Decimal("1.50")),),
    )
    assert (report.unchanged, report.stranded) == (0, ())


def test_a_route_of_which_nothing_is_left_is_named_and_its_requests_are_refused() -> None:
    report = _rehearse(Policy("draft", hosts=("ovh",)), Row("town", "far", "openai", 4))
    assert (_only(report).outcome, _only(report).instead, report.stranded) == ("refused", (), ("far",))


def test_a_route_and_an_endpoint_that_are_gone_are_judged_by_nothing_known() -> None:
    report = _rehearse(Policy("draft", no_training=True), Row("town", "old", "gone", 4))
    assert _only(report).rulings == (Ruling("no_training", "nothing is known of it"),)
    assert report.stranded == ("old",)


def test_what_is_no_chat_is_rehearsed_without_levers() -> None:
    vectors = Row("town", "far", "openai", 7, operation="embeddings")
    report = _rehearse(Policy("draft", stateless=True), vectors)
    assert (report.changes, report.unchanged) == ((), 7)


def test_what_would_newly_be_asked_of_the_host_is_listed() -> None:
    draft = Policy("draft", stateless=True)
    asked_before = Row("town", "far", "openai", 5, adaptations=("policy:store=false",))
    report = _rehearse(draft, asked_before, Row("town", "far", "openai", 7))
    assert (_only(report).outcome, _only(report).levers, _only(report).requests) == ("adapted", ("store=false",), 7)
    assert report.unchanged == 5


def test_what_was_refused_and_would_go_is_listed() -> None:
    report = _rehearse(Policy("draft"), Row("town", "near", None, 6))
    assert (_only(report).outcome, _only(report).endpoint, _only(report).requests) == ("allowed", None, 6)


@pytest.mark.parametrize(
    ("draft", "row"),
    [
        (Policy("draft", hosts=("azure",)), Row("town", "near", None, 6)),
        (Policy("draft", personal_data="refuse"), Row("town", "near", None, 6, findings=("iban:1",))),
        (Policy("draft", largest_request_kib=1), Row("town", "near", None, 6, 4000)),
    ],
)
def test_what_was_refused_and_stays_so_is_no_change(draft: Policy, row: Row) -> None:
    assert _rehearse(draft, row).changes == ()


def test_of_long_requests_only_the_most_is_known() -> None:
    change = _only(_rehearse(Policy("draft", largest_request_kib=1), SENT))
    assert (change.outcome, change.is_at_most, change.requests) == ("refused", True, 10)


def test_a_loss_that_the_draft_refuses_is_named() -> None:
    row = Row("town", "near", "ovh", 2, losses=("tuning:top_k", "advisory:user"))
    change = _only(_rehearse(Policy("draft", loss="strict"), row))
    assert change.rulings == (Ruling("loss", "it would lose tuning:top_k, advisory:user"),)
    assert _rehearse(Policy("draft", loss="standard"), row).changes == ()


@pytest.mark.parametrize(
    ("draft", "findings", "expected"),
    [
        ({"personal_data": "pseudonymise"}, ("iban:2", "email"), ("iban:pseudonymise", "email:pseudonymise")),
        ({"personal_data": "pseudonymise", "personal_kinds": ("email",)}, ("iban:2", "email"), ("email:pseudonymise",)),
        ({"secrets": "pseudonymise"}, ("iban:2", "api_key:1"), ("api_key:pseudonymise",)),
    ],
)
def test_what_would_become_of_findings_is_said(
    draft: dict[str, object], findings: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    change = _only(_rehearse(Policy("draft", **draft), Row("town", "near", "ovh", 2, findings=findings)))
    assert (change.outcome, change.findings) == ("adapted", expected)


def test_findings_that_the_draft_refuses_refuse_the_request_on_every_endpoint() -> None:
    change = _only(
        _rehearse(Policy("draft", personal_data="refuse"), Row("town", "chat", "ovh", 2, findings=("iban:2",)))
    )
    assert (change.outcome, change.instead) == ("refused", ())
    assert change.rulings == (Ruling("findings", "guards found iban in it"),)


def test_what_the_draft_says_of_a_kind_of_requests_refuses_all_of_them() -> None:
    ruling = Ruling("secrets", "nothing can look into a conversation over a WebSocket")
    ground = Ground(GROUND.endpoints, GROUND.routes, of_operations={"realtime": (ruling,)})
    talk = Row("town", "near", "ovh", 3, operation="realtime")
    report = _rehearse(Policy("draft", secrets="refuse"), talk, Row("town", "near", "ovh", 2), ground=ground)
    assert (_only(report).outcome, _only(report).rulings, report.unchanged) == ("refused", (ruling,), 2)


def test_findings_that_were_treated_so_before_are_no_change() -> None:
    before = Policy("now", personal_data="pseudonymise")
    ground = Ground(GROUND.endpoints, GROUND.routes, before=before)
    assert _rehearse(before, Row("town", "near", "ovh", 2, findings=("iban:2",)), ground=ground).changes == ()


def test_receipts_that_are_alike_are_one_change_with_cost_by_currency() -> None:
    rows = (
        SENT,
        Row("town", "chat", "openai", 1, cost=Decimal(2), currency="USD"),
        Row("town", "chat", "openai", 2, cost=Decimal("0.25"), currency="EUR"),
        Row("town", "chat", "openai", 4),
    )
    change = _only(_rehearse(Policy("draft", hosts=("ovh",)), *rows))
    assert (change.requests, change.cost) == (17, (Cost("EUR", Decimal("1.75")), Cost("USD", Decimal(2))))


def test_the_report_begins_with_what_would_be_refused() -> None:
    rows = (
        Row("b", "chat", None, 1),
        Row("b", "chat", "openai", 1),
        Row("b", "far", "openai", 1),
        Row("a", "far", "openai", 1),
    )
    report = _rehearse(Policy("draft", hosts=("ovh",)), *rows)
    seen = [(change.outcome, change.project) for change in report.changes]
    assert seen == [("refused", "a"), ("refused", "b"), ("moved", "b"), ("allowed", "b")]
    assert _rehearse(Policy("draft", hosts=("ovh",)), *reversed(rows)) == report


def test_what_receipts_cannot_show_is_said() -> None:
    draft = Policy("draft", tools=(), stateless=True, personal_data="refuse", blocked_words=("x",))
    said = [one.partition(":")[0] for one in _rehearse(draft).not_rehearsed]
    assert said == ["tools", "history", "findings", "blocked_words", "unseen_content"]


def test_nothing_is_left_open_where_receipts_show_all() -> None:
    assert _rehearse(Policy("draft", compute_in=("EU",), unseen_content="allow")).not_rehearsed == ()
