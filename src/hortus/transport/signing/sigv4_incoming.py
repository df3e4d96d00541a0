"""Did the holder of a key pair send this request, now, and just so? Signature Version 4 seen from the other side. Pure.

Every refusal says what to mend; none says what the signature should have been.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from hortus.canon.errors import Unauthenticated
from hortus.transport.signing.sigv4 import ALGORITHM, TERMINATOR, Scope, Signable, signature_of, write_scope

LARGEST_SKEW_MS: Final = 5 * 60 * 1000
"""How far a client's clock may be off, either way; the same that AWS allows."""

_FIELD: Final = re.compile(r"(Credential|SignedHeaders|Signature)=([^\s,]*)")
_INSTANT: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_NEEDED: Final = ("host", "x-amz-date")
_NEEDED_WHERE_SENT: Final = ("x-amz-content-sha256", "x-amz-security-token", "x-amz-target")
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


def read_claim(request: Signable) -> Claim | None:
    """Return who claims to have signed a request; None where it bears no such signature.

    Raises:
        Unauthenticated: It bears one that is not written as it should be.
    """
    said = _find(request, b"authorization")
    if said is None or not said.startswith(_OPENING):
        return None
    fields = dict(_FIELD.findall(said.decode("latin-1")))
    credential = fields.get("Credential", "").rsplit("/", _SCOPE_PARTS - 1)
    names = tuple(fields.get("SignedHeaders", "").split(";"))
    signature = fields.get("Signature", "")
    if len(credential) != _SCOPE_PARTS or not all(credential) or not all(names) or not _HASH.fullmatch(signature):
        raise _refuse(
            "the `authorization` header is not a whole AWS signature",
            "It needs Credential=KEY/DAY/REGION/SERVICE/aws4_request, SignedHeaders and Signature; "
            "most often something on the way has cut it.",
        )
    key_id, day, region, service, terminator = credential
    if terminator != TERMINATOR:
        raise _refuse("the scope of the signature does not end in `aws4_request`", "Sign by Signature Version 4.")
    return Claim(key_id, Scope(region, service), day, names, signature)


def verify(
    request: Signable, claim: Claim, *, secrets: Sequence[str], now_ms: int, hosts: Sequence[str] = (), service: str
) -> None:
    """Return if the holder of one of `secrets` signed this request within the last minutes.

    Args:
        request: As it came; its `body_hash` is that of the body that came.
        secrets: Those that the key of the claim may have, one for each version of the installation's secret.
        hosts: Further names of this installation (that of `public_url`), for proxies that rewrite `host`.
        service: What the client must have signed for.

    Raises:
        Unauthenticated: Nobody did; the message says what is wrong, as far as it can be told.
    """
    at = _judge_instant(request, claim, now_ms=now_ms)
    _judge_names(request, claim)
    _judge_body(request)
    if claim.scope.service != service:
        raise _refuse(
            f"the request is signed for the service {_shown(claim.scope.service)}, not for {service}",
            "Use the client of that service, or another base of the door.",
        )
    if not any(_is_signed(one, claim, secrets, at=at) for one in _under_names(request, hosts)):
        raise _mismatch(request, claim, secrets, at=at)


def _judge_instant(request: Signable, claim: Claim, *, now_ms: int) -> str:
    """Return when the request says it was signed. Raises Unauthenticated where that is not now."""
    at = (_find(request, b"x-amz-date") or b"").decode("latin-1")
    if not _INSTANT.fullmatch(at):
        raise _refuse("there is no `x-amz-date` such as 20150830T123600Z", "Send the instant of the signature in it.")
    try:
        signed_ms = int(datetime.strptime(at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError as error:
        raise _refuse("the `x-amz-date` is no instant", "Look at the client's clock.") from error
    skew_ms = signed_ms - now_ms
    if abs(skew_ms) > LARGEST_SKEW_MS:
        direction = "ahead of" if skew_ms > 0 else "behind"
        raise _refuse(
            f"the request is signed {abs(skew_ms) // 1000} s {direction} this installation's clock; "
            f"{LARGEST_SKEW_MS // 1000} s is the most",
            "Set the client's clock, or sign anew for each attempt.",
        )
    if claim.day != at[:8]:
        raise _refuse("the day in the signature's scope is not that of `x-amz-date`", "Look at the client's clock.")
    return at


def _judge_names(request: Signable, claim: Claim) -> None:
    sent = {name.decode("latin-1") for name, _ in request.headers}
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


def _judge_body(request: Signable) -> None:
    """Compare the body's hash where the request names it; where not, the signature holds it all the same."""
    said = _find(request, b"x-amz-content-sha256")
    if said is None:
        return
    word = said.decode("latin-1")
    if not _HASH.fullmatch(word):
        raise _refuse(
            "the body is not signed: `x-amz-content-sha256` is not its hash", "Sign the body; switch off its streaming."
        )
    if not hmac.compare_digest(said, request.body_hash.encode("ascii")):
        raise _refuse(
            "the body is not the one that was signed: `x-amz-content-sha256` is another's",
            "Let the proxy on the way leave the body as it is.",
        )


def _under_names(request: Signable, hosts: Sequence[str]) -> list[Signable]:
    """Return the request as it came, and as it was where it was sent to another name of this installation."""
    return [request, *[_with_host(request, host.encode("ascii")) for host in hosts]]


def _with_host(request: Signable, host: bytes) -> Signable:
    kept = tuple(pair for pair in request.headers if pair[0] != b"host")
    return msgspec.structs.replace(request, headers=((b"host", host), *kept))


def _is_signed(request: Signable, claim: Claim, secrets: Sequence[str], *, at: str) -> bool:
    signed = [signature_of(request, secret, scope=claim.scope, at=at, names=claim.names) for secret in secrets]
    return any([hmac.compare_digest(one, claim.signature) for one in signed])  # noqa: C419 -- all, in the same time


def _mismatch(request: Signable, claim: Claim, secrets: Sequence[str], *, at: str) -> Unauthenticated:
    """Return why a signature does not match: for sure where a proxy says which name the client used."""
    before = _find(request, b"x-forwarded-host")
    if before is not None and _is_signed(_with_host(request, before.strip()), claim, secrets, at=at):
        return _refuse(
            "a proxy on the way has changed the `host` header, which is signed",
            "Let it pass `host` as it came, or set `public_url` to the address that clients use.",
        )
    scope = write_scope(claim.scope, at)
    return _refuse(
        f"the signature of key {_shown(claim.key_id)} for {_shown(scope)} does not match the request as it arrived",
        f"Check the secret; then whether a proxy changes path, query, body or {_shown(', '.join(claim.names))} "
        "(for `host`, set `public_url` to the address that clients use).",
    )


def _shown(text: str) -> str:
    """Return words of a client's as a message may hold them."""
    return "".join(sign if sign.isascii() and sign.isprintable() else "?" for sign in text[:200])


def _find(request: Signable, name: bytes) -> bytes | None:
    return next((value for given, value in request.headers if given == name), None)


def _refuse(what: str, hint: str) -> Unauthenticated:
    return Unauthenticated(f"This AWS signature is not accepted: {what}.", hint=hint)
