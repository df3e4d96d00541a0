"""Where key pairs that end are had: the profile of a machine, the role of a container, a role taken at AWS's STS.

Link-local addresses are called like any other: only where `private_networks` names them.
From AWS's SDK reference guide, EC2's and STS's documentation, recalled 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from types import MappingProxyType
from typing import Final, assert_never
from urllib.parse import quote, urlencode
from xml.sax.saxutils import unescape

import msgspec

from hortus.base.errors import ConfigurationError
from hortus.base.time import Clock
from hortus.canon.errors import HostFault, HostRefused, HostUnavailable
from hortus.gateway.ports import Hosts
from hortus.snapshot.resolved import Headers
from hortus.transport.signing.aws_documents import (
    Container,
    Credential,
    Instance,
    Keys,
    Role,
    WebIdentity,
    check_address,
    read_document,
    whole_address,
)
from hortus.transport.signing.renewing import Fetched, ask
from hortus.transport.signing.sigv4 import KeyPair, Scope, sign, signable

_FOR_EVER_S = 10.0 * 365 * 86_400
"""How long a pair lasts that does not say it ends."""

_SESSION_S = b"21600"
_PROFILES = "/latest/meta-data/iam/security-credentials/"
_USUAL = "amazonaws.com"
_PARTITIONS: Final = MappingProxyType({"cn-": "amazonaws.com.cn", "eusc-": "amazonaws.eu"})
"""How regions with a domain of their own begin."""

_STS_VERSION = "2011-06-15"
_FORM = ((b"content-type", b"application/x-www-form-urlencoded"), (b"accept", b"text/xml"))
_OK, _NOT_FOUND, _TOO_MANY, _SERVER_ERROR = 200, 404, 429, 500
_PASSING: Final = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "IDPCommunicationError"})
"""Refusals of STS that may be none a moment later."""

_PLAIN_WORD = re.compile(r"[A-Za-z.]{1,60}")
_CARRIED = re.compile(r"[\x21-\x7e]+")
_AGAIN = "Try again later."
_MEND = "Your key is fine; an admin must mend the endpoint's credential, or what it may do at AWS."


class _Answer(msgspec.Struct, rename="pascal"):
    """What machines and containers answer."""

    access_key_id: str
    secret_access_key: str
    token: str = ""
    expiration: datetime | None = None


class AwsSources:
    """Fetches key pairs.

    Args:
        read: Reference (`env:NAME`, `file:PATH`) to a plain value; raises ConfigurationError.
        hosts: What is called.
    """

    def __init__(self, read: Callable[[str], str], hosts: Hosts, *, clock: Clock) -> None:
        self._read = read
        self._hosts = hosts
        self._clock = clock

    async def fetch(self, document: Credential) -> Fetched[KeyPair]:
        """Return the key pair of a credential.

        Raises:
            HostFault: It cannot be had.
        """
        match document:
            case Keys():
                pair = KeyPair(document.access_key_id, document.secret_access_key, document.session_token)
                return Fetched(pair, _FOR_EVER_S)
            case Instance():
                return await self._of_machine(document)
            case Container():
                return await self._of_container(document)
            case Role():
                return await self._take_role(document)
            case WebIdentity():
                return await self._take_role_by_token(document)
            case _:
                assert_never(document)

    async def _of_machine(self, document: Instance) -> Fetched[KeyPair]:
        whose = "this machine's metadata service"
        address = document.address.rstrip("/")
        session = await self._ask_for(
            whose,
            "PUT",
            f"{address}/latest/api/token",
            headers=((b"x-aws-ec2-metadata-token-ttl-seconds", _SESSION_S),),
        )
        opening = ((b"x-aws-ec2-metadata-token", _carried(whose, session)),)
        profile = (await self._ask_for(whose, "GET", f"{address}{_PROFILES}", headers=opening)).decode(
            "ascii", "replace"
        )
        name = quote(profile.strip().partition("\n")[0], safe="")
        return self._read_pair(whose, await self._ask_for(whose, "GET", f"{address}{_PROFILES}{name}", headers=opening))

    async def _of_container(self, document: Container) -> Fetched[KeyPair]:
        whose = "this container's credential service"
        try:
            given = self._read(document.address) if document.address.startswith("env:") else document.address
            address = whole_address(given)
            check_address(address)
            token = self._read(document.token) if document.token else ""
        except ConfigurationError as error:
            raise HostRefused(f"{whose} cannot be asked, for {error.message}", hint=_MEND) from error
        headers = ((b"authorization", token.encode("ascii")),) if token else ()
        return self._read_pair(whose, await self._ask_for(whose, "GET", address, headers=headers))

    async def _take_role(self, document: Role) -> Fetched[KeyPair]:
        base = await self.fetch(read_document(bytes(document.base)))
        form = {"Action": "AssumeRole", "RoleArn": document.role_arn, "RoleSessionName": document.session_name}
        if document.external_id:
            form["ExternalId"] = document.external_id
        return await self._ask_sts(document, form, keys=base.value)

    async def _take_role_by_token(self, document: WebIdentity) -> Fetched[KeyPair]:
        try:
            token = self._read(document.token)
        except ConfigurationError as error:
            raise HostRefused(f"AWS's STS cannot be asked, for {error.message}", hint=_MEND) from error
        form = {"Action": "AssumeRoleWithWebIdentity", "RoleArn": document.role_arn}
        form |= {"RoleSessionName": document.session_name, "WebIdentityToken": token}
        return await self._ask_sts(document, form, keys=None)

    async def _ask_sts(
        self, document: Role | WebIdentity, form: dict[str, str], *, keys: KeyPair | None
    ) -> Fetched[KeyPair]:
        end = next((end for start, end in _PARTITIONS.items() if document.region.startswith(start)), _USUAL)
        url = document.sts or f"https://sts.{document.region}.{end}/"
        whole = form | {"Version": _STS_VERSION, "DurationSeconds": str(document.duration_s)}
        body = urlencode(whole).encode("ascii")
        headers: Headers = _FORM
        if keys is not None:
            scope = Scope(document.region or "us-east-1", "sts")
            request = signable("POST", url, headers=_FORM, body=body)
            headers = (*_FORM, *sign(request, keys, scope=scope, now_ms=self._clock.now_ms()))
        whose = "AWS's STS"
        status, answer = await ask(self._hosts, "POST", url, headers=headers, body=body)
        text = answer.decode("utf-8", "replace")
        if status != _OK:
            raise _refused(whose, status, word=_element(text, "Code"))
        names = {"AccessKeyId": "", "SecretAccessKey": "", "SessionToken": "Token", "Expiration": ""}
        found = {other or name: _element(text, name) for name, other in names.items()}
        return self._read_pair(whose, msgspec.json.encode(found))

    async def _ask_for(self, whose: str, method: str, url: str, *, headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
        status, body = await ask(self._hosts, method, url, headers=headers)
        if status != _OK:
            raise _refused(whose, status)
        return body

    def _read_pair(self, whose: str, body: bytes) -> Fetched[KeyPair]:
        try:
            answer = msgspec.json.decode(body, type=_Answer)
        except msgspec.DecodeError as error:
            raise HostUnavailable(f"{whose} gave no key pair", hint=_AGAIN) from error
        pair = KeyPair(answer.access_key_id, answer.secret_access_key, answer.token)
        lasts_s = _FOR_EVER_S
        if answer.expiration is not None:
            lasts_s = answer.expiration.timestamp() - self._clock.now_ms() / 1000
        if lasts_s <= 0:
            raise HostUnavailable(
                f"{whose} gave a key pair that has ended", hint="Try again later, or look at this machine's clock."
            )
        for word in (pair.access_key_id, pair.secret_access_key, pair.session_token or "-"):
            _carried(whose, word.encode())
        return Fetched(pair, lasts_s)


def _carried(whose: str, word: bytes) -> bytes:
    """Return a word that a header can carry. Raises HostUnavailable where it is none."""
    stripped = word.strip()
    if not _CARRIED.fullmatch(stripped.decode("utf-8", "replace")):
        raise HostUnavailable(f"{whose} gave no key pair", hint=_AGAIN)
    return stripped


def _element(text: str, name: str) -> str:
    """Return what stands in the first element of a name; STS's answers have no attributes there."""
    found = re.search(rf"<{name}>([^<]*)</{name}>", text)
    return unescape(found[1].strip()) if found else ""


def _refused(whose: str, status: int, *, word: str = "") -> HostFault:
    if status >= _SERVER_ERROR or status == _TOO_MANY or word in _PASSING:
        return HostUnavailable(f"{whose} answered {status}", hint=_AGAIN)
    if status == _NOT_FOUND:
        return HostRefused(f"{whose} knows no role for it", hint="An admin must give it one at AWS.")
    reason = f" ({word})" if _PLAIN_WORD.fullmatch(word) else ""
    return HostRefused(f"{whose} refused with {status}{reason}", hint=_MEND)
