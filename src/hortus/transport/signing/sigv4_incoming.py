"""Did the holder of a key pair send this request, now, and just so? Signature Version 4 seen from the other side. Pure.

Every refusal says what to mend; none says what the signature should have been.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec

from hortus.canon.errors import SignatureRefused
from hortus.transport.signing.sigv4 import (
    ALGORITHM,
    TERMINATOR,
    Scope,
    Signable,
    signature_of,
    write_instant,
    write_scope,
)
from hortus.transport.target import read_target

LARGEST_SKEW_MS: Final = 5 * 60 * 1000
"""How far a client's clock may be off, either way; the same that Bedrock allows.

https://github.com/aws-samples/bedrock-access-gateway/issues/163, read 2026-11.
"""

_FIELD: Final = re.compile(r"(Credential|SignedHeaders|Signature)=([^\s,]*)")
_INSTANT: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_NEEDED: Final = ("host", "x-amz-date")
_NEEDED_WHERE_SENT: Final = ("x-amz-content-sha256", "x-amz-target")
_TOKEN: Final = "x-amz-security-token"  # noqa: S105 -- the name of a header
_SCOPE_PARTS: Final = 5
_OPENING: Final = f"{ALGORITHM} ".encode("ascii")


class Claim(msgspec.Struct, frozen=True):
    """What a request says of its own signature; nothing of it is proven.

    Attributes:
        names: Headers that are signed, in order.
        day: That of the scope, such as `20150830`.
    """

    key_id: str
    scope: Scope
    day: str
    names: tuple[str, ...]
    signature: str


class Front(msgspec.Struct, frozen=True):
    """An address by which clients reach this installation.

    Attributes:
        host: As clients sign it.
        path: What a proxy takes away from the beginning of paths; empty in most places.
    """

    host: str
    path: str = ""


def read_front(url: str) -> Front:
    """Return what clients sign who use this address.

    >>> read_front("https://models.example.org:443/ai/")
    Front(host='models.example.org', path='/ai')

    Raises:
        HostUnavailable: It is no address.
    """
    target = read_target(url)
    return Front(target.authority, target.resource.rstrip("/"))


def read_claim(request: Signable) -> Claim | None:
    """Return who claims to have signed a request; None where it bears no such signature.

    Raises:
        SignatureRefused: It bears one that is not written as it should be.
    """
    said = _find(request, b"authorization")
    if said is None or not said.startswith(_OPENING):
        return None
    fields = dict(_FIELD.findall(said.decode("latin-1")))
    credential = fields.get("Credential", "").rsplit("/", _SCOPE_PARTS - 1)
    names = tuple(fields.get("SignedHeaders", "").split(";"))
    signature = fields.get("Signature", "")
    is_whole = len(credential) == _SCOPE_PARTS and all(credential) and all(names) and len(set(names)) == len(names)
    if not is_whole or not _HASH.fullmatch(signature):
        raise _refuse(
            "the `authorization` header is not a whole AWS signature",
            "It needs Credential=KEY/DAY/REGION/SERVICE/aws4_request, SignedHeaders and Signature; "
            "most often something on the way has cut it.",
        )
    key_id, day, region, service, terminator = credential
    if terminator != TERMINATOR:
        raise _refuse("the scope of the signature does not end in `aws4_request`", "Sign by Signature Version 4.")
    return Claim(key_id, Scope(region, service), day, names, signature)


def judge(request: Signable, claim: Claim, *, now_ms: int, service: str) -> None:
    """Return if a request could be signed by whom it says; its body is not needed for that.

    Args:
        request: As it came; its `body_hash` is not looked at.
        claim: What it says of its signature.
        now_ms: By this installation's clock.
        service: What the client must have signed for.

    Raises:
        SignatureRefused: It cannot be; the message says why.
    """
    _judge_instant(request, claim, now_ms=now_ms)
    _judge_names(request, claim)
    said = _find(request, b"x-amz-content-sha256")
    if said is not None and not _HASH.fullmatch(said.decode("latin-1")):
        raise _refuse(
            "the body is not signed: `x-amz-content-sha256` is not its hash",
            "Sign the whole body: UNSIGNED-PAYLOAD and STREAMING-… are not taken, over TLS either.",
        )
    if claim.scope.service != service:
        raise _refuse(
            f"the request is signed for the service {_shown(claim.scope.service)}, not for {service}",
            "Use the client of that service, or another base of the door.",
        )


def verify(request: Signable, claim: Claim, *, secret: str, front: Front | None = None) -> None:
    """Return if the holder of `secret` signed this request, which was judged before.

    Args:
        request: As it came; its `body_hash` is that of the body that came.
        claim: What it says of its signature.
        secret: Of the pair that it names.
        front: The address that clients use (`public_url`), for proxies that rewrite `host` or take paths apart.

    Raises:
        SignatureRefused: Nobody did; the message says what is wrong, as far as it can be told.
    """
    said = _find(request, b"x-amz-content-sha256")
    if said is not None and not hmac.compare_digest(said, request.body_hash.encode("ascii")):
        raise _refuse(
            "the body is not the one that was signed: `x-amz-content-sha256` is another's",
            "Let the proxy on the way leave the body as it is.",
        )
    if not any(_is_signed(one, claim, secret) for one in _as_written(request, front)):
        raise _mismatch(request, claim, secret, front=front)


def _judge_instant(request: Signable, claim: Claim, *, now_ms: int) -> None:
    """Raises SignatureRefused where a request was not signed now; in AWS's words, which people search for."""
    at = _instant_of(request)
    if not _INSTANT.fullmatch(at):
        raise _refuse("there is no `x-amz-date` such as 20150830T123600Z", "Send the instant of the signature in it.")
    try:
        signed_ms = int(datetime.strptime(at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError as error:
        raise _refuse("the `x-amz-date` is no instant", "Look at the client's clock.") from error
    skew_ms, now = signed_ms - now_ms, write_instant(now_ms)
    edge = write_instant(now_ms + LARGEST_SKEW_MS * (1 if skew_ms > 0 else -1))
    skew_s, minutes = abs(skew_ms) // 1000, LARGEST_SKEW_MS // 60_000
    if skew_ms > LARGEST_SKEW_MS:
        raise SignatureRefused(
            f"Signature not yet current: {at} is still later than {edge} ({now} + {minutes} min.).",
            hint=f"The client's clock is {skew_s} s ahead of this installation's: set the one that is wrong.",
        )
    if skew_ms < -LARGEST_SKEW_MS:
        raise SignatureRefused(
            f"Signature expired: {at} is now earlier than {edge} ({now} - {minutes} min.).",
            hint=f"The client's clock is {skew_s} s behind this installation's, or the request was signed so long ago: "
            "set the clock that is wrong, and sign anew for each attempt.",
        )
    if claim.day != at[:8]:
        raise _refuse("the day in the signature's scope is not that of `x-amz-date`", "Look at the client's clock.")


def _judge_names(request: Signable, claim: Claim) -> None:
    sent = {name.decode("latin-1") for name, _ in request.headers}
    if _TOKEN in sent:
        raise _refuse(
            "a session token came along, and a key pair of Hortus has none",
            "Leave AWS_SESSION_TOKEN (`aws_session_token`) unset: it belongs to other credentials.",
        )
    needed = (*_NEEDED, *[name for name in _NEEDED_WHERE_SENT if name in sent])
    unsigned = [name for name in needed if name not in claim.names]
    if unsigned:
        raise _refuse(f"the header {unsigned[0]} is not signed", f"Sign {', '.join(unsigned)} too.")
    missing = [name for name in claim.names if name not in sent]
    if missing:
        raise _refuse(
            f"the header {_shown(missing[0])} is signed but did not arrive",
            "Let the proxy on the way leave the request's headers as they are.",
        )


def _as_written(request: Signable, front: Front | None) -> Iterator[Signable]:
    """Give the request as it came, and as a client may have written it; AWS's SDKs sign a host in lower case."""
    yield request
    arrived = _host_of(request)
    if arrived != arrived.lower():
        yield _with_host(request, arrived.lower())
    if front is not None:
        written = msgspec.structs.replace(request, resource=front.path + request.resource)
        yield _with_host(written, front.host.encode("ascii"))


def _with_host(request: Signable, host: bytes) -> Signable:
    kept = tuple(pair for pair in request.headers if pair[0] != b"host")
    return msgspec.structs.replace(request, headers=((b"host", host), *kept))


def _is_signed(request: Signable, claim: Claim, secret: str) -> bool:
    signed = signature_of(request, secret, scope=claim.scope, at=_instant_of(request), names=claim.names)
    return hmac.compare_digest(signed, claim.signature)


def _mismatch(request: Signable, claim: Claim, secret: str, *, front: Front | None) -> SignatureRefused:
    """Return why a signature does not match: for sure where a proxy says which name the client used."""
    arrived = _shown(_host_of(request).decode("latin-1"))
    before = (_find(request, b"x-forwarded-host") or b"").strip().lower()
    if before and _is_signed(_with_host(request, before), claim, secret):
        return _refuse(
            f"a proxy on the way has changed the `host` header, which is signed: the client wrote "
            f"{_shown(before.decode('latin-1'))}, and {arrived} arrived",
            "Let it pass `host` as it came, or set `public_url` to the address that clients use.",
        )
    also = f" (nor as it was for {front.host}{front.path}, by `public_url`)" if front is not None else ""
    scope = write_scope(claim.scope, _instant_of(request))
    return _refuse(
        f"the signature of key {_shown(claim.key_id)} for {_shown(scope)} does not match the request as it arrived, "
        f"for host {arrived}{also}",
        f"Check the secret; where clients use another address than {arrived}, set `public_url` to it; then look "
        f"whether a proxy changes path, query, body or {_shown(', '.join(claim.names))}.",
    )


def _instant_of(request: Signable) -> str:
    return (_find(request, b"x-amz-date") or b"").decode("latin-1")


def _host_of(request: Signable) -> bytes:
    return _find(request, b"host") or b""


def _shown(text: str) -> str:
    """Return words of a client's as a message may hold them."""
    return "".join(sign if sign.isascii() and sign.isprintable() else "?" for sign in text[:200])


def _find(request: Signable, name: bytes) -> bytes | None:
    return next((value for given, value in request.headers if given == name), None)


def _refuse(what: str, hint: str) -> SignatureRefused:
    return SignatureRefused(f"This AWS signature is not accepted: {what}.", hint=hint)
