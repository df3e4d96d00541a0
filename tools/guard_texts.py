"""Writes the published texts on which the finders are judged: tests/gateway/guards/texts.jsonl, the same for the same seed.

Each line has a text, its language and country, what must be found (start, end, kind, country) and whether a word
stands beside it. Sentences and numbers come from phrases.toml and numbers.toml beside it; see docs/reference/guards.md.
"""

from __future__ import annotations

import random
import re
import sys
import tomllib
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from guard_numbers import PHONES, VATS, account, card, fill, number, styled, vat

PLACE = Path(__file__).parents[1] / "tests" / "gateway" / "guards"
SEED = 20261101

COUNTRIES = {
    "de": ("DE", "AT", "CH"), "fr": ("FR", "BE", "LU"), "nl": ("NL", "BE"), "es": ("ES",), "it": ("IT",), "pl": ("PL",), "pt": ("PT",), "sv": ("SE",),
    "fi": ("FI",), "el": ("GR", "CY"), "cs": ("CZ",), "en": ("IE", "GB", "MT"), "da": ("DK",), "ro": ("RO",), "hu": ("HU",), "bg": ("BG",), "hr": ("HR",),
    "sk": ("SK",), "sl": ("SI",), "lt": ("LT",), "lv": ("LV",), "et": ("EE",), "no": ("NO",), "is": ("IS",),
}  # fmt: skip
LAWS = ("§ 14 Abs. 2 Nr. 3", "Art. 6 (1) 1.2.3.4", "§ 1.2.3.1", "Art. 17.3.2", "2016/679", "Nr. 1408/71")
ENGLISH = ("Her {country} {label} is {number}, as stated on the form.", "{label} {number} (checked by our office)")
NAMES = {
    "DE": "German",
    "NL": "Dutch",
    "FR": "French",
    "PL": "Polish",
    "IT": "Italian",
    "ES": "Spanish",
    "SE": "Swedish",
}
_SLOT = re.compile(r"\{(\w+)\}")
_PERSONAL = {"person", "first", "last", "number", "iban", "email", "phone", "card", "ip", "vat"}
_KINDS = {"first": "person", "last": "person", "number": "national_id", "card": "payment_card", "ip": "ip_address"}
Phrases = dict[str, Any]


class Text(msgspec.Struct, frozen=True):
    """One line of the file; a span is start, end, kind, country, and whether a word stands beside it."""

    language: str
    sort: str
    text: str
    spans: list[tuple[int, int, str, str | None, bool]]


class Writer:
    """Fills sentences of one language with what its countries use."""

    def __init__(self, language: str, phrases: Phrases, *, seed: int) -> None:
        self.language, self.phrases = language, phrases
        self.chance = random.Random(f"{seed} {language}")  # noqa: S311 - the same texts each time are wanted
        self.person = ("", "")

    def value(self, slot: str, country: str) -> str:
        """What is put into a slot."""
        if slot in {"person", "first", "last"}:
            given: str = self.chance.choice(self.phrases["given"])
            surname: str = self.chance.choice(self.phrases["surnames"])
            self.person = (given, surname)
            return {"person": f"{given} {surname}", "first": given, "last": surname}[slot]
        makers: dict[str, Callable[[], str]] = {
            "iban": lambda: self._account(country), "email": self._email, "card": self._card, "vat": lambda: vat(country, self.chance),
            "phone": lambda: fill(self.chance.choice(PHONES[country]), self.chance),
            "ip": lambda: fill("8#.1##.1##.2#", self.chance), "law": lambda: self.chance.choice(LAWS),
        }  # fmt: skip
        return makers[slot]() if slot in makers else self._alike(slot)

    def _account(self, country: str) -> str:
        plain = account(country, self.chance)
        spaced = " ".join(plain[start : start + 4] for start in range(0, len(plain), 4))
        return self.chance.choice((plain, spaced, spaced, spaced.replace(" ", "\u00a0"), spaced.replace(" ", "-")))

    def _email(self) -> str:
        given, surname = (re.sub(r"[^a-z]", "", _plain(part)) or "post" for part in self.person)
        return f"{given}{self.chance.choice(('.', '_', '-', ''))}{surname}@{self.chance.choice(('posteo.example.de', 'mail.test', 'firma-online.eu'))}"

    def _card(self) -> str:
        plain = card(self.chance)
        return self.chance.choice((plain, " ".join(plain[start : start + 4] for start in range(0, 16, 4))))

    def _alike(self, slot: str) -> str:
        """What only looks like an identifier."""
        patterns = {
            "invoice": ("RE-2024-#####", "2024/#####", "F########", "#######"), "order": ("#########", "3##-#######-#######", "PO########"),
            "parcel": ("JJD0##############", "00340434############", "RR#########DE", "1Z999AA10#########"), "version": ("1.2.3.4", "12.0.6099.109", "v10.4.12.1", "3.11.9"),
            "stamp": ("14:32:05", "2024-05-04T12:31:07Z", "1714826#####", "20240504123107"), "price": ("1.234,56 EUR", "€ 12 345,00", "99,90 €", "1,234,567.89"),
            "lei": ("5299000J2N45DDNE4Y28",), "bic": ("COBADEFFXXX", "BNPAFRPP"), "product": ("AB-12345-X", "XK92#### T", "SKU 40########"),
            "digits": ("0x8007####", "4##", "E1####", "########################"), "isbn": ("978-3-16-148410-0", "9783161484100", "0-306-40615-2"),
        }  # fmt: skip
        if slot == "wrong":
            return self._wrong()
        return fill(self.chance.choice(patterns[slot]), self.chance)

    def _wrong(self) -> str:
        """An IBAN with a digit changed."""
        right = account(COUNTRIES[self.language][0], self.chance)
        return right[:-1] + str((int(right[-1]) + 1) % 10) if right[-1].isdigit() else f"{right[:-1]}9"

    def text(self, sentence: str, country: str, *, sort: str, given: dict[str, str]) -> Text:
        """A sentence with its slots filled and its spans noted."""
        out, place = "", 0
        spans: list[tuple[int, int, str, str | None, bool]] = []
        for slot in _SLOT.finditer(sentence):
            out += sentence[place : slot.start()]
            name, place = slot[1], slot.end()
            value = given.get(name) or self.value(name, country)
            if name in _PERSONAL:
                spans.append((len(out), len(out) + len(value), _KINDS.get(name, name), country, sort != "bare"))
            out += value
        return Text(self.language, sort, out + sentence[place:], spans)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()


def _numbers(writer: Writer, rows: list[Phrases]) -> list[Text]:
    """Every number of a language: in sentences, forms, tables and JSON with its label, and without."""
    found = []
    for row in rows:
        sentences = [(one, "labelled") for one in writer.phrases["labelled"]] + [
            (one, "bare") for one in writer.phrases["bare"]
        ]
        sentences += [
            ("{label}: {number}\nIBAN: {iban}\n", "form"),
            ('{"{key}": "{number}", "status": "open", "amount": 120.5}', "json"),
        ]
        sentences += [
            ("| Name | {label} |\n|---|---|\n| {person} | {number} |\n", "table"),
            (writer.chance.choice(ENGLISH), "english"),
        ]
        for sentence, sort in sentences * 2:
            label = writer.chance.choice(row["labels"])
            drawn = number(row["check"], row["pattern"], chance=writer.chance)
            given = {
                "label": label,
                "number": styled(drawn, writer.chance.choice(row["styles"])),
                "key": re.sub(r"\W+", "_", label),
            }
            given["country"] = NAMES.get(row["country"], "national")
            found.append(writer.text(sentence, row["country"], sort=sort, given=given))
    return found


def _others(writer: Writer) -> list[Text]:
    """Contacts, payments, names, and what must not be found."""
    found: list[Text] = []
    for country in COUNTRIES[writer.language]:
        for sentence in (
            writer.phrases["contact"]
            + writer.phrases["pay"]
            + writer.phrases.get("letter", [])
            + writer.phrases["named"]
        ):
            if "{vat}" in sentence and country not in VATS:
                continue
            found.extend(writer.text(sentence, country, sort="sentence", given={}) for _ in range(3))
        found.append(writer.text("Login {ip} - {email}\n", country, sort="log", given={}))
    for sentence in writer.phrases["alike"] * 4:
        found.append(writer.text(sentence, COUNTRIES[writer.language][0], sort="alike", given={}))
    return found


def texts() -> list[Text]:
    """All of them, in order."""
    phrases = tomllib.loads((PLACE / "phrases.toml").read_text("utf-8"))
    rows = tomllib.loads((PLACE / "numbers.toml").read_text("utf-8"))["number"]
    found: list[Text] = []
    for language in phrases:
        writer = Writer(language, phrases[language], seed=SEED)
        found += _numbers(writer, [row for row in rows if row["language"] == language]) + _others(writer)
    return found


def main(arguments: list[str]) -> int:
    """Write the file, or with --check say whether it is what this program writes."""
    made = b"".join(msgspec.json.encode(text) + b"\n" for text in texts())
    file = PLACE / "texts.jsonl"
    if "--check" in arguments:
        return int(not file.is_file() or file.read_bytes() != made)
    file.write_bytes(made)
    print(f"{file.name}: {len(made.splitlines())} texts, {len(made) // 1024} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
