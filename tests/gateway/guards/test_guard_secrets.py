"""Keys, tokens and passwords; and the words that a policy blocks."""

from __future__ import annotations

import pytest
from finding import found, policy

from hortus.gateway.guards.table import finder_for

PRIVATE = "PRIVATE KEY"
BODY = "Zk3Lw8Qv1Xn5Tb7Rf2Yh9Mc4Dp6Gs0JaUeKi"


@pytest.mark.parametrize(
    "key",
    [
        f"sk-proj-{BODY}",
        f"sk-ant-api03-{BODY}",
        f"sk-{BODY}",
        "AIza" + BODY[:35],
        "AKIA" + "ABCDEFGH234567AB",
        f"ghp_{BODY}",
        f"glpat-{BODY[:20]}",
        f"xoxb-{'12345678901-' * 2}{BODY[:24]}",
        f"sk_live_{BODY[:24]}",
        "hf_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH",
        f"hortus_sk_{BODY}",
    ],
)
def test_a_key_is_found_by_its_prefix(key: str) -> None:
    assert found(f"use {key}, please") == [f"api_key:{key}"]


def test_a_private_key_is_found_as_a_whole() -> None:
    block = f"-----BEGIN RSA {PRIVATE}-----\n{BODY}\n{BODY}\n-----END RSA {PRIVATE}-----"

    assert found(f"key:\n{block}\nend") == [f"private_key:{block}"]


def test_a_private_key_that_is_cut_off_is_found_to_its_end() -> None:
    block = f"-----BEGIN {PRIVATE}-----\n{BODY}"

    assert found(block) == [f"private_key:{block}"]


def test_a_public_certificate_is_none() -> None:
    assert found(f"-----BEGIN CERTIFICATE-----\n{BODY}\n-----END CERTIFICATE-----") == []


def test_a_web_token_is_found() -> None:
    token = f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.{BODY}"

    assert found(f"jwt {token}") == [f"token:{token}"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("password = hunter2x", "hunter2x"),
        ('"password": "hunter2x"', "hunter2x"),
        ("Passwort: Sommer!24", "Sommer!24"),
        ("mot de passe : azerty12", "azerty12"),
        ("DB_PASSWORD=hunter2x", "hunter2x"),
        ("hasło: Wiosna2024", "Wiosna2024"),
        ("postgres://app:hunter2x@db/prod", "hunter2x"),
        ("the password is hunter2x.", "hunter2x"),
    ],
)
def test_a_password_is_found_by_what_stands_before_it(text: str, value: str) -> None:
    assert found(text) == [f"password:{value}"]


@pytest.mark.parametrize(
    "text",
    [
        "Please reset your password: go to settings.",
        "password = ${DB_PASSWORD}",
        "password: <your password>",
        "max_tokens: 4096",
        "the secret is patience",
        "risk-taking and task-force",
        "disk-0123456789abcdefghijklmnop",
        "sk-short",
    ],
)
def test_what_only_speaks_of_secrets_is_not_found(text: str) -> None:
    assert found(text) == []


def blocked(text: str, *words: str) -> list[str]:
    findings = finder_for(policy("allow", blocked=words)).find(text)
    return [text[one.start : one.end] for one in findings]


@pytest.mark.parametrize(
    ("text", "word", "written"),
    [
        ("In der STRASSE dort", "Straße", "STRASSE"),
        ("Projekt FALKE läuft", "falke", "FALKE"),
        ("project\n  falcon now", "Project Falcon", "project\n  falcon"),
        ("le CAFE\u0301 noir", "café", "CAFE\u0301"),
        ("fal\u200bcon", "falcon", "fal\u200bcon"),
        ("ΟΔΟΣ", "οδός".replace("ό", "ο"), "ΟΔΟΣ"),
        ("\uff26alcon", "falcon", "\uff26alcon"),
        ("(C++)", "c++", "C++"),
    ],
)
def test_a_blocked_word_is_found_whatever_its_case_and_coding(text: str, word: str, written: str) -> None:
    assert blocked(text, word) == [written]


@pytest.mark.parametrize("text", ["falconry", "gyrfalcon", "fal con", ""])
def test_a_part_of_a_word_is_not_blocked(text: str) -> None:
    assert blocked(text, "falcon") == []


def test_a_policy_that_blocks_nothing_finds_nothing() -> None:
    assert blocked("anything", " ") == []
