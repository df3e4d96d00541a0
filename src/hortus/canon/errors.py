"""Every way in which a request can fail, as one closed tree; each dialect renders each of them.

RequestError
├── CallerFault     the request is wrong; sending it again unchanged is useless
│   ├── InvalidRequest, NotJson, UnsupportedMediaType, TooLarge, CannotCarry
│   ├── UnknownPath, MethodNotAllowed, UpgradeRefused, UnknownRoute, UnknownHostId
│   └── InvalidIdempotencyKey, AlreadyRunning, AlreadyDone
├── RulesFault      the request is well formed, the rules say no
│   ├── Unauthenticated
│   │   └── SignatureRefused
│   ├── NotAllowed, NoEligibleEndpoint
│   ├── RefusedByPolicy, RefusedByGuard
│   └── OverLimit, OverBudget, NoBound
├── HostFault       the host (or engine) failed
│   ├── HostUnavailable, HostTimedOut, HostRefused, HostOverloaded, BrokenStream
│   ├── HostRateLimited
│   │   └── HostQuotaExhausted
│   └── HostRejected (the host says that the request is wrong)
│       └── ContextTooLong, ContentRefused, HostTooLarge, HostNotFound
└── OurFault        Hortus cannot serve now
    ├── EndpointsResting, EndpointsBusy
    └── NotReady, JournalFull, StorageFull, Internal
"""

from __future__ import annotations

from types import MappingProxyType

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


class UnknownHostId(CallerFault):
    """An id that no host gave to this project: nothing is sent anywhere."""

    code = "unknown_id"
    status = 404


class CannotCarry(CallerFault):
    """The target cannot carry members that the project's setting says must not be lost; the message names each."""

    code = "cannot_carry"


class InvalidIdempotencyKey(CallerFault):
    """The `Idempotency-Key` cannot be one."""


class AlreadyRunning(CallerFault):
    """A request with this `Idempotency-Key` is being answered at this moment."""

    code = "idempotent_request_running"
    status = 409
    retry_helps = True


class AlreadyDone(CallerFault):
    """A request with this `Idempotency-Key` has succeeded; the message has its receipt's id."""

    code = "idempotent_request_done"
    status = 409


class RulesFault(RequestError):
    """The request is well formed, the rules say no."""

    code = "not_allowed"
    status = 403


class Unauthenticated(RulesFault):
    """No key, or one that is not (or no longer) valid."""

    code = "invalid_api_key"
    status = 401


class SignatureRefused(Unauthenticated):
    """The request is signed, but not by the holder of the key pair that it names, not now, or not just so."""

    code = "invalid_signature"


class NotAllowed(RulesFault):
    """The key is valid but may not do this."""


class NoEligibleEndpoint(RulesFault):
    """Every endpoint of the route is ruled out; the message names each and why."""

    code = "no_eligible_endpoint"


class RefusedByPolicy(RulesFault):
    """The project's policy rules every endpoint out; the message names each and the rule that did."""

    code = "refused_by_policy"


class RefusedByGuard(RulesFault):
    """The project's policy refuses what a guard found in the request; the message names kinds and places, never it."""

    code = "refused_by_guard"


class OverLimit(RulesFault):
    """Requests, tokens, or requests at the same time are over a limit of the key, project or organisation."""

    code = "rate_limit_exceeded"
    status = 429
    retry_helps = True


class OverBudget(RulesFault):
    """A hard budget has no room for what the request may cost; the message says what would fit."""

    code = "insufficient_quota"
    status = 429


class NoBound(RulesFault):
    """What the request may cost has no upper bound, or no price, and a hard budget wants one."""

    code = "no_cost_bound"
    status = 403


class HostFault(RequestError):
    """The host, or the engine behind the endpoint, failed.

    Attributes:
        address: Where it was called, as message and hint may name it: for logs and admins, never for clients.
    """

    code = "host_error"
    status = 502
    retry_helps = True
    address: str | None = None


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


class HostRateLimited(HostFault):
    """The host's limit for this installation's account is reached."""

    code = "host_rate_limited"
    status = 429


class HostQuotaExhausted(HostRateLimited):
    """What this installation's account may spend at the host is spent: waiting does not help, another host may."""

    code = "host_quota_exhausted"
    retry_helps = False


class HostRejected(HostFault):
    """The host says that the request is wrong; sending it again unchanged is useless there."""

    code = "host_rejected_request"
    status = 400
    retry_helps = False


class ContextTooLong(HostRejected):
    """Input and wanted output are longer than the model's context."""

    code = "context_too_long"


class ContentRefused(HostRejected):
    """The host's own rules bar the content."""

    code = "content_refused"


class HostTooLarge(HostRejected):
    """The request is larger than the host takes."""

    code = "host_request_too_large"
    status = 413


class HostNotFound(HostRejected):
    """The host does not know the model (an admin must mend the endpoint) or another thing that the request names."""

    code = "host_not_found"
    status = 404


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


class EndpointsResting(OurFault):
    """Every endpoint that could answer has failed or is overloaded, and is left alone for a while; nothing was sent."""

    code = "endpoints_resting"
    status = 503
    retry_helps = True


class EndpointsBusy(OurFault):
    """No endpoint that could answer had room for the request in time; nothing was sent."""

    code = "endpoints_busy"
    status = 503
    retry_helps = True


class JournalFull(OurFault):
    """The disk under the journal is full: no new request is taken, running ones finish."""

    code = "journal_full"
    status = 503
    retry_helps = True


class StorageFull(OurFault):
    """The disk has no room for a long request body; nothing was sent."""

    code = "storage_full"
    status = 503
    retry_helps = True


class Internal(OurFault):
    """A fault of Hortus itself; the log has it under the receipt's id."""


def _all(cls: type[RequestError]) -> list[type[RequestError]]:
    return [cls, *(deeper for sub in cls.__subclasses__() for deeper in _all(sub))]


BY_CODE = MappingProxyType({cls.code: cls for cls in reversed(_all(RequestError))})
"""The class of each code; where a class shares its parent's code, the parent."""
