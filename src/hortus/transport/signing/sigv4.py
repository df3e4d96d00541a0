"""Signature Version 4: which headers say that a holder of a key pair sent exactly this request? Pure; no clock.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html, read 2026-11.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote_to_bytes

import msgspec
from typing_extensions import override

from hortus.snapshot.resolved import Headers
from hortus.transport.target import read_target

ALGORITHM: Final = "AWS4-HMAC-SHA256"
TERMINATOR: Final = "aws4_request"
S3: Final = "s3"
"""The one service whose paths are taken as they are, and whose requests name their body's hash."""

_SIGNED: Final = frozenset({"host", "content-type"})
_SIGNED_PREFIX: Final = "x-amz-"
_SPACES: Final = re.compile(rb" +")
_REPLACED: Final = frozenset({b"authorization", b"x-amz-date", b"x-amz-security-token"})


class KeyPair(msgspec.Struct, frozen=True):
    """Who signs; the session token belongs to pairs that end."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""

    @override
    def __repr__(self) -> str:
        return "KeyPair(<hidden>)"


class Scope(msgspec.Struct, frozen=True):
    """What a signature is good for, for the day on which it was made."""

    region: str
    service: str


class Signable(msgspec.Struct, frozen=True):
    """A request as the signature sees it.

    Attributes:
        resource: Path and query as in the request line, percent-encoded.
        headers: Names in lower case, `host` among them.
        body_hash: SHA-256 of the body in hexadecimal, or a word that stands for it.
    """

    method: str
    resource: str
    headers: Headers
    body_hash: str


def signable(method: str, url: str, *, headers: Headers, body: bytes) -> Signable:
    """Return a request to an absolute URL, with the `host` header that the client will send.

    Raises:
        HostUnavailable: The URL cannot be called.
    """
    target = read_target(url)
    named = ((b"host", target.authority.encode("ascii")), *headers)
    return Signable(method, target.resource, named, hash_body(body))


def hash_body(body: bytes) -> str:
    """Return a body's hash as requests name it."""
    return hashlib.sha256(body).hexdigest()


def sign(request: Signable, keys: KeyPair, *, scope: Scope, now_ms: int) -> Headers:
    """Return the headers to add to a request: when, with which session, and the signature.

    Others of their names must not be sent beside them.
    """
    at = write_instant(now_ms)
    added: Headers = ((b"x-amz-date", at.encode("ascii")),)
    if keys.session_token:
        added = (*added, (b"x-amz-security-token", keys.session_token.encode("latin-1")))
    if scope.service == S3:
        added = (*added, (b"x-amz-content-sha256", request.body_hash.encode("ascii")))
    kept = tuple(pair for pair in request.headers if pair[0] not in _REPLACED)
    whole = msgspec.structs.replace(request, headers=(*kept, *added))
    names = names_to_sign(whole.headers)
    signature = signature_of(whole, keys.secret_access_key, scope=scope, at=at, names=names)
    credential = f"{keys.access_key_id}/{write_scope(scope, at)}"
    authorization = f"{ALGORITHM} Credential={credential}, SignedHeaders={';'.join(names)}, Signature={signature}"
    return (*added, (b"authorization", authorization.encode("ascii")))


def names_to_sign(headers: Headers) -> tuple[str, ...]:
    """Return the headers that are signed: those that AWS insists on, and none that a proxy may change on its way.

    >>> names_to_sign(((b"host", b"h"), (b"accept", b"*/*"), (b"x-amz-date", b"20150830T123600Z")))
    ('host', 'x-amz-date')
    """
    names = {name.decode("latin-1") for name, _ in headers}
    return tuple(sorted(name for name in names if name in _SIGNED or name.startswith(_SIGNED_PREFIX)))


def signature_of(request: Signable, secret: str, *, scope: Scope, at: str, names: Iterable[str]) -> str:
    """Return the signature of a request by a secret, in hexadecimal.

    Args:
        at: The instant, as `x-amz-date` says it.
        names: The headers that are signed, in order.
    """
    canonical = write_canonical(request, names, is_s3=scope.service == S3)
    to_sign = "\n".join((ALGORITHM, at, write_scope(scope, at), hashlib.sha256(canonical).hexdigest()))
    return _hmac(_signing_key(secret, scope, day=at[:8]), to_sign).hex()


def write_scope(scope: Scope, at: str) -> str:
    """Return the scope of a signature made at an instant."""
    return f"{at[:8]}/{scope.region}/{scope.service}/{TERMINATOR}"


def write_instant(now_ms: int) -> str:
    """Return an instant as AWS writes it.

    >>> write_instant(1440938160000)
    '20150830T123600Z'
    """
    return datetime.fromtimestamp(now_ms // 1000, tz=UTC).strftime("%Y%m%dT%H%M%SZ")


def write_canonical(request: Signable, names: Iterable[str], *, is_s3: bool = False) -> bytes:
    """Return the canonical form of a request, of which the signature is made."""
    path, _, query = request.resource.partition("?")
    signed = tuple(names)
    lines = [
        request.method.encode("ascii"),
        write_path(path, is_s3=is_s3).encode("ascii"),
        write_query(query).encode("ascii"),
        *[_write_header(name, request.headers) for name in signed],
        b"",
        ";".join(signed).encode("latin-1"),
        request.body_hash.encode("ascii"),
    ]
    return b"\n".join(lines)


def write_path(path: str, *, is_s3: bool = False) -> str:
    """Return a path, encoded as it is sent, in canonical form: shortened and encoded once more, but not for S3.

    >>> write_path("/model/anthropic.claude-v2%3A1/converse")
    '/model/anthropic.claude-v2%253A1/converse'
    >>> write_path("/a/./b//../c d/")
    '/a/c%20d/'
    """
    if is_s3:
        return quote(unquote_to_bytes(path), safe="/") or "/"
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del kept[-1:]
        elif part not in {"", "."}:
            kept.append(part)
    end = "/" if kept and path.endswith("/") else ""
    return quote(f"/{'/'.join(kept)}{end}", safe="/")


def write_query(query: str) -> str:
    """Return a query in canonical form: each name and value encoded alike, in the order of what that gives.

    >>> write_query("b=2&a=x%20y&c")
    'a=x%20y&b=2&c='
    """
    pairs = [part.partition("=") for part in query.split("&") if part]
    return "&".join(f"{name}={value}" for name, value in sorted((_encode(pair[0]), _encode(pair[2])) for pair in pairs))


def _encode(text: str) -> str:
    return quote(unquote_to_bytes(text), safe="")


def _write_header(name: str, headers: Headers) -> bytes:
    wanted = name.encode("latin-1")
    values = [_SPACES.sub(b" ", value.strip()) for given, value in headers if given == wanted]
    return wanted + b":" + b",".join(values)


def _signing_key(secret: str, scope: Scope, *, day: str) -> bytes:
    key = _hmac(f"AWS4{secret}".encode(), day)
    for step in (scope.region, scope.service, TERMINATOR):
        key = _hmac(key, step)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
