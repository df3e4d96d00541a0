"""What is wrong with what an endpoint says of place, law and terms? Pure; the host's row says what it asks for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from hortus.catalog.places import ISO_COUNTRIES, is_known_place
from hortus.catalog.residency import facts_asked
from hortus.catalog.rows import Host
from hortus.control.fault import MOST_QUOTED, Fault, suggest
from hortus.control.tomllines import Path
from hortus.snapshot.declared import ContractTerms, EndpointSpec
from hortus.snapshot.facts import may_be_own
from hortus.snapshot.surfaces import OPEN_HOST

_MOST_DAYS: Final = 36500
_Flaw = tuple[Path, str, str]
"""Path within the terms, message, and what to do next."""

_ELSEWHERE: Final = {"region": "region", "model_prefix": "upstream_model"}
"""Facts that another member of the endpoint says."""


def check_facts(spec: EndpointSpec, host: Host | None, *, today: date | None) -> Iterator[Fault]:
    """Yield what is wrong with an endpoint's facts, country, terms and claim to be one's own.

    Args:
        spec: As declared.
        host: Its host's row, where the catalog has one.
        today: No contract was looked at later; None: not judged.
    """
    if spec.country is not None and spec.country not in ISO_COUNTRIES:
        yield Fault(("country",), "The country is not an ISO 3166-1 alpha-2 code.", 'Write two letters, such as "DE".')
    if host is not None:
        yield from _check_said(spec, host)
        if spec.is_own and not may_be_own(spec, host):
            message = f"What the host `{host.id}` runs cannot be your own."
            hint = f'Use host = "{OPEN_HOST}" with the base_url of your machine, or leave is_own out.'
            yield Fault(("is_own",), message, hint)
    if spec.terms is not None:
        yield from (Fault(("terms", *path), message, hint) for path, message, hint in _flaws(spec.terms, today))
        if None not in {spec.country, spec.terms.compute} and spec.country != spec.terms.compute:
            message = "Country and terms say different things of where it computes."
            yield Fault(("terms", "compute"), message, "Leave one of them out.")


def _check_said(spec: EndpointSpec, host: Host) -> Iterator[Fault]:
    asked = facts_asked(host.places)
    for name, value in spec.facts.items():
        where: Path = ("facts", name[:MOST_QUOTED])
        if name not in asked:
            yield Fault(where, f"The host `{host.id}` does not ask for this fact.", _instead(name, tuple(asked)))
        elif value not in asked[name]:
            hint = suggest(value, asked[name]) or f"It knows: {', '.join(asked[name])}."
            yield Fault(where, f"The host `{host.id}` does not know the value `{value[:MOST_QUOTED]}`.", hint)


def _instead(name: str, asked: tuple[str, ...]) -> str:
    if name in _ELSEWHERE:
        return f"The endpoint's `{_ELSEWHERE[name]}` says it."
    known = f"It asks for: {', '.join(asked)}." if asked else "Nothing further decides its place."
    return suggest(name, asked) or f"{known} What a contract says goes into `terms`."


def _flaws(terms: ContractTerms, today: date | None) -> Iterator[_Flaw]:
    yield from _flaws_of_source(terms, today)
    yield from _flaws_of_places(terms)
    yield from _flaws_of_days(terms)


def _flaws_of_source(terms: ContractTerms, today: date | None) -> Iterator[_Flaw]:
    if not terms.source.strip():
        yield ("source",), "The source is empty.", "Name the contract, decision or page that says so."
    if today is not None and terms.as_of > today:
        yield ("as_of",), "The day is in the future.", "Write the day on which the contract was looked at."


def _flaws_of_places(terms: ContractTerms) -> Iterator[_Flaw]:
    for field, place in (("compute", terms.compute), ("storage", terms.storage)):
        if place is not None and not is_known_place(place):
            yield (field,), f"`{place[:MOST_QUOTED]}` is no place.", 'Write a country such as "DE", "EU*" or "GLOBAL".'
    named: list[tuple[Path, str]] = [(("home",), terms.home)] if terms.home is not None else []
    named += [(("laws", country[:MOST_QUOTED]), country) for country in terms.laws or ()]
    for path, country in named:
        if country not in ISO_COUNTRIES:
            yield path, "This is not an ISO 3166-1 alpha-2 code.", 'Write two letters, such as "DE".'


def _flaws_of_days(terms: ContractTerms) -> Iterator[_Flaw]:
    for field, days in (("retention_days", terms.retention_days), ("state_days", terms.state_days)):
        if days is not None and not 0 <= days <= _MOST_DAYS:
            yield (
                (field,),
                f"{field} is out of bounds.",
                f"Use a number of days from 0 (nothing is kept) to {_MOST_DAYS}.",
            )
