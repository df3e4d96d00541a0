"""How is a host asked for its list of models? Addresses and headers of GETs; nothing is sent here."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from hortus.catalog.auth import credential_header
from hortus.catalog.gaps import fill_gaps, gaps_in
from hortus.catalog.hostlists import HostList, ListShape
from hortus.catalog.rows import Auth, Host, Surface

_NATIVE_DIALECTS: dict[ListShape, str] = {
    "anthropic": "anthropic_messages",
    "gemini": "gemini",
    "openai": "openai_chat",
    "mistral": "openai_chat",
}
"""Shape of the list -> the dialect whose fixed headers its call needs too."""


class ListCall(msgspec.Struct, frozen=True):
    """A GET request for `cloudlistings.read_listing` to read. The headers hold the credential: never log them."""

    url: str
    headers: tuple[tuple[str, str], ...]
    shape: ListShape


def list_call(host: Host, *, credential: str | None, base_url: str | None = None) -> ListCall | None:
    """Return the call, None where the host has no list that we can read or its address is not known.

    Args:
        host: The host's row.
        credential: The secret itself; without it only a host that asks for none can be called.
        base_url: Address of the OpenAI surface where the operator gave another one than the row's.
    """
    headers = _headers(host.list_auth or _surface(host).auth, credential)
    url = _list_url(host, base_url)
    if host.closed_on is not None or headers is None or url is None or "{" in url:
        return None
    return ListCall(url=url, headers=(*headers, *_native_headers(host)), shape=host.list_shape)


class AccountCall(msgspec.Struct, frozen=True):
    """A GET request for one of an account's lists, not yet opened.

    Attributes:
        audience: For what a token of Entra ID is asked, where it is not the usual one.
        permission: What the account must be allowed for it.
    """

    url: str
    shape: ListShape
    auth: Auth
    headers: tuple[tuple[str, str], ...] = ()
    audience: str = ""
    permission: str = ""


def account_calls(
    host: Host,
    *,
    auth: Auth,
    known: Mapping[str, str],
    base_url: str | None = None,
    list_url: str | None = None,
) -> tuple[AccountCall, ...]:
    """Return the calls that say which models an account has; none where the row has none that can be made so.

    Args:
        host: The host's row.
        auth: How the account's endpoints are opened.
        known: What stands for the gaps in addresses; a list of which one stays open is left out.
        base_url: As of `list_call`.
        list_url: Scheme and authority of the lists, where they are not the row's.
    """
    calls = [_account_call(one, auth=auth, known=known) for one in host.lists]
    if not host.lists:
        own = _list_url(host, base_url)
        url = None if own is None else fill_gaps(own, known)
        calls = [AccountCall(url, host.list_shape, host.list_auth or auth, _native_headers(host)) if url else None]
    made = tuple(call for call in calls if call is not None)
    return made if list_url is None else tuple(_moved(one, list_url) for one in made)


def list_gaps(host: Host) -> frozenset[str]:
    """Return the names of what only a host's lists need: no part of an endpoint."""
    own = {name for surface in host.surfaces for name in gaps_in(surface.base_url or "")}
    return frozenset(name for one in host.lists for name in gaps_in(one.url)) - own


def _account_call(one: HostList, *, auth: Auth, known: Mapping[str, str]) -> AccountCall | None:
    url = fill_gaps(one.url, known)
    if url is None or (one.audience and auth != "entra"):
        return None
    headers = {name: fill_gaps(value, known) for name, value in one.headers.items()}
    return AccountCall(
        url=url,
        shape=one.shape,
        auth=auth,
        headers=tuple((name, value) for name, value in headers.items() if value is not None),
        audience=one.audience,
        permission=one.permission,
    )


def _moved(call: AccountCall, list_url: str) -> AccountCall:
    there = urlsplit(list_url)
    moved = urlsplit(call.url)._replace(scheme=there.scheme, netloc=there.netloc)
    return msgspec.structs.replace(call, url=moved.geturl())


def _list_url(host: Host, base_url: str | None) -> str | None:
    base = base_url or host.list_base_url or _surface(host).base_url
    return None if host.list_path is None or base is None else f"{base.rstrip('/')}/{host.list_path}"


def _native_headers(host: Host) -> tuple[tuple[str, str], ...]:
    """Return the fixed headers of the dialect whose shape the list has."""
    native = host.surface(_NATIVE_DIALECTS.get(host.list_shape, ""))
    return tuple(native.headers.items()) if native is not None else ()


def _surface(host: Host) -> Surface:
    return host.surface("openai_chat") or Surface(dialect="openai_chat", auth="none")


def _headers(auth: Auth, credential: str | None) -> tuple[tuple[str, str], ...] | None:
    """Return the headers that open the list; None where the credential is missing or cannot be sent as it is."""
    if auth == "none":
        return ()
    header = credential_header(auth, credential) if credential else None
    return (header,) if header is not None else None
