"""Operations on endpoints, routes and deployments: what is declared through the API."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn, TypeVar

import msgspec

from hortus.control import models, views
from hortus.control.applying import API, BUILT_IN, FILE, OBJECT_KINDS
from hortus.control.checks import check_far, check_spec
from hortus.control.configfile import names_of
from hortus.control.endpointforms import EndpointList, EndpointView, EndpointWanted, FactsView
from hortus.control.engine_states import EngineState, read_engine_states
from hortus.control.errors import Conflict, DeclaredInFile, Invalid, NotFound
from hortus.control.fault import Fault, suggest
from hortus.control.plane import Plane
from hortus.control.ports import Declared, StoredObject
from hortus.control.tomllines import format_path
from hortus.policy.facts import Facts
from hortus.policy.rules import Policy
from hortus.snapshot.compile import SEEDLING, read_candidate, with_seedling
from hortus.snapshot.declared import DeploymentSpec, EndpointSpec, LimitSpec, RateSpec, RouteSpec
from hortus.snapshot.endpoints import credential_of
from hortus.snapshot.model import Endpoint, Route

Kind = TypeVar("Kind", bound=Declared)


def list_endpoints(plane: Plane, ask: models.Everything) -> EndpointList:
    """Return the endpoints, by name, each with whether it can be used now."""
    found = plane.ports.objects.list("endpoint", ask.include_retired)
    return EndpointList(endpoints=[_endpoint_view(plane, stored) for stored in found])


def show_endpoint(plane: Plane, ask: models.OneObject) -> EndpointView:
    """Return one endpoint, retired or not."""
    return _endpoint_view(plane, stored_object(plane, "endpoint", ask.name))


def create_endpoint(plane: Plane, ask: EndpointWanted) -> EndpointView:
    """Declare an endpoint."""
    stored = declare(plane, spec_of(ask, EndpointSpec), is_new=True)
    plane.recompile()
    return _endpoint_view(plane, stored)


def replace_endpoint(plane: Plane, ask: EndpointWanted) -> EndpointView:
    """Change an endpoint as a whole."""
    stored = declare(plane, spec_of(ask, EndpointSpec), is_new=False)
    plane.recompile()
    return _endpoint_view(plane, stored)


def retire_endpoint(plane: Plane, ask: models.OneObject) -> EndpointView:
    """Take an endpoint out of use; routes go on without it."""
    return _endpoint_view(plane, retire_object(plane, "endpoint", ask.name))


def list_routes(plane: Plane, ask: models.Everything) -> views.RouteList:
    """Return the routes, by name, each with the endpoints that are ruled out now; deployments have one each."""
    found = [_route_view(plane, stored) for stored in plane.ports.objects.list("route", ask.include_retired)]
    declared = {route.name for route in found}
    implied = [view for name, view in _implied_routes(plane).items() if name not in declared]
    return views.RouteList(routes=sorted((*found, *implied), key=lambda route: route.name))


def show_route(plane: Plane, ask: models.OneObject) -> views.RouteView:
    """Return one route, retired or not."""
    stored = plane.ports.objects.get("route", ask.name)
    implied = _implied_routes(plane).get(ask.name)
    if implied is not None and (stored is None or stored.retired_at_ms is not None):
        return implied
    return _route_view(plane, stored_object(plane, "route", ask.name))


def create_route(plane: Plane, ask: models.RouteWanted) -> views.RouteView:
    """Declare a route."""
    stored = declare(plane, spec_of(ask, RouteSpec), is_new=True)
    plane.recompile()
    return _route_view(plane, stored)


def replace_route(plane: Plane, ask: models.RouteWanted) -> views.RouteView:
    """Change a route as a whole; the next request goes where it leads then."""
    stored = declare(plane, spec_of(ask, RouteSpec), is_new=False)
    plane.recompile()
    return _route_view(plane, stored)


def retire_route(plane: Plane, ask: models.OneObject) -> views.RouteView:
    """Take a route out of use."""
    return _route_view(plane, retire_object(plane, "route", ask.name))


def list_deployments(plane: Plane, ask: models.Everything) -> views.DeploymentList:
    """Return the deployments, by name, with their engines' states."""
    stored = {one.name: one for one in plane.ports.objects.list("deployment", ask.include_retired)}
    live = tuple(one.spec for one in stored.values() if one.retired_at_ms is None)
    wanted = with_seedling(
        tuple(spec for spec in live if isinstance(spec, DeploymentSpec)),
        runs_seedling=plane.installation.runs_seedling,
    )
    states = read_engine_states(plane.installation.engines)
    found = [_deployment_view(plane, spec, stored=stored.get(spec.name), states=states) for spec in wanted]
    for one in stored.values():
        if one.retired_at_ms is not None and isinstance(one.spec, DeploymentSpec):
            found.append(_deployment_view(plane, one.spec, stored=one, states=states))
    return views.DeploymentList(deployments=sorted(found, key=lambda view: view.name))


def show_deployment(plane: Plane, ask: models.OneObject) -> views.DeploymentView:
    """Return one deployment with its engine's state."""
    found = {view.name: view for view in list_deployments(plane, models.Everything(include_retired=True)).deployments}
    if ask.name not in found:
        _missing("deployment", ask.name, list(found))
    return found[ask.name]


def create_deployment(plane: Plane, ask: models.DeploymentWanted) -> views.DeploymentView:
    """Keep a model running here; it is a route of the same name as soon as its engine is ready."""
    declare(plane, spec_of(ask, DeploymentSpec), is_new=True)
    plane.recompile()
    return show_deployment(plane, models.OneObject(name=ask.name))


def replace_deployment(plane: Plane, ask: models.DeploymentWanted) -> views.DeploymentView:
    """Change a deployment as a whole: its engine is replaced by one that is started beside it; no request fails."""
    declare(plane, spec_of(ask, DeploymentSpec), is_new=False)
    plane.recompile()
    return show_deployment(plane, models.OneObject(name=ask.name))


def retire_deployment(plane: Plane, ask: models.OneObject) -> views.DeploymentView:
    """Stop keeping a model running."""
    stored = plane.ports.objects.get("deployment", ask.name)
    is_built_in = ask.name == SEEDLING.name and plane.installation.runs_seedling
    if is_built_in and (stored is None or stored.retired_at_ms is not None):
        hint = "Set seedling = false under [settings], or HORTUS_SEEDLING=false, and restart."
        raise Conflict("The deployment `seedling` ships with Hortus.", path="name", hint=hint)
    retire_object(plane, "deployment", ask.name)
    return show_deployment(plane, ask)


def declare(plane: Plane, spec: Declared, *, is_new: bool) -> StoredObject:
    """Put an object into the store with the origin `api`; the caller compiles the snapshot.

    Raises:
        Invalid: Something in it cannot be.
        Conflict: The name is taken.
        DeclaredInFile: The configuration file has it.
        NotFound: It is to be replaced and is not there.
    """
    kind = kind_of(spec)
    refuse_faults(
        [
            *check_spec(
                spec,
                hosts=plane.catalog.hosts,
                networks=plane.installation.private_networks,
                today=plane.today(),
            ),
            *check_far(spec),
        ]
    )
    if isinstance(spec, RouteSpec):
        refuse_faults(_unknown_endpoints(plane, spec))
    stored = plane.ports.objects.get(kind, spec.name)
    is_there = stored is not None and stored.retired_at_ms is None
    if stored is not None and is_there:
        _refuse_if_in_file(plane, stored)
    if not is_new and not is_there:
        _missing(kind, spec.name, [one.name for one in plane.ports.objects.list(kind)])
    _refuse_taken(plane, spec, but=None if is_new else stored)
    return plane.ports.objects.put(spec, origin=API, where=None)


def kind_of(spec: Declared) -> str:
    """Return the word for a declared object."""
    match spec:
        case EndpointSpec():
            return "endpoint"
        case RouteSpec():
            return "route"
        case DeploymentSpec():
            return "deployment"
        case LimitSpec():
            return "limit"
        case RateSpec():
            return "rate"
        case Policy():
            return "policy"


def spec_of(ask: models.Ask, spec_type: type[Kind]) -> Kind:
    """Return what was sent as what is declared; both have the same members."""
    return msgspec.convert(ask.model_dump(by_alias=True), spec_type)


def refuse_faults(faults: Iterable[Fault]) -> None:
    """Say what is wrong, where anything is.

    Raises:
        Invalid: All of it at once.
    """
    listed = list(faults)
    if listed:
        words = " ".join(f"{format_path(fault.path)}: {fault.message}" for fault in listed[1:])
        message = f"{listed[0].message} Also: {words}" if words else listed[0].message
        raise Invalid(message, path=format_path(listed[0].path), hint=listed[0].hint)


def _unknown_endpoints(plane: Plane, spec: RouteSpec) -> Iterable[Fault]:
    stored = (one for kind in ("endpoint", "deployment") for one in plane.ports.objects.list(kind))
    known = {name for one in stored for space, name in names_of(one.kind, one.spec) if space == "endpoint"}
    if plane.installation.runs_seedling:
        known.add(SEEDLING.name)
    for index, text in enumerate(spec.endpoints):
        name = read_candidate(text)[0]
        if name not in known:
            hint = suggest(name, known) or "Declare the endpoint first; `hortus connect` makes them for a host."
            yield Fault(("endpoints", index), f"There is no endpoint `{name}`.", hint)


def _refuse_taken(plane: Plane, spec: Declared, *, but: StoredObject | None) -> None:
    """A name is taken once among endpoints and once among routes; a deployment takes both, and so do its adapters.

    Args:
        plane: Has the others.
        spec: What is declared.
        but: What it replaces.
    """
    kind = kind_of(spec)
    mine = set(names_of(kind, spec))
    others = (stored for other in OBJECT_KINDS for stored in plane.ports.objects.list(other))
    for stored in others:
        if but is not None and (stored.kind, stored.name) == (but.kind, but.name):
            continue
        for _, name in sorted(mine.intersection(names_of(stored.kind, stored.spec))):
            _refuse_if_in_file(plane, stored)
            message = f"The name `{name}` is taken by a {stored.kind}."
            raise Conflict(message, path="name", hint="Choose another name, or retire that one first.")
    _refuse_built_in(plane, kind, names=[name for _, name in mine if kind != "deployment" or name != spec.name])


def _refuse_built_in(plane: Plane, kind: str, *, names: list[str]) -> None:
    if SEEDLING.name in names and plane.installation.runs_seedling and kind in {"endpoint", "route", "deployment"}:
        raise Conflict("The name `seedling` belongs to the deployment that ships with Hortus.", path="name")


def _refuse_if_in_file(plane: Plane, stored: StoredObject) -> None:
    if stored.origin == FILE:
        where = stored.where or plane.where_in_file(stored.kind, stored.name)
        message = f"The {stored.kind} `{stored.name}` is declared at {where}, which alone may change it."
        raise DeclaredInFile(message, path=where, hint="Change the file; it is applied when it is saved.")


def retire_object(plane: Plane, kind: str, name: str) -> StoredObject:
    """Take an object out of use; retired already: nothing happens.

    Raises:
        DeclaredInFile: The configuration file has it.
        NotFound: There is none of this name.
    """
    stored = stored_object(plane, kind, name)
    if stored.retired_at_ms is None:
        _refuse_if_in_file(plane, stored)
        plane.ports.objects.retire(kind, name)
        plane.recompile()
    return stored_object(plane, kind, name)


def stored_object(plane: Plane, kind: str, name: str) -> StoredObject:
    """Return an object, retired or not.

    Raises:
        NotFound: There is none of this name.
    """
    stored = plane.ports.objects.get(kind, name)
    if stored is None:
        _missing(kind, name, [one.name for one in plane.ports.objects.list(kind)])
    return stored


def _missing(kind: str, name: str, known: list[str]) -> NoReturn:
    hint = suggest(name, known) or f"List every {kind} to see the names in use."
    raise NotFound(f"There is no {kind} `{name}`.", path="name", hint=hint)


def _endpoint_view(plane: Plane, stored: StoredObject) -> EndpointView:
    spec = msgspec.convert(stored.spec, EndpointSpec)
    compiled = plane.snapshot.endpoints.get(stored.name) if plane.snapshot else None
    is_usable = compiled is not None and stored.retired_at_ms is None
    shown = msgspec.structs.asdict(spec) | {
        "credential": credential_of(spec, plane.catalog.hosts.get(spec.host)),
        "price": msgspec.to_builtins(spec.price) if spec.price is not None else None,
        "terms": msgspec.to_builtins(spec.terms) if spec.terms is not None else None,
        "is_usable": is_usable,
        "reason": None if is_usable else plane.unusable.get(stored.name),
    }
    found = _compiled_members(plane, compiled) if compiled is not None else {}
    return EndpointView.model_validate(shown | found | history_of(stored))


def _compiled_members(plane: Plane, compiled: Endpoint) -> dict[str, object]:
    return {
        "maker": compiled.maker,
        "speaks": compiled.dialects,
        "price_id": compiled.price.id if compiled.price is not None else None,
        "known": facts_view(plane, compiled.facts) if compiled.facts is not None else None,
    }


def facts_view(plane: Plane, facts: Facts) -> FactsView:
    """Return what is known of an endpoint, and whether it wants to be read again."""
    shown = {"is_stale": facts.is_stale(plane.today()), "levers": tuple(lever.name for lever in facts.levers)}
    return FactsView.model_validate(msgspec.structs.asdict(facts) | shown)


def _route_view(plane: Plane, stored: StoredObject) -> views.RouteView:
    spec = msgspec.convert(stored.spec, RouteSpec)
    routes = plane.snapshot.routes if plane.snapshot and stored.retired_at_ms is None else {}
    ruled_out = _ruled_out(routes.get(stored.name))
    return views.RouteView.model_validate(msgspec.structs.asdict(spec) | {"ruled_out": ruled_out} | history_of(stored))


def _implied_routes(plane: Plane) -> dict[str, views.RouteView]:
    """Return the routes that deployments have without being declared."""
    routes = plane.snapshot.routes if plane.snapshot else {}
    listed = list_deployments(plane, models.Everything()).deployments
    named = [(name, view) for view in listed for name in (view.name, *(one.name for one in view.adapters))]
    return {
        name: views.RouteView(
            **(view.model_dump(include=set(views.ObjectView.model_fields)) | {"name": name}),
            endpoints=(name,),
            strategy="ordered",
            ruled_out=_ruled_out(routes.get(name)),
        )
        for name, view in named
    }


def _ruled_out(route: Route | None) -> tuple[views.RuledOutView, ...]:
    found = route.ruled_out if route is not None else ()
    return tuple(views.RuledOutView(endpoint=one.endpoint, reason=one.reason) for one in found)


def _deployment_view(
    plane: Plane, spec: DeploymentSpec, *, stored: StoredObject | None, states: dict[str, EngineState]
) -> views.DeploymentView:
    is_live = stored is None or stored.retired_at_ms is None or spec.name == SEEDLING.name
    state = states.get(spec.name) or _state_without_engine(plane, spec.name, is_live=is_live)
    built_in = {"origin": BUILT_IN, "created_at_ms": plane.started_at_ms, "updated_at_ms": plane.started_at_ms}
    history = history_of(stored) if stored is not None else built_in
    running = plane.snapshot.deployments.get(spec.name) if plane.snapshot is not None else None
    shown = msgspec.structs.asdict(state) | {
        "adapters": msgspec.to_builtins(spec.adapters),
        "engine": state.engine or spec.engine,
        "is_current": running is not None and state.edition == running.edition,
    }
    return views.DeploymentView.model_validate(msgspec.structs.asdict(spec) | shown | history)


def _state_without_engine(plane: Plane, name: str, *, is_live: bool) -> EngineState:
    """Return how a deployment stands of which the supervisor has not said anything."""
    reason = plane.unusable.get(name) if is_live else None
    if reason is not None:
        return EngineState(name, "waiting", error=reason)
    return EngineState(name, "starting" if is_live else "stopped")


def history_of(stored: StoredObject) -> dict[str, object]:
    """Return the members that every view of a declared object has, besides its name."""
    names = ("origin", "where", "created_at_ms", "updated_at_ms", "retired_at_ms")
    return {name: getattr(stored, name) for name in names}
