"""What does a policy know of a declared endpoint or a deployment? The host's row, the contract, and nothing guessed.

Pure. What a contract says comes before the catalog; an address that is not the row's makes the row silent.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import msgspec
from msgspec.structs import replace

from hortus.catalog.lookup import BESIDE_CHAT
from hortus.catalog.places import ANYWHERE
from hortus.catalog.residency import HostLever, ReadFrom, beginning_of, decide
from hortus.catalog.rows import Confidence, Host, Model, Offer, Surface
from hortus.policy.facts import CHAT, Facts, Gains, Lever, Reach
from hortus.policy.objections import CONFIDENCES, UNKNOWN_MAKER
from hortus.snapshot.declared import ContractTerms, EndpointSpec
from hortus.snapshot.surfaces import OPEN_HOSTS, is_elsewhere, known_names, upstream_model_of

_OWN: Final = Facts(
    maker=UNKNOWN_MAKER,
    host="",
    is_own=True,
    retention_days=0,
    state_days=0,
    trains=False,
    operator="this organisation",
    laws={},
    confidence="stated",
    source="this installation",
    checked_on=date(2026, 11, 23),
    review_days=36500,  # nobody's page says it, so there is none to be read again
)
"""What holds of a machine that the organisation itself runs."""

_DECLARED: Final = "the endpoint's own `country`"
_BY_CONTRACT: Final = ("compute", "storage", "retention_days", "state_days", "trains", "operator", "home", "laws")
"""Members that a contract may state."""


def facts_of(
    spec: EndpointSpec,
    *,
    host: Host,
    model: Model | None,
    offer: Offer | None,
    surfaces: tuple[Surface, ...],
    country: str | None = None,
) -> Facts:
    """Return what is known of a declared endpoint.

    Args:
        spec: As declared.
        host: Its host's row.
        model: Its model's row, where the catalog has one.
        offer: The offer that it uses, where there is one.
        surfaces: What of the host's row holds for it.
        country: Where this installation stands.
    """
    known = _of_model(Facts(maker=UNKNOWN_MAKER, host=host.id), model)
    if spec.is_own and may_be_own(spec, host):
        known = deployed_facts(model, host=host.id, country=country)
    elif _speaks_for(host, spec, model=model, surfaces=surfaces):
        known = _of_row(known, host, said=_said(spec, offer), offer=_offer_used(spec, offer), surfaces=surfaces)
        if CHAT not in spec.operations:
            known = known.for_operation("embeddings")
    if spec.country is not None:
        known = _placed(known, spec.country)
    return known if spec.terms is None else _by_contract(known, spec.terms)


def deployed_facts(model: Model | None, *, host: str, country: str | None) -> Facts:
    """Return what is known of a model that this installation runs.

    Args:
        model: Its row, where its weights are those of one.
        host: What its host is called.
        country: Where this installation stands.
    """
    return _of_model(replace(_OWN, host=host, compute=country, home=country), model)


def may_be_own(spec: EndpointSpec, host: Host) -> bool:
    """Tell whether an organisation can itself run what stands behind the endpoint."""
    passes_on = bool(host.leaves) and (spec.upstream_model or spec.model).endswith(host.leaves)
    return (host.is_program or host.id in OPEN_HOSTS) and not passes_on


def _of_model(known: Facts, model: Model | None) -> Facts:
    if model is None:
        return known
    return replace(
        known,
        maker=model.maker,
        licence=model.licence,
        open_weights=model.open_weights,
        state=model.state,
        retires=model.retires,
        deprecated=model.deprecated,
        replacement=model.replacement,
    )


def _speaks_for(host: Host, spec: EndpointSpec, *, model: Model | None, surfaces: tuple[Surface, ...]) -> bool:
    """Tell whether the host's row says anything of the endpoint."""
    if host.is_program or host.id in OPEN_HOSTS or is_elsewhere(spec, surfaces):
        return False
    return not host.passes_on or (model is not None and model.maker not in host.passes_on)


def _said(spec: EndpointSpec, offer: Offer | None) -> dict[ReadFrom, dict[str, str]]:
    """Return what the endpoint says of its place; the region is the one that stands in its address."""
    region = known_names(spec).get("region")
    said_region = {"region": region} if region is not None else {}
    beginning = beginning_of(upstream_model_of(spec, offer))
    return {"facts": spec.facts, "region": said_region, "model": {"model_prefix": beginning}}


def _offer_used(spec: EndpointSpec, offer: Offer | None) -> Offer | None:
    """Return the offer whose place counts: the host's name of the model, and the region, must be the endpoint's."""
    if offer is None or offer.upstream_name != upstream_model_of(spec, offer):
        return None
    return offer if offer.region in {None, spec.region} else None


def _of_row(
    known: Facts,
    host: Host,
    *,
    said: dict[ReadFrom, dict[str, str]],
    offer: Offer | None,
    surfaces: tuple[Surface, ...],
) -> Facts:
    compute, lacks = _compute(host, said=said, offer=offer)
    counted = [host.confidence]
    if offer is not None and offer.country is not None and host.decided_by is None:
        counted.append(offer.confidence)
    found = replace(
        known,
        compute=compute,
        storage=_storage(host, said),
        retention_days=host.retention_days,
        state_days=_state_days(surfaces),
        trains=host.trains_on_content,
        operator=host.operator,
        home=host.home,
        laws=_laws(host),
        confidence=_weakest(*counted),
        source=host.source,
        checked_on=host.as_of,
        review_days=host.review_days,
        levers=_levers(host, surfaces),
        undecided=(lacks,) if lacks is not None else (),
    )
    if not host.is_router:
        return found
    # whoever it passes requests on to computes, keeps and obeys a law of its own
    return replace(found, compute=None, storage=None, retention_days=None, trains=None, home=None, undecided=())


def _compute(host: Host, *, said: dict[ReadFrom, dict[str, str]], offer: Offer | None) -> tuple[str | None, str | None]:
    """Return where it computes, and which fact would decide it."""
    if host.decided_by is not None:
        decided = decide(host.places, host.decided_by, said=said)
        return decided.place, decided.lacks
    return (offer.country if offer is not None and offer.country is not None else host.country), None


def _storage(host: Host, said: dict[ReadFrom, dict[str, str]]) -> str | None:
    if host.storage is None or host.storage not in {table.fact for table in host.places}:
        return host.storage
    decided = decide(host.places, host.storage, said=said)
    return decided.place if decided.lacks is None else ANYWHERE


def _state_days(surfaces: tuple[Surface, ...]) -> int | None:
    """Return the longest of all wire formats, for any may carry a request; unknown where one is."""
    found = [surface.state_days for surface in surfaces if surface.dialect not in BESIDE_CHAT]
    known = [days for days in found if days is not None]
    return max(known) if known and len(known) == len(found) else None


def _laws(host: Host) -> dict[str, Reach] | None:
    home: dict[str, Reach] = {} if host.home is None or host.is_router else {host.home: "yes"}
    # a router's own word that nobody reaches it says nothing of those behind it
    said = {country: reach for country, reach in host.laws.items() if reach != "no" or not host.is_router}
    return (home | said) or None


def _levers(host: Host, surfaces: tuple[Surface, ...]) -> tuple[Lever, ...]:
    spoken = {surface.dialect for surface in surfaces}
    return tuple(_lever(lever) for lever in host.levers if spoken & set(lever.dialects))


def _lever(row: HostLever) -> Lever:
    return Lever(
        name=row.name,
        dialects=row.dialects,
        gains=msgspec.convert(row.gains, Gains),
        member=row.member,
        header=row.header,
        value=msgspec.Raw(msgspec.json.encode(row.value)),
    )


def _weakest(*found: Confidence) -> Confidence:
    return max(found, key=CONFIDENCES.index)


def _placed(known: Facts, country: str) -> Facts:
    """Return what holds where the endpoint itself says in which country it computes."""
    placed = replace(known, compute=country, undecided=())
    return placed if known.source is not None else replace(placed, confidence="stated", source=_DECLARED)


def _by_contract(known: Facts, terms: ContractTerms) -> Facts:
    """Return what holds with what a contract states in the place of the catalog's word.

    Where it leaves something to the catalog, the weaker confidence and the older day count for all.
    """
    stated = {name: getattr(terms, name) for name in _BY_CONTRACT if getattr(terms, name) is not None}
    is_left = any(getattr(known, name) is not None for name in _BY_CONTRACT if name not in stated)
    joined = known.source is not None and is_left
    days = [terms.as_of, known.checked_on] if joined else [terms.as_of]
    undecided = () if "compute" in stated else known.undecided
    return replace(
        known,
        **stated,
        undecided=undecided,
        confidence=known.confidence if joined else "stated",
        source=f"{terms.source}; {known.source}" if joined else terms.source,
        checked_on=None if None in days else min(day for day in days if day is not None),
    )
