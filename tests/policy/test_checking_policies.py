"""A policy that names what nobody knows, or demands what nothing can meet, is told so before it rules."""

from __future__ import annotations

import pytest

from hortus.policy.checking import Known, check_policy
from hortus.policy.ready import READY
from hortus.policy.rules import Policy

KNOWN = Known(
    makers=("mistral", "openai"),
    hosts=("azure", "ovh"),
    licences=("Apache-2.0", "MIT"),
    personal_kinds=("email", "iban"),
)
LEAVE_OUT = "Leave the member out to demand nothing."
PLACES = "Use ISO 3166-1 alpha-2 codes, EU, EEA, ADEQUATE."
GOOD = Policy(
    "ours",
    compute_in=("EU", "CH"),
    store_in=("EEA",),
    operators_from=("ADEQUATE", "US"),
    out_of_reach_of=("CN", "US"),
    longest_retention_days=0,
    makers=("mistral",),
    without_makers=("openai",),
    hosts=("ovh",),
    licences=("apache-2.0",),
    states=("current",),
    personal_data="pseudonymise",
    personal_kinds=("iban",),
    blocked_words=("Project X",),
    largest_request_kib=1,
    tools=("function", "web_fetch"),
)


@pytest.mark.parametrize("policy", [GOOD, Policy("bare"), Policy("no-tools", tools=())], ids=lambda one: one.name)
def test_nothing_is_wrong_with_a_good_policy(policy: Policy) -> None:
    assert check_policy(policy, KNOWN) == []


@pytest.mark.parametrize("policy", READY.values(), ids=READY)
def test_of_a_ready_made_policy_only_its_name_is_taken(policy: Policy) -> None:
    assert [flaw.path for flaw in check_policy(policy, KNOWN)] == [("name",)]


@pytest.mark.parametrize(
    ("policy", "path", "message", "hint"),
    [
        ({"compute_in": ("EU", "uk")}, ("compute_in", 1), "`uk` is no place", "Did you mean `GB`?"),
        ({"compute_in": ("EU*",)}, ("compute_in", 0), "`EU*` is no place", "Did you mean `EU`?"),
        ({"store_in": ("de",)}, ("store_in", 0), "`de` is no place", "Did you mean `DE`?"),
        ({"store_in": ("GLOBAL",)}, ("store_in", 0), "`GLOBAL` is no place", LEAVE_OUT),
        ({"operators_from": ("EEAA",)}, ("operators_from", 0), "`EEAA` is no place", "Did you mean `EEA`?"),
        ({"operators_from": ("XX",)}, ("operators_from", 0), "`XX` is no place", PLACES),
        ({"out_of_reach_of": ("EU",)}, ("out_of_reach_of", 0), "`EU` is no country", "Name countries one by one."),
        ({"out_of_reach_of": ("USA",)}, ("out_of_reach_of", 0), "`USA` is no country", "Did you mean `US`?"),
        (
            {"operators_from": ("US",), "out_of_reach_of": ("US", "CN")},
            ("operators_from",),
            "Every operator from there is bound",
            "Name other countries in `operators_from` or in `out_of_reach_of`.",
        ),
        ({"longest_retention_days": -1}, ("longest_retention_days",), "A time cannot", "0 means: not kept at all."),
        ({"largest_request_kib": 0}, ("largest_request_kib",), "Every request would be too large.", LEAVE_OUT),
        ({"makers": ("opnai",)}, ("makers", 0), "`opnai` is no maker of the catalog", "Did you mean `openai`?"),
        ({"without_makers": ("x",)}, ("without_makers", 0), "`x` is no maker", "There are mistral, openai."),
        ({"hosts": ("x" * 99,)}, ("hosts", 0), f"`{'x' * 60}` is no host of the catalog.", "There are azure, ovh."),
        ({"licences": ("MTI",)}, ("licences", 0), "`MTI` is no licence of the catalog", "Did you mean `MIT`?"),
        (
            {"makers": ("openai",), "without_makers": ("openai",)},
            ("without_makers", 0),
            "`openai` stands in `makers` as well.",
            "Name it in one.",
        ),
        (
            {"personal_data": "refuse", "personal_kinds": ("ibann",)},
            ("personal_kinds", 0),
            "`ibann` is no kind of personal data.",
            "Did you mean `iban`?",
        ),
        (
            {"personal_kinds": ("iban",)},
            ("personal_kinds",),
            "Nothing is looked for while `personal_data` is `allow`.",
            "Set `personal_data` to `pseudonymise` or `refuse`.",
        ),
        ({"blocked_words": ("a", " ")}, ("blocked_words", 1), "An empty word stands in every request.", "Remove it."),
        ({"tools": ("computer_use",)}, ("tools", 0), "No tool is of the kind", "Did you mean `computer`?"),
        ({"tools": ("unreadable",)}, ("tools", 0), "`unreadable` is no kind of tools", "Remove it."),
        ({"tools": ("",)}, ("tools", 0), "`` is no kind of tools", "Remove it."),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_what_to_do(
    policy: dict[str, object], path: tuple[str | int, ...], message: str, hint: str
) -> None:
    (flaw,) = check_policy(Policy("ours", **policy), KNOWN)
    assert (flaw.path, flaw.message[: len(message)], flaw.hint) == (path, message, hint)


@pytest.mark.parametrize(
    "member", ["compute_in", "store_in", "operators_from", "makers", "hosts", "licences", "states"]
)
def test_a_list_of_nothing_demands_the_impossible(member: str) -> None:
    (flaw,) = check_policy(Policy("ours", **{member: ()}), KNOWN)
    assert (flaw.path, flaw.hint) == ((member,), LEAVE_OUT)


@pytest.mark.parametrize(
    ("there", "hint"), [((), "There are none."), ([f"m{n:02}" for n in range(20)], "There are m00, m01, m02, m03")]
)
def test_only_the_first_of_many_are_listed(there: list[str], hint: str) -> None:
    known = Known(makers=there, hosts=(), licences=(), personal_kinds=())
    (flaw,) = check_policy(Policy("ours", makers=("xyz",)), known)
    assert flaw.hint.startswith(hint)
    assert len(flaw.hint) < 80
