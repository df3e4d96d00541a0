"""What a client is told of a host that failed: everything but where it lies, which the log says, and our credential."""

from __future__ import annotations

import logging

from hortus.canon.errors import HostFault, HostUnavailable
from hortus.catalog.auth import CREDENTIAL_HEADERS
from hortus.gateway.visit import Pairs
from hortus.snapshot.model import ENGINE_SCHEME, Endpoint

_log = logging.getLogger("hortus.gateway")

_SHORTEST_SECRET_BYTES = 8
_HIDDEN = b"[hidden]"

_MEND = "Use another model, or tell an admin: the log has the reason under the receipt's id."


def credentials_in(sent: Pairs) -> tuple[bytes, ...]:
    """Return what the headers of a request to a host open it with."""
    found = [value.rpartition(b" ")[2] for name, value in sent if name in CREDENTIAL_HEADERS]
    return tuple([one for one in found if len(one) >= _SHORTEST_SECRET_BYTES])


def hide(text: bytes, secrets: tuple[bytes, ...]) -> bytes:
    """Return a host's words without our credential: some repeat it when they refuse it."""
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, _HIDDEN)
    return text


def without(pairs: Pairs, secrets: tuple[bytes, ...]) -> Pairs:
    """Return headers of a host without those that hold our credential."""
    return tuple([pair for pair in pairs if not any(secret in pair[1] for secret in secrets)])


def tell_client(error: HostFault, endpoint: Endpoint, *, receipt_id: str) -> HostFault:
    """Return an error as a client may hear it; what it says of addresses goes to the log."""
    if error.address is None:
        return error
    _log.warning(
        "a host failed",
        extra={"receipt": receipt_id, "endpoint": endpoint.name, "reason": f"{error.message} {error.hint}"},
    )
    if isinstance(error, HostUnavailable) and endpoint.address.startswith(ENGINE_SCHEME):
        return _tell_of_engine(error, endpoint)
    message = error.message.replace(error.address, f"the host of endpoint {endpoint.name}")
    error.message = message[:1].upper() + message[1:]
    error.hint, error.address = _MEND, None
    return error


def _tell_of_engine(error: HostFault, endpoint: Endpoint) -> HostFault:
    """An engine of our own that is away comes back and costs nothing."""
    error.message = f"The engine of {endpoint.name} is away; it is being started again."
    error.path, error.hint, error.retry_after_s = None, "Try again in a few seconds.", 2
    error.retry_helps, error.may_have_cost, error.address = True, False, None
    return error
