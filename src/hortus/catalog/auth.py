"""How is a credential sent, where that is one header that never changes?"""

from __future__ import annotations

from typing import Final

from hortus.catalog.rows import Auth

_HEADERS: Final[dict[str, tuple[str, str]]] = {
    "bearer": ("authorization", "Bearer "),
    "x-api-key": ("x-api-key", ""),
    "api-key": ("api-key", ""),
    "x-goog-api-key": ("x-goog-api-key", ""),
}
"""Scheme -> header in lower case, and what stands before the credential."""

CREDENTIAL_HEADERS: Final = frozenset((*(name.encode() for name, _ in _HEADERS.values()), b"x-amz-security-token"))
"""Those that carry what opens a host; a token that is fetched and a signature go as `authorization` too."""

RENEWED: Final = frozenset({"google-oauth", "entra"})
"""Schemes whose header holds a token that is fetched, and fetched again before it ends."""

SIGNED: Final = frozenset({"sigv4"})
"""Schemes whose headers are made anew for each request, of the whole of it."""

ROUTABLE_AUTH: Final = frozenset({"none", *_HEADERS, *RENEWED, *SIGNED})
"""How the gateway can send a credential."""


def credential_header(auth: Auth, credential: str) -> tuple[str, str] | None:
    """Return the header that carries the credential; None where the scheme has no fixed one.

    >>> credential_header("bearer", "made-up")
    ('authorization', 'Bearer made-up')
    """
    found = _HEADERS.get(auth)
    return (found[0], found[1] + credential) if found is not None else None
