"""Opens Azure by Microsoft Entra ID: which token is asked for, where, and by which proof.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow (secret, signed and federated
assertions), https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token and
https://learn.microsoft.com/azure/app-service/overview-managed-identity, read 2026-11.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate
from msgspec.structs import replace

from hortus.base.errors import ConfigurationError
from hortus.base.time import Clock
from hortus.gateway.ports import HostRequest, Hosts
from hortus.snapshot.resolved import Authorizer
from hortus.transport.signing.identity import Identity, ReadReference, read_identity
from hortus.transport.signing.jwt import to_text, write_jwt
from hortus.transport.signing.renewing import TIMEOUTS
from hortus.transport.signing.tokens import FORM, RenewedToken, TokenService

SCHEME: Final = "entra"

IMDS: Final = "http://169.254.169.254/metadata/identity/oauth2/token"
"""Where a virtual machine is told who it is; open only where `private_networks` names the address by itself."""

_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523, 2.2
_ASSERTION_LASTS_S: Final = 300
_SHORTEST_KEY_BITS: Final = 2048
_PADDING: Final = PSS(mgf=MGF1(SHA256()), salt_length=PSS.DIGEST_LENGTH)
_JSON: Final = (b"accept", b"application/json")

Proof = Callable[[int], dict[str, str]]
"""Unix time to the members of the form that prove who asks; raises ConfigurationError."""


class _Entra:
    """Entra ID itself; see `tokens.TokenService`."""

    name = "Microsoft Entra ID"
    account = "application"
    passing: frozenset[int] = frozenset()

    def __init__(self, identity: Identity, proof: Proof) -> None:
        self._identity = identity
        self._proof = proof

    def request(self, now_s: int) -> HostRequest:
        said = self._identity.said
        form = {
            "grant_type": "client_credentials",
            "client_id": said.client_id,
            "scope": f"{said.resource.rstrip('/')}/.default",
            **self._proof(now_s),
        }
        return HostRequest("POST", self._identity.token_uri, FORM, urlencode(form).encode("ascii"), TIMEOUTS)


class _ManagedIdentity:
    """Whoever tells a machine of Azure's who it is; see `tokens.TokenService`."""

    account = "managed identity"
    passing = frozenset({404, 410})  # it is starting or being renewed: same page, "error handling"

    def __init__(self, name: str, url: str, *, query: dict[str, str], header: tuple[bytes, bytes]) -> None:
        self.name = name
        self._url = f"{url}?{urlencode(query)}"
        self._headers = (header, _JSON)

    def request(self, now_s: int) -> HostRequest:
        del now_s
        return HostRequest("GET", self._url, self._headers, b"", TIMEOUTS, may_be_private=True)


class _Header(msgspec.Struct):
    alg: str
    typ: str
    thumbprint: str = msgspec.field(name="x5t#S256")


class _Claims(msgspec.Struct):
    aud: str
    iss: str
    sub: str
    jti: str
    nbf: int
    iat: int
    exp: int


class EntraIdentities:
    """The identities of a process, by credential reference; a document that changed makes another one.

    Args:
        read_document: Reference to the document's text; raises ConfigurationError.
        read: Reference to a plain value; likewise.
        hosts: What token services are called through.
        imds_url: Where a virtual machine is told who it is.
    """

    def __init__(
        self,
        read_document: Callable[[str], str],
        read: ReadReference,
        *,
        hosts: Hosts,
        clock: Clock,
        imds_url: str = IMDS,
    ) -> None:
        self._read_document = read_document
        self._read = read
        self._hosts = hosts
        self._clock = clock
        self._imds_url = imds_url
        self._kept: dict[tuple[str, str], tuple[Identity, RenewedToken]] = {}

    def open(self, reference: str, *, audience: str = "") -> Authorizer:
        """Return what opens endpoints by this credential.

        Args:
            reference: Of the document.
            audience: For what tokens are asked, where it is not what the document says.

        Raises:
            ConfigurationError: There is no document, or it is of no use.
        """
        identity = read_identity(self._read_document(reference), self._read)
        if identity.way == "federation":
            self._federated(identity)  # must be there, whoever has a token of before
        if audience:
            identity = replace(identity, said=replace(identity.said, resource=audience))
        kept = self._kept.get((reference, audience))
        if kept is not None and kept[0] == identity:
            return kept[1]
        token = RenewedToken(self._service(identity), self._hosts, clock=self._clock)
        self._kept[reference, audience] = (identity, token)
        return token

    def _federated(self, identity: Identity) -> str:
        return self._read(f"file:{identity.said.token_file}")

    def _service(self, identity: Identity) -> TokenService:
        said = identity.said
        asked = {"resource": said.resource, **({"client_id": said.client_id} if said.client_id else {})}
        match identity.way:
            case "imds":
                query = {"api-version": "2018-02-01", **asked}
                return _ManagedIdentity("Azure's IMDS", self._imds_url, query=query, header=(b"metadata", b"true"))
            case "app-service":
                query = {"api-version": "2019-08-01", **asked}
                header = (b"x-identity-header", said.identity_header.encode("ascii"))
                return _ManagedIdentity("App Service", said.identity_endpoint, query=query, header=header)
            case "secret":
                return _Entra(identity, lambda _: {"client_secret": said.client_secret})
            case "federation":
                return _Entra(identity, lambda _: _asserted(self._federated(identity)))
            case "certificate":
                return _Entra(identity, _signer(identity))


def _asserted(assertion: str) -> dict[str, str]:
    return {"client_assertion_type": _ASSERTION_TYPE, "client_assertion": assertion}


def _signer(identity: Identity) -> Proof:
    """Return what signs an assertion, for five minutes each.

    https://learn.microsoft.com/entra/identity-platform/certificate-credentials, read 2026-11.

    Raises:
        ConfigurationError: Key or certificate cannot be read, or do not belong together.
    """
    said = identity.said
    try:
        key = load_pem_private_key(said.private_key.encode(), password=None)
        certificate = load_pem_x509_certificate(said.certificate.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigurationError("its credential holds a private key or certificate that cannot be read") from error
    if not isinstance(key, RSAPrivateKey) or key.key_size < _SHORTEST_KEY_BITS:
        raise ConfigurationError(
            f"its credential holds a private key that is not RSA with {_SHORTEST_KEY_BITS} bits or more"
        )
    if certificate.public_key() != key.public_key():
        raise ConfigurationError("its credential holds a private key and the certificate of another one")
    header = _Header(alg="PS256", typ="JWT", thumbprint=to_text(certificate.fingerprint(SHA256())))

    def sign(now_s: int) -> dict[str, str]:
        claims = _Claims(
            aud=identity.token_uri,
            iss=said.client_id,
            sub=said.client_id,
            jti=secrets.token_hex(16),
            nbf=now_s,
            iat=now_s,
            exp=now_s + _ASSERTION_LASTS_S,
        )
        return _asserted(write_jwt(header, claims, sign=lambda signed: key.sign(signed, _PADDING, SHA256())))

    return sign
