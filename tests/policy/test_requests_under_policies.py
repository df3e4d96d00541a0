"""What a policy says of a request, wherever it goes."""

from __future__ import annotations

import pytest

from hortus.policy.ready import READY
from hortus.policy.rules import Policy
from hortus.policy.verdict import Ask, judge_ask

HISTORY = "it points at what a host keeps of earlier requests; send the whole conversation instead"
UNSEEN = "it points at what a host keeps, which no guard can look at; send the whole conversation instead"


@pytest.mark.parametrize(
    ("policy", "ask", "expected"),
    [
        (Policy("p"), Ask(10**9, ("mcp",), names_history=True), {}),
        (Policy("p", largest_request_kib=1), Ask(1024), {}),
        (
            Policy("p", largest_request_kib=1),
            Ask(1025),
            {"largest_request_kib": "its body has 1025 bytes, more than 1 KiB"},
        ),
        (Policy("p", tools=("function",)), Ask(tools=("function",)), {}),
        (Policy("p", tools=("function",)), Ask(), {}),
        (
            Policy("p", tools=("function", "mcp")),
            Ask(tools=("web_search", "code_execution", "function")),
            {"tools": "it brings tools of the kind code_execution, web_search; allowed: only function, mcp"},
        ),
        (
            Policy("p", tools=()),
            Ask(tools=("function",)),
            {"tools": "it brings tools of the kind function; allowed: none"},
        ),
        (
            READY["eu-computed"],
            Ask(tools=("unreadable",)),
            {"tools": "it brings tools of the kind unreadable; allowed: only function"},
        ),
        (Policy("p", stateless=True), Ask(names_history=True), {"stateless": HISTORY}),
        (Policy("p", stateless=True), Ask(), {}),
        (Policy("p", stateless=True), Ask(names_files=True), {"stateless": HISTORY}),
        (Policy("p", personal_data="refuse"), Ask(names_files=True), {"personal_data": UNSEEN}),
        (Policy("p", personal_data="refuse", unseen_content="allow"), Ask(names_files=True), {}),
        (Policy("p", personal_data="pseudonymise"), Ask(names_history=True), {"personal_data": UNSEEN}),
        (Policy("p", personal_data="refuse"), Ask(names_history=True), {"personal_data": UNSEEN}),
        (Policy("p", personal_data="pseudonymise"), Ask(), {}),
        (Policy("p", secrets="pseudonymise"), Ask(names_history=True), {"secrets": UNSEEN}),
        (Policy("p", secrets="refuse"), Ask(names_history=True), {"secrets": UNSEEN}),
        (
            Policy("p", stateless=True, personal_data="refuse", secrets="refuse", largest_request_kib=1, tools=()),
            Ask(2000, ("mcp",), names_history=True),
            {
                "stateless": HISTORY,
                "personal_data": UNSEEN,
                "secrets": UNSEEN,
                "largest_request_kib": "its body has 2000 bytes, more than 1 KiB",
                "tools": "it brings tools of the kind mcp; allowed: none",
            },
        ),
    ],
)
def test_every_rule_that_says_no_is_named_with_its_reason(policy: Policy, ask: Ask, expected: dict[str, str]) -> None:
    assert list({ruling.rule: ruling.reason for ruling in judge_ask(policy, ask)}.items()) == list(expected.items())


@pytest.mark.parametrize("policy", READY.values(), ids=READY)
def test_a_policy_that_judges_no_request_says_so(policy: Policy) -> None:
    worst = Ask(10**9, ("mcp",), names_history=True)
    assert bool(judge_ask(policy, worst)) is policy.looks_at_requests
