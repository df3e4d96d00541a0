"""A Google service account's key file, and the signed claim (RFC 7523) that is exchanged for an access token.

https://developers.google.com/identity/protocols/oauth2/service-account, read 2026-11
"""

from __future__ import annotations

from typing import Final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from typing_extensions import override

from hortus.base.errors import ConfigurationError
from hortus.transport.signing.jwt import write_jwt
from hortus.transport.signing.safety import is_safe

SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
CLAIM_LIFETIME_S: Final = 3600
"""The longest that Google takes. Same page."""

_SHORTEST_KEY_BITS = 2048


class _KeyFile(msgspec.Struct):
    type: str
    client_email: str
    private_key: str
    private_key_id: str = ""
    token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105 -- an address


class ServiceAccount(msgspec.Struct, frozen=True):
    """Who asks for tokens, and where."""

    email: str
    key_id: str
    token_uri: str
    key: RSAPrivateKey

    @override
    def __repr__(self) -> str:
        return "ServiceAccount(<hidden>)"


class _Header(msgspec.Struct):
    alg: str
    typ: str
    kid: str


class _Claims(msgspec.Struct):
    iss: str
    scope: str
    aud: str
    iat: int
    exp: int


def read_key_file(text: str) -> ServiceAccount:
    """Read a service account's key file; no message holds anything of it.

    Raises:
        ConfigurationError: It is not such a file, its key is not one that signs, or its token address is not safe.
    """
    try:
        file = msgspec.json.decode(text, type=_KeyFile)
    except msgspec.DecodeError as error:
        raise _unfit("is not the JSON key file of a service account") from error
    if file.type != "service_account":
        raise _unfit("is a Google credential, but not the key of a service account")
    if not is_safe(file.token_uri):
        raise _unfit("names a `token_uri` that is not an https address")
    return ServiceAccount(
        email=file.client_email, key_id=file.private_key_id, token_uri=file.token_uri, key=_read_key(file.private_key)
    )


def _read_key(text: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unfit("holds a private key that cannot be read") from error
    if not isinstance(key, RSAPrivateKey) or key.key_size < _SHORTEST_KEY_BITS:
        raise _unfit(f"holds a private key that is not RSA with {_SHORTEST_KEY_BITS} bits or more")
    return key


def _unfit(what: str) -> ConfigurationError:
    return ConfigurationError(f"its credential {what}")


def write_claim(account: ServiceAccount, *, now_s: int) -> str:
    """Return the claim (a JWT signed by RS256) that the account may use Google's cloud for the next hour."""
    header = _Header(alg="RS256", typ="JWT", kid=account.key_id)
    claims = _Claims(iss=account.email, scope=SCOPE, aud=account.token_uri, iat=now_s, exp=now_s + CLAIM_LIFETIME_S)
    return write_jwt(header, claims, sign=lambda signed: account.key.sign(signed, PKCS1v15(), SHA256()))
