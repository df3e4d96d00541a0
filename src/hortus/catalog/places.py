"""Which places does the catalog know, and does one lie within another?

A place is an ISO 3166-1 alpha-2 code, one of `UNCERTAIN` (some country of several) or `GLOBAL` (anywhere); None is
unknown.
"""

from __future__ import annotations

from typing import Final

EU_COUNTRIES: Final = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905 - a list would be a page long
)
"""Member states of the European Union. https://european-union.europa.eu/principles-countries-history, read 2026-11."""

ISO_COUNTRIES: Final = frozenset(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM
    FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE
    JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW
    PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM
    TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
    """.split()  # noqa: SIM905 - a list would be pages long
) | {"FO"}  # codespell:ignore fo - the Faroe Islands
"""ISO 3166-1 alpha-2."""

SOME_EU_COUNTRY: Final = "EU*"
SOME_EEA_OR_SWISS: Final = "EEA+CH*"
"""What hosts call Europe: the EU, Iceland, Liechtenstein, Norway or Switzerland."""

SOME_ADEQUATE: Final = "ADEQUATE*"
"""A country of the EEA, or one whose protection of personal data the European Commission found adequate."""

UNCERTAIN: Final = frozenset({SOME_EU_COUNTRY, SOME_EEA_OR_SWISS, SOME_ADEQUATE})
ANYWHERE: Final = "GLOBAL"


def is_known_place(place: str) -> bool:
    """Say whether a row may name this place."""
    return place in ISO_COUNTRIES or place in UNCERTAIN or place == ANYWHERE


def is_within(place: str | None, region: str) -> bool:
    """Say whether `place` surely lies in `region`: a country's code, or `EU`.

    An unknown place and `GLOBAL` lie in no region, one of `UNCERTAIN` in no single country.
    """
    wanted = region.upper().removesuffix("*")
    if place is None or place == ANYWHERE:
        return False
    if wanted == "EU":
        return place == SOME_EU_COUNTRY or place in EU_COUNTRIES
    return place == wanted
