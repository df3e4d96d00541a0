"""What stands behind a credential reference towards AWS: a key pair, or where one is to be had. Reads; fetches nothing.

A document is a JSON object; its `source` says which of the structs below it is.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final, assert_never
from urllib.parse import urlsplit

import msgspec
from typing_extensions import override

from hortus.base.addresses import address_in, kind_of
from hortus.base.errors import ConfigurationError

INSTANCE_ADDRESS: Final = "http://169.254.169.254"
CONTAINER_ADDRESS: Final = "http://169.254.170.2"
"""Where Amazon ECS answers; a relative address goes below it."""

_OWN_KINDS: Final = frozenset({"loopback", "link-local", "metadata"})
"""Addresses that never leave the machine, so that what opens it may go there in the clear."""

_CARRIED: Final = re.compile(r"[\x21-\x7e]+")
_DEEPEST = 4
"""So many roles may be taken one through the other."""


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every document may say.

    Attributes:
        source: Which kind it is.
        region: What requests are signed for, where the endpoint's address does not say it.
        service: Likewise.
    """

    source: str = "keys"
    region: str = ""
    service: str = ""

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}(<hidden>)"


class Keys(Document, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`keys`: a key pair, of a user or, with a session token, one that ends and is not renewed."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""


class Instance(Document, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`instance`: the profile of the machine (EC2), asked for by its second protocol only."""

    address: str = INSTANCE_ADDRESS


class Container(Document, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`container`: the role of a task (ECS) or pod (EKS).

    Attributes:
        address: Where it is had: whole, relative, or `env:` and the variable that AWS sets.
        token: Reference (`env:`, `file:`) to what is sent along; empty where nothing is.
    """

    address: str = "env:AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
    token: str = ""


class Role(Document, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`role`: a role that another credential may take.

    Attributes:
        base: The other credential's document; `from` in JSON.
        sts: Address of the token service, where it is not the usual one of the region.
    """

    role_arn: str
    base: msgspec.Raw = msgspec.field(name="from")
    session_name: str = "hortus"
    external_id: str = ""
    duration_s: int = 3600
    sts: str = ""


class WebIdentity(Document, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`web-identity`: a role that whoever holds another issuer's token may take.

    Attributes:
        token: Reference to it; read anew each time.
    """

    role_arn: str
    token: str = "env:AWS_WEB_IDENTITY_TOKEN"  # noqa: S105 -- a reference
    session_name: str = "hortus"
    duration_s: int = 3600
    sts: str = ""


Credential = Keys | Instance | Container | Role | WebIdentity

_KINDS: Final = MappingProxyType(
    {"keys": Keys, "instance": Instance, "container": Container, "role": Role, "web-identity": WebIdentity}
)


class _Any(msgspec.Struct):
    source: str = "keys"


def read_document(text: str | bytes, *, depth: int = 1) -> Credential:
    """Read a credential towards AWS; no message holds anything of it but the names of members.

    Raises:
        ConfigurationError: It is none, or it would send what opens AWS to where it does not belong.
    """
    try:
        kind = _KINDS.get(msgspec.json.decode(text, type=_Any).source)
    except msgspec.DecodeError as error:
        raise _unfit("is not the JSON document of an AWS credential") from error
    if kind is None:
        raise _unfit(f"has an unknown `source`; it may be {', '.join(_KINDS)}")
    try:
        found: Credential = msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise _unfit(f"is not whole: {error}") from error
    _judge(found, depth=depth)
    return found


def _judge(found: Credential, *, depth: int) -> None:
    """Raise ConfigurationError where members contradict what they are for."""
    match found:
        case Keys():
            _judge_keys(found)
        case Instance():
            check_address(found.address)
        case Container():
            if not found.address.startswith("env:"):
                check_address(whole_address(found.address))
        case Role():
            _judge_service(found)
            if depth >= _DEEPEST:
                raise _unfit(f"takes more than {_DEEPEST - 1} roles one through the other")
            read_document(bytes(found.base), depth=depth + 1)
        case WebIdentity():
            _judge_service(found)
        case _:
            assert_never(found)


def _judge_keys(found: Keys) -> None:
    given = (found.access_key_id, found.secret_access_key, found.session_token or "-")
    if not all(_CARRIED.fullmatch(word) for word in given):
        raise _unfit("holds an empty key, or one that no header can carry")


def _judge_service(found: Role | WebIdentity) -> None:
    if found.sts:
        check_address(found.sts)
    elif not found.region:
        raise _unfit("names neither the `region` of the token service nor its address in `sts`")


def whole_address(address: str) -> str:
    """Return where a container's credentials are had: what AWS gives may be relative to ECS's own address."""
    return CONTAINER_ADDRESS + address if address.startswith("/") else address


def check_address(address: str) -> None:
    """Refuse an address to which nothing that opens AWS may be sent.

    Raises:
        ConfigurationError: It is neither encrypted nor this machine's own.
    """
    try:
        parts = urlsplit(address)
        is_plain = bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError as error:
        raise _unfit("names an address that is none") from error
    found = address_in(address)
    is_own = parts.scheme == "http" and found is not None and kind_of(found) in _OWN_KINDS
    if not is_plain or not (is_own or parts.scheme == "https"):
        raise _unfit("names an address that is neither https nor this machine's own")


def _unfit(what: str) -> ConfigurationError:
    return ConfigurationError(f"its AWS credential {what}")
