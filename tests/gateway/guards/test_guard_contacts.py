"""E-mail, telephone and IP addresses."""

from __future__ import annotations

import pytest
from finding import found


@pytest.mark.parametrize(
    "address",
    ["anna@firma.de", "anna.b-c+tag@mail.firma.co.uk", "o'brien@x.ie", "jürgen@köln.de", "anna%40firma.de", "anna (at) firma.de", "a@x\u200b.de"],
)  # fmt: skip
def test_an_email_address_is_found(address: str) -> None:
    assert found(f"Mail: {address}, danke") == [f"email:{address}"]


@pytest.mark.parametrize(
    "text", ["<mailto:anna@firma.de>", '"anna@firma.de"', "**anna@firma.de**", "x;anna@firma.de;y"]
)
def test_an_email_address_is_found_without_what_surrounds_it(text: str) -> None:
    assert found(text) == ["email:anna@firma.de"]


@pytest.mark.parametrize("text", ["git@github.com:a/b.git", "foo@1.2.3", "@anna", "user@localhost", "a @ b.de", "x@y"])
def test_what_is_no_email_address_is_not_found(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "number",
    ["+49 30 123456-78", "+49 (0)30 1234567", "+33612345678", "0049 30 1234567", "+420 777 123 456", "06 12 34 56 78"],
)
def test_a_number_with_its_country_or_in_french_groups_needs_no_word(number: str) -> None:
    assert found(f"so {number}.") == [f"phone:{number}"]


@pytest.mark.parametrize(
    "text", ["Tel. 030 1234567", "Telefon: 030 1234567", "mobil (neu): 030 1234567", "τηλ. 030 1234567"]
)
def test_another_number_needs_a_word_before_it(text: str) -> None:
    assert found(text) == ["phone:030 1234567"]


@pytest.mark.parametrize(
    "text",
    ["Nr. 030 1234567", "Tel.\n030 1234567", "+1 000", "+100 000 000 000 000 000", "3+4912345678901", "0042017001234"],
)
def test_what_is_no_telephone_number_is_not_found(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "91.12.45.201", "2a00:1450:4001:81b::200e", "2a02:8109:9a40:1b5c:7d31:aa10:2f4e:91c3"]
)
def test_a_public_ip_address_is_found(address: str) -> None:
    assert found(f"client {address} said") == [f"ip_address:{address}"]


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "192.168.178.1",
        "127.0.0.1",
        "172.16.0.9",
        "203.0.113.9",
        "fe80::1",
        "2001:db8::1",
        "::1",
        "224.0.0.251",
    ],
)
def test_an_address_that_names_nobody_outside_its_network_is_not_found(address: str) -> None:
    assert found(f"client {address} said") == []


@pytest.mark.parametrize(
    "text",
    [
        "version 91.12.45.201",
        "v91.12.45.201",
        "§ 1.2.3.4",
        "1.2.3.4",
        "91.12.45.256",
        "1.91.12.45.201",
        "12:34:56",
        "a::b",
    ],
)
def test_versions_paragraphs_and_times_are_no_addresses(text: str) -> None:
    assert found(text) == []


def test_four_small_numbers_are_an_address_beside_a_word() -> None:
    assert found("ping 1.1.1.1") == ["ip_address:1.1.1.1"]
