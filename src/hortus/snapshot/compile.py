"""How declared objects, the catalog and what is present here become a snapshot. Pure: the same in, the same out.

An endpoint that cannot be used now is left out, and every route that names it says why. References to credentials
pass through; no secret is ever seen here.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hortus.base.time import format_utc, utc_day
from hortus.catalog.lookup import Catalog, PriceOf
from hortus.catalog.terms import bounded
from hortus.policy.ready import READY
from hortus.policy.rules import Policy
from hortus.snapshot.declared import DeploymentSpec, EndpointSpec, RateSpec, RouteSpec
from hortus.snapshot.endpoints import (
    SEEDLING_SOURCE,
    UNKNOWN_MAKER,
    compile_deployed,
    compile_endpoint,
    compile_workshop,
)
from hortus.snapshot.model import WORKSHOP, Adapter, Candidate, Deployment, Endpoint, Route, RuledOut, Snapshot
from hortus.snapshot.money import OWN, own_price, own_rate

SEEDLING = DeploymentSpec(name="seedling", source=SEEDLING_SOURCE, context_tokens=1024, temperature=0.0)
"""The model that ships with Hortus, deployed unless the settings say no."""

MOST_WEIGHT_DIGITS = 9


class DeclaredObjects(msgspec.Struct, frozen=True):
    """What is declared and not retired, whoever declared it.

    Attributes:
        rates: The organisation's own currency rates.
        policies: Those of the organisation, and the retired ones: a grant that was just handed out may name one.
        origins: Who declared each endpoint (`file`, `api`), by name; it is in the id of the endpoint's own price.
        created_at_s: When each route (or deployment) was made, by name; for lists of models.
        retired_at_ms: When each endpoint or deployment that is no longer declared was retired, by name.
    """

    endpoints: tuple[EndpointSpec, ...] = ()
    routes: tuple[RouteSpec, ...] = ()
    deployments: tuple[DeploymentSpec, ...] = ()
    rates: tuple[RateSpec, ...] = ()
    policies: tuple[Policy, ...] = ()
    origins: Mapping[str, str] = {}
    created_at_s: Mapping[str, int] = {}
    retired_at_ms: Mapping[str, int] = {}


class Conditions(msgspec.Struct, frozen=True):
    """What holds on this node at this moment.

    Attributes:
        present: Credential references behind which there is a secret.
        model_files: File of each deployment's source (`DeploymentSpec.source`), where it is here.
        runs_seedling: Whether the model that ships with Hortus is deployed.
        has_workshop: Whether this installation keeps files and tunes models itself.
        country: Where this installation stands (ISO 3166-1 alpha-2), None where nobody said.
    """

    organisation: str
    now_ms: int
    present: frozenset[str] = frozenset()
    model_files: Mapping[str, str] = {}
    runs_seedling: bool = True
    country: str | None = None
    has_workshop: bool = False


class Compiled(msgspec.Struct, frozen=True):
    """A snapshot, and why each endpoint that is missing in it cannot be used now."""

    snapshot: Snapshot
    unusable: dict[str, str]


def compile_snapshot(
    declared: DeclaredObjects, *, catalog: Catalog, price_of: PriceOf, conditions: Conditions
) -> Compiled:
    """Return the snapshot, with version 0 (whoever writes it counts), and why some endpoints are not in it.

    Args:
        declared: What admins want.
        catalog: What is known of models and hosts.
        price_of: What an offer costs.
        conditions: What this node has.
    """
    compiled = _compile_endpoints(declared, catalog, price_of=price_of, conditions=conditions)
    wanted = with_seedling(declared.deployments, runs_seedling=conditions.runs_seedling)
    deployments = _compile_deployments(wanted, compiled, catalog=catalog, conditions=conditions)
    built_in = _put_workshop(compiled, deployments, conditions) if conditions.has_workshop else ()
    for name, retired_at_ms in declared.retired_at_ms.items():
        compiled.setdefault(name, f"it was retired on {format_utc(retired_at_ms)[:10]}")
    implied = tuple(RouteSpec(name=name, endpoints=(name,)) for spec in wanted for name in spec.routes)
    routes = {spec.name: spec for spec in (*implied, *declared.routes, *built_in)}
    snapshot = Snapshot(
        version=0,
        compiled_at_ms=conditions.now_ms,
        organisation=conditions.organisation,
        endpoints={name: one for name, one in sorted(compiled.items()) if isinstance(one, Endpoint)},
        routes={
            name: _compile_route(spec, compiled=compiled, created_at_s=declared.created_at_s.get(name, 0))
            for name, spec in sorted(routes.items())
        },
        deployments=deployments,
        rates=(*map(own_rate, declared.rates), *(rate.row for rate in catalog.rows.rates)),
        policies=_policies(declared.policies),
    )
    return Compiled(snapshot, {name: one for name, one in sorted(compiled.items()) if isinstance(one, str)})


def _compile_endpoints(
    declared: DeclaredObjects, catalog: Catalog, *, price_of: PriceOf, conditions: Conditions
) -> dict[str, Endpoint | str]:
    """Return each declared endpoint, at the organisation's own price where it has one, or why it cannot be used."""
    compiled: dict[str, Endpoint | str] = {}
    today = utc_day(conditions.now_ms)
    for spec in sorted(declared.endpoints, key=lambda spec: spec.name):
        one = compile_endpoint(
            spec,
            catalog=catalog,
            price_of=price_of,
            present=conditions.present,
            today=today,
            country=conditions.country,
        )
        own = own_price(spec, origin=declared.origins.get(spec.name, OWN), today=today)
        if own is not None and isinstance(one, Endpoint):
            price = bounded(own, catalog, model=one.model, host=one.host, at=today)
            one = msgspec.structs.replace(one, price=price)
        compiled[spec.name] = one
    return compiled


def _compile_deployments(
    wanted: tuple[DeploymentSpec, ...],
    compiled: dict[str, Endpoint | str],
    *,
    catalog: Catalog,
    conditions: Conditions,
) -> dict[str, Deployment]:
    """Return each deployment whose file is here, and put its endpoints, or why there is none, among the others."""
    deployments: dict[str, Deployment] = {}
    for deployment in wanted:
        file = conditions.model_files.get(deployment.source)
        if file is None:
            compiled[deployment.name] = f"the model file of the deployment {deployment.name} is not here"
            continue
        compiled[deployment.name] = compile_deployed(deployment, catalog, country=conditions.country)
        deployments[deployment.name] = _deployment(deployment, file, adapters=_adapters(deployment, conditions))
        compiled |= _compile_adapters(deployment, catalog, conditions=conditions, taken=compiled)
    return deployments


def _put_workshop(
    compiled: dict[str, Endpoint | str], deployments: dict[str, Deployment], conditions: Conditions
) -> tuple[RouteSpec, ...]:
    """Put the installation's own workshop among the endpoints; return its route. Nothing else has that name."""
    compiled[WORKSHOP] = compile_workshop(country=conditions.country)
    deployments.pop(WORKSHOP, None)
    return (RouteSpec(name=WORKSHOP, endpoints=(WORKSHOP,)),)


def _policies(own: tuple[Policy, ...]) -> dict[str, Policy]:
    """Return the policies by name; a ready-made one is never another."""
    return {**{policy.name: policy for policy in own}, **READY}


def with_seedling(deployments: tuple[DeploymentSpec, ...], *, runs_seedling: bool) -> tuple[DeploymentSpec, ...]:
    """Return the deployments by name, the built-in one among them unless it is declared otherwise or turned off."""
    by_name = {SEEDLING.name: SEEDLING} if runs_seedling else {}
    by_name.update({spec.name: spec for spec in deployments})
    return tuple(spec for _, spec in sorted(by_name.items()))


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


def _adapters(spec: DeploymentSpec, conditions: Conditions) -> tuple[Adapter, ...]:
    """Return the adapters whose files are here, by their absolute paths."""
    found = ((one.name, conditions.model_files.get(one.path)) for one in spec.adapters)
    return tuple(Adapter(name, path) for name, path in found if path is not None)


def _compile_adapters(
    spec: DeploymentSpec, catalog: Catalog, *, conditions: Conditions, taken: Mapping[str, Endpoint | str]
) -> dict[str, Endpoint | str]:
    """Return the endpoint of each adapter; a name that is taken stays with whoever has it."""
    here = {one.name for one in _adapters(spec, conditions)}
    return {
        one.name: compile_deployed(spec, catalog, country=conditions.country, name=one.name)
        if one.name in here
        else f"the file of the adapter {one.name} is not here"
        for one in spec.adapters
        if one.name not in taken
    }


def _deployment(spec: DeploymentSpec, file: str, *, adapters: tuple[Adapter, ...]) -> Deployment:
    return Deployment(
        name=spec.name,
        engine=spec.engine,
        model_path=file,
        context_tokens=spec.context_tokens,
        slots=spec.slots,
        threads=spec.threads,
        temperature=spec.temperature,
        offers_embeddings=spec.offers_embeddings,
        adapters=adapters,
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
        output_cap=spec.output_cap,
        sticky=spec.sticky,
        cache_s=spec.cache_s,
    )
