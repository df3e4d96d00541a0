"""How does one declared endpoint, or deployment, become one that the gateway can use, or why can it not?

Pure; a reason is the end of the sentence "it is ruled out because …".
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hortus.catalog.lookup import ROUTABLE_AUTH, Catalog, PriceOf
from hortus.catalog.rows import Host, Model, Offer, PriceRow, Surface
from hortus.snapshot.declared import DeploymentSpec, EndpointSpec
from hortus.snapshot.model import ENGINE_SCHEME, Endpoint, Timeouts

SPOKEN_DIALECTS = ("openai_chat",)
"""What this release can speak towards hosts, preferred first."""

SEEDLING_SOURCE = "seedling"
LOCAL_HOST = "local"
OPEN_HOST = "openai-compatible"
"""Host of an endpoint that the catalog does not know; it brings its own address."""

UNKNOWN_MAKER = "unknown"

LOCAL_PRICE = PriceRow(
    id="local",
    currency="USD",
    input_per_million=Decimal(0),
    output_per_million=Decimal(0),
    source="this installation",
    as_of="2026-11-23",
)
"""Requests to a deployment cost nothing by the token."""


def credential_of(spec: EndpointSpec, host: Host | None) -> str | None:
    """Return the reference to what authenticates the endpoint; None where nothing does."""
    if spec.credential is not None:
        return spec.credential
    surface = _surface(host) if host is not None else None
    if host is None or host.credential_env is None or (surface is not None and surface.auth == "none"):
        return None
    return f"env:{host.credential_env}"


def compile_endpoint(
    spec: EndpointSpec, *, catalog: Catalog, price_of: PriceOf, present: frozenset[str], today: date
) -> Endpoint | str:
    """Return the endpoint, or the reason why there is none.

    Args:
        spec: As declared.
        catalog: What is known of models and hosts.
        price_of: What an offer costs.
        present: Credential references behind which there is a secret.
        today: A host that has closed by then is of no use.
    """
    host = catalog.hosts.get(spec.host)
    reason = _unfit(spec, host, today=today) or _unopened(spec, host, present=present)
    if reason is not None:
        return reason
    model = catalog.models.get(spec.model) or catalog.model_named(spec.model)
    offer = _offer(spec, model, catalog)
    credential = credential_of(spec, host)
    return Endpoint(
        name=spec.name,
        model=model.id if model is not None else spec.model,
        maker=_maker(model),
        host=spec.host,
        address=_address(spec, host) or "",
        upstream_model=_upstream_model(spec, offer),
        dialects=SPOKEN_DIALECTS,
        operations=spec.operations,
        credential=credential,
        auth="none" if credential is None else "bearer",
        region=_region(spec, offer),
        country=_country(spec, host, offer),
        price=_price(offer, price_of),
        timeouts=_timeouts(spec),
    )


def _unfit(spec: EndpointSpec, host: Host | None, *, today: date) -> str | None:
    """Return why nothing can be sent to the host at all."""
    if host is None:
        return None if spec.host == OPEN_HOST else f"the catalog has no host {spec.host}"
    if host.closed_on is not None and host.closed_on <= today:
        return f"the host {host.id} closed on {host.closed_on.isoformat()}"
    surface = _surface(host)
    if surface is None:
        spoken = ", ".join(host.dialects) or "no dialect that is known here"
        return f"the host {host.id} does not speak {SPOKEN_DIALECTS[0]} (it speaks {spoken})"
    if surface.auth not in ROUTABLE_AUTH:
        return f"the host {host.id} authenticates by {surface.auth}, which this release cannot do"
    return None


def _unopened(spec: EndpointSpec, host: Host | None, *, present: frozenset[str]) -> str | None:
    """Return what is missing to call a host that is fit: its address or its credential."""
    if _address(spec, host) is None:
        return f"the host {spec.host} has no address of its own, and the endpoint names no base_url"
    credential = credential_of(spec, host)
    if credential is None:
        is_free = host is None or host.id == OPEN_HOST or _is_open(host)
        return None if is_free else f"the host {spec.host} wants a credential, and the endpoint names none"
    return None if credential in present else f"its credential {credential} is not set"


def _maker(model: Model | None) -> str:
    return model.maker if model is not None else UNKNOWN_MAKER


def _surface(host: Host) -> Surface | None:
    return host.surface(SPOKEN_DIALECTS[0])


def _is_open(host: Host) -> bool:
    surface = _surface(host)
    return surface is not None and surface.auth == "none"


def _address(spec: EndpointSpec, host: Host | None) -> str | None:
    own = _own_address(host)
    address = spec.base_url or own
    return address.rstrip("/") if address is not None else None


def _own_address(host: Host | None) -> str | None:
    """Return the host's address where it is the same for everybody."""
    surface = _surface(host) if host is not None else None
    if surface is None or surface.base_url is None or "{" in surface.base_url:
        return None
    return surface.base_url


def _offer(spec: EndpointSpec, model: Model | None, catalog: Catalog) -> Offer | None:
    if model is None:
        return None
    offers = catalog.offers(model=model.id, host=spec.host)
    by_name = [offer for offer in offers if spec.upstream_model in {None, offer.upstream_name}]
    by_region = [offer for offer in by_name or offers if spec.region in {None, offer.region}]
    return next(iter(by_region or by_name or offers), None)


def _upstream_model(spec: EndpointSpec, offer: Offer | None) -> str:
    return spec.upstream_model or (offer.upstream_name if offer is not None else spec.model)


def _region(spec: EndpointSpec, offer: Offer | None) -> str | None:
    return spec.region or (offer.region if offer is not None else None)


def _country(spec: EndpointSpec, host: Host | None, offer: Offer | None) -> str | None:
    """Return where it computes: what the admin says, else the catalog, unless the address is another one."""
    if spec.country is not None:
        return spec.country
    own = _own_address(host)
    if spec.base_url is not None and own is not None and spec.base_url.rstrip("/") != own.rstrip("/"):
        return None
    if offer is not None and offer.country is not None:
        return offer.country
    return host.country if host is not None else None


def _price(offer: Offer | None, price_of: PriceOf) -> PriceRow | None:
    return price_of(offer) if offer is not None else None


def _timeouts(spec: EndpointSpec) -> Timeouts:
    usual = Timeouts()

    def either(own: float | None, default: float) -> float:
        return default if own is None else own

    return Timeouts(
        connect_s=either(spec.connect_timeout_s, usual.connect_s),
        first_byte_s=either(spec.first_byte_timeout_s, usual.first_byte_s),
        idle_s=either(spec.idle_timeout_s, usual.idle_s),
        total_s=either(spec.total_timeout_s, usual.total_s),
    )


def compile_deployed(spec: DeploymentSpec, catalog: Catalog) -> Endpoint:
    """Return the endpoint that a deployment is."""
    model = _deployed_model(spec, catalog)
    return Endpoint(
        name=spec.name,
        model=model.id if model is not None else spec.name,
        maker=_maker(model),
        host=LOCAL_HOST,
        address=f"{ENGINE_SCHEME}{spec.name}",
        upstream_model=spec.name,
        dialects=SPOKEN_DIALECTS,
        operations=("chat", "embeddings") if spec.offers_embeddings else ("chat",),
        auth="bearer",
        price=LOCAL_PRICE,
    )


def _deployed_model(spec: DeploymentSpec, catalog: Catalog) -> Model | None:
    """Return the catalog's model whose weights these are; a deployment's name alone proves nothing."""
    if spec.source == SEEDLING_SOURCE:
        return catalog.models.get(SEEDLING_SOURCE)
    repository = spec.source.partition(":")[0]
    if repository.startswith(("/", ".", "~")) or repository.count("/") != 1:
        return None
    ends = f"/{repository}".lower()
    return next((model for model in catalog.rows.models if (model.weights or "").lower().endswith(ends)), None)
