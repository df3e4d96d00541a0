"""Operations on the catalog: searching it, and comparing it with what lit hosts themselves list."""

from __future__ import annotations

import asyncio
from datetime import date
from itertools import chain

import msgspec

from hortus.base.errors import HortusError
from hortus.catalog.cloudlistings import read_listing
from hortus.catalog.listcall import ListCall, list_call
from hortus.catalog.lookup import Found, PricedOffer, Query, lies_here
from hortus.catalog.pricerows import PriceRow
from hortus.catalog.rows import Host, Offer
from hortus.catalog.sync import Proposal, Retirement, SyncReport, compare
from hortus.control import models, views
from hortus.control.errors import HostFailed, NotFound
from hortus.control.fault import suggest
from hortus.control.plane import Plane
from hortus.gateway.ports import HostRequest
from hortus.snapshot.model import Timeouts

_LIST_TIMEOUTS = Timeouts(connect_s=5.0, first_byte_s=20.0, idle_s=20.0, total_s=60.0)
_LONGEST_LIST_BYTES = 16 * 1024 * 1024


def search_catalog(plane: Plane, ask: models.CatalogQuery) -> views.ModelList:
    """Return the models that match, each with who serves it, where and for how much."""
    query = Query(
        words=ask.words,
        maker=ask.maker,
        open_weights=ask.open_weights,
        max_price=ask.max_price,
        place=ask.place,
        host=ask.host,
        states=(ask.state,) if ask.state else (),
        feature=ask.feature,
    )
    found = plane.catalog.search(query, price_of=plane.price_of)
    used = _endpoints_by_offer(plane)
    return views.ModelList(models=[_model_view(plane, one, used) for one in found])


def _endpoints_by_offer(plane: Plane) -> dict[tuple[str, str], tuple[str, ...]]:
    endpoints = plane.snapshot.endpoints.values() if plane.snapshot is not None else ()
    used: dict[tuple[str, str], tuple[str, ...]] = {}
    for one in endpoints:
        used[one.host, one.model] = (*used.get((one.host, one.model), ()), one.name)
    return used


def _model_view(plane: Plane, found: Found, used: dict[tuple[str, str], tuple[str, ...]]) -> views.ModelView:
    model = found.model
    return views.ModelView(
        id=model.id,
        name=model.name,
        maker=model.maker,
        maker_name=found.maker.name,
        family=model.family,
        state=model.state,
        open_weights=model.open_weights,
        inputs=model.inputs,
        outputs=model.outputs,
        features=model.features,
        licence=model.licence,
        context_tokens=model.context_tokens,
        retires=model.retires.isoformat() if model.retires else None,
        replacement=model.replacement,
        offers=[_offer_view(plane, priced, used) for priced in found.offers],
        source=model.source,
        as_of=model.as_of.isoformat(),
    )


def _offer_view(plane: Plane, priced: PricedOffer, used: dict[tuple[str, str], tuple[str, ...]]) -> views.OfferView:
    offer = priced.offer
    return views.OfferView(
        host=offer.host,
        upstream_model=offer.upstream_name,
        region=offer.region,
        country=priced.country,
        price=_price_view(priced.price),
        is_lit=plane.is_lit(offer.host),
        endpoints=used.get((offer.host, offer.model), ()),
    )


async def sync_catalog(plane: Plane, ask: models.SyncWanted) -> views.SyncReportView:
    """Ask lit hosts for their own lists of models; propose rows that are missing and report retirements.

    Nothing is changed: a proposed row has yet to be judged, for a list says neither price nor place.
    """
    hosts = [_host(plane, name) for name in ask.hosts] or _lit_hosts(plane)
    answers = await asyncio.gather(*(_ask_host(plane, host) for host in hosts))
    used = _endpoints_by_offer(plane)
    reports = [report for report in answers if isinstance(report, SyncReport)]
    proposals = chain.from_iterable(report.proposals for report in reports)
    retirements = chain.from_iterable(report.retirements for report in reports)
    return views.SyncReportView(
        asked=[_asked(host.id, answer) for host, answer in zip(hosts, answers, strict=True)],
        proposed=[_proposal_view(one) for one in proposals],
        retirements=[_retirement_view(one, used) for one in retirements],
    )


def _lit_hosts(plane: Plane) -> list[Host]:
    """Return the hosts that can be asked without being named."""
    return [host for host in plane.catalog.rows.hosts if host.list_path is not None and plane.is_lit(host.id)]


def _host(plane: Plane, name: str) -> Host:
    host = plane.catalog.hosts.get(name)
    if host is None:
        raise NotFound(f"The catalog has no host `{name}`.", path="hosts", hint=suggest(name, plane.catalog.hosts))
    return host


async def _ask_host(plane: Plane, host: Host) -> SyncReport | HortusError:
    try:
        body = await _fetch_list(plane, host)
        listing = read_listing(body, shape=host.list_shape)
    except HortusError as error:
        return error
    today = plane.today()
    return compare(
        plane.catalog,
        host.id,
        listing=listing,
        price_by_name=lambda name: _price_by_name(plane, host, name, today),
        today=today,
    )


async def _fetch_list(plane: Plane, host: Host) -> bytes:
    call = _list_call(plane, host)
    pairs = tuple((name.encode(), value.encode("latin-1", "replace")) for name, value in call.headers)
    accept = (b"accept", b"application/json")
    request = HostRequest("GET", call.url, (accept, *pairs), b"", _LIST_TIMEOUTS, may_be_private=lies_here(host))
    response = await plane.ports.hosts.send(request)
    try:
        body = await response.read(_LONGEST_LIST_BYTES)
    finally:
        response.close()
    if response.status != 200:  # noqa: PLR2004 -- HTTP's OK
        hint = "Is the credential right?" if response.status in {401, 403} else "Try again later."
        raise HostFailed(f"{host.name} answered its list call with status {response.status}.", hint=hint)
    return body


def _list_call(plane: Plane, host: Host) -> ListCall:
    credential = plane.ports.credentials.read(f"env:{host.credential_env}") if host.credential_env else None
    call = list_call(host, credential=credential)
    if call is not None:
        return call
    if not credential and list_call(host, credential="any") is not None:
        hint = f"Set {host.credential_env} where `hortus up` starts."
        raise HostFailed(f"The credential of {host.name} is not here.", hint=hint)
    raise HostFailed(f"{host.name} has no list of models that this release can ask for.")


def _price_by_name(plane: Plane, host: Host, name: str, today: date) -> PriceRow | None:
    """Return what the host asks for a model that has no offer yet, by the host's own name for it."""
    known = plane.catalog.model_named(name)
    offer = Offer(
        host=host.id,
        model=known.id if known is not None else name,
        upstream_model=name,
        source=host.docs,
        as_of=today,
    )
    return plane.price_of(offer)


def _asked(host: str, answer: SyncReport | HortusError) -> views.AskedHost:
    if isinstance(answer, SyncReport):
        listed = answer.known + len(answer.proposals)
        return views.AskedHost(host=host, listed=listed, known=answer.known, is_complete=answer.is_complete)
    return views.AskedHost(host=host, error=str(answer))


def _proposal_view(one: Proposal) -> views.ProposedRow:
    price = one.price
    return views.ProposedRow(
        kind=one.row,
        host=one.host,
        upstream_model=one.upstream_model,
        model=one.model,
        unknown=one.unknown,
        price="unknown" if price is None else f"{price.currency} {price.input_per_million}/{price.output_per_million}",
        place=one.country or "unknown",
        row=_row_text(one),
    )


def _row_text(one: Proposal) -> str:
    """Return the row as a person would begin it; what is unknown stands there as a comment."""
    members = {"id": one.model} if one.row == "models" else {"model": one.model}
    if one.row == "offers" and one.upstream_model != one.model:
        members["upstream_model"] = one.upstream_model
    # JSON's strings are TOML's basic strings; a name comes from the host and may hold anything
    inside = ", ".join(f"{name} = {msgspec.json.encode(value).decode()}" for name, value in members.items())
    unknown = f"  # unknown: {', '.join(one.unknown)}" if one.unknown else ""
    return f"{{ {inside} }},{unknown}"


def _retirement_view(one: Retirement, used: dict[tuple[str, str], tuple[str, ...]]) -> views.RetirementView:
    return views.RetirementView(
        host=one.host,
        model=one.model,
        upstream_model=one.upstream_model,
        reason="the host does not list it" if one.ends is None else f"the host ends it on {one.ends.isoformat()}",
        state=one.state,
        ends=one.ends.isoformat() if one.ends is not None else None,
        replacement=one.replacement,
        endpoints=used.get((one.host, one.model), ()),
    )


def _price_view(price: PriceRow | None) -> views.PriceView | None:
    return views.PriceView.model_validate(msgspec.structs.asdict(price)) if price is not None else None
