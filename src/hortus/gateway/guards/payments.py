"""Numbers by which money finds people: IBAN, payment cards, and VAT numbers, which of a sole trader are personal data."""

from __future__ import annotations

import re
from collections.abc import Callable

from stdnum import iban, luhn
from stdnum.at import uid
from stdnum.be import vat as be_vat
from stdnum.bg import vat as bg_vat
from stdnum.cy import vat as cy_vat
from stdnum.cz import dic
from stdnum.de import vat as de_vat
from stdnum.dk import cvr
from stdnum.ee import kmkr
from stdnum.es import nif as es_nif
from stdnum.fi import alv
from stdnum.fr import tva as fr_tva
from stdnum.gr import vat as gr_vat
from stdnum.hr import oib
from stdnum.hu import anum
from stdnum.ie import vat as ie_vat
from stdnum.it import iva
from stdnum.lt import pvm
from stdnum.lu import tva as lu_tva
from stdnum.lv import pvn
from stdnum.mt import vat as mt_vat
from stdnum.nl import btw
from stdnum.pl import nip
from stdnum.pt import nif as pt_nif
from stdnum.ro import cf
from stdnum.se import vat as se_vat
from stdnum.si import ddv
from stdnum.sk import dph

from hortus.gateway.guards.rows import SEPARATORS, Row

VAT_WORDS = (
    "vat", "ust", "ustid", "uid", "umsatzsteuer", "mwst", "tva", "intracommunautaire", "iva", "btw", "moms", "momsn", "momsr", "mva", "alv", "arvonlisavero",
    "pvm", "pvn", "dph", "dic", "ddv", "pdv", "oib", "nip", "nif", "cif", "contribuinte", "kmkr", "kmk", "adoszam", "afa", "cui",
    "cod fiscal", "φπα", "αφμ", "ддс", "vies", "cvr", "partita",
)  # fmt: skip
_CARD_WORDS = (
    "card", "creditcard", "kredit", "karte", "korti", "kartou", "kartu", "cardul", "karti", "kartico", "kartos", "kreditkart", "carte", "tarjeta", "carta", "kaart", "cartao", "karta", "karty", "kort", "kortti", "kartta",
    "καρτα", "карта", "kartya", "kortel", "kartice", "kartica", "visa", "mastercard", "amex", "maestro", "cvc", "cvv", "pan",
    "valid thru", "gultig bis", "expir", "bankomat",
)  # fmt: skip
_NETWORKS = (
    (4000, 4999, {16, 19}),  # Visa
    (5100, 5599, {16}),  # Mastercard
    (2221, 2720, {16}),
    (3400, 3499, {15}),  # American Express
    (3700, 3799, {15}),
    (3000, 3059, {14}),  # Diners
    (3600, 3699, {14}),
    (3800, 3899, {14}),
    (6011, 6011, {16}),  # Discover
    (6500, 6599, {16}),
    (3528, 3589, {16}),  # JCB
    (6200, 6299, {16, 17, 18, 19}),  # UnionPay
    *((first, first, {16, 18, 19}) for first in (5018, 5020, 5038, 6304, 6759, 6761, 6763)),  # Maestro
)
"""First four digits, from and to, and how many there are. https://en.wikipedia.org/wiki/Payment_card_number, recalled 2026-11, not opened."""


def _is_card(number: str) -> bool:
    first = int(number[:4])
    return any(low <= first <= high and len(number) in lengths for low, high, lengths in _NETWORKS) and luhn.is_valid(
        number
    )


CARDS: tuple[Row, ...] = (
    Row(
        None, "Card, in groups", "card", ("####_####_####_####", "####_######_#####", "####_######_####", "####_####_####_####_###"),
        _is_card, 0.93, kind="payment_card", by_layout=True,
    ),
    Row(
        None, "Card of 14 or 15 digits", "card", ("##############", "###############"), _is_card, 0.22, _CARD_WORDS,
        kind="payment_card",
    ),
    Row(
        None, "Card", "card", ("################", "##################", "###################"), _is_card, 1.09, _CARD_WORDS,
        kind="payment_card",
    ),
)  # fmt: skip


def _vat(
    country: str, layouts: tuple[str, ...], *, check: Callable[[str], bool], share: float, prefix: str | None = None
) -> Row:
    """A row of the number with its prefix, which the check is not asked about."""
    letters = prefix or country
    written = tuple(f"{letters} {layout}" for layout in layouts)
    return Row(country, "VAT", "vat", written, check, share, VAT_WORDS, kind="vat", needs_word=True)


VAT: tuple[Row, ...] = (
    _vat("AT", ("U########", "U ### ### ##"), check=uid.is_valid, share=9.98),
    _vat("BE", ("#### ### ###", "#########"), check=be_vat.is_valid, share=0.62),
    _vat("BG", ("#########", "##########"), check=bg_vat.is_valid, share=14.55),
    _vat("CY", ("########@",), check=cy_vat.is_valid, share=3.72),
    _vat("CZ", ("########", "#########", "##########"), check=dic.is_valid, share=9.13),
    _vat("DE", ("### ### ###",), check=de_vat.is_valid, share=8.98),
    _vat("DK", ("## ## ## ##",), check=cvr.is_valid, share=8.2),
    _vat("EE", ("#########",), check=kmkr.is_valid, share=9.86),
    _vat("ES", ("*#######*",), check=es_nif.is_valid, share=3.99),
    _vat("FI", ("########",), check=alv.is_valid, share=9.22),
    _vat("FR", ("** ### ### ###",), check=fr_tva.is_valid, share=0.7),
    _vat("GR", ("#########",), check=gr_vat.is_valid, share=9.91, prefix="EL"),
    _vat("HR", ("###########",), check=oib.is_valid, share=10.11),
    _vat("HU", ("########",), check=anum.is_valid, share=10.36),
    _vat("IE", ("#######@", "#######@@", "#*#####@"), check=ie_vat.is_valid, share=3.68),
    _vat("IT", ("###########",), check=iva.is_valid, share=1.02),
    _vat("LT", ("#########", "############"), check=pvm.is_valid, share=1.01),
    _vat("LU", ("########",), check=lu_tva.is_valid, share=0.97),
    _vat("LV", ("###########",), check=pvn.is_valid, share=6.01),
    _vat("MT", ("########",), check=mt_vat.is_valid, share=2.44),
    _vat("NL", ("######### B##", "#### ## ### B ##"), check=btw.is_valid, share=9.76),
    _vat("PL", ("### ### ## ##", "##########"), check=nip.is_valid, share=9.16),
    _vat("PT", ("### ### ###",), check=pt_nif.is_valid, share=9.01),
    _vat("RO", tuple("#" * length for length in range(10, 3, -1)), check=cf.is_valid, share=9.06),
    _vat("SE", ("############",), check=se_vat.is_valid, share=0.1),
    _vat("SI", ("########",), check=ddv.is_valid, share=8.26),
    _vat("SK", ("##########",), check=dph.is_valid, share=5.97),
    Row("PL", "NIP", "vat", ("### ### ## ##", "### ## ## ###"), nip.is_valid, 8.96, ("nip",), kind="vat"),
    Row("IT", "Partita IVA", "vat", ("###########",), iva.is_valid, 1.0, ("partita iva", "p iva", "piva"), kind="vat"),
)

_LENGTHS = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
"""Countries by the length of their IBAN. https://www.swift.com/standards/data-standards/iban-international-bank-account-number, recalled 2026-11, not opened."""
IBAN_LENGTHS = {country: length for length, countries in _LENGTHS.items() for country in countries.split()}


def _iban_of(length: int) -> re.Pattern[str]:
    return re.compile(
        rf"[A-Z]{{2}}[ ]?[0-9]{{2}}(?:[ .\-]?[0-9A-Z]){{{length - 4}}}(?![0-9A-Z])", re.ASCII | re.IGNORECASE
    )


_IBANS = {length: _iban_of(length) for length in _LENGTHS}


def iban_end(text: str, start: int) -> int | None:
    """Where the IBAN ends that begins here; None where none does. Blanks, dots and dashes between its characters are fine."""
    length = IBAN_LENGTHS.get(text[start : start + 2].upper())
    if length is None or not (found := _IBANS[length].match(text, start)):
        return None
    number = found[0].translate(_WITHOUT_SEPARATORS).upper()
    remainder = int("".join([str(int(one, 36)) for one in number[4:] + number[:4]])) % 97  # what most that look so fail
    return found.end() if remainder == 1 and iban.is_valid(number, check_country=False) else None


_WITHOUT_SEPARATORS = str.maketrans("", "", SEPARATORS)
