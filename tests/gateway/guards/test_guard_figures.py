"""The figures that are published are those of these finders, and no worse than what was promised."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

ROOT = Path(__file__).parents[3]
FLOORS = {
    "iban": 99,
    "national_id": 99,
    "vat": 95,
    "payment_card": 95,
    "email": 99,
    "phone": 95,
    "ip_address": 99,
    "person": 93,
}
"""Per cent of what stands beside a word that must be found; the same share of what is found must lie on something personal."""


def tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, f"tools/{name}.py", *arguments], cwd=ROOT, capture_output=True, text=True)


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    done = tool("guard_figures", "--json")
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(done.stdout)


@pytest.mark.parametrize("kind", FLOORS)
def test_what_stands_beside_a_word_is_found(figures: dict[str, Any], kind: str) -> None:
    score = figures["texts"]["kinds"][kind]

    assert 100 * score["found_beside"] >= FLOORS[kind] * score["beside"] > 0


@pytest.mark.parametrize("kind", FLOORS)
def test_what_is_found_is_personal(figures: dict[str, Any], kind: str) -> None:
    score = figures["texts"]["kinds"][kind]

    assert 100 * score["alarms"] <= (100 - FLOORS[kind]) * (score["right"] + score["alarms"])


def test_texts_held_out_are_found_nearly_as_well(figures: dict[str, Any]) -> None:
    scores = figures["held"]["kinds"].values()
    found, wanted = sum(score["found"] for score in scores), sum(score["wanted"] for score in scores)

    assert found >= 0.9 * wanted > 0


def test_there_are_false_alarms_in_at_most_one_of_ten_texts_held_out(figures: dict[str, Any]) -> None:
    alarms = sum(score["alarms"] for score in figures["held"]["kinds"].values())

    assert alarms <= 0.1 * figures["held"]["texts"]


@pytest.mark.parametrize(
    "country",
    [
        "AT",
        "BE",
        "BG",
        "CH",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GB",
        "GR",
        "HR",
        "HU",
        "IE",
        "IS",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "NO",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    ],
)
def test_numbers_of_a_country_are_found_beside_their_word(figures: dict[str, Any], country: str) -> None:
    score = figures["texts"]["countries"][f"{country} national_id"]

    assert 100 * score["found_beside"] >= 90 * score["beside"] > 0


def test_the_texts_are_those_that_the_program_writes() -> None:
    assert tool("guard_texts", "--check").returncode == 0, "run tools/guard_texts.py"


def test_the_page_of_figures_is_current() -> None:
    assert tool("guard_figures", "--check").returncode == 0, "run make guard-figures"


def test_shares_in_the_table_are_those_that_are_measured() -> None:
    done = tool("guard_shares", "2000", "--differences")

    assert (done.returncode, done.stdout) == (0, "")
