"""Opens Google's cloud by a service account: which token is asked for, and how."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from hortus.base.time import Clock
from hortus.gateway.ports import HostRequest, Hosts
from hortus.snapshot.resolved import Authorizer
from hortus.transport.signing.renewing import TIMEOUTS
from hortus.transport.signing.service_account import ServiceAccount, read_key_file, write_claim
from hortus.transport.signing.tokens import FORM, RenewedToken

SCHEME = "google-oauth"

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"  # RFC 7523, 2.1


class _Google:
    """See `tokens.TokenService`."""

    name = "Google's token service"
    account = "service account"
    passing: frozenset[int] = frozenset()

    def __init__(self, account: ServiceAccount) -> None:
        self._account = account

    def request(self, now_s: int) -> HostRequest:
        body = urlencode({"grant_type": _GRANT, "assertion": write_claim(self._account, now_s=now_s)})
        return HostRequest("POST", self._account.token_uri, FORM, body.encode("ascii"), TIMEOUTS)


class GoogleAccounts:
    """The service accounts of a process, by credential reference; a key file that changed makes another account.

    Args:
        read_document: Reference to the key file's text; raises ConfigurationError.
        hosts: What the token service is called through.
    """

    def __init__(self, read_document: Callable[[str], str], hosts: Hosts, *, clock: Clock) -> None:
        self._read_document = read_document
        self._hosts = hosts
        self._clock = clock
        self._accounts: dict[str, tuple[str, RenewedToken]] = {}

    def open(self, reference: str) -> Authorizer:
        """Return what opens endpoints by this credential.

        Raises:
            ConfigurationError: There is no key file, or it is of no use.
        """
        text = self._read_document(reference)
        kept = self._accounts.get(reference)
        if kept is not None and kept[0] == text:
            return kept[1]
        account = RenewedToken(_Google(read_key_file(text)), self._hosts, clock=self._clock)
        self._accounts[reference] = (text, account)
        return account
