"""Draws numbers that people and accounts could have: for the published texts of guards, the same ones for the same seed.

Checks come from python-stdnum, or are built here the other way round than in `gateway/guards/checks.py`: by making the
check digit instead of testing it.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from importlib import import_module
from itertools import cycle

from stdnum import iban, luhn, verhoeff

_LETTERS = "ABCDEFGHJKLMNPRSTVWXYZ"


def fill(pattern: str, chance: random.Random) -> str:
    """A random string in a pattern: # digit, @ letter, * either, DD MM YY YYYY parts of a date."""
    year = chance.randint(1935, 1999)
    parts = {
        "YYYY": f"{year}",
        "YY": f"{year % 100:02}",
        "MM": f"{chance.randint(1, 12):02}",
        "DD": f"{chance.randint(1, 28):02}",
    }
    for name, value in parts.items():
        pattern = pattern.replace(name, value)
    drawn = {"#": string.digits, "@": _LETTERS, "*": string.digits + _LETTERS}
    return "".join(chance.choice(drawn[one]) if one in drawn else one for one in pattern)


def _sum(values: list[int]) -> int:
    return sum(value // 10 + value % 10 for value in values)


def _german_pension(body: str) -> str:
    digits = body[:8] + str(string.ascii_uppercase.index(body[8]) + 1).zfill(2) + body[9:]
    products = [int(one) * weight for one, weight in zip(digits, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=True)]
    return body + str(_sum(products) % 10)


def _german_health(body: str) -> str:
    digits = str(string.ascii_uppercase.index(body[0]) + 1).zfill(2) + body[1:]
    return body + str(_sum([int(one) * weight for one, weight in zip(digits, cycle((1, 2)), strict=False)]) % 10)


def _german_card(body: str) -> str:
    allowed = "".join(one if one not in "ABDEIOQSU" else "7" for one in body)
    return allowed + str(
        sum(int(one, 36) * weight for one, weight in zip(allowed, cycle((7, 3, 1)), strict=False)) % 10
    )


def _hungarian_tax(body: str) -> str:
    remainder = sum(place * int(one) for place, one in enumerate(body, start=1)) % 11
    return body + str(remainder) if remainder < 10 else ""  # noqa: PLR2004 - a check digit has one digit


def _hungarian_social(body: str) -> str:
    return body + str(sum(int(one) * weight for one, weight in zip(body, cycle((3, 7)), strict=False)) % 10)


def _luxembourg(body: str) -> str:
    return body + luhn.calc_check_digit(body) + verhoeff.calc_check_digit(body)


_BUILT: dict[str, Callable[[str], str]] = {
    "any": str,
    "german_pension": _german_pension,
    "german_health": _german_health,
    "german_card": _german_card,
    "hungarian_tax": _hungarian_tax,
    "hungarian_social": _hungarian_social,
    "luxembourg": _luxembourg,
}


def number(check: str, pattern: str, *, chance: random.Random) -> str:
    """A number of one kind, without separators."""
    while True:
        drawn = fill(pattern, chance)
        if built := _BUILT.get(check):
            if made := built(drawn):
                return made
        elif import_module(f"stdnum.{check}").is_valid(drawn):
            return drawn


def styled(number: str, style: str) -> str:
    """The same number as people write it: `#` stands for its next character."""
    left = iter(number)
    return "".join(next(left) if one == "#" else one for one in style)


IBANS = {
    "AT": "################", "BE": "############", "BG": "UBBS##########****", "CH": "#################", "CY": "########****************",
    "CZ": "####################", "DE": "##################", "DK": "##############", "EE": "################", "ES": "####################",
    "FI": "##############", "FR": "####################0##", "GB": "NWBK##############", "GR": "#######################",
    "HR": "#################", "HU": "########################", "IE": "AIBK##############", "IS": "######################",
    "IT": "X######################", "LT": "################", "LU": "################", "LV": "HABA#############",
    "MT": "VALL#######************#####"[:27], "NL": "ABNA##########", "NO": "###########", "PL": "########################",
    "PT": "#####################", "RO": "BTRL################", "SE": "####################", "SI": "###############", "SK": "####################",
}  # fmt: skip


def account(country: str, chance: random.Random) -> str:
    """An IBAN of a country, without blanks."""
    body = fill(IBANS[country], chance)
    return country + iban.calc_check_digits(f"{country}00{body}") + body


def card(chance: random.Random) -> str:
    """A payment card's number."""
    body = chance.choice(("4", "51", "55", "2223", "4")).ljust(15, "#")
    drawn = fill(body, chance)
    return drawn + luhn.calc_check_digit(drawn)


VATS = {
    "AT": ("at.uid", "U########"), "BE": ("be.vat", "0#########"), "BG": ("bg.vat", "#########"), "CZ": ("cz.dic", "########"), "DE": ("de.vat", "#########"),
    "DK": ("dk.cvr", "########"), "EE": ("ee.kmkr", "#########"), "ES": ("es.nif", "B########"), "FI": ("fi.alv", "########"), "FR": ("fr.tva", "###########"),
    "GR": ("gr.vat", "#########"), "HR": ("hr.oib", "###########"), "HU": ("hu.anum", "########"), "IE": ("ie.vat", "#######@"), "IT": ("it.iva", "0##########"),
    "LT": ("lt.pvm", "#######1#"), "LU": ("lu.tva", "########"), "LV": ("lv.pvn", "4##########"), "NL": ("nl.btw", "#########B0#"), "PL": ("pl.nip", "##########"),
    "PT": ("pt.nif", "#########"), "RO": ("ro.cf", "########"), "SE": ("se.vat", "##########01"), "SI": ("si.ddv", "########"), "SK": ("sk.dph", "##########"),
}  # fmt: skip


def vat(country: str, chance: random.Random) -> str:
    """A VAT number with its prefix."""
    check, pattern = VATS[country]
    return ("EL" if country == "GR" else country) + number(check, pattern, chance=chance)


PHONES = {
    "AT": ("+43 1 ### ## ##", "0664 #######"), "BE": ("+32 4## ## ## ##", "04##/##.##.##"), "BG": ("+359 88 ### ####", "088 ### ####"),
    "CH": ("+41 79 ### ## ##", "079 ### ## ##"), "CY": ("+357 99 ######", "99######"), "CZ": ("+420 6## ### ###", "7## ### ###"),
    "DE": ("+49 30 ########", "0171 / #######", "(0221) ######", "0049 89 #######"), "DK": ("+45 ## ## ## ##", "2# ## ## ##"), "EE": ("+372 5### ####", "5### ####"),
    "ES": ("+34 6## ### ###", "6## ## ## ##"), "FI": ("+358 40 ### ####", "040 ### ####"), "FR": ("+33 6 ## ## ## ##", "06 ## ## ## ##", "01.##.##.##.##"),
    "GB": ("+44 7### ######", "020 7### ####"), "GR": ("+30 69# ### ####", "210 ### ####"), "HR": ("+385 91 ### ####", "091 ### ####"),
    "HU": ("+36 30 ### ####", "06 30 ### ####"), "IE": ("+353 86 ### ####", "086 ### ####"), "IS": ("+354 ### ####", "### ####"), "IT": ("+39 3## ### ####", "06 ########"),
    "LT": ("+370 6## #####", "8 6## #####"), "LU": ("+352 621 ### ###", "621 ### ###"), "LV": ("+371 2### ####", "2### ####"), "MT": ("+356 79## ####", "79## ####"),
    "NL": ("+31 6 ########", "06-########", "020 ### ####"), "NO": ("+47 4## ## ###", "9## ## ###"), "PL": ("+48 6## ### ###", "6##-###-###"),
    "PT": ("+351 91# ### ###", "21# ### ###"), "RO": ("+40 72# ### ###", "072# ### ###"), "SE": ("+46 70 ### ## ##", "070-### ## ##"),
    "SI": ("+386 41 ### ###", "041 ### ###"), "SK": ("+421 9## ### ###", "09## ### ###"),
}  # fmt: skip
