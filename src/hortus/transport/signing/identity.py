"""The document that says as whom Hortus asks Microsoft Entra ID for a token, and by which proof.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow, read 2026-11. Members may be
references (`env:NAME`, `file:PATH`), so that the document itself need hold no secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal

import msgspec
from typing_extensions import override

from hortus.base.addresses import address_in, kind_of
from hortus.base.errors import ConfigurationError
from hortus.transport.signing.safety import is_safe

ReadReference = Callable[[str], str]
"""Reference to what it stands for; raises ConfigurationError."""

Way = Literal["secret", "certificate", "federation", "imds", "app-service"]

_WAYS: Final[dict[str, Way]] = {
    "client_secret": "secret",
    "private_key": "certificate",
    "token_file": "federation",
    "managed_identity": "imds",
}
"""The member that says which way, and the way."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,127}")
_REFERENCE = re.compile(r"(env|file):.+")


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an admin writes.

    Attributes:
        type: Always `entra`.
        tenant_id: Directory, by id or domain; likewise `client_id` of the application, or of the managed identity.
        client_secret: The application's secret.
        private_key: Or the key (PEM) whose certificate the application has.
        certificate: That certificate (PEM).
        token_file: Or the file in which another service keeps a token that the application trusts.
        managed_identity: Or `imds` on a virtual machine, `app-service` in App Service and Functions.
        resource: For what tokens are asked.
        authority: Where Entra ID lies, other than in national clouds.
        identity_endpoint: Of App Service; likewise `identity_header`.
    """

    type: str
    tenant_id: str = ""
    client_id: str = ""
    client_secret: str = ""
    private_key: str = ""
    certificate: str = ""
    token_file: str = ""
    managed_identity: str = ""
    resource: str = "https://cognitiveservices.azure.com"
    authority: str = "https://login.microsoftonline.com"
    identity_endpoint: str = "env:IDENTITY_ENDPOINT"
    identity_header: str = "env:IDENTITY_HEADER"

    @override
    def __repr__(self) -> str:
        return "Document(<hidden>)"


class Identity(msgspec.Struct, frozen=True):
    """A document that is whole and makes sense, references followed."""

    way: Way
    said: Document

    @override
    def __repr__(self) -> str:
        return "Identity(<hidden>)"

    @property
    def token_uri(self) -> str:
        """Where Entra ID gives tokens of the directory."""
        return f"{self.said.authority.rstrip('/')}/{self.said.tenant_id}/oauth2/v2.0/token"


def read_identity(text: str, read: ReadReference) -> Identity:
    """Read a document; no message holds anything of it.

    Raises:
        ConfigurationError: It is not such a document, says too little or too much, or a reference leads nowhere.
    """
    try:
        said = msgspec.json.decode(text, type=Document)
    except msgspec.DecodeError as error:
        raise _unfit("is not the JSON document of an identity at Entra ID") from error
    if said.type != "entra":
        raise _unfit('is a JSON document, but not one of `"type": "entra"`')
    found = [way for member, way in _WAYS.items() if getattr(said, member)]
    if len(found) != 1:
        raise _unfit(f"must have one of {', '.join(_WAYS)}, and only one")
    (way,) = found
    if way == "imds":
        way = _managed(said.managed_identity)
    return Identity(way, _CHECKS[way](said, read))


def _managed(word: str) -> Way:
    if word == "imds":
        return "imds"
    if word == "app-service":
        return "app-service"
    raise _unfit("has a `managed_identity` that is neither `imds` nor `app-service`")


def _checked_application(said: Document, read: ReadReference) -> Document:
    said = _followed(said, read, "tenant_id", "client_id", "client_secret", "token_file", "authority")
    for member in ("tenant_id", "client_id"):
        if not _ID.fullmatch(getattr(said, member)):
            raise _unfit(f"has no `{member}`, or one that cannot be")
    if not is_safe(said.authority):
        raise _unfit("names an `authority` that is not an https address")
    if bool(said.private_key) != bool(said.certificate):
        raise _unfit("has a `certificate` without `private_key`, or the other way round")
    return said


def _checked_machine(said: Document, read: ReadReference) -> Document:
    said = _followed(said, read, "client_id")
    if said.client_id and not _ID.fullmatch(said.client_id):
        raise _unfit("has a `client_id` that cannot be")
    return said


def _checked_service(said: Document, read: ReadReference) -> Document:
    said = _followed(_checked_machine(said, read), read, "identity_endpoint", "identity_header")
    if not _is_near(said.identity_endpoint):
        raise _unfit("names an `identity_endpoint` that is not an http address of this machine or its own network")
    return said


_CHECKS: Final = {
    "secret": _checked_application,
    "certificate": _checked_application,
    "federation": _checked_application,
    "imds": _checked_machine,
    "app-service": _checked_service,
}


def _followed(said: Document, read: ReadReference, *members: str) -> Document:
    """Return the document with what these members refer to."""
    values = {member: getattr(said, member) for member in members}
    read_values = {name: read(value) if _REFERENCE.fullmatch(value) else value for name, value in values.items()}
    return msgspec.structs.replace(said, **read_values)


def _is_near(address: str) -> bool:
    literal = address_in(address)
    return address.startswith("http://") and literal is not None and kind_of(literal) != "public"


def _unfit(what: str) -> ConfigurationError:
    return ConfigurationError(f"its credential {what}")
