"""What does an account at a host have, and what would connecting it make? Asks the host; changes nothing here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from hortus.catalog.listcall import account_calls, list_gaps
from hortus.catalog.listings import Listed, Listing, bare
from hortus.catalog.lookup import is_routable
from hortus.catalog.places import ANYWHERE, UNCERTAIN
from hortus.catalog.rows import Auth, Host, Surface
from hortus.control.accounts import (
    OFFERED_STATES,
    credential_for,
    endpoint_for,
    is_same,
    name_all,
    no_credential,
    place_of,
    routable_host,
    route_for,
    template,
)
from hortus.control.checks import OPERATIONS, check_spec
from hortus.control.discoveryforms import DiscoveredModel, Discovery, DiscoveryWanted
from hortus.control.errors import HostFailed, Invalid
from hortus.control.models import LONGEST_FOUND_NAME, FoundModel
from hortus.control.plane import Plane
from hortus.control.probing import Tried, probe
from hortus.control.surveying import Account, survey
from hortus.control.tomllines import format_path
from hortus.snapshot.declared import EndpointSpec
from hortus.snapshot.surfaces import OPEN_HOSTS, known_names, styled_surfaces, upstream_model_of

_AT_ONCE = 4
"""Models that are tried at the same time."""


class _Asked(msgspec.Struct, frozen=True):
    """An account, what its endpoints have in common, and how they are spoken to."""

    account: Account
    common: EndpointSpec
    surfaces: tuple[Surface, ...]


class _Seen(msgspec.Struct, frozen=True):
    """A listed model and the endpoint that would be made of it."""

    entry: Listed
    spec: EndpointSpec
    is_known: bool
    why_not: str | None = None


async def discover_host(plane: Plane, ask: DiscoveryWanted) -> Discovery:
    """Ask a host which models an account has and where; nothing is made."""
    asked = _account(plane, ask)
    host = asked.account.host
    listing, checked = await _list(plane, ask, asked)
    common = asked.common if listing.region is None else replace(asked.common, region=listing.region)
    asked = replace(asked, common=common)
    entries = [entry for entry in listing.entries if 0 < len(entry.name) <= LONGEST_FOUND_NAME]
    seen = [_look_at(plane, entry, asked) for entry in (*entries, *_unlisted(plane, host, listing))]
    chosen = [_judged(plane, one, ask, host) for one in seen if _is_meant(one, ask, host)]
    chosen = await _tried(plane, chosen, asked, is_listed=not ask.names)
    chosen = _named(plane, chosen if ask.models else _narrowest(plane, chosen, host))
    return Discovery(
        host=host.id,
        checked=checked,
        models=[_view(plane, one) for one in chosen],
        vanished=_vanished(plane, listing, asked),
        further=sum(not one.is_known for one in seen) - sum(not one.is_known for one in chosen),
        notes=(*_absent(ask, chosen), *_changed(plane, chosen)),
    )


def _account(plane: Plane, ask: DiscoveryWanted) -> _Asked:
    """Return the account, judged before anything is sent there."""
    host = routable_host(plane, ask.host)
    credential = credential_for(plane, ask.credential, host)
    common = template(ask, host)
    spec = replace(common, credential=ask.credential)
    checked = replace(spec, variables=ask.variables)
    networks = plane.installation.private_networks
    for fault in check_spec(checked, hosts=plane.catalog.hosts, networks=networks):
        raise Invalid(fault.message, path=format_path(fault.path), hint=fault.hint)
    moved = replace(checked, base_url=ask.list_url)
    for fault in check_spec(moved, hosts=plane.catalog.hosts, networks=networks) if ask.list_url else ():
        raise Invalid(fault.message, path="list_url", hint=fault.hint)
    if credential is not None and not plane.is_present(credential):
        raise no_credential(host)
    styled = styled_surfaces(spec, host)
    surfaces = () if isinstance(styled, str) else tuple(filter(is_routable, styled))
    auth: Auth = surfaces[0].auth if surfaces else "bearer"
    if auth == "none" and credential is not None:
        auth = "bearer"
    account = Account(host, auth, credential, may_be_private=common.private_address)
    return _Asked(account, spec, surfaces)


async def _list(plane: Plane, ask: DiscoveryWanted, asked: _Asked) -> tuple[Listing, str]:
    """Return what the account has, and how that is known."""
    host = asked.account.host
    if ask.names:
        named = tuple(
            Listed(one.name, model=one.model, operations=one.operations, facts=one.facts) for one in ask.names
        )
        return Listing(named, is_complete=False), f"Each of {len(named)} models that were named was tried without cost."
    known = {**known_names(asked.common), **ask.variables}
    base_url = asked.common.base_url if isinstance(asked.common.base_url, str) else None
    calls = account_calls(host, auth=asked.account.auth, known=known, base_url=base_url, list_url=ask.list_url)
    if not calls:
        raise _no_list(host)
    listing = await survey(plane, asked.account, calls)
    return listing, f"The host's list was read: {len(listing.entries)} entries."


def _no_list(host: Host) -> Invalid:
    if host.lists:
        gaps = ", ".join(f"`{name}`" for name in sorted(list_gaps(host)))
        hint = (
            f"Say {gaps or 'the parts of its address'} and open it by Entra ID (`--auth entra`), or name the "
            "deployments, each with its kind: `--deployment NAME=SKU`."
        )
        return Invalid(f"What this account of {host.name} has cannot be listed so.", path="variables", hint=hint)
    hint = "`hortus connect HOST --from-catalog` takes the catalog's word for it."
    return Invalid(f"{host.name} has no list that can be asked for.", path="host", hint=hint)


def _unlisted(plane: Plane, host: Host, listing: Listing) -> Iterable[Listed]:
    """Yield what the catalog offers where the host's list does not tell of other makers' models: these are tried."""
    if host.probe != "count_tokens":
        return
    listed = {bare(entry.name) for entry in listing.entries}
    for offer in plane.catalog.offers(host=host.id):
        if bare(offer.upstream_name) not in listed:
            yield Listed(offer.upstream_name, model=offer.model)


def _look_at(plane: Plane, entry: Listed, asked: _Asked) -> _Seen:
    host = asked.account.host
    model = _model_of(plane, entry, host)
    can = tuple(word for word in entry.operations if word in OPERATIONS)
    found = FoundModel(name=entry.name, model=model or entry.model or entry.name, operations=can, facts=entry.facts)
    spec = endpoint_for(plane, found, asked.common)
    why_not = entry.why_not
    if entry.operations and not can:
        why_not = why_not or f"this release cannot ask for {', '.join(entry.operations)}"
    faults = check_spec(spec, hosts=plane.catalog.hosts, networks=plane.installation.private_networks)
    if faults and why_not is None:
        why_not = faults[0].message.rstrip(".")
    return _Seen(entry, spec, is_known=model is not None, why_not=why_not)


def _model_of(plane: Plane, entry: Listed, host: Host) -> str | None:
    """Return the catalog's id of a listed model: by what a profile or deployment leads to, else by its own name."""
    named = (entry.model,) if host.has_own_names and entry.model else (entry.model, entry.name)
    names = [bare(name) for name in named if name]
    cores = {_core(bare(offer.upstream_name), host): offer.model for offer in plane.catalog.offers(host=host.id)}
    by_offer = (cores.get(_core(name, host)) for name in names)
    by_name = (plane.catalog.model_named(name) for name in names)
    found = next(filter(None, by_offer), None) or next(filter(None, by_name), None)
    return found if found is None or isinstance(found, str) else found.id


def _core(name: str, host: Host) -> str:
    """Return a name without the place in front of it."""
    table = next((one for one in host.places if one.read == "model"), None)
    head, point, rest = name.partition(".")
    is_place = table is not None and table.values.get(head + point, "region") != "region"
    return rest if is_place else name


def _is_meant(one: _Seen, ask: DiscoveryWanted, host: Host) -> bool:
    if ask.models:
        return bool({one.entry.name, one.spec.model} & set(ask.models))
    return one.is_known or host.has_own_names or ask.takes_all


def _judged(plane: Plane, one: _Seen, ask: DiscoveryWanted, host: Host) -> _Seen:
    """Leave out what the catalog says will end, unless it is asked for by its name."""
    model = plane.catalog.models.get(one.spec.model)
    if model is None or model.state in OFFERED_STATES or ask.models or host.has_own_names or one.why_not:
        return one
    return replace(one, why_not=f"the catalog calls it {model.state} (`--model {one.entry.name}` takes it)")


async def _tried(plane: Plane, seen: list[_Seen], asked: _Asked, *, is_listed: bool) -> list[_Seen]:
    """Try what a list does not vouch for; of what it does, one model: that the endpoints themselves can be opened."""
    host = asked.account.host
    usable = [one for one in seen if one.why_not is None]
    if is_listed and host.probe == "empty_chat":
        await _confirm_first(plane, usable[:1], asked)
        return seen
    answers = await _try_all(plane, usable if host.probe is not None else [], asked)
    return [_as_tried(one, answers.get(id(one), Tried())) for one in seen]


async def _confirm_first(plane: Plane, first: list[_Seen], asked: _Asked) -> None:
    for one in first:
        tried = await probe(plane, asked.account, one.spec, surfaces=asked.surfaces)
        if tried.why_not is not None:
            raise _contradicted(asked, one)


async def _try_all(plane: Plane, wanted: list[_Seen], asked: _Asked) -> dict[int, Tried]:
    """Return what came of trying each, by its identity."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def try_one(one: _Seen) -> Tried:
        async with gate:
            return await probe(plane, asked.account, one.spec, surfaces=asked.surfaces)

    answers = await asyncio.gather(*(try_one(one) for one in wanted))
    return {id(one): tried for one, tried in zip(wanted, answers, strict=True)}


def _contradicted(asked: _Asked, one: _Seen) -> HostFailed:
    """Return the error for a deployment that is listed and is not where its resource should answer."""
    message = f"{asked.account.host.name} lists `{one.entry.name}`, but where this resource should answer it is not."
    hint = "Does the resource answer at another name than its own? Say its address: `--base-url`."
    return HostFailed(message, path="base_url", hint=hint)


def _as_tried(one: _Seen, tried: Tried) -> _Seen:
    if tried.why_not is not None:
        return replace(one, why_not=tried.why_not)
    if one.entry.operations or not tried.operations:
        return one
    return replace(one, spec=replace(one.spec, operations=tried.operations))


def _narrowest(plane: Plane, seen: list[_Seen], host: Host) -> list[_Seen]:
    """Leave out other names of a model, and those by which it computes in a wider place than need be."""
    if host.has_own_names:
        return seen
    best: dict[str, _Seen] = {}
    for one in seen:
        rival = best.get(one.spec.model)
        if one.why_not is None and (rival is None or _rank(plane, one) < _rank(plane, rival)):
            best[one.spec.model] = one
    return [_beside(one, best.get(one.spec.model)) for one in seen]


def _beside(one: _Seen, best: _Seen | None) -> _Seen:
    if best is None or best is one or one.why_not is not None:
        return one
    return replace(one, why_not=f"{best.entry.name} is the same model (`--model {one.entry.name}` takes this one)")


def _rank(plane: Plane, one: _Seen) -> tuple[int, int, str]:
    place = place_of(plane, one.spec)
    width = 3 if place is None else 2 if place == ANYWHERE else 1 if place in UNCERTAIN else 0
    offers = plane.catalog.offers(model=one.spec.model, host=one.spec.host)
    usual = {offer.upstream_name for offer in offers} | {one.spec.model}
    return width, int(one.entry.name not in usual), one.entry.name


def _named(plane: Plane, seen: list[_Seen]) -> list[_Seen]:
    """Give those that can be connected the names that they will have."""
    specs = iter(name_all(plane, (one.spec for one in seen if one.why_not is None)))
    return [one if one.why_not is not None else replace(one, spec=next(specs)) for one in seen]


def _view(plane: Plane, one: _Seen) -> DiscoveredModel:
    spec = one.spec
    there = plane.ports.objects.get("endpoint", spec.name)
    is_there = there is not None and there.retired_at_ms is None and is_same(plane, spec, there.spec)
    offers = plane.catalog.offers(model=spec.model, host=spec.host)
    return DiscoveredModel(
        name=one.entry.name,
        model=spec.model,
        route=route_for(plane, spec),
        endpoint=spec.name,
        operations=spec.operations,
        place=place_of(plane, spec),
        region=spec.region,
        facts=spec.facts,
        is_known=one.is_known,
        has_price=any(plane.price_of(offer) is not None for offer in offers),
        standing="left out" if one.why_not else "there" if is_there else "new",
        why=one.why_not,
    )


def _changed(plane: Plane, seen: list[_Seen]) -> Iterable[str]:
    """Yield where an endpoint that is there says another place or kind than the host does now."""
    for one in seen:
        there = plane.ports.objects.get("endpoint", one.spec.name)
        spec = there.spec if there is not None and there.retired_at_ms is None else None
        if one.why_not is None and isinstance(spec, EndpointSpec) and spec.facts != one.spec.facts:
            own, theirs = _said(spec.facts), _said(one.spec.facts)
            yield f"The endpoint `{one.spec.name}` says {own}, the host says {theirs}: it was left as it is, change it."


def _said(facts: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items()) or "nothing of its kind"


def _vanished(plane: Plane, listing: Listing, asked: _Asked) -> tuple[str, ...]:
    """Return the endpoints of this account that a whole list does not name."""
    if not listing.is_complete or not listing.entries or asked.account.host.id in OPEN_HOSTS:
        return ()
    listed = {bare(entry.name) for entry in listing.entries}
    stored = ((one.name, one.spec) for one in plane.ports.objects.list("endpoint"))
    own = [
        (name, spec) for name, spec in stored if isinstance(spec, EndpointSpec) and _is_of_account(spec, asked.common)
    ]
    return tuple(name for name, spec in own if not _names_of(plane, spec) & listed)


def _names_of(plane: Plane, spec: EndpointSpec) -> set[str]:
    """Return the names by which the host may list what an endpoint leads to."""
    offers = plane.catalog.offers(model=spec.model, host=spec.host)
    model = plane.catalog.models.get(spec.model)
    aliases = model.aliases if model is not None and spec.upstream_model is None else ()
    return {bare(name) for name in (upstream_model_of(spec, next(iter(offers), None)), *aliases)}


def _is_of_account(spec: EndpointSpec, common: EndpointSpec) -> bool:
    is_near = spec.region == common.region or None in {spec.region, common.region}
    return is_near and (spec.host, spec.base_url, spec.variables) == (common.host, common.base_url, common.variables)


def _absent(ask: DiscoveryWanted, chosen: list[_Seen]) -> tuple[str, ...]:
    there = {name for one in chosen for name in (one.entry.name, one.spec.model)}
    return tuple(f"The host does not list `{name}`." for name in ask.models if name not in there)
