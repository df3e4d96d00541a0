"""Operations on hosts: which are lit here, and connecting one, which makes endpoints and routes for its models."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from hortus.catalog.lookup import can_route, lies_here
from hortus.catalog.places import ANYWHERE, SOME_EU_COUNTRY
from hortus.catalog.rows import Host, Offer
from hortus.control import models, tenancy, views
from hortus.control.accounts import (
    OFFERED_STATES,
    credential_for,
    endpoint_for,
    name_all,
    no_credential,
    place_of,
    routable_host,
    route_for,
    template,
)
from hortus.control.checks import check_spec
from hortus.control.declaring import declare
from hortus.control.errors import Conflict, Invalid, NotFound
from hortus.control.fault import suggest
from hortus.control.plane import Plane
from hortus.control.tomllines import format_path
from hortus.snapshot.declared import EndpointSpec, RouteSpec


class _Wanted(msgspec.Struct, frozen=True):
    """One model that is to be connected: its endpoint, and the route as it is to be."""

    endpoint: EndpointSpec
    route: RouteSpec
    is_new_endpoint: bool
    is_new_route: bool


def list_hosts(plane: Plane, _ask: models.Nothing) -> views.HostList:
    """Return the catalog's hosts, each with whether its credential is present here (lit) and what leads there."""
    return views.HostList(hosts=[_host_view(plane, host) for host in plane.catalog.rows.hosts])


def connect_host(plane: Plane, ask: models.HostWanted) -> views.Connected:
    """Make an endpoint and a route for each chosen model, and let projects use the routes."""
    host = routable_host(plane, ask.host)
    missing = (*_missing_credential(plane, ask, host), *_private(host))
    specs = _found_specs(plane, ask, host) if ask.found else _offered_specs(plane, ask)
    if not specs:
        hint = "Declare an endpoint with base_url and model; `hortus catalog sync` shows what the host lists."
        raise Invalid(f"The catalog knows no model to connect at {host.name}.", path="models", hint=hint)
    wanted, notes = _plan(plane, specs)
    if not ask.dry_run:
        for one in wanted:
            if one.is_new_endpoint:
                declare(plane, one.endpoint, is_new=True)
            declare(plane, one.route, is_new=one.is_new_route)
        plane.recompile()
    routes = tuple(one.route.name for one in wanted)
    projects, more_notes = _allow(plane, ask, routes)
    return views.Connected(
        host=host.id,
        is_dry_run=ask.dry_run,
        endpoints=tuple(one.endpoint.name for one in wanted),
        routes=routes,
        projects=projects,
        leaves=_leaves(host, {place_of(plane, spec) for spec in specs}),
        notes=(*missing, *notes, *more_notes),
    )


def _host_view(plane: Plane, host: Host) -> views.HostView:
    live = plane.ports.objects.list("endpoint")
    return views.HostView(
        id=host.id,
        name=host.name,
        operator=host.operator,
        home=host.home,
        country=host.country,
        dialects=host.dialects,
        can_route=can_route(host),
        is_lit=plane.is_lit(host.id),
        credential_env=host.credential_env,
        offers=len(plane.catalog.offers(host=host.id)),
        endpoints=tuple(one.name for one in live if getattr(one.spec, "host", None) == host.id),
        docs=host.docs,
    )


def _missing_credential(plane: Plane, ask: models.HostWanted, host: Host) -> tuple[str, ...]:
    """Refuse to connect without a credential; a dry run only notes it."""
    credential = credential_for(plane, ask.credential, host)
    if credential is None or plane.is_present(credential):
        return ()
    if ask.dry_run:
        return (f"The credential {credential} is not here yet; connecting needs it.",)
    raise no_credential(host)


def _private(host: Host) -> tuple[str, ...]:
    """Say so where the endpoints are allowed what others are not."""
    if not lies_here(host):
        return ()
    return (f"{host.name} is a program of your own: its endpoints may lie at private addresses (private_address).",)


def _chosen_offers(plane: Plane, ask: models.HostWanted) -> list[Offer]:
    offers = plane.catalog.offers(host=ask.host)
    by_model: dict[str, Offer] = {}
    for offer in offers:
        by_model.setdefault(offer.model, offer)
    if not ask.models:
        return [one for one in by_model.values() if plane.catalog.models[one.model].state in OFFERED_STATES]
    chosen: list[Offer] = []
    for index, name in enumerate(ask.models):
        model = plane.catalog.models.get(name) or plane.catalog.model_named(name)
        if model is None or model.id not in by_model:
            hint = suggest(name, by_model) or f"`hortus catalog --host {ask.host}` lists what it offers."
            raise NotFound(f"The catalog knows no offer of `{name}` at {ask.host}.", path=f"models[{index}]", hint=hint)
        chosen.append(by_model[model.id])
    return chosen


def _offered_specs(plane: Plane, ask: models.HostWanted) -> list[EndpointSpec]:
    """Return an endpoint for each chosen offer of the catalog's."""
    offers = _chosen_offers(plane, ask)
    if not offers:
        return []
    common = template(ask, plane.catalog.hosts[ask.host])
    return [
        replace(
            common,
            name=f"{offer.model}@{offer.host}",
            model=offer.model,
            region=common.region or offer.region,
            operations=plane.catalog.models[offer.model].operations,
        )
        for offer in offers
    ]


def _found_specs(plane: Plane, ask: models.HostWanted, host: Host) -> list[EndpointSpec]:
    """Return an endpoint for each model that was found at the host."""
    common = template(ask, host)
    return name_all(plane, (endpoint_for(plane, one, common) for one in ask.found))


def _plan(plane: Plane, specs: list[EndpointSpec]) -> tuple[list[_Wanted], list[str]]:
    wanted: list[_Wanted] = []
    notes: list[str] = []
    for spec in specs:
        faults = check_spec(spec, hosts=plane.catalog.hosts, networks=plane.installation.private_networks)
        if faults:
            raise Invalid(faults[0].message, path=format_path(faults[0].path), hint=faults[0].hint)
        try:
            wanted.append(_join(plane, spec, route_for(plane, spec)))
        except Conflict as error:
            notes.append(error.message)
    return wanted, notes


def _join(plane: Plane, endpoint: EndpointSpec, route_name: str) -> _Wanted:
    """Put the endpoint at the end of its model's route, making what is missing.

    Raises:
        Conflict: A name is taken by something that this may not change.
    """
    there = plane.ports.objects.get("endpoint", endpoint.name)
    is_there = there is not None and there.retired_at_ms is None
    for name, kind in ((endpoint.name, "endpoint"), (route_name, "route")):
        deployment = plane.ports.objects.get("deployment", name)
        if deployment is not None and deployment.retired_at_ms is None:
            raise Conflict(f"`{name}` was left out: a deployment has the name of its {kind}.")
    stored = plane.ports.objects.get("route", route_name)
    if stored is None or stored.retired_at_ms is not None:
        route = RouteSpec(name=route_name, endpoints=(endpoint.name,))
        return _Wanted(endpoint, route, is_new_endpoint=not is_there, is_new_route=True)
    if stored.origin == "file":
        raise Conflict(f"The route `{route_name}` was left as it is: it is declared at {stored.where}.")
    spec = msgspec.convert(stored.spec, RouteSpec)
    names = {text.partition("=")[0] for text in spec.endpoints}
    if endpoint.name not in names:
        _refuse_other_models(plane, endpoint, names=names, route=route_name)
        spec = replace(spec, endpoints=(*spec.endpoints, endpoint.name))
    return _Wanted(endpoint, spec, is_new_endpoint=not is_there, is_new_route=False)


def _refuse_other_models(plane: Plane, endpoint: EndpointSpec, *, names: set[str], route: str) -> None:
    """Refuse to put a model into a route of that name whose endpoints are all of other models."""
    found = [plane.ports.objects.get("endpoint", name) for name in sorted(names)]
    models_there = {one.spec.model for one in found if one is not None and isinstance(one.spec, EndpointSpec)}
    if models_there and endpoint.model not in models_there:
        shown = ", ".join(sorted(models_there))
        raise Conflict(f"The route `{route}` was left as it is: it leads to {shown}, not to {endpoint.model}.")


def _allow(plane: Plane, ask: models.HostWanted, routes: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]]:
    allowed: list[str] = []
    notes: list[str] = []
    for name in ask.projects if routes else ():
        stored = plane.ports.access.project(name)
        if stored is None or stored.retired_at_ms is not None:
            notes.append(f"The project `{name}` was left out: there is none.")
        elif stored.origin == "file" and tenancy.missing_routes(stored, routes):
            where = plane.where_in_file("project", name)
            notes.append(f"The project `{name}` was left as it is: it is declared at {where}.")
        else:
            if not ask.dry_run and stored.origin != "file":
                tenancy.allow_routes(plane, name, routes)
            allowed.append(name)
    return tuple(allowed), notes


def _place(country: str | None) -> str:
    words = {None: "an unknown place", ANYWHERE: "any country", SOME_EU_COUNTRY: "some country of the EU"}
    return words.get(country, country or "")


def _leaves(host: Host, found: set[str | None]) -> tuple[str, ...]:
    places = sorted({_place(place) for place in found})
    kept = "an unknown time" if host.retention_days is None else f"{host.retention_days} days"
    trained = {True: "trains on it", False: "does not train on it", None: "does not say here whether it trains on it"}
    return (
        f"A request to these routes, with all its content, goes to {host.operator} ({host.home or 'home unknown'}).",
        f"It is computed in: {', '.join(places)}.",
        f"By default the host keeps it for {kept} and {trained[host.trains_on_content]}.",
        "Requests to other routes, and the seedling's, stay on this machine.",
    )
