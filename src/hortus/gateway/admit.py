"""Who asks, and may they: key to grant, and the checks of a request's envelope that need no look at its content."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import parse_qs

from hortus.base.secrets import Secret, SecretVersions, digest_key, looks_like_key
from hortus.canon.errors import TooLarge, Unauthenticated, UnsupportedMediaType
from hortus.snapshot.grants import Grant, Grants

_KEY_HEADERS = (b"x-api-key", b"x-goog-api-key", b"api-key")
"""Where Anthropic's, Google's and Azure's SDKs put it."""

_JWT = re.compile(r"eyJ[\w-]*\.[\w-]+\.[\w-]*")
"""A signed token (RFC 7519): its first part is a JSON object in base64."""

_BODY_LIMIT = "body_limit_mib"

_HOW = "Send a key of this Hortus as `Authorization: Bearer hortus_sk_…`; `hortus keys create` makes one."


class Admission:
    """Finds the grant of a request.

    Args:
        grants: Where grants are found by digest.
        secrets: All versions of the installation's secret.
    """

    def __init__(self, grants: Grants, secrets: SecretVersions) -> None:
        self._grants = grants
        self._secrets = secrets

    async def admit(self, headers: dict[bytes, bytes], *, query: bytes = b"", now_ms: int) -> Grant:
        """Return what the sender may do.

        Raises:
            Unauthenticated: No key, or one that is not (or no longer) valid.
            NotReady: It cannot be found out now.
        """
        key = read_key(headers, query)
        grant = await self._find(key)
        if grant is None:
            raise _unknown()
        refuse_expired(grant, now_ms=now_ms)
        return grant

    async def renew(self, grant: Grant, *, now_ms: int) -> Grant:
        """Return what a sender who was admitted may do by now: a moment ago it may have been allowed more.

        Raises:
            Unauthenticated: The key was revoked meanwhile, or is over its time.
        """
        renewed = await self._grants.renew(grant)
        if renewed is None:
            raise _unknown()
        refuse_expired(renewed, now_ms=now_ms)
        return renewed

    async def _find(self, key: str) -> Grant | None:
        """Look under each version's digest, and under those of versions that come meanwhile."""
        while True:
            versions = self._secrets.newest_first
            grant = await self._find_under(key, versions)
            if grant is not None:
                return grant
            self._secrets.look_again()  # the key may be made with a version of a moment ago
            if self._secrets.newest_first is versions:
                return None

    async def _find_under(self, key: str, versions: Sequence[Secret]) -> Grant | None:
        """Look in what is known first, for the ledger may be away."""
        digests = [digest_key(key, secret) for secret in versions]
        for digest in digests:
            if (grant := self._grants.known(digest)) is not None:
                return grant
        for digest in digests:
            if (grant := await self._grants.find(digest)) is not None:
                return grant
        return None


def _unknown() -> Unauthenticated:
    return Unauthenticated("The key is not known here, or was revoked.", hint=_HOW)


def refuse_expired(grant: Grant, *, now_ms: int) -> None:
    """Refuse a key that is over its time.

    Raises:
        Unauthenticated: It is.
    """
    if grant.expires_at_ms is not None and now_ms >= grant.expires_at_ms:
        raise Unauthenticated("The key has expired.", hint="Ask an admin for a new one.")


def read_key(headers: dict[bytes, bytes], query: bytes = b"") -> str:
    """Return the client key, from where the SDKs put it: a header, else `key` in the address.

    Raises:
        Unauthenticated: There is none, or it cannot be one.
    """
    value = headers.get(b"authorization")
    if value:
        scheme, _, key = value.decode("latin-1").partition(" ")
        return _checked(key.strip() if scheme.lower() == "bearer" else "")
    for name in _KEY_HEADERS:
        if value := headers.get(name):
            return _checked(value.decode("latin-1").strip())
    for word in headers.get(b"sec-websocket-protocol", b"").decode("latin-1").split(","):
        key = word.strip().rpartition(".")[2]  # how browsers bring it, which cannot set other headers
        if looks_like_key(key):
            return key
    if b"key=" in query:
        named = parse_qs(query.decode("latin-1")).get("key")
        if named:
            return _checked(named[0])
    if b"X-Amz-Signature=" in query:
        raise Unauthenticated("Addresses that are signed beforehand are not taken.", hint="Sign the request itself.")
    raise Unauthenticated("The request has no key.", hint=_HOW)


def _checked(key: str) -> str:
    if _JWT.fullmatch(key):
        raise Unauthenticated(
            "This is a token of an identity service, such as Microsoft Entra ID or Google, not a key of this Hortus.",
            hint=_HOW,
        )
    if not looks_like_key(key):
        raise Unauthenticated("This is not a key of this Hortus.", hint=_HOW)
    return key


def check_content(headers: dict[bytes, bytes], *, body_limit_bytes: int) -> None:
    """Check what the headers say of a JSON body, before it is read.

    Raises:
        UnsupportedMediaType: It is not JSON, or compressed.
        TooLarge: It says that it is longer than `body_limit_bytes`.
    """
    kind = headers.get(b"content-type")
    if kind is not None and kind != b"application/json":
        name = kind.partition(b";")[0].strip().lower()
        if name and name != b"application/json":
            raise UnsupportedMediaType(
                "The body is not declared as JSON.", hint="Send the header `Content-Type: application/json`."
            )
    check_length(headers, limit_bytes=body_limit_bytes)


def check_length(headers: dict[bytes, bytes], *, limit_bytes: int, setting: str = _BODY_LIMIT) -> None:
    """Check what the headers say of how a body, whatever it is, comes.

    Args:
        headers: The request's.
        limit_bytes: Longest body.
        setting: Which says so.

    Raises:
        UnsupportedMediaType: It is compressed.
        TooLarge: It says that it is longer than `limit_bytes`.
    """
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise UnsupportedMediaType("Compressed bodies are not taken.", hint="Send the body as it is.")
    length = headers.get(b"content-length")
    if length is not None and int(length) > limit_bytes:  # the server has seen to it that these are digits
        raise too_large(limit_bytes, setting=setting)


def too_large(limit_bytes: int, *, setting: str = _BODY_LIMIT) -> TooLarge:
    """Return the error for a body that is over the limit which a setting names."""
    return TooLarge(
        f"The body is longer than {limit_bytes} bytes.", hint=f"Send less, or ask an admin to raise {setting}."
    )
