"""Who asks, where a signature stands in the place of a key: the grant of a key pair, and did its holder sign this?

What can be judged without the body is judged before a byte of it is taken in.
"""

from __future__ import annotations

from typing import Protocol

from hortus.canon.errors import Unauthenticated
from hortus.gateway.admit import check_length, refuse_expired
from hortus.gateway.exchange import Exchange
from hortus.snapshot.grants import Grant, Grants

_OPENING = b"AWS4-"
_HOW = "`hortus keys pair ID` shows the pair of a key that works."


class Signature(Protocol):
    """The signature of one request: well formed, of now, of a pair that could be ours; not proven yet."""

    access_key_id: str

    def check(self, body: bytes) -> None:
        """Return if the holder of the pair signed the request with this body.

        Raises:
            hortus.canon.errors.SignatureRefused: Nobody of that name did.
        """
        ...


class Signatures(Protocol):
    """Reads the signatures of requests."""

    def read(self, exchange: Exchange, *, now_ms: int) -> Signature:
        """Return the signature that a request bears in `authorization`.

        Raises:
            hortus.canon.errors.Unauthenticated: It cannot be one of a pair of this installation.
        """
        ...


class SignedAdmission:
    """Finds the grant of a request that is signed.

    Args:
        grants: Where grants are found by the access key id of a pair.
        signatures: Reads and checks.
        body_limit_bytes: Longest body; it must be whole before the signature can be checked.
    """

    def __init__(self, grants: Grants, signatures: Signatures, *, body_limit_bytes: int) -> None:
        self._grants = grants
        self._signatures = signatures
        self._body_limit_bytes = body_limit_bytes

    async def admit(self, exchange: Exchange, *, now_ms: int) -> tuple[Grant, bytes]:
        """Return what the sender may do, and the body that was signed.

        Raises:
            Unauthenticated: The pair is not (or no longer) valid, or its holder did not sign this.
            TooLarge: The body is longer than `body_limit_bytes`, or says that it is.
            UnsupportedMediaType: It is compressed.
            NotReady: The grant cannot be found out now.
            ClientGone: The client left midway.
        """
        signature = self._signatures.read(exchange, now_ms=now_ms)
        name = signature.access_key_id
        grant = self._grants.known(name) or await self._grants.find(name)
        if grant is None:
            raise Unauthenticated("The key of this key pair is not known here, or was revoked.", hint=_HOW)
        refuse_expired(grant, now_ms=now_ms)
        check_length(dict(exchange.headers), limit_bytes=self._body_limit_bytes)
        body = await exchange.read(self._body_limit_bytes)
        signature.check(body)
        return grant, body


def is_signed(headers: dict[bytes, bytes]) -> bool:
    """Tell whether a request bears a signature."""
    return headers.get(b"authorization", b"").startswith(_OPENING)
