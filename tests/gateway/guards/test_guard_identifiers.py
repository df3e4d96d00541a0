"""Numbers of people and accounts are found as they are written, and their look-alikes are not."""

from __future__ import annotations

import pytest
from finding import EVERYTHING, found

from hortus.gateway.guards.national import NATIONAL


@pytest.mark.parametrize(
    "written",
    [
        "DE89370400440532013000",
        "DE89 3704 0044 0532 0130 00",
        "DE89-3704-0044-0532-0130-00",
        "de89 3704 0044 0532 0130 00",
        "DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000",
        "DE89\u200b3704004405320130\u00ad00",
        "\uff24\uff2589 3704 0044 0532 0130 00",
        "FR14 2004 1010 0505 0001 3M02 606",
        "NL91 ABNA 0417 1643 00",
        "GB29NWBK60161331926819",
    ],
)
def test_an_iban_is_found_however_it_is_written(written: str) -> None:
    assert found(f"Konto {written}.") == [f"iban:{written}"]


def test_an_iban_ends_where_its_country_says() -> None:
    assert found("DE89 3704 0044 0532 0130 00 COBADEFFXXX") == ["iban:DE89 3704 0044 0532 0130 00"]


@pytest.mark.parametrize("written", ["DE88 3704 0044 0532 0130 00", "XX89370400440532013000", "DE8937040044053201300"])
def test_an_iban_that_does_not_hold_is_none(written: str) -> None:
    assert found(f"Konto {written}.") == []


@pytest.mark.parametrize(
    ("text", "number", "country"),
    [
        ("Steuer-ID 86 095 742 719", "86 095 742 719", "DE"),
        ("my BSN: 111222333", "111222333", "NL"),
        ("numéro 2 69 05 49 588 157 80 svp", "2 69 05 49 588 157 80", "FR"),
        ("RSSMRA85T10A562S", "RSSMRA85T10A562S", "IT"),
        ("HETU 131052-308T", "131052-308T", "FI"),
        ("PESEL 44051401359", "44051401359", "PL"),
        ("rodné číslo 7103192745", "7103192745", "CZ"),
        ("CNP 1630615123457", "1630615123457", "RO"),
        ("kennitala 120174-3399", "120174-3399", "IS"),
        ("AHV 756.9217.0769.85", "756.9217.0769.85", "CH"),
        ("ΑΜΚΑ 01013099997", "01013099997", "GR"),
        ("DNI 54362315-K", "54362315-K", "ES"),
        ("PPS 6433435F", "6433435F", "IE"),
        ("OIB 33392005961", "33392005961", "HR"),
        ("Versicherungsnummer 65 170839 J 003", "65 170839 J 003", "DE"),
    ],
)
def test_a_national_number_is_found_with_its_country(text: str, number: str, country: str) -> None:
    findings = EVERYTHING.find(text)

    assert [(text[one.start : one.end], one.kind, one.country) for one in findings] == [
        (number, "national_id", country)
    ]


@pytest.mark.parametrize(
    "text",
    [
        '{"bsn": "111222333"}',
        '{"burgerServiceNummer":111222333}',
        "https://example.org/burger?bsn=111222333&x=1",
        "bsn_111222333.pdf",
        "| naam | bsn |\n|---|---|\n| Jan | 111222333 |",
        '"{\\"bsn\\": \\"x\\"}\\n111222333"',
    ],
)
def test_a_number_is_found_inside_other_formats(text: str) -> None:
    assert "national_id:111222333" in found(text)


def test_a_weak_number_needs_a_word_within_sixty_characters() -> None:
    assert found("bsn" + " en" * 18 + " 111222333") == ["national_id:111222333"]
    assert found("bsn" + " en" * 22 + " 111222333") == []


def test_the_head_of_a_column_counts_as_beside_every_row_of_it() -> None:
    rows = "".join(f"{number};111222333;Utrecht, Nederland, Europa\n" for number in range(9))

    assert found(f"nr;bsn;plaats\n{rows}") == ["national_id:111222333"] * 9


def test_the_head_of_another_column_does_not() -> None:
    rows = "".join(f"{'x' * 70};{number};111222333\n" for number in range(9))

    assert found(f"bsn;nr;factuur\n{rows}") == []


@pytest.mark.parametrize(
    "text",
    [
        "Rechnung 111222333 vom 12.03.2024",
        "ISBN 978-3-16-148410-0",
        "BSN 111222334",
        "BSN 0.111222333",
        "BSN 2024-111222333",
        "BSN x111222333",
        "1714826123456 ms",
        "550e8400-e29b-41d4-a716-446655440000",
        "20240504123107",
        "7" * 500,
    ],
)
def test_a_look_alike_is_not_found(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("written", ["4111 1111 1111 1111", "4111-1111-1111-1111", "3782 822463 10005"])
def test_a_card_in_groups_needs_no_word(written: str) -> None:
    assert found(f"it was {written} I think") == [f"payment_card:{written}"]


def test_a_card_without_groups_needs_a_word() -> None:
    assert found("order 4111111111111111") == []
    assert found("Kreditkarte 4111111111111111") == ["payment_card:4111111111111111"]


def test_a_vat_number_needs_a_word() -> None:
    assert found("DE136695976") == []
    assert found("USt-IdNr. DE136695976") == ["vat:DE136695976"]


def test_every_country_of_the_union_and_four_beside_it_has_a_row() -> None:
    union = {
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    }

    assert {row.country for row in NATIONAL} == union | {"CH", "GB", "IS", "NO"}
