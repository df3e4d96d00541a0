"""What OpenAI's dialects and those that took after them have in common: messages, errors, data URLs, vectors."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from hortus.testkit.scenes.values import NO_KEY, Fault, PastCall, Picture, Reply, Result, encoded

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


Message = dict[str, Any]


def unanswered(messages: list[Message]) -> set[str]:
    """Name calls whose results do not follow right after."""
    waiting: set[str] = set()
    for message in messages:
        if message["role"] == "tool":
            waiting.discard(message["tool_call_id"])
            continue
        if waiting:
            break
        waiting = {call["id"] for call in message.get("tool_calls") or ()}
    return waiting


def calls(messages: list[Message]) -> tuple[PastCall, ...]:
    """Return the calls of the history."""
    raw = [call for message in messages for call in message.get("tool_calls") or ()]
    made = [(call["id"], call["function"]) for call in raw]
    return tuple(PastCall(one, made["name"], _arguments(made["arguments"])) for one, made in made)


def _arguments(given: Any) -> dict[str, Any]:
    """Decode arguments; Mistral takes an object for its text."""
    return given if isinstance(given, dict) else msgspec.json.decode(given or "{}", type=dict[str, Any])


def results(messages: list[Message], made: tuple[PastCall, ...]) -> tuple[Result, ...]:
    """Return what the tools gave back, with the names of their calls."""
    names = {call.id: call.name for call in made}
    given = [(one["tool_call_id"], text(one)) for one in messages if one["role"] == "tool"]
    return tuple(Result(call_id, names.get(call_id, ""), said) for call_id, said in given)


def parts(message: Message) -> list[Any]:
    """Return a content as a list."""
    content = message.get("content")
    return content if isinstance(content, list) else [{"type": "text", "text": content or ""}]


def text(message: Message) -> str:
    """Return what a message says."""
    return "".join(part.get("text", "") for part in parts(message))


def system(messages: list[Message]) -> str:
    """Return the instructions."""
    return "\n".join(text(one) for one in messages if one["role"] in {"system", "developer"})


def turns(messages: list[Message]) -> tuple[tuple[str, str], ...]:
    """Return who said what."""
    return tuple((one["role"], text(one)) for one in messages if one["role"] in {"user", "assistant"})


def pictures(messages: list[Message]) -> tuple[Picture, ...]:
    """Return the pictures; the address stands in an object, or for itself."""
    found = [part["image_url"] for one in messages for part in parts(one) if part.get("type") == "image_url"]
    return tuple(picture(one if isinstance(one, str) else one["url"]) for one in found)


def tools(body: dict[str, Any]) -> tuple[str, ...]:
    """Name the tools that are offered."""
    return tuple(tool["function"]["name"] for tool in body.get("tools") or ())


def tool_choice(body: dict[str, Any]) -> dict[str, Any]:
    """Return the choice under our name."""
    choice = body.get("tool_choice")
    if choice is None:
        return {}
    return {"tool_choice": f"tool:{choice['function']['name']}" if isinstance(choice, dict) else choice}
