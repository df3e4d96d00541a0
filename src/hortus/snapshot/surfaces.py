"""Which wire formats does a declared endpoint speak, at which addresses, and with which habits of its host?

Pure. What cannot be known (an address with a part that nobody said, a dialect that the host does not promise) is left
out, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from hortus.catalog.gaps import fill_gaps, gaps_in
from hortus.catalog.lookup import BESIDE_CHAT, SPOKEN_DIALECTS, Catalog, is_routable
from hortus.catalog.rows import Host, Offer, Surface
from hortus.snapshot.declared import EndpointSpec
from hortus.snapshot.model import Spoken

OPEN_HOST: Final = "openai-compatible"
ANY_HOST: Final = "any"
OPEN_HOSTS: Final = frozenset({OPEN_HOST, ANY_HOST})
"""Hosts of endpoints that the catalog does not know; these bring their own address."""

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def surfaces_of(spec: EndpointSpec, host: Host, *, catalog: Catalog, maker: str | None) -> tuple[Surface, ...] | str:
    """Return what of the host's row holds for the endpoint, preferred first, or why nothing does.

    Args:
        spec: As declared.
        host: Its host's row.
        catalog: Where the row of host `any` says how each dialect is usually opened.
        maker: Whose model it is, None where unknown; a host may speak a dialect for some makers only.
    """
    own = tuple(spec.base_url) if isinstance(spec.base_url, Mapping) else ()
    styled = styled_surfaces(spec, host)
    if isinstance(styled, str):
        return styled
    offered = {surface.dialect: surface for surface in styled if _holds(surface, spec, maker)}
    chosen = []
    for dialect in spec.dialects or _usual_dialects(spec, offered=tuple(offered), own=own):
        surface = offered.get(dialect) or _usual(dialect, spec, own=own, catalog=catalog)
        if surface is None:
            return f"the host {host.id} does not speak {dialect} ({_what_it_speaks(host)})"
        chosen.append(surface)
    return tuple(filter(is_routable, chosen)) or _why_none(host, chosen)


def styled_surfaces(spec: EndpointSpec, host: Host) -> tuple[Surface, ...] | str:
    """Return the surfaces of the style that the endpoint asks for, opened as it asks, or why there are none."""
    found = host.surfaces if spec.style is None else host.styles.get(spec.style)
    if found is None:
        return f"the host {host.id} has no style `{spec.style}` (it has {', '.join(host.styles) or 'none'})"
    return found if spec.auth is None else _opened(found, spec.auth, host)


def _opened(found: tuple[Surface, ...], wanted: str, host: Host) -> tuple[Surface, ...] | str:
    """Return those surfaces that can be opened so."""
    auths = dict.fromkeys(auth for surface in found for auth in (surface.auth, *surface.other_auths))
    auth = next((one for one in auths if one == wanted), None)
    if auth is None:
        return f"the host {host.id} takes no credential by `{wanted}` (it takes {', '.join(auths)})"
    taking = (surface for surface in found if auth in {surface.auth, *surface.other_auths})
    return tuple(msgspec.structs.replace(surface, auth=auth) for surface in taking)


def _holds(surface: Surface, spec: EndpointSpec, maker: str | None) -> bool:
    """Tell whether the surface serves the maker's models; of an unknown maker's the admin must say so."""
    return not surface.makers or maker in surface.makers or (maker is None and surface.dialect in spec.dialects)


def _usual_dialects(spec: EndpointSpec, *, offered: tuple[str, ...], own: tuple[str, ...]) -> tuple[str, ...]:
    """Return the dialects of an endpoint that names none: an open host's by its addresses, else the row's too."""
    if spec.host == ANY_HOST or (spec.host == OPEN_HOST and own):
        return own
    usual = (*offered, *(dialect for dialect in own if dialect not in offered))
    return tuple(one for one in usual if one not in BESIDE_CHAT or BESIDE_CHAT[one].intersection(spec.operations))


def _usual(dialect: str, spec: EndpointSpec, *, own: tuple[str, ...], catalog: Catalog) -> Surface | None:
    """Return how a dialect is usually spoken, where the endpoint brings an address for it."""
    anyone = catalog.hosts.get(ANY_HOST)
    is_asked = dialect in own and spec.auth is None
    return anyone.surface(dialect) if is_asked and anyone is not None else None


def _why_none(host: Host, chosen: list[Surface]) -> str:
    unopened = next((surface for surface in chosen if surface.dialect in SPOKEN_DIALECTS), None)
    if unopened is not None:
        return f"the host {host.id} authenticates by {unopened.auth}, which this release cannot do"
    if not chosen and host.surfaces:
        return f"the endpoint names no dialects, and its host does not decide them ({_what_it_speaks(host)})"
    return f"the host {host.id} speaks no dialect of this release ({_what_it_speaks(host)})"


def _what_it_speaks(host: Host) -> str:
    said = [f"{one.dialect} for {' and '.join(one.makers)}" if one.makers else one.dialect for one in host.surfaces]
    return f"it speaks {', '.join(said) or 'no dialect that is known here'}"


def speak(spec: EndpointSpec, surfaces: tuple[Surface, ...], *, upstream_model: str, opens: bool) -> tuple[Spoken, ...]:
    """Return each surface with its address; those whose address is not known are left out.

    Args:
        spec: As declared.
        surfaces: What `surfaces_of` found.
        upstream_model: What the host calls the model.
        opens: Whether there is a credential to send.
    """
    found = []
    for surface in surfaces:
        address = _address(spec, surface, first=surfaces[0])
        if address is not None:
            spoken = _spoken(surface, address, upstream_model=upstream_model, opens=opens)
            found.append(msgspec.structs.replace(spoken, weights=surface.weights | spec.weights))
    return tuple(found)


def _spoken(surface: Surface, address: str, *, upstream_model: str, opens: bool) -> Spoken:
    # A server of one's own asks for no key unless it was told to; then it takes the key as bearer.
    auth = "bearer" if surface.auth == "none" else surface.auth
    return Spoken(
        dialect=surface.dialect,
        address=address.rstrip("/"),
        auth=auth if opens else "none",
        paths=surface.paths,
        headers=surface.headers,
        demands={name: msgspec.Raw(_ENCODER.encode(value)) for name, value in surface.demands.items()},
        forbids=surface.forbids,
        renames=surface.renames,
        adds=surface.adds,
        model=surface.model_prefix + upstream_model if surface.model_prefix else None,
        wants_bytes=surface.wants_bytes,
        short_call_ids=surface.short_call_ids,
    )


def _address(spec: EndpointSpec, surface: Surface, *, first: Surface) -> str | None:
    """Return the base address of a surface; one `base_url` moves all surfaces that lie at or below the first one's."""
    if isinstance(spec.base_url, Mapping):
        return spec.base_url.get(surface.dialect) or own_address(surface, spec)
    if spec.base_url is None:
        return own_address(surface, spec)
    base, old = surface.base_url, first.base_url
    if base is None or old is None or base == old:
        return spec.base_url
    return spec.base_url.rstrip("/") + base.removeprefix(old) if base.startswith(f"{old}/") else None


def own_address(surface: Surface, spec: EndpointSpec) -> str | None:
    """Return the address in the host's row with its gaps filled; None where there is none or a gap stays open."""
    return None if surface.base_url is None else fill_gaps(surface.base_url, known_names(spec))


def open_gaps(spec: EndpointSpec, surfaces: tuple[Surface, ...]) -> tuple[str, ...]:
    """Return the names of what only the operator knows in the surfaces' addresses, and has not said, sorted."""
    names = {name for surface in surfaces for name in gaps_in(surface.base_url or "")}
    return tuple(sorted(names - known_names(spec).keys()))


def known_names(spec: EndpointSpec) -> dict[str, str]:
    """Return what stands for the gaps in the addresses of the host's row, the region among them."""
    region = {} if spec.region is None else {"region": spec.region}
    return {**region, **spec.variables}


def upstream_model_of(spec: EndpointSpec, offer: Offer | None) -> str:
    """Return what the host calls the model."""
    return spec.upstream_model or (offer.upstream_name if offer is not None else spec.model)


def is_elsewhere(spec: EndpointSpec, surfaces: tuple[Surface, ...]) -> bool:
    """Tell whether the endpoint names an address that the row does not, so that the row's place says nothing."""
    named = spec.base_url.values() if isinstance(spec.base_url, Mapping) else filter(None, [spec.base_url])
    own = {(own_address(surface, spec) or "").rstrip("/") for surface in surfaces}
    return any(address.rstrip("/") not in own for address in named)
