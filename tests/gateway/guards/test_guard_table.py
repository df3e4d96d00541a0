"""What a policy asks for is looked for, and of two findings that overlap the right one stays."""

from __future__ import annotations

import pytest
from finding import found, policy
from hypothesis import given
from hypothesis import strategies as st

from hortus.gateway.guards.table import PERSONAL_KINDS, finder_for
from hortus.policy.rules import Policy

TEXT = (
    "Frau Anna Schmidt, anna@firma.de, Tel. 030 1234567, Steuer-ID 86095742719, USt-IdNr. DE136695976, "
    "Konto DE89 3704 0044 0532 0130 00, Karte 4111 1111 1111 1111, IP 8.8.8.8"
)


def kinds(finder_policy: Policy, text: str = TEXT) -> set[str]:
    return {one.kind for one in finder_for(finder_policy).find(text)}


def test_a_policy_without_kinds_looks_for_all() -> None:
    assert kinds(policy("refuse")) == set(PERSONAL_KINDS)


@pytest.mark.parametrize("kind", PERSONAL_KINDS)
def test_a_policy_that_names_a_kind_looks_for_it_alone(kind: str) -> None:
    assert kinds(policy("pseudonymise", kind)) == {kind}


def test_a_kind_that_is_not_known_has_all_of_them_looked_for() -> None:
    assert kinds(policy("pseudonymise", "email", "surname")) == set(PERSONAL_KINDS)


def test_a_policy_that_allows_looks_for_nothing() -> None:
    assert kinds(Policy(name="p")) == set()


def test_secrets_alone_find_no_personal_data() -> None:
    assert kinds(policy("allow", secrets="refuse"), f"{TEXT} password: hunter2x") == {"password"}


def test_the_guard_is_said() -> None:
    finder = finder_for(policy(secrets="refuse", blocked=("falcon",)))

    findings = finder.find("anna@firma.de password: hunter2x falcon")

    assert [one.guard for one in findings] == ["personal_data", "secrets", "blocked_words"]


def test_a_password_in_an_address_is_no_email() -> None:
    assert found("https://u:hunter2x@host.example.de/") == ["password:hunter2x"]


def test_what_refuses_is_not_hidden_by_what_is_masked() -> None:
    findings = finder_for(policy("pseudonymise", blocked=("falcon",))).find("write to falcon@firma.de")

    assert [one.guard for one in findings] == ["blocked_words"]


def test_findings_are_in_order() -> None:
    starts = [one.start for one in finder_for(policy()).find(TEXT)]

    assert starts == sorted(starts)


PIECES = st.sampled_from(
    ["DE89 3704 0044 0532 0130 00", "111222333", "bsn ", "anna@firma.de", "+49 30 1234567", " ", "\n", "|", ";", "Frau ", "Anna", "Schmidt",
     "8.8.8.8", "\u200b", "4111 1111 1111 1111", "password: ", "hunter2x", "ß", "\\n", ".", "-", "7", "Straße"]
)  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=3), max_size=30).map("".join))
def test_findings_never_overlap_and_lie_in_the_text(text: str) -> None:
    finder = finder_for(policy(secrets="refuse", blocked=("strasse", "anna schmidt")))

    findings = finder.find(text)

    ends = [0, *(one.end for one in findings)]
    assert all(end <= one.start < one.end <= len(text) for end, one in zip(ends, findings, strict=False))
