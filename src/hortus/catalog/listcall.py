"""How is a host asked for its list of models? Address and headers of one GET; nothing is sent here."""

from __future__ import annotations

import msgspec

from hortus.catalog.auth import credential_header
from hortus.catalog.rows import Auth, Host, ListShape, Surface

_NATIVE_DIALECTS: dict[ListShape, str] = {
    "anthropic": "anthropic_messages",
    "gemini": "gemini",
    "openai": "openai_chat",
}
"""Shape of the list -> the dialect whose fixed headers its call needs too."""


class ListCall(msgspec.Struct, frozen=True):
    """A GET request whose answer `sync.read_listing` understands. The headers hold the credential: never log them."""

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
    base = base_url or host.list_base_url or _surface(host).base_url
    headers = _headers(host.list_auth or _surface(host).auth, credential)
    if host.list_path is None or host.closed_on is not None or headers is None:
        return None
    if base is None or "{" in base:
        return None
    native = host.surface(_NATIVE_DIALECTS[host.list_shape])
    extra = tuple(native.headers.items()) if native is not None else ()
    return ListCall(url=f"{base.rstrip('/')}/{host.list_path}", headers=(*headers, *extra), shape=host.list_shape)


def _surface(host: Host) -> Surface:
    return host.surface("openai_chat") or Surface(dialect="openai_chat", auth="none")


def _headers(auth: Auth, credential: str | None) -> tuple[tuple[str, str], ...] | None:
    """Return the headers that open the list; None where the credential is missing or cannot be sent as it is."""
    if auth == "none":
        return ()
    header = credential_header(auth, credential) if credential else None
    return (header,) if header is not None else None
