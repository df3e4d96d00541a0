"""Check digits that Hortus has of its own hold for published numbers and for no neighbour of theirs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hortus.gateway.guards import checks

PUBLISHED = (
    # https://de.wikipedia.org/wiki/Versicherungsnummer and http://kryptografie.de, recalled 2026-11, not opened
    (checks.is_german_pension_number, "65170839J003"),
    (checks.is_german_pension_number, "15070649C103"),
    (checks.is_german_pension_number, "10010490A443"),
    # https://de.wikipedia.org/wiki/Krankenversichertennummer, recalled 2026-11, not opened
    (checks.is_german_health_number, "A123456780"),
    (checks.is_german_health_number, "A000500015"),
    # The specimen of the German identity card and passport, https://www.bmi.bund.de, recalled 2026-11, not opened
    (checks.is_german_document_number, "L01X00T471"),
    (checks.is_german_document_number, "C01X0006H1"),
    # https://github.com/vkovacs/Tax-number-generator, https://github.com/rrd108/hungarian-validators, recalled 2026-11, not opened
    (checks.is_hungarian_tax_number, "8422780135"),
    (checks.is_hungarian_social_number, "111111110"),
    # https://www.oecd.org/tax/automatic-exchange (Luxembourg-TIN.pdf), recalled 2026-11, not opened
    (checks.is_luxembourg_matricule, "1893120105732"),
)


@pytest.mark.parametrize(("check", "number"), PUBLISHED)
def test_a_published_number_holds(check: Callable[[str], bool], number: str) -> None:
    assert check(number)


@pytest.mark.parametrize(("check", "number"), PUBLISHED)
def test_no_number_with_another_last_digit_holds(check: Callable[[str], bool], number: str) -> None:
    others = [f"{number[:-1]}{digit}" for digit in range(10) if str(digit) != number[-1]]

    assert not any(check(other) for other in others)


@pytest.mark.parametrize("number", ["65320839J003", "65171339J003"])
def test_a_pension_number_needs_a_date_of_birth(number: str) -> None:
    assert not any(checks.is_german_pension_number(number[:-1] + str(digit)) for digit in range(10))


def test_a_matricule_needs_a_date_of_birth() -> None:
    assert not checks.is_luxembourg_matricule("1893130105732")


def test_a_serial_without_a_check_digit_has_only_letters_that_are_printed() -> None:
    assert checks.is_german_document_serial("L01X00T47")
    assert not checks.is_german_document_serial("ABCDE1234")


@pytest.mark.parametrize("number", ["DA123456C", "QQ123456C", "GB123456A", "AB123456E"])
def test_prefixes_and_suffixes_that_are_never_given_are_no_insurance_number(number: str) -> None:
    assert not checks.is_british_insurance_number(number)
