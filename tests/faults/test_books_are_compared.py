"""The comparison itself: each way in which books can disagree is found."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from faults.run.answers import Listener
from faults.run.asking import Question
from faults.run.client import Outcome
from faults.run.judging import Verdict, judge
from faults.run.killing import Fault
from faults.run.reconcile import Price, reconcile
from hortus.canon.usage import Usage
from hortus.receipts.records import Attempt, Caller, Receipt
from hortus.testkit.faults.book import Account, Seen

PRICES = {"openai": Price(Decimal(1), Decimal(2)), "google": Price(Decimal(3), Decimal(4))}
ATTEMPT = Attempt(1, "openai", "m", "h", "completed", 0, usage=Usage(10, 5), cost=Decimal("0.00002"), currency="USD")
RECEIPT = Receipt("r1", 0, "completed", Caller(), "hx-000001", attempts=(ATTEMPT,))


def account(act: str = "well", *, endpoint: str = "openai", made: int = 5, nth: int = 1) -> Account:
    seen = Seen(1, "000001", endpoint, "openai_chat", act, is_stream=True, input_tokens=10, nth_on_connection=nth)
    return Account(seen, made_tokens=made, how="complete")


def with_attempts(*attempts: Attempt) -> Receipt:
    return replace(RECEIPT, status=attempts[-1].status, attempts=attempts)


def kinds(accounts: list[Account], *receipts: Receipt) -> list[str]:
    return [finding.kind for finding in reconcile(accounts, receipts, prices=PRICES).findings]


def test_books_that_agree_have_no_findings() -> None:
    assert kinds([account()], RECEIPT) == []


ESTIMATED = replace(ATTEMPT, usage=Usage(10, 5, is_estimated=True))
INTERRUPTED = replace(ATTEMPT, status="interrupted", usage=None)


@pytest.mark.parametrize(
    ("accounts", "receipts", "kind"),
    [
        ([account()], [], "lost"),
        ([account()], [replace(RECEIPT, attempts=())], "lost"),
        ([account(), account()], [RECEIPT], "lost"),
        ([account(endpoint="google")], [RECEIPT], "lost"),
        ([account()], [RECEIPT, RECEIPT], "doubled"),
        ([account(made=6)], [RECEIPT], "wrong tokens"),
        ([account()], [with_attempts(replace(ATTEMPT, cost=Decimal(1)))], "wrong money"),
        ([account()], [with_attempts(ESTIMATED)], "wrong tokens"),
        ([account()], [with_attempts(replace(ATTEMPT, status="cancelled", usage=None))], "unmarked"),
        ([account(made=50)], [with_attempts(INTERRUPTED)], "undercharged"),
    ],
)
def test_what_disagrees_is_found(accounts: list[Account], receipts: list[Receipt], kind: str) -> None:
    assert kind in kinds(accounts, *receipts)


def test_a_completed_attempt_of_which_the_host_knows_nothing_is_found() -> None:
    other = replace(ATTEMPT, number=2, endpoint="google", cost=Decimal("0.00005"))
    assert kinds([account(endpoint="google")], with_attempts(ATTEMPT, other)) == ["unseen"]


def test_an_attempt_that_the_host_saw_twice_is_found() -> None:
    books = reconcile([account("reset-before-head", nth=2, made=1), account()], [RECEIPT], prices=PRICES)
    assert [one.kind for one in books.findings] == ["sent twice"]


def outcome(how: str = "answered", status: int = 200, verdict: Verdict | None = None, **headers: str) -> Outcome:
    question = Question(1, "openai_chat", "openai", is_stream=False)
    return Outcome(question, how, began_s=10.0, ended_s=11.0, status=status, headers=headers, verdict=verdict)


def heard(one: Outcome, receipt: Receipt | None = None, *, act: str = "well", faults: tuple[Fault, ...] = ()) -> int:
    listener = Listener({"000001": receipt} if receipt else {}, {"000001": act}, faults)
    return len(list(listener.findings([one])))


KILL = Fault("worker", 10.5, 10.5, whole_s=11.0, workers=True, processes=1)


def test_a_clean_answer_that_its_receipt_knows_is_no_finding() -> None:
    assert heard(outcome(verdict=Verdict("success", usage=(10, 5))), RECEIPT) == 0
    assert heard(outcome(status=503, verdict=Verdict("error"), **{"retry-after": "1"})) == 0


@pytest.mark.parametrize("how", ["cut", "unreachable"])
def test_a_broken_connection_needs_a_kill(how: str) -> None:
    assert heard(outcome(how)) == 1
    assert heard(outcome(how), faults=(KILL._replace(is_total=True),)) == 0


@pytest.mark.parametrize(
    ("one", "receipt"),
    [
        (outcome("hung"), None),
        (outcome(verdict=Verdict("success")), None),
        (outcome(verdict=Verdict("success")), with_attempts(INTERRUPTED)),
        (outcome(verdict=Verdict("success", usage=(10, 6))), RECEIPT),
        (outcome(verdict=Verdict("unclean")), RECEIPT),
        (outcome(status=502, verdict=Verdict("error")), RECEIPT),
        (outcome(status=503, verdict=Verdict("error")), None),
        (outcome(status=500, verdict=Verdict("error")), None),
    ],
)
def test_an_answer_that_is_not_clean_is_found(one: Outcome, receipt: Receipt | None) -> None:
    assert heard(one, receipt) >= 1


@pytest.mark.parametrize(
    ("dialect", "status", "body", "is_stream"),
    [
        ("openai_chat", 200, b'{"choices":[', False),
        ("openai_chat", 200, b'data: {"choices":[]}\n\n', True),
        ("openai_chat", 200, b"data: [DONE]\n\ndata: {", True),
        ("openai_chat", 502, b"<html></html>", False),
        ("anthropic_messages", 502, b'{"error":{"type":"api_error","message":"no"}}', False),
        ("anthropic_messages", 502, b'{"type":"error","error":{"type":"made_up","message":"no"}}', False),
        ("gemini", 502, b'{"error":{"code":500,"message":"no","status":"INTERNAL"}}', False),
        ("openai_responses", 502, b'{"error":{"message":"","type":"x"}}', False),
    ],
)
def test_an_answer_that_no_sdk_can_read_is_unclean(dialect: str, status: int, body: bytes, *, is_stream: bool) -> None:
    assert judge(dialect, status, body, is_stream=is_stream).kind == "unclean"
