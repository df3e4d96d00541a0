"""How does a model of an account at a host become an endpoint: address, name, route, place?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from hortus.catalog.listcall import list_gaps
from hortus.catalog.lookup import can_route, lies_here
from hortus.catalog.rows import Host
from hortus.control import models
from hortus.control.checks import check_far, check_spec
from hortus.control.errors import Invalid, NotFound
from hortus.control.fault import suggest
from hortus.control.plane import Plane
from hortus.snapshot.declared import EndpointSpec
from hortus.snapshot.endpoints import credential_of
from hortus.snapshot.facts import facts_of
from hortus.snapshot.surfaces import open_gaps, styled_surfaces, upstream_model_of

OFFERED_STATES: Final = ("current", "preview", "legacy")
"""Models in these states are connected when none are named."""


def routable_host(plane: Plane, name: str) -> Host:
    """Return a host's row.

    Raises:
        NotFound: There is none.
        Invalid: This release cannot send requests there.
    """
    host = plane.catalog.hosts.get(name)
    if host is None:
        hint = suggest(name, plane.catalog.hosts) or "`hortus catalog hosts` lists them."
        raise NotFound(f"The catalog has no host `{name}`.", path="host", hint=hint)
    if not can_route(host):
        spoken = ", ".join(host.dialects) or "none that is known here"
        message = f"This release cannot send requests to {host.name}: it knows no dialect or credential of it."
        raise Invalid(message, path="host", hint=f"The host speaks {spoken}; another host may offer the same models.")
    return host


def credential_for(plane: Plane, reference: str | None, host: Host) -> str | None:
    """Return the reference to what opens the host; None where nothing does.

    Raises:
        Invalid: It is none that may come over the admin API.
    """
    endpoint = EndpointSpec(name="x", model="x", host=host.id, credential=reference)
    faults = [*check_far(endpoint), *check_spec(endpoint, hosts=plane.catalog.hosts)]
    for fault in faults:  # before anything is told of a file's being there
        if fault.path == ("credential",):
            raise Invalid(fault.message, path="credential", hint=fault.hint)
    return credential_of(endpoint, host)


def no_credential(host: Host) -> Invalid:
    """Return the error for a host whose credential is not here."""
    variable = host.credential_env or "…"
    hint = f"Set {variable} where `hortus up` starts, or name a credential (`env:NAME` or `file:NAME`)."
    return Invalid(f"The credential of {host.name} is not here.", path="credential", hint=hint)


def template(ask: models.HostAccount, host: Host) -> EndpointSpec:
    """Return what all endpoints of an account have in common.

    Raises:
        Invalid: The host cannot be addressed so.
    """
    spec = EndpointSpec(
        name="x",
        model="x",
        host=host.id,
        base_url=ask.base_url,
        style=ask.style,
        auth=ask.auth,
        credential=ask.credential,
        region=ask.variables.get("region"),
        variables={name: value for name, value in ask.variables.items() if name not in {"region", *list_gaps(host)}},
        private_address=ask.private_address or lies_here(host),
    )
    _refuse_gaps(spec, host)
    return spec


def endpoint_for(plane: Plane, one: models.FoundModel, common: EndpointSpec) -> EndpointSpec:
    """Return the endpoint for a model that an account has, by the usual name."""
    model = plane.catalog.models.get(one.model or one.name)
    spec = replace(
        common,
        model=one.model or one.name,
        upstream_model=one.name,
        region=one.region or common.region,
        facts=one.facts,
        operations=one.operations or (model.operations if model is not None else common.operations),
    )
    return replace(spec, name=_names_for(spec)[0])


def name_all(plane: Plane, specs: Iterable[EndpointSpec]) -> list[EndpointSpec]:
    """Return endpoints, each by the name that it has already, or the first that no other one has."""
    named: list[EndpointSpec] = []
    taken: set[str] = set()
    for spec in specs:
        names = _names_for(spec)
        name = next((name for name in names if name not in taken and _is_free(plane, name, spec)), names[-1])
        taken.add(name)
        named.append(replace(spec, name=name))
    return named


def route_for(plane: Plane, spec: EndpointSpec) -> str:
    """Return the name of the route: the model's, or what the account itself calls it where that is another one."""
    host = plane.catalog.hosts[spec.host]
    own = spec.upstream_model
    known = plane.catalog.model_named(own) if own is not None else None
    is_own = host.has_own_names and own is not None and (known is None or known.id != spec.model)
    return own if is_own and own is not None else spec.model


def _names_for(spec: EndpointSpec) -> tuple[str, ...]:
    """Return what it may be called: the usual name, then with its account or region, then with its own name."""
    place = "-".join(value for name, value in spec.variables.items() if name in {"resource", "project"}) or spec.region
    own = (spec.upstream_model or spec.model).replace("/", "-").replace(":", "-")
    usual = f"{spec.model}@{spec.host}"
    return tuple(dict.fromkeys((usual, f"{usual}-{place or own}", f"{usual}-{place or 'at'}-{own}")))


def _is_free(plane: Plane, name: str, spec: EndpointSpec) -> bool:
    there = plane.ports.objects.get("endpoint", name)
    return there is None or there.retired_at_ms is not None or is_same(plane, spec, there.spec)


def is_same(plane: Plane, spec: EndpointSpec, there: object) -> bool:
    """Tell whether a declared endpoint is the same model of the same account in the same region."""
    if not isinstance(there, EndpointSpec):
        return False
    own, theirs = _address(plane, spec), _address(plane, there)
    return own == theirs and (spec.region == there.region or None in {spec.region, there.region})


def _address(plane: Plane, spec: EndpointSpec) -> tuple[object, ...]:
    offers = plane.catalog.offers(model=spec.model, host=spec.host)
    upstream = upstream_model_of(spec, next(iter(offers), None))
    return spec.host, spec.model, upstream, spec.base_url, sorted(spec.variables.items())


def place_of(plane: Plane, spec: EndpointSpec) -> str | None:
    """Return where an endpoint computes as far as is known."""
    host = plane.catalog.hosts[spec.host]
    model = plane.catalog.models.get(spec.model)
    offers = plane.catalog.offers(model=spec.model, host=spec.host) if model is not None else ()
    surfaces = styled_surfaces(spec, host)
    if isinstance(surfaces, str):
        return None
    facts = facts_of(spec, host=host, model=model, offer=next(iter(offers), None), surfaces=surfaces)
    return facts.compute


def _refuse_gaps(endpoint: EndpointSpec, host: Host) -> None:
    """Refuse a host whose address has parts that nobody said, or that is not so asked: it would never be of use."""
    surfaces = styled_surfaces(endpoint, host)
    if isinstance(surfaces, str):
        member = "auth" if endpoint.style is None or endpoint.style in host.styles else "style"
        raise Invalid(f"{surfaces[:1].upper()}{surfaces[1:]}.", path=member, hint="Use one of these, or leave it out.")
    gaps = open_gaps(endpoint, surfaces) if endpoint.base_url is None else ()
    if gaps:
        lacking = ", ".join(f"`{gap}`" for gap in gaps)
        hint = f"Say them: `hortus connect {host.id} {' '.join(f'--set {gap}=…' for gap in gaps)}`."
        raise Invalid(f"The address of {host.name} lacks {lacking}.", path="variables", hint=hint)
