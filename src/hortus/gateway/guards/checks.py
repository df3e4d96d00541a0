"""Check digits that python-stdnum 2.2 lacks. Each takes a number without blanks, in capitals, and says if it holds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

from stdnum import luhn, verhoeff

_DAYS = range(1, 32)
_MONTHS = range(1, 13)
_YEARS = range(1870, 2101)


def _digit_sum(numbers: Sequence[int]) -> int:
    return sum(number // 10 + number % 10 for number in numbers)


def is_german_pension_number(number: str) -> bool:
    """Versicherungsnummer: area, date of birth, first letter of the name, serial, check digit.

    https://de.wikipedia.org/wiki/Versicherungsnummer, recalled 2026-11, not opened.
    """
    if int(number[2:4]) not in _DAYS or int(number[4:6]) not in _MONTHS:
        return False
    digits = number[:8] + f"{ord(number[8]) - 64:02}" + number[9:11]
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    total = _digit_sum([int(digit) * weight for digit, weight in zip(digits, weights, strict=True)])
    return total % 10 == int(number[11])


def is_german_health_number(number: str) -> bool:
    """Krankenversichertennummer: a letter, eight digits, check digit (§ 290 SGB V).

    https://de.wikipedia.org/wiki/Krankenversichertennummer, recalled 2026-11, not opened.
    """
    digits = f"{ord(number[0]) - 64:02}" + number[1:9]
    return _digit_sum([int(digit) * weight for digit, weight in zip(digits, cycle((1, 2)))]) % 10 == int(number[9])


def is_german_document_number(number: str) -> bool:
    """Serial of identity card or passport with its check digit (ICAO 9303, weights 7 3 1).

    https://www.icao.int/publications/documents/9303_p3_cons_en.pdf, recalled 2026-11, not opened.
    """
    values = [int(one, 36) for one in number[:9]]
    return sum(value * weight for value, weight in zip(values, cycle((7, 3, 1)))) % 10 == int(number[9], 36)


def is_german_document_serial(number: str) -> bool:
    """The serial alone, without a check digit: its first letter names the authority, the letters are those allowed."""
    return number[0] in "CFGHJKLMNPRTVWXYZ" and not set(number) & set("ABDEIOQSU")


def is_hungarian_tax_number(number: str) -> bool:
    """Adóazonosító jel: 8, days since 1867, serial, check digit (digits times their position, mod 11).

    https://hu.wikipedia.org/wiki/Adóazonosító_jel, recalled 2026-11, not opened.
    """
    total = sum(place * int(digit) for place, digit in enumerate(number[:9], start=1))
    return number[0] == "8" and total % 11 == int(number[9])


def is_hungarian_social_number(number: str) -> bool:
    """TAJ: weights 3 and 7 in turn, mod 10.

    https://hu.wikipedia.org/wiki/Társadalombiztosítási_azonosító_jel, recalled 2026-11, not opened.
    """
    return sum(int(digit) * weight for digit, weight in zip(number[:8], cycle((3, 7)))) % 10 == int(number[8])


def is_luxembourg_matricule(number: str) -> bool:
    """Date of birth, serial, then one digit by Luhn and one by Verhoeff, both over the first eleven.

    https://eur-lex.europa.eu (Règlement grand-ducal du 21 mai 2013), recalled 2026-11, not opened.
    """
    year, month, day = int(number[:4]), int(number[4:6]), int(number[6:8])
    if year not in _YEARS or month not in _MONTHS or day not in _DAYS:
        return False
    return luhn.is_valid(number[:12]) and verhoeff.is_valid(number[:11] + number[12])


def is_british_insurance_number(number: str) -> bool:
    """National Insurance number: shape and the prefixes that are never given.

    https://www.gov.uk/hmrc-internal-manuals/national-insurance-manual/nim39110, recalled 2026-11, not opened.
    """
    return (
        number[0] not in "DFIQUV"
        and number[1] not in "DFIOQUV"
        and number[:2] not in {"BG", "GB", "NK", "KN", "TN", "NT", "ZZ"}
        and number[8] in "ABCD"
    )


def is_maltese_card_number(number: str) -> bool:
    """Shape only: no check digit is published."""
    return number[-1] in "MGAPLHBZ"


def always(_number: str) -> bool:
    """Where no check digit is published."""
    return True
