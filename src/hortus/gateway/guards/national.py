"""The numbers by which European states know people: one row each, with the words that stand beside them.

Shares were measured with tools/guard_shares.py; checks without a module of python-stdnum are in `checks.py`.
"""

from __future__ import annotations

from stdnum.at import vnr
from stdnum.be import bis, nn
from stdnum.bg import egn, pnf
from stdnum.ch import ssn
from stdnum.cz import rc as cz_rc
from stdnum.de import idnr
from stdnum.dk import cpr
from stdnum.ee import ik
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nif as fr_nif
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.gr import amka
from stdnum.gr import vat as afm
from stdnum.hr import oib
from stdnum.ie import pps
from stdnum.is_ import kennitala
from stdnum.it import codicefiscale
from stdnum.lt import asmens
from stdnum.lv import pvn
from stdnum.nl import bsn, identiteitskaartnummer, onderwijsnummer
from stdnum.no import fodselsnummer
from stdnum.pl import pesel
from stdnum.pt import cc
from stdnum.pt import nif as pt_nif
from stdnum.ro import cnp
from stdnum.se import personnummer
from stdnum.si import ddv, emso
from stdnum.sk import rc as sk_rc

from hortus.gateway.guards import checks
from hortus.gateway.guards.rows import Row


def _belgian(number: str) -> bool:
    return nn.is_valid(number) or bis.is_valid(number)


def _swedish(number: str) -> bool:
    digits = number.replace("+", "")
    return personnummer.is_valid(f"{digits[:-4]}{'+' if '+' in number else '-'}{digits[-4:]}")


def _icelandic(number: str) -> bool:
    return number[0] in "0123" and kennitala.is_valid(number)  # from 4 on it is a company's


def _french(number: str) -> bool:
    month = int(number[3:5])  # 20 and more where the true one is not known
    return number[0] in "123478" and (1 <= month <= 12 or month >= 20) and nir.is_valid(number)  # noqa: PLR2004 - as above


def _portuguese(number: str) -> bool:
    return number[0] in "123" and pt_nif.is_valid(number)  # from 4 on mostly of companies


NATIONAL: tuple[Row, ...] = (
    Row(
        "AT",
        "Sozialversicherungsnummer",
        "social",
        ("#### ######", "#### ## ## ##"),
        vnr.is_valid,
        8.28,
        ("svnr", "sv nr", "sv nummer", "sozialversicherung", "versicherungsnummer", "vers nr", "vsnr"),
    ),
    Row(
        "BE",
        "Rijksregisternummer, NISS",
        "identity",
        ("## ## ## ### ##",),
        _belgian,
        0.53,
        ("rijksregister", "niss", "insz", "registre national", "nationalregister", "nationaal nummer"),
    ),
    Row("BG", "ЕГН", "identity", ("##########",), egn.is_valid, 1.04, ("егн", "egn", "единен граждански")),
    Row("BG", "ЛНЧ", "identity", ("##########",), pnf.is_valid, 9.93, ("лнч", "lnch", "личен номер на чужденец")),
    Row(
        "CY",
        "Δελτίο ταυτότητας",
        "identity",
        ("######", "#######", "########"),
        checks.always,
        100,
        ("ταυτοτητα", "ταυτοτητας", "αδτ", "identity card", "kimlik"),
    ),
    Row(
        "CZ",
        "Rodné číslo",
        "identity",
        ("###### ####", "###### ###"),
        cz_rc.is_valid,
        8.38,
        ("rodne cislo", "rodneho cisla", "rod cislo", "rodnym cislem", "r c", "rc", "birth number"),
    ),
    Row(
        "DE",
        "Steuerliche Identifikationsnummer",
        "tax",
        ("## ### ### ###",),
        idnr.is_valid,
        0.33,
        ("steuer id", "steueridentifikation", "idnr", "identifikationsnummer", "steuernummer"),
    ),
    Row(
        "DE",
        "Versicherungsnummer der Rentenversicherung",
        "social",
        ("## ###### @ ## #", "## ## ## ## @ ###"),
        checks.is_german_pension_number,
        0.35,
        ("rentenversicherung", "sozialversicherung", "versicherungsnummer", "rvnr"),
    ),
    Row(
        "DE",
        "Personalausweis, Reisepass",
        "identity",
        ("@********#", "@******** #"),
        checks.is_german_document_number,
        9.94,
        (
            "personalausweis",
            "perso",
            "ausweisnummer",
            "ausweis nr",
            "ausweis",
            "reisepass",
            "passnummer",
            "seriennummer",
        ),
        needs_word=True,
    ),
    Row(
        "DE",
        "Personalausweis, Reisepass ohne Prüfziffer",
        "identity",
        ("@********",),
        checks.is_german_document_serial,
        6.46,
        ("personalausweis", "perso", "ausweisnummer", "ausweis nr", "ausweis", "reisepass", "passnummer"),
        needs_word=True,
    ),
    Row(
        "DE",
        "Krankenversichertennummer",
        "health",
        ("@#########", "@### ### ###"),
        checks.is_german_health_number,
        10.03,
        (
            "krankenkasse",
            "versichertennummer",
            "versicherten nr",
            "vers nr",
            "kvnr",
            "krankenversicher",
            "gesundheitskarte",
        ),
    ),
    Row(
        "DK",
        "CPR-nummer",
        "identity",
        ("###### ####",),
        cpr.is_valid,
        3.21,
        ("cpr", "personnummer", "cprnr", "cprnummer"),
    ),
    Row("EE", "Isikukood", "identity", ("###########",), ik.is_valid, 0.35, ("isikukood", "isikukoodi", "ik")),
    Row(
        "ES",
        "DNI",
        "identity",
        ("######## @", "## ### ### @"),
        dni.is_valid,
        3.83,
        ("dni", "nif", "documento", "identidad", "d n i", "n i f"),
    ),
    Row(
        "ES",
        "NIE",
        "identity",
        ("@ ####### @", "@ # ### ### @"),
        nie.is_valid,
        0.49,
        ("nie", "extranjero", "extranjeria", "n i e"),
    ),
    Row(
        "FI",
        "Henkilötunnus",
        "identity",
        ("######~###*",),
        hetu.is_valid,
        0.08,
        ("henkilotunnus", "hetu", "personbeteckning", "sotu"),
    ),
    Row(
        "FR",
        "NIR",
        "social",
        ("# ## ## ## ### ### ##", "# ## ## 2@ ### ### ##"),
        _french,
        0.3,
        ("securite sociale", "nir", "insee", "secu", "num secu", "n ss", "assure social", "carte vitale"),
    ),
    Row(
        "FR",
        "Numéro fiscal",
        "tax",
        ("## ## ### ### ###", "#############"),
        fr_nif.is_valid,
        0.05,
        ("numero fiscal", "spi", "n fiscal", "impot"),
    ),
    Row("GR", "ΑΜΚΑ", "social", ("###########", "###### #####"), amka.is_valid, 0.36, ("αμκα", "amka", "α μ κ α")),
    Row(
        "GR",
        "ΑΦΜ",
        "tax",
        ("#########",),
        afm.is_valid,
        10.04,
        ("αφμ", "afm", "α φ μ", "φορολογικου μητρωου", "φορολογικο"),
    ),
    Row("HR", "OIB", "identity", ("###########",), oib.is_valid, 9.93, ("oib", "osobni identifikacijski")),
    Row(
        "HU",
        "Adóazonosító jel",
        "tax",
        ("8#########", "8### ### ###"),
        checks.is_hungarian_tax_number,
        9.18,
        ("adoazonosito", "ado azonosito", "adoszam", "adojel"),
    ),
    Row(
        "HU",
        "TAJ-szám",
        "social",
        ("### ### ###",),
        checks.is_hungarian_social_number,
        10.02,
        ("taj", "tajszam", "tarsadalombiztositas"),
    ),
    Row("IE", "PPS number", "social", ("#######@", "#######@@"), pps.is_valid, 2.31, ("pps", "ppsn", "upsp", "psp")),
    Row(
        "IT",
        "Codice fiscale",
        "tax",
        ("@@@ @@@ **@** @***@",),
        codicefiscale.is_valid,
        0.01,
        ("codice fiscale", "c f", "cod fisc", "cf"),
    ),
    Row(
        "LT", "Asmens kodas", "identity", ("###########",), asmens.is_valid, 1.31, ("asmens kodas", "asmens kod", "a k")
    ),
    Row(
        "LU",
        "Matricule",
        "identity",
        ("#### #### #####", "#### ## ## #####", "######## #####", "######## ### ##"),
        checks.is_luxembourg_matricule,
        0.01,
        ("matricule", "cns", "securite sociale", "matrikel"),
    ),
    Row("LV", "Personas kods", "identity", ("###### #####",), pvn.is_valid, 5.8, ("personas kod", "pers kods", "p k")),
    Row(
        "MT",
        "Karta tal-identità",
        "identity",
        ("####@", "#####@", "######@", "#######@"),
        checks.is_maltese_card_number,
        30.92,
        ("id card", "karta tal identita", "karta identita", "identity card", "numru tal karta", "maltese id"),
        needs_word=True,
    ),
    Row(
        "NL",
        "BSN",
        "identity",
        ("#########", "#### ## ###", "### ### ###", "## ## ## ###", "########"),
        bsn.is_valid,
        8.9,
        ("bsn", "burgerservice", "sofinummer", "sofi", "burger service"),
    ),
    Row(
        "NL",
        "Onderwijsnummer",
        "education",
        ("10#######",),
        onderwijsnummer.is_valid,
        9.12,
        ("onderwijsnummer", "pgn", "persoonsgebonden nummer"),
    ),
    Row(
        "NL",
        "Paspoort, identiteitskaart",
        "identity",
        ("@@******#",),
        identiteitskaartnummer.is_valid,
        78.09,
        ("paspoort", "identiteitskaart", "documentnummer", "id kaart", "rijbewijs"),
        needs_word=True,
    ),
    Row("PL", "PESEL", "identity", ("###########",), pesel.is_valid, 1.72, ("pesel", "nr ewid", "ewidencyjn")),
    Row(
        "PT",
        "Cartão de cidadão",
        "identity",
        ("######## # **#",),
        cc.is_valid,
        10.12,
        (
            "cartao de cidadao",
            "cartao cidadao",
            "cc",
            "bilhete de identidade",
            "doc identificacao",
            "documento de identificacao",
        ),
    ),
    Row(
        "PT",
        "NIF",
        "tax",
        ("### ### ###", "#########"),
        _portuguese,
        2.98,
        ("nif", "contribuinte", "n contrib", "numero fiscal", "identificacao fiscal"),
    ),
    Row(
        "RO",
        "CNP",
        "identity",
        ("#############",),
        cnp.is_valid,
        0.17,
        ("cnp", "cod numeric personal", "c n p"),
    ),
    Row(
        "SE",
        "Personnummer",
        "identity",
        ("###### ####", "######+####", "######## ####", "########+####"),
        _swedish,
        0.36,
        ("personnummer", "samordningsnummer", "persnr", "pnr", "personnr"),
    ),
    Row("SI", "EMŠO", "identity", ("#############",), emso.is_valid, 0.35, ("emso", "maticna stevilka")),
    Row(
        "SI", "Davčna številka", "tax", ("########",), ddv.is_valid, 8.07, ("davcna", "id za davke", "davcne", "davcno")
    ),
    Row(
        "SK",
        "Rodné číslo",
        "identity",
        ("###### ####", "###### ###"),
        sk_rc.is_valid,
        8.4,
        ("rodne cislo", "rodneho cisla", "rod cislo", "rodnym cislom", "r c", "rc"),
    ),
    Row(
        "CH",
        "AHV-Nummer",
        "social",
        ("### #### #### ##",),
        ssn.is_valid,
        0.01,
        ("ahv", "avs", "sozialversicherung", "n avs", "svn"),
    ),
    Row("IS", "Kennitala", "identity", ("###### ####",), _icelandic, 0.07, ("kennitala", "kennitolu", "kt")),
    Row(
        "NO",
        "Fødselsnummer",
        "identity",
        ("###### #####",),
        fodselsnummer.is_valid,
        0.1,
        ("fodselsnummer", "fodselsnr", "personnummer", "fnr", "d nummer"),
    ),
    Row("GB", "NHS number", "health", ("### ### ####",), nhs.is_valid, 8.91, ("nhs",)),
    Row(
        "GB",
        "National Insurance number",
        "social",
        ("@@ ## ## ## @",),
        checks.is_british_insurance_number,
        8.49,
        ("national insurance", "nino", "ni number", "ni no"),
    ),
)
"""All of them; python-stdnum's licence and place are in docs/decisions/0013-python-stdnum.md."""
