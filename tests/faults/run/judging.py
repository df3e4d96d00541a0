"""Is an answer a clean one in its dialect: a whole success, or an error that its SDK can read? Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

Body = dict[str, Any]

_ANTHROPIC_WORDS = frozenset(
    {
        "invalid_request_error",
        "authentication_error",
        "permission_error",
        "not_found_error",
        "request_too_large",
        "rate_limit_error",
        "api_error",
        "overloaded_error",
        "timeout_error",
        "billing_error",
    }
)


class Verdict(NamedTuple):
    """What an answer is.

    Attributes:
        kind: `success`, `error`, or `unclean`: neither of the two.
        what: The error's word, or why it is unclean.
        usage: Input and output tokens as the client is told them.
    """

    kind: str
    what: str = ""
    usage: tuple[int, int] | None = None


def judge(dialect: str, status: int, body: bytes, *, is_stream: bool) -> Verdict:
    """Judge a whole answer."""
    try:
        if status != 200:
            return _error(dialect, msgspec.json.decode(body), status=status)
        if not is_stream:
            return _success(dialect, msgspec.json.decode(body))
        return _stream(dialect, list(_events(body)))
    except msgspec.DecodeError as error:
        return Verdict("unclean", f"not JSON: {error}")
    except (KeyError, TypeError, IndexError, StopIteration) as error:
        return Verdict("unclean", f"a member is missing: {error!r}")


def _events(body: bytes) -> Iterator[Body]:
    """Yield the events; what follows the last blank line is half an event and must not be there."""
    text = body.replace(b"\r\n", b"\n")
    *frames, rest = text.split(b"\n\n")
    if rest.strip():
        raise msgspec.DecodeError("the stream ends inside an event")
    for frame in frames:
        lines = [line.split(b":", 1)[1].lstrip(b" ") for line in frame.split(b"\n") if line.startswith(b"data:")]
        data = b"\n".join(lines)
        if data == b"[DONE]":
            yield {"done": True}
        elif lines:
            yield msgspec.json.decode(data)


def _stream(dialect: str, events: list[Body]) -> Verdict:
    failed = next((one for one in events if _is_error(dialect, one)), None)
    if failed is not None:
        return _error(dialect, failed.get("response", failed) if dialect == "openai_responses" else failed, status=0)
    last = events[-1] if events else {}
    match dialect:
        case "openai_chat":
            usage = next((one["usage"] for one in reversed(events) if one.get("usage")), None)
            is_ended = "done" in last
            pair = usage and (usage["prompt_tokens"], usage["completion_tokens"])
        case "anthropic_messages":
            is_ended = last.get("type") == "message_stop"
            pair = _anthropic_usage(events)
        case "gemini":
            is_ended = any("finishReason" in choice for choice in last.get("candidates", ()))
            pair = _gemini_usage(last)
        case _:
            is_ended = last.get("type") in {"response.completed", "response.incomplete"}
            pair = _responses_usage(last.get("response", {}))
    return Verdict("success", "", pair) if is_ended else Verdict("unclean", "the stream does not end as it should")


def _is_error(dialect: str, event: Body) -> bool:
    if dialect == "anthropic_messages":
        return event.get("type") == "error"
    return bool(event.get("error")) or event.get("type") in {"error", "response.failed"}


def _error(dialect: str, body: Body, *, status: int) -> Verdict:
    error = body if dialect == "openai_responses" and "error" not in body else body["error"]
    if not error["message"]:
        return Verdict("unclean", "an error without words")
    match dialect:
        case "anthropic_messages":
            is_right = body["type"] == "error" and error["type"] in _ANTHROPIC_WORDS
        case "gemini":
            is_right = isinstance(error["code"], int) and str(error["status"]).isupper()
            is_right = is_right and status in {0, error["code"]}
        case "openai_chat":
            is_right = bool(error["type"])
        case _:
            is_right = bool(error.get("code") or error.get("type"))
    word = error.get("code") if dialect.startswith("openai") else error.get("type") or error.get("status")
    return Verdict("error", str(word)) if is_right else Verdict("unclean", f"not an error of {dialect}")


def _success(dialect: str, body: Body) -> Verdict:
    match dialect:
        case "openai_chat":
            _ = body["choices"][0]["message"]["content"]
            usage = body.get("usage")
            return Verdict("success", "", usage and (usage["prompt_tokens"], usage["completion_tokens"]))
        case "anthropic_messages":
            _ = body["content"][0]["text"]
            return Verdict("success", "", _anthropic_usage([body]))
        case "gemini":
            _ = body["candidates"][0]["content"]["parts"][0]["text"]
            return Verdict("success", "", _gemini_usage(body))
        case _:
            _ = body["output"][0]
            return Verdict("success", "", _responses_usage(body))


def _anthropic_usage(events: list[Body]) -> tuple[int, int] | None:
    given = made = None
    for event in events:
        for usage in (event.get("usage"), event.get("message", {}).get("usage")):
            if usage:
                given = usage.get("input_tokens") or given
                made = usage.get("output_tokens", made)
    return None if given is None or made is None else (given, made)


def _gemini_usage(body: Body) -> tuple[int, int] | None:
    usage = body.get("usageMetadata")
    return usage and (usage["promptTokenCount"], usage.get("candidatesTokenCount", 0))


def _responses_usage(body: Body) -> tuple[int, int] | None:
    usage = body.get("usage")
    return usage and (usage["input_tokens"], usage["output_tokens"])
