"""The key pairs of clients: whose pair has signed a request? Implements `gateway.signed.Signatures`.

The secret of a pair is stored nowhere: it is made anew, from the key's id and the version that the access key id names.
"""

from __future__ import annotations

import msgspec

from hortus.base.secrets import PAIR_PREFIX, SecretVersions, pair_secret, read_pair_name
from hortus.canon.errors import SignatureRefused, Unauthenticated
from hortus.gateway.exchange import Exchange
from hortus.transport.signing.sigv4 import Signable, hash_body
from hortus.transport.signing.sigv4_incoming import Claim, Front, judge, read_claim, verify

SERVICE = "bedrock"
"""What Bedrock's clients sign for, those of its control plane too."""

_HOW = "`hortus keys pair ID` shows the key pair of a key; credentials of AWS open nothing here."


class PairSignature:
    """One request's signature; see `gateway.signed.Signature`."""

    def __init__(self, request: Signable, claim: Claim, *, secret: str, front: Front | None) -> None:
        self.access_key_id = claim.key_id
        self._request = request
        self._claim = claim
        self._secret = secret
        self._front = front

    def check(self, body: bytes) -> None:
        """Return if the holder of the pair signed the request with this body. Raises SignatureRefused."""
        whole = msgspec.structs.replace(self._request, body_hash=hash_body(body))
        verify(whole, self._claim, secret=self._secret, front=self._front)


class PairSignatures:
    """Reads signatures.

    Args:
        secrets: All versions of the installation's secret.
        front: The address that clients use, where a proxy writes another one: `public_url`.
    """

    def __init__(self, secrets: SecretVersions, *, front: Front | None = None) -> None:
        self._secrets = secrets
        self._front = front

    def read(self, exchange: Exchange, *, now_ms: int) -> PairSignature:
        """Return the signature that a request bears. Raises Unauthenticated where it cannot be a pair's of ours."""
        path, query = exchange.raw_path.decode("latin-1"), exchange.query.decode("latin-1")
        resource = f"{path}?{query}" if query else path
        request = Signable(exchange.method, resource, tuple(exchange.headers), "")
        claim = read_claim(request)
        if claim is None:
            raise SignatureRefused(
                "This AWS signature is not of a kind that is taken here.",
                hint="Sign by Signature Version 4 with one region (AWS4-HMAC-SHA256).",
            )
        secret = self._secret_of(claim.key_id)
        judge(request, claim, now_ms=now_ms, service=SERVICE)
        return PairSignature(request, claim, secret=secret, front=self._front)

    def _secret_of(self, access_key_id: str) -> str:
        """Return the secret of a pair, whether there is such a key or not. Raises Unauthenticated."""
        pair = read_pair_name(access_key_id)
        if pair is None:
            raise Unauthenticated(
                f"The access key id is none of this Hortus: those begin with {PAIR_PREFIX}.", hint=_HOW
            )
        while True:
            versions = self._secrets.newest_first
            for secret in versions:
                if secret.version == pair.version:
                    return pair_secret(pair.key_id, secret)
            self._secrets.look_again()  # it may be made with a version of a moment ago
            if self._secrets.newest_first is versions:
                raise Unauthenticated("The key of this key pair is not known here, or was revoked.", hint=_HOW)
