"""Opens AWS by signatures: a credential's key pair is at hand or fetched in time, and each request is signed with it.

Implements `snapshot.resolved.Signer`. One fetch at a time for each credential; while a pair lasts, nobody waits.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from hortus.base.errors import ConfigurationError
from hortus.base.time import Clock
from hortus.canon.errors import HostRefused
from hortus.gateway.ports import Hosts
from hortus.snapshot.resolved import Headers, Signer
from hortus.transport.signing.aws_documents import Credential, Keys, read_document
from hortus.transport.signing.aws_sources import AwsSources
from hortus.transport.signing.renewing import Renewing
from hortus.transport.signing.sigv4 import KeyPair, Scope, sign, signable

SCHEME = "sigv4"

_SERVICES: Final = MappingProxyType(
    {
        "aws-external-anthropic": "aws-external-anthropic",
        "bedrock-mantle": "bedrock-mantle",
        "bedrock-runtime": "bedrock",
        "bedrock": "bedrock",
    }
)
"""Name in the address -> service in the signature; from the maker's SDKs, recalled 2026-11."""

_AWS_HOST: Final = re.compile(
    rf"(?:.*\.)?({'|'.join(_SERVICES)})(?:-fips)?\.([a-z0-9-]+)\.(?:vpce\.)?(?:amazonaws\.(?:com(?:\.cn)?|eu)|api\.aws)"
)


class AwsSigner:
    """One credential and its key pair.

    Args:
        document: What it is.
        sources: Where pairs that end are had.
    """

    def __init__(self, document: Credential, sources: AwsSources, *, clock: Clock) -> None:
        self._region, self._service = document.region, document.service
        self._clock = clock
        self._keys = (
            KeyPair(document.access_key_id, document.secret_access_key, document.session_token)
            if isinstance(document, Keys)
            else None
        )
        self._renewing = Renewing(partial(sources.fetch, document), clock=clock, wanted="are no AWS credentials")

    async def sign(self, endpoint: str, *, method: str, url: str, headers: Headers, body: bytes) -> Headers:
        """Return the headers that open an endpoint for this one request. See `Signer.sign`."""
        scope = self._scope(url)
        if scope is None:
            raise HostRefused(
                f"Requests to endpoint {endpoint} cannot be signed: its address does not say region and service.",
                hint="An admin must name both in the endpoint's credential: `region` and `service`.",
            )
        keys = self._keys if self._keys is not None else await self._renewing.get(endpoint)
        request = signable(method, url, headers=headers, body=body)
        return sign(request, keys, scope=scope, now_ms=self._clock.now_ms())

    def _scope(self, url: str) -> Scope | None:
        found = scope_of(url)
        if found is not None:
            return found
        return Scope(self._region, self._service) if self._region and self._service else None


def scope_of(url: str) -> Scope | None:
    """Return what requests to an address of AWS are signed for, None where it does not say it.

    >>> scope_of("https://bedrock-runtime.eu-central-1.amazonaws.com/model/m/converse")
    Scope(region='eu-central-1', service='bedrock')
    """
    found = _AWS_HOST.fullmatch((urlsplit(url).hostname or "").removesuffix("."))
    return Scope(found[2], _SERVICES[found[1]]) if found else None


class AwsCredentials:
    """The credentials of a process towards AWS, by reference; a document that changed makes another signer.

    Args:
        read_text: Reference to a credential's document; raises ConfigurationError.
        read: Reference to a plain value that a document names; raises ConfigurationError.
        hosts: What gives key pairs is called through it.
    """

    def __init__(
        self, read_text: Callable[[str], str], read: Callable[[str], str], *, hosts: Hosts, clock: Clock
    ) -> None:
        self._read_text = read_text
        self._sources = AwsSources(read, hosts, clock=clock)
        self._clock = clock
        self._signers: dict[str, tuple[str, AwsSigner]] = {}

    def open(self, scheme: str, reference: str) -> Signer:
        """Return what signs requests by this credential (`snapshot.resolved.OpenSigner`).

        Raises:
            ConfigurationError: There is no such document, or it is of no use; or the scheme is another one.
        """
        if scheme != SCHEME:
            raise ConfigurationError(f"it authenticates by {scheme}, which this release cannot do")
        text = self._read_text(reference)
        kept = self._signers.get(reference)
        if kept is not None and kept[0] == text:
            return kept[1]
        signer = AwsSigner(read_document(text), self._sources, clock=self._clock)
        self._signers[reference] = (text, signer)
        return signer
