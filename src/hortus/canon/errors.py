"""Every way in which a request can fail, as one closed tree; each dialect renders each of them.

RequestError
├── CallerFault     the request is wrong; sending it again unchanged is useless
│   ├── InvalidRequest, NotJson, UnsupportedMediaType, TooLarge
│   └── UnknownPath, MethodNotAllowed, UpgradeRefused, UnknownRoute
├── RulesFault      the request is well formed, the rules say no
│   └── Unauthenticated, NotAllowed, NoEligibleEndpoint
├── HostFault       the host (or engine) failed
│   └── HostUnavailable, HostTimedOut, HostRefused, HostOverloaded, BrokenStream
└── OurFault        Hortus cannot serve now
    └── NotReady, JournalFull, Internal
"""

from __future__ import annotations

from hortus.base.errors import HortusError


class RequestError(HortusError):
    """A request that ends with an error. The class carries what never varies.

    Attributes:
        code: Stable machine-readable word, also in receipts and metrics.
        status: HTTP status towards the client.
        retry_helps: Whether the same request may succeed later.
        may_have_cost: Whether the host may charge for it all the same.
        retry_after_s: Seconds after which to try again, where known.
    """

    code = "internal"
    status = 500
    retry_helps = False
    may_have_cost = False

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        hint: str | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message, path=path, hint=hint)
        self.retry_after_s = retry_after_s


class CallerFault(RequestError):
    """The request is wrong; sending it again unchanged is useless."""

    code = "invalid_request"
    status = 400


class InvalidRequest(CallerFault):
    """A member is missing, has the wrong type or a value that cannot be; `path` names it."""


class NotJson(CallerFault):
    """The body is not the JSON object that this operation takes."""

    code = "invalid_json"


class UnsupportedMediaType(CallerFault):
    """The content type is not the one that this operation takes."""

    code = "unsupported_media_type"
    status = 415


class TooLarge(CallerFault):
    """Body or headers are over the limit of this installation."""

    code = "request_too_large"
    status = 413


class UnknownPath(CallerFault):
    """No operation has this path."""

    code = "unknown_path"
    status = 404


class MethodNotAllowed(CallerFault):
    """The path exists, with another method."""

    code = "method_not_allowed"
    status = 405


class UpgradeRefused(CallerFault):
    """The client asked for a WebSocket, which this path does not speak."""

    code = "upgrade_refused"
    status = 400


class UnknownRoute(CallerFault):
    """The name in `model` is not a route that this key may use."""

    code = "model_not_found"
    status = 404


class RulesFault(RequestError):
    """The request is well formed, the rules say no."""

    code = "not_allowed"
    status = 403


class Unauthenticated(RulesFault):
    """No key, or one that is not (or no longer) valid."""

    code = "invalid_api_key"
    status = 401


class NotAllowed(RulesFault):
    """The key is valid but may not do this."""


class NoEligibleEndpoint(RulesFault):
    """Every endpoint of the route is ruled out; the message names each and why."""

    code = "no_eligible_endpoint"


class HostFault(RequestError):
    """The host, or the engine behind the endpoint, failed."""

    code = "host_error"
    status = 502
    retry_helps = True


class HostUnavailable(HostFault):
    """No connection could be made, or it was lost before the host can have begun to answer."""

    code = "host_unavailable"
    status = 503


class HostTimedOut(HostFault):
    """The host did not answer in time; it may still charge."""

    code = "host_timed_out"
    status = 504
    retry_helps = False
    may_have_cost = True


class HostRefused(HostFault):
    """The host refused this installation's credential: the client's key is fine, an admin must act."""

    code = "host_refused_credential"
    retry_helps = False


class HostOverloaded(HostFault):
    """The host has no capacity left for now."""

    code = "host_overloaded"
    status = 503


class BrokenStream(HostFault):
    """The answer began and did not end as it should; what came is paid for."""

    code = "broken_stream"
    retry_helps = False
    may_have_cost = True


class OurFault(RequestError):
    """Hortus cannot serve the request."""


class NotReady(OurFault):
    """What this request needs (snapshot, grants) cannot be had at this moment."""

    code = "not_ready"
    status = 503
    retry_helps = True


class JournalFull(OurFault):
    """The disk under the journal is full: no new request is taken, running ones finish."""

    code = "journal_full"
    status = 503
    retry_helps = True


class Internal(OurFault):
    """A fault of Hortus itself; the log has it under the receipt's id."""
