"""OpenAI's error object, which most hosts speak: every error of `canon.errors` to it, and whatever a host says back.

OpenAI's SDKs send again on 408, 409, 429 and 5xx, unless `x-should-retry: false` says that it is useless or costs
twice. Reading is total: HTML, nothing at all and other makers' shapes give an error of the tree too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from hortus.canon.dialect import ErrorReply
from hortus.canon.errors import (
    BY_CODE,
    CallerFault,
    ContentRefused,
    ContextTooLong,
    HostFault,
    HostNotFound,
    HostOverloaded,
    HostQuotaExhausted,
    HostRateLimited,
    HostRefused,
    HostRejected,
    HostTimedOut,
    HostTooLarge,
    OverBudget,
    OverLimit,
    RequestError,
    RulesFault,
    Unauthenticated,
)
from hortus.canon.translation import NO_HEADERS
from hortus.framing.counting import UNREADABLE

_TYPES: tuple[tuple[type[RequestError], str], ...] = (
    (CallerFault, "invalid_request_error"),
    (Unauthenticated, "invalid_request_error"),  # so does OpenAI, with the code `invalid_api_key`
    (OverLimit, "rate_limit_error"),
    (OverBudget, "insufficient_quota"),
    (RulesFault, "permission_error"),
    (HostRejected, "invalid_request_error"),
    (HostQuotaExhausted, "insufficient_quota"),
    (HostRateLimited, "rate_limit_error"),
    (RequestError, "server_error"),
)

_RETRY_AFTER_S = 1
"""Where trying again helps and nobody knows when."""

_LONGEST_MESSAGE = 2_000
"""Characters of a host's words that are passed on."""

BY_WORD = MappingProxyType(
    {
        "context_length_exceeded": ContextTooLong,
        "context_window_exceeded": ContextTooLong,
        "exceed_context_size_error": ContextTooLong,
        "content_filter": ContentRefused,
        "content_policy_violation": ContentRefused,
        "moderation_blocked": ContentRefused,
        "invalid_prompt": ContentRefused,
        "bio_policy": ContentRefused,
        "cyber_policy": ContentRefused,
        "image_content_policy_violation": ContentRefused,
        "model_not_found": HostNotFound,
        "invalid_model": HostNotFound,  # Mistral, with status 400
        "deploymentnotfound": HostNotFound,
        "not_found_error": HostNotFound,
        "invalid_api_key": HostRefused,
        "authentication_error": HostRefused,
        "permission_error": HostRefused,
        "rate_limit_exceeded": HostRateLimited,
        "rate_limit_error": HostRateLimited,
        "insufficient_quota": HostQuotaExhausted,
        "credit_balance_exhausted": HostQuotaExhausted,
        "organization_spend_limit_exceeded": HostQuotaExhausted,
        "organization_usage_limit_exceeded": HostQuotaExhausted,
        "project_spend_limit_exceeded": HostQuotaExhausted,
        "enforced_spend_limit_reached": HostQuotaExhausted,
        "overloaded_error": HostOverloaded,
        "server_error": HostFault,
    }
)
"""Class for a host's `code` or `type`: hosts send some of them with a status that says something else."""

BY_STATUS = MappingProxyType(
    {
        401: HostRefused,
        402: HostRefused,
        403: HostRefused,
        404: HostNotFound,
        408: HostTimedOut,
        413: HostTooLarge,
        429: HostRateLimited,
        503: HostOverloaded,
        504: HostTimedOut,
        529: HostOverloaded,
    }
)
"""Class for a status; others from 400 to 499 are rejections, the rest faults of the host."""

_ERRORS, _REJECTIONS = range(400, 600), range(400, 500)
"""HTTP's statuses."""

_DEEPEST = 5
"""Levels of an error that are looked at: gateways wrap errors in errors."""

_TOO_LONG = re.compile(r"maximum context length|context (?:window|size|length)|prompt is too long", re.IGNORECASE)

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder().decode


class ErrorObject(msgspec.Struct):
    """What OpenAI says of an error."""

    message: str
    type: str
    param: str | None
    code: str


class _Body(msgspec.Struct):
    error: ErrorObject


def render_error(error: RequestError, receipt_id: str) -> ErrorReply:
    """Return status, headers and body for a request that ends with `error`."""
    del receipt_id  # it is in the header that every answer has; OpenAI's error object has no place for it
    return ErrorReply(status=error.status, headers=reply_headers(error), body=_ENCODE(_Body(describe(error))))


def wait_of(error: RequestError) -> int | None:
    """Return after how many seconds to try again; None where it is useless or may cost twice, or nobody knows."""
    if error.may_have_cost:
        return None
    return error.retry_after_s or (_RETRY_AFTER_S if error.retry_helps else None)


def reply_headers(error: RequestError) -> tuple[tuple[str, str], ...]:
    """Return the headers that tell an SDK whether to send again (those of other makers know them too)."""
    headers = [("content-type", "application/json")]
    if error.may_have_cost or not error.retry_helps:
        headers.append(("x-should-retry", "false"))
    if wait_s := wait_of(error):
        headers.append(("retry-after", str(wait_s)))
    if error.status == 401:  # noqa: PLR2004 -- HTTP's Unauthorized, which must name a scheme
        headers.append(("www-authenticate", "Bearer"))
    return tuple(headers)


def describe(error: RequestError) -> ErrorObject:
    """Return the error object for `error`."""
    message = f"{error.message} {error.hint}" if error.hint else error.message
    kind = next(name for cls, name in _TYPES if isinstance(error, cls))
    return ErrorObject(message=message, type=kind, param=error.path, code=error.code)


def read_error(status: int, body: bytes, headers: Mapping[str, str] = NO_HEADERS) -> RequestError:
    """Return what a host's error means; total, whatever the body is. Status 0: it came with a good one."""
    del headers  # they say nothing of it
    try:
        said = _DECODE(body)
    except UNREADABLE:
        said = body.decode(errors="replace").strip()
        if said.startswith("<"):  # a page for people, mostly of a proxy in between
            said = ""
    if isinstance(said, list) and said:
        said = said[0]
    answered = f"answered with status {status}" if status else "reported that it failed"
    return class_of(status, said)(message_of(said) or f"The host {answered} and said no more.")


def class_of(status: int, said: object) -> type[RequestError]:
    """Return the class for a status (0: none was given, so one in the error counts) and a decoded error."""
    values = _values(said)
    status = status or next((one for one in values if isinstance(one, int) and one in _ERRORS), 0)
    named = _class_named([one.lower() for one in values if isinstance(one, str)], status)
    if named is not None:
        return named
    if status in {0, 400, 422} and _TOO_LONG.search(message_of(said)):
        return ContextTooLong
    return BY_STATUS.get(status) or (HostRejected if status in _REJECTIONS else HostFault)


def _class_named(words: list[str], status: int) -> type[RequestError] | None:
    for word in words:
        found = BY_WORD.get(word) or BY_CODE.get(word)
        if found is not None and issubclass(found, HostFault) and not (found is HostFault and status in BY_STATUS):
            return found
    return None


def message_of(said: object, depth: int = _DEEPEST) -> str:
    """Return a host's words in a decoded error, empty where there are none."""
    if isinstance(said, str):
        return said[:_LONGEST_MESSAGE]
    if isinstance(said, list):
        said = said[0] if said else None
        return message_of(said, depth - 1) if depth else ""
    if not isinstance(said, dict) or not depth:
        return ""
    found = (message_of(said.get(name), depth - 1) for name in ("error", "message", "msg", "detail", "errors"))
    return next((message for message in found if message), "")


def _values(said: object, depth: int = _DEEPEST) -> list[object]:
    """Return what an error calls itself: innermost first, codes before types."""
    if not isinstance(said, dict) or not depth:
        return []
    own = [said.get(name) for name in ("code", "type", "status", "status_code")]
    return _values(said.get("error"), depth - 1) + own
