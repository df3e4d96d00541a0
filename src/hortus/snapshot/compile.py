"""How declared objects, the catalog and what is present here become a snapshot. Pure: the same in, the same out.

An endpoint that cannot be used now is left out, and every route that names it says why. References to credentials
pass through; no secret is ever seen here.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from hortus.base.time import format_utc
from hortus.catalog.lookup import ROUTABLE_AUTH, Catalog, PriceOf
from hortus.catalog.rows import Host, Model, Offer, Surface
from hortus.snapshot.declared import DeploymentSpec, EndpointSpec, RouteSpec
from hortus.snapshot.model import (
    ENGINE_SCHEME,
    Candidate,
    Deployment,
    Endpoint,
    PriceRow,
    Route,
    RuledOut,
    Snapshot,
    Timeouts,
)

SEEDLING = DeploymentSpec(name="seedling", source="seedling", temperature=0.0)
"""The model that ships with Hortus, deployed unless the settings say no."""

SPOKEN_DIALECTS = ("openai_chat",)
"""What this release can speak towards hosts, preferred first."""

LOCAL_HOST = "local"
OPEN_HOST = "openai-compatible"
UNKNOWN_MAKER = "unknown"
MOST_WEIGHT_DIGITS = 9

LOCAL_PRICE = PriceRow(
    id="local",
    currency="USD",
    input_per_million=Decimal(0),
    output_per_million=Decimal(0),
    source="this installation",
    as_of="2026-11-23",
)
"""Requests to a deployment cost nothing by the token."""


class DeclaredObjects(msgspec.Struct, frozen=True):
    """What is declared and not retired, whoever declared it.

    Attributes:
        created_at_s: When each route (or deployment) was made, by name; for lists of models.
        retired_at_ms: When each endpoint or deployment that is no longer declared was retired, by name.
    """

    endpoints: tuple[EndpointSpec, ...] = ()
    routes: tuple[RouteSpec, ...] = ()
    deployments: tuple[DeploymentSpec, ...] = ()
    created_at_s: Mapping[str, int] = {}
    retired_at_ms: Mapping[str, int] = {}


class Conditions(msgspec.Struct, frozen=True):
    """What holds on this node at this moment.

    Attributes:
        present: Credential references behind which there is a secret.
        model_files: File of each deployment's source (`DeploymentSpec.source`), where it is here.
        runs_seedling: Whether the model that ships with Hortus is deployed.
    """

    organisation: str
    now_ms: int
    present: frozenset[str] = frozenset()
    model_files: Mapping[str, str] = {}
    runs_seedling: bool = True


def compile_snapshot(
    declared: DeclaredObjects, *, catalog: Catalog, price_of: PriceOf, conditions: Conditions
) -> Snapshot:
    """Return the snapshot, with version 0: whoever writes it counts.

    Args:
        declared: What admins want.
        catalog: What is known of models and hosts.
        price_of: What an offer costs.
        conditions: What this node has.
    """
    compiled: dict[str, Endpoint | str] = {}
    for spec in sorted(declared.endpoints, key=lambda spec: spec.name):
        compiled[spec.name] = _compile_endpoint(spec, catalog=catalog, price_of=price_of, present=conditions.present)
    deployments: dict[str, Deployment] = {}
    wanted = with_seedling(declared.deployments, runs_seedling=conditions.runs_seedling)
    for deployment in wanted:
        file = conditions.model_files.get(deployment.source)
        if file is None:
            compiled[deployment.name] = f"the model file of the deployment {deployment.name} is not here"
            continue
        compiled[deployment.name] = _deployed_endpoint(deployment, catalog)
        deployments[deployment.name] = _deployment(deployment, file)
    for name, retired_at_ms in declared.retired_at_ms.items():
        compiled.setdefault(name, f"it was retired on {format_utc(retired_at_ms)[:10]}")
    implied = tuple(RouteSpec(name=spec.name, endpoints=(spec.name,)) for spec in wanted)
    routes = {spec.name: spec for spec in (*implied, *declared.routes)}
    return Snapshot(
        version=0,
        compiled_at_ms=conditions.now_ms,
        organisation=conditions.organisation,
        endpoints={name: one for name, one in sorted(compiled.items()) if isinstance(one, Endpoint)},
        routes={
            name: _compile_route(spec, compiled=compiled, created_at_s=declared.created_at_s.get(name, 0))
            for name, spec in sorted(routes.items())
        },
        deployments=deployments,
    )


def with_seedling(deployments: tuple[DeploymentSpec, ...], *, runs_seedling: bool) -> tuple[DeploymentSpec, ...]:
    """Return the deployments by name, the built-in one among them unless it is declared otherwise or turned off."""
    by_name = {SEEDLING.name: SEEDLING} if runs_seedling else {}
    by_name.update({spec.name: spec for spec in deployments})
    return tuple(spec for _, spec in sorted(by_name.items()))


def credential_of(spec: EndpointSpec, host: Host | None) -> str | None:
    """Return the reference to what authenticates the endpoint; None where nothing does."""
    if spec.credential is not None:
        return spec.credential
    surface = _surface(host) if host is not None else None
    if host is None or host.credential_env is None or (surface is not None and surface.auth == "none"):
        return None
    return f"env:{host.credential_env}"


def read_candidate(text: str) -> tuple[str, int | None]:
    """Split `name=weight`, as a route spells an endpoint; the weight is None where none was given.

    Raises:
        ValueError: The weight is not a whole number above zero.

    >>> read_candidate("small=3")
    ('small', 3)
    """
    name, equals, weight = text.partition("=")
    if not equals:
        return name, None
    if not weight.isascii() or not weight.isdigit() or len(weight) > MOST_WEIGHT_DIGITS or int(weight) < 1:
        raise ValueError(weight)
    return name, int(weight)


def _compile_endpoint(
    spec: EndpointSpec, *, catalog: Catalog, price_of: PriceOf, present: frozenset[str]
) -> Endpoint | str:
    """Return the endpoint, or the reason why there is none."""
    host = catalog.hosts.get(spec.host)
    if host is None and spec.host != OPEN_HOST:
        return f"the catalog has no host {spec.host}"
    reason = _unspoken(host) if host is not None else None
    if reason is not None:
        return reason
    address = _address(spec, host)
    if address is None:
        return f"the host {spec.host} has no address of its own, and the endpoint names no base_url"
    credential = credential_of(spec, host)
    if credential is None and host is not None and host.id != OPEN_HOST and not _is_open(host):
        return f"the host {spec.host} wants a credential, and the endpoint names none"
    if credential is not None and credential not in present:
        return f"its credential {credential} is not set"
    model = catalog.models.get(spec.model) or catalog.model_named(spec.model)
    offer = _offer(spec, model, catalog)
    return Endpoint(
        name=spec.name,
        model=model.id if model is not None else spec.model,
        maker=model.maker if model is not None else UNKNOWN_MAKER,
        host=spec.host,
        address=address,
        upstream_model=spec.upstream_model or (offer.upstream_name if offer is not None else spec.model),
        dialects=SPOKEN_DIALECTS,
        operations=spec.operations,
        credential=credential,
        auth="none" if credential is None else "bearer",
        region=spec.region or (offer.region if offer is not None else None),
        country=_country(spec, host, offer),
        price=_price(offer, price_of),
        timeouts=_timeouts(spec),
    )


def _unspoken(host: Host) -> str | None:
    surface = _surface(host)
    if surface is None:
        spoken = ", ".join(host.dialects) or "no dialect that is known here"
        return f"the host {host.id} does not speak {SPOKEN_DIALECTS[0]} (it speaks {spoken})"
    if surface.auth not in ROUTABLE_AUTH:
        return f"the host {host.id} authenticates by {surface.auth}, which this release cannot do"
    return None


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
    row = price_of(offer) if offer is not None else None
    return msgspec.convert(msgspec.structs.asdict(row), PriceRow) if row is not None else None


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


def _deployed_endpoint(spec: DeploymentSpec, catalog: Catalog) -> Endpoint:
    model = _deployed_model(spec, catalog)
    return Endpoint(
        name=spec.name,
        model=model.id if model is not None else spec.name,
        maker=model.maker if model is not None else UNKNOWN_MAKER,
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
    if spec.source == SEEDLING.source:
        return catalog.models.get(SEEDLING.name)
    repository = spec.source.partition(":")[0]
    if repository.startswith(("/", ".", "~")) or repository.count("/") != 1:
        return None
    ends = f"/{repository}".lower()
    return next((model for model in catalog.rows.models if (model.weights or "").lower().endswith(ends)), None)


def _deployment(spec: DeploymentSpec, file: str) -> Deployment:
    return Deployment(
        name=spec.name,
        engine=spec.engine,
        model_path=file,
        context_tokens=spec.context_tokens,
        slots=spec.slots,
        threads=spec.threads,
        temperature=spec.temperature,
        offers_embeddings=spec.offers_embeddings,
    )


def _compile_route(spec: RouteSpec, *, compiled: Mapping[str, Endpoint | str], created_at_s: int) -> Route:
    candidates: list[Candidate] = []
    ruled_out: list[RuledOut] = []
    makers: list[str] = []
    for text in spec.endpoints:
        try:
            name, weight = read_candidate(text)
        except ValueError:
            ruled_out.append(RuledOut(text.partition("=")[0], "its weight is not a whole number above 0"))
            continue
        match compiled.get(name, "no endpoint has this name"):
            case Endpoint() as endpoint:
                candidates.append(Candidate(name, weight=weight or 1))
                makers.append(endpoint.maker)
            case reason:
                ruled_out.append(RuledOut(name, reason))
    return Route(
        name=spec.name,
        candidates=tuple(candidates),
        strategy=spec.strategy,
        ruled_out=tuple(ruled_out),
        owned_by=next(iter(makers), UNKNOWN_MAKER),
        created_at_s=created_at_s,
    )
