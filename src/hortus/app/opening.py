"""What opens hosts in this process: keys as they are, tokens that are renewed, signatures of whole requests."""

from __future__ import annotations

from hortus.app.credentials import Credentials
from hortus.base.time import Clock
from hortus.catalog.auth import RENEWED, SIGNED, credential_header
from hortus.catalog.rows import Auth
from hortus.gateway.ports import HostRequest, Hosts, body_to_sign
from hortus.snapshot.resolved import Headers, OpenAuthorizer, OpenSigner
from hortus.transport.signing import entra, google_oauth
from hortus.transport.signing.aws_credentials import AwsCredentials
from hortus.transport.signing.entra import EntraIdentities
from hortus.transport.signing.google_oauth import GoogleAccounts
from hortus.transport.signing.schemes import opener

_WHO = "yet to be made"
"""Who needs it, for errors: `There is no access token for endpoint …`."""


class Openers:
    """Everything that fetches or signs by the credentials of a process.

    Attributes:
        authorizer: See `snapshot.resolved.OpenAuthorizer`.
        signer: See `snapshot.resolved.OpenSigner`.
    """

    def __init__(self, credentials: Credentials, hosts: Hosts, *, clock: Clock) -> None:
        read, read_document = credentials.read, credentials.read_document
        google = GoogleAccounts(read_document, hosts, clock=clock)
        self._identities = EntraIdentities(read_document, read, hosts=hosts, clock=clock)
        self._read = read
        self.signer: OpenSigner = AwsCredentials(read_document, read, hosts=hosts, clock=clock).open
        self.authorizer: OpenAuthorizer = opener(
            {google_oauth.SCHEME: google.open, entra.SCHEME: self._identities.open}
        )

    async def headers(self, auth: Auth, reference: str, *, request: HostRequest, audience: str = "") -> Headers:
        """Return what opens one call. See `control.ports.Opening`."""
        if audience:
            return await self._identities.open(reference, audience=audience).headers(_WHO)
        if auth in RENEWED:
            return await self.authorizer(auth, reference).headers(_WHO)
        if auth in SIGNED:
            signer = self.signer(auth, reference)
            return await signer.sign(
                _WHO, method=request.method, url=request.url, headers=request.headers, body=body_to_sign(request, _WHO)
            )
        header = credential_header(auth, self._read(reference))
        return () if header is None else ((header[0].encode("ascii"), header[1].encode("ascii")),)
