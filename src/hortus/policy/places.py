"""Does a place surely lie within the places that a policy names? Countries, `EU`, `EEA` and `ADEQUATE`.

A place of a fact stands for all countries that it may mean; it lies within if each of them does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

import msgspec

from hortus.catalog.places import (
    ANYWHERE,
    EU_COUNTRIES,
    ISO_COUNTRIES,
    SOME_ADEQUATE,
    SOME_EEA_OR_SWISS,
    SOME_EU_COUNTRY,
)

EEA_COUNTRIES: Final = EU_COUNTRIES | {"IS", "LI", "NO"}
"""https://www.efta.int/eea, read 2026-11: the Union, Iceland, Liechtenstein and Norway."""


class Decision(msgspec.Struct, frozen=True):
    """An adequacy decision of the European Commission (Article 45 GDPR) that covers a country.

    Attributes:
        act: Number of the decision; the EU's publications office has it.
        adopted: Day of the decision.
        scope: What it covers, where that is not everything.
        until: Last day on which it holds, where it names one.
    """

    act: str
    adopted: date
    scope: str = ""
    until: date | None = None


# https://commission.europa.eu/law/law-topic/data-protection/international-dimension-data-protection/adequacy-decisions_en
# The list by https://cnpd.public.lu/en/dossiers-thematiques/transferts-internationaux-donnees-personnelles.html,
# Brazil by https://www.deleporte-wentz-avocat.com (decision of 26 January 2026), the United Kingdom's last day by
# https://www.dpocentre.com/news/eu-renews-uk-personal-data-adequacy-decisions; all read 2026-11-23.
# Left out: the United States (2023/1795 covers certified companies only, which is no fact of a place) and the European
# Patent Organisation (no country).
DECISIONS: Final[Mapping[str, Decision]] = {
    "AD": Decision("2010/625/EU", date(2010, 10, 19)),
    "AR": Decision("2003/490/EC", date(2003, 6, 30)),
    "BR": Decision("of 26 January 2026", date(2026, 1, 26)),
    "CA": Decision("2002/2/EC", date(2001, 12, 20), "organisations under the federal law on commerce (PIPEDA)"),
    "CH": Decision("2000/518/EC", date(2000, 7, 26)),
    "FO": Decision("2010/146/EU", date(2010, 3, 5)),  # codespell:ignore fo - the Faroe Islands
    "GB": Decision("(EU) 2021/1772", date(2021, 6, 28), until=date(2031, 12, 27)),
    "GG": Decision("2003/821/EC", date(2003, 11, 21)),
    "IL": Decision("2011/61/EU", date(2011, 1, 31)),
    "IM": Decision("2004/411/EC", date(2004, 4, 28)),
    "JE": Decision("2008/393/EC", date(2008, 5, 8)),
    "JP": Decision("(EU) 2019/419", date(2019, 1, 23), "not what goes to bodies outside the law on personal data"),
    "KR": Decision("(EU) 2022/254", date(2021, 12, 17)),
    "NZ": Decision("2013/65/EU", date(2012, 12, 19)),
    "UY": Decision("2012/484/EU", date(2012, 8, 21)),
}
"""Countries outside the EEA whose protection of personal data the Commission found adequate."""

_BY_DECISION: Final = "ADEQUATE"

REGIONS: Final[Mapping[str, frozenset[str]]] = {
    "EU": EU_COUNTRIES,
    "EEA": EEA_COUNTRIES,
    _BY_DECISION: EEA_COUNTRIES | DECISIONS.keys(),
}
"""What a policy may name beside countries; of `ADEQUATE`, whatever has not ended."""

_MEANT: Final[Mapping[str, frozenset[str]]] = {
    SOME_EU_COUNTRY: EU_COUNTRIES,
    SOME_EEA_OR_SWISS: EEA_COUNTRIES | {"CH"},
    SOME_ADEQUATE: REGIONS[_BY_DECISION],
}
"""The countries that an uncertain place may be."""

_IN_WORDS: Final[Mapping[str, str]] = {
    ANYWHERE: f"anywhere ({ANYWHERE})",
    SOME_EU_COUNTRY: f"in some EU country ({SOME_EU_COUNTRY})",
    SOME_EEA_OR_SWISS: f"in some country of the EEA or Switzerland ({SOME_EEA_OR_SWISS})",
    SOME_ADEQUATE: f"in the EEA or some country found adequate ({SOME_ADEQUATE})",
}


def is_region(place: str) -> bool:
    """Say whether a policy may name this place."""
    return place in REGIONS or place in ISO_COUNTRIES


def is_within(place: str | None, regions: tuple[str, ...], *, on: date) -> bool:
    """Say whether a place of a fact surely lies within what a policy names, on a day.

    An unknown place and `GLOBAL` lie nowhere; `EU*` lies where every member state does, so in no single country.
    """
    if place is None or place == ANYWHERE:
        return False
    meant = _MEANT.get(place, frozenset((place,)))
    return meant <= frozenset().union(*(_countries_of(region, on) for region in regions))


def _countries_of(region: str, on: date) -> frozenset[str]:
    countries = REGIONS.get(region, frozenset((region,)))
    if region != _BY_DECISION:
        return countries
    return countries - {country for country, one in DECISIONS.items() if one.until is not None and one.until < on}


def in_words(place: str) -> str:
    """Return where a place is, for the middle of a sentence."""
    return _IN_WORDS.get(place, f"in {place}")
