"""Which error a failed call becomes: words and advice for each phase.

Messages name the host's origin and the phase, never a path, a query, a header's value or a body.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence

from hortus.canon.errors import BrokenStream, HostTimedOut, HostUnavailable

_TIMED_OUT = {
    "connect": (
        "no connection to {origin} within {seconds:g} s.",
        "Check its address, the network and the proxy, or raise `connect_timeout_s` of the endpoint.",
    ),
    "first_byte": (
        "{origin} did not begin to answer within {seconds:g} s.",
        "Look at the host's status, or raise `first_byte_timeout_s` of the endpoint.",
    ),
    "idle": (
        "{origin} fell silent for {seconds:g} s in the middle of its answer.",
        "Look at the host's status, or raise `idle_timeout_s` of the endpoint.",
    ),
    "total": (
        "the call to {origin} was not over within {seconds:g} s.",
        "Ask for a shorter answer, or raise `total_timeout_s` of the endpoint.",
    ),
}
"""Phase -> what happened, what to do next. The settings are those of an endpoint in `hortus.toml`."""

_CERTIFICATE_ADVICE = (
    "If the host's certificate comes from a CA of your own, name that CA's file in `ca_bundle`; "
    "if its name differs, correct the address (that of your own Hortus: `public_url`)."
)


def timed_out(origin: str, phase: str, *, seconds: float) -> HostTimedOut:
    """Return the error for a phase (`connect`, `first_byte`, `idle`, `total`) that took too long."""
    what, hint = _TIMED_OUT[phase]
    error = HostTimedOut(what.format(origin=origin, seconds=seconds), hint=hint)
    error.address = origin
    if phase == "connect":  # nothing was asked yet: nothing can be charged, and another try may succeed
        error.may_have_cost = False
        error.retry_helps = True
    return error


def unavailable(origin: str, what: str, *, hint: str) -> HostUnavailable:
    """Return the error for a host that was never asked."""
    error = HostUnavailable(f"{origin} cannot be reached: {what}.", hint=hint)
    error.address = origin
    return error


def not_allowed(origin: str, kinds: Sequence[str]) -> HostUnavailable:
    """Return the error for a host at addresses that nobody opened; trying again is useless until an admin does."""
    by_network = "name its network in the setting `private_networks`"
    is_openable = set(kinds) <= {"loopback", "private"}
    mend = f"set `private_address = true` in the endpoint, or {by_network}" if is_openable else by_network
    why = f"Its address is not public ({', '.join(kinds)})"
    error = unavailable(origin, "it lies where nobody has allowed calls to", hint=f"{why}: if that is meant, {mend}.")
    error.retry_helps = False
    return error


def cut_unanswered(origin: str) -> HostUnavailable:
    """Return the error for a connection lost after the request had gone out, before any byte of an answer."""
    error = HostUnavailable(
        f"{origin} closed the connection without an answer.",
        hint="Look at the host's status or its log; the request may have been too large for it.",
    )
    error.address = origin
    error.may_have_cost = True
    return error


def unsendable(what: str, *, hint: str) -> HostUnavailable:
    """Return the error for a request that can never be sent as it is; trying again is useless."""
    error = HostUnavailable(f"the request to the host was not sent: {what}.", hint=hint)
    error.retry_helps = False
    return error


def broken(origin: str, what: str) -> BrokenStream:
    """Return the error for an answer that began and is not what HTTP allows, or did not end."""
    error = BrokenStream(f"the answer of {origin} broke: {what}.", hint="Look at the host's status or its log.")
    error.address = origin
    return error


def not_connected(origin: str, cause: OSError) -> HostUnavailable:
    """Return the error for a connection that could not be made, by its cause."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        error = unavailable(
            origin, f"its certificate is not trusted ({cause.verify_message})", hint=_CERTIFICATE_ADVICE
        )
        error.retry_helps = False
        return error
    if isinstance(cause, ssl.SSLError):
        reason = (cause.reason or "unknown").replace("_", " ").lower()
        return unavailable(
            origin, f"TLS failed ({reason})", hint="Check that the address speaks TLS on this port (`https`)."
        )
    # asyncio puts the address into `strerror`; the system's own words are shorter
    what = os.strerror(cause.errno) if cause.errno else cause.strerror or type(cause).__name__
    return unavailable(origin, what.lower(), hint="Check the address, and that the host listens there.")
