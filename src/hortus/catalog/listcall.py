"""How is a host asked for its list of models? Address and headers of one GET; nothing is sent here."""

from __future__ import annotations

from typing import Final, assert_never

import msgspec

from hortus.catalog.rows import Auth, Host, ListShape

ANTHROPIC_VERSION: Final = ("anthropic-version", "2023-06-01")
"""Required by every call. https://platform.claude.com/docs/en/api/versioning, read 2026-11."""


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
    surface = host.surface("openai_chat")
    auth = host.list_auth or (surface.auth if surface is not None else "none")
    base = base_url or host.list_base_url or (surface.base_url if surface is not None else None)
    headers = _headers(auth, credential)
    if host.list_path is None or host.closed_on is not None or base is None or "{" in base or headers is None:
        return None
    if host.list_shape == "anthropic":
        headers = (*headers, ANTHROPIC_VERSION)
    return ListCall(url=f"{base.rstrip('/')}/{host.list_path}", headers=headers, shape=host.list_shape)


def _headers(auth: Auth, credential: str | None) -> tuple[tuple[str, str], ...] | None:
    match auth:
        case "none":
            return ()
        case "bearer":
            return (("authorization", f"Bearer {credential}"),) if credential else None
        case "x-api-key" | "api-key" | "x-goog-api-key":
            return ((auth, credential),) if credential else None
        case "sigv4" | "google-oauth":
            return None
        case _:
            assert_never(auth)
