"""Opens Google's cloud by a service account's key, or as the machine that Hortus runs on: which token, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

import msgspec

from hortus.base.time import Clock
from hortus.gateway.ports import HostRequest, Hosts
from hortus.snapshot.resolved import Authorizer
from hortus.transport.signing.renewing import TIMEOUTS
from hortus.transport.signing.service_account import ServiceAccount, read_key_file, write_claim
from hortus.transport.signing.tokens import FORM, RenewedToken, TokenService

SCHEME = "google-oauth"

MACHINE_TYPE: Final = "google-machine"
"""Type of the document that stands for the machine's own account; it holds nothing else."""

MACHINE: Final = "http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token"
"""Where a machine at Google is given tokens; open only where `private_networks` names the address by itself."""

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


class _Machine:
    """The metadata server of a machine at Google; see `tokens.TokenService`.

    https://cloud.google.com/compute/docs/access/authenticate-workloads, by its users' programs, read 2026-11.
    """

    name = "this machine's metadata server"
    account = "service account"
    passing: frozenset[int] = frozenset()

    def __init__(self, url: str) -> None:
        self._url = url

    def request(self, now_s: int) -> HostRequest:
        del now_s
        headers = ((b"metadata-flavor", b"Google"), (b"accept", b"application/json"))
        return HostRequest("GET", self._url, headers, b"", TIMEOUTS, may_be_private=True)


class _Kind(msgspec.Struct):
    type: str = ""


class GoogleAccounts:
    """The accounts of a process, by credential reference; a document that changed makes another account.

    Args:
        read_document: Reference to the text of a key file, or of `{"type": "google-machine"}`; raises
            ConfigurationError.
        hosts: What token services are called through.
        machine_url: Where a machine at Google is given tokens.
    """

    def __init__(
        self, read_document: Callable[[str], str], hosts: Hosts, *, clock: Clock, machine_url: str = MACHINE
    ) -> None:
        self._machine_url = machine_url
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
        account = RenewedToken(self._service(text), self._hosts, clock=self._clock)
        self._accounts[reference] = (text, account)
        return account

    def _service(self, text: str) -> TokenService:
        try:
            is_machine = msgspec.json.decode(text, type=_Kind).type == MACHINE_TYPE
        except msgspec.DecodeError:
            is_machine = False  # a key file that is none has words of its own
        return _Machine(self._machine_url) if is_machine else _Google(read_key_file(text))
