"""What OpenAI's two dialects have in common: the form of errors, data URLs, made-up vectors."""

from __future__ import annotations

import base64
from typing import Any

from hortus.testkit.scenes.values import NO_KEY, Fault, Picture, Reply, encoded

_ERRORS: dict[int, tuple[str, str | None]] = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("request_forbidden", "unsupported_country_region_territory"),
    404: ("invalid_request_error", "model_not_found"),
    413: ("invalid_request_error", "request_too_large"),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", None),
    503: ("service_unavailable_error", "server_is_overloaded"),
}


def error_body(status: int, message: str = "the host says no") -> dict[str, Any]:
    """Return the error object of a status."""
    kind, code = _ERRORS.get(status, _ERRORS[500])
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def error(fault: Fault) -> Reply:
    """Put an error as OpenAI does; 529 is Anthropic's own, here that is 503."""
    status = 503 if fault.status == 529 else fault.status  # noqa: PLR2004 -- Anthropic's "overloaded"
    waits = (("retry-after", str(fault.retry_after_s)),) if fault.retry_after_s >= 0 else ()
    kind = "text/event-stream" if fault.is_mislabelled else "application/json"
    return Reply(status, encoded(error_body(status, fault.message)), (("x-request-id", "req_host"), *waits), kind)


def without_key(headers: dict[str, str]) -> str:
    """Object to a request without a bearer token."""
    return "" if headers.get("authorization", "").startswith("Bearer ") else NO_KEY


def data(value: Any) -> bytes:
    """Frame one event without a name."""
    return b"data: " + encoded(value) + b"\n\n"


def picture(address: str) -> Picture:
    """Read a data URL or keep an address."""
    if not address.startswith("data:"):
        return Picture("", url=address)
    head, _, payload = address.removeprefix("data:").partition(",")
    return Picture(head.partition(";")[0], base64.b64decode(payload, validate=True))


def vector(text: Any) -> list[float]:
    """Make a vector up; token lists have a length as well."""
    return [float(len(text)), 0.5]
