"""How a host that speaks Anthropic's Messages plays a scene."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from hortus.testkit.scenes import seals
from hortus.testkit.scenes.values import (
    NO_KEY,
    Asked,
    Call,
    Fault,
    PastCall,
    Picture,
    Play,
    Reply,
    Result,
    Told,
    encoded,
)

NAME = "anthropic_messages"
MODEL = "fake-20261101"
_STOP = {"tools": "tool_use", "length": "max_tokens", "sequence": "stop_sequence", "refusal": "refusal"}
_STOP |= {"filter": "refusal"}
_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "overloaded_error",
    529: "overloaded_error",
}
_PARAMETERS = {"max_tokens": "max_output_tokens", "stop_sequences": "stop", "temperature": "temperature"}
_PARAMETERS |= {"top_p": "top_p", "top_k": "top_k", "metadata": "metadata", "service_tier": "service_tier"}
Block = dict[str, Any]


def objection(asked: Asked) -> str:
    """Object as Anthropic does: to a missing version or limit, to calls without their results right after."""
    if "anthropic-version" not in asked.headers:
        return "anthropic-version: header is required"
    if "max_tokens" not in asked.body:
        return "max_tokens: Field required"
    waiting: set[str] = set()
    for place, message in enumerate([*asked.body["messages"], {"content": []}]):
        blocks = _blocks(message["content"])
        if waiting - {block["tool_use_id"] for block in blocks[: len(waiting)] if block["type"] == "tool_result"}:
            return f"messages.{place}: `tool_use` ids were found without `tool_result` blocks immediately after"
        waiting = {block["id"] for block in blocks if block["type"] == "tool_use"}
    # the SDK sends a bearer token since 2.0
    return "" if {"x-api-key", "authorization"} & asked.headers.keys() else NO_KEY


def read(asked: Asked) -> Told:
    """Understand a request."""
    body = asked.body
    messages = body.get("messages", [])
    blocks = [block for message in messages for block in _blocks(message["content"])]
    calls = tuple(PastCall(one["id"], one["name"], one["input"]) for one in blocks if one["type"] == "tool_use")
    return Told(
        nonce=asked.nonce,
        model=asked.model,
        is_stream=bool(body.get("stream")),
        members=body,
        system=_text(body.get("system") or ""),
        turns=tuple((message["role"], _text(message["content"])) for message in messages),
        pictures=tuple(_picture(block["source"]) for block in blocks if block["type"] == "image"),
        schema=_schema(body),
        parameters=_parameters(body),
        tools=tuple(tool["name"] for tool in body.get("tools") or ()),
        calls=calls,
        results=_results(blocks, calls),
        seal_fault=_seal_fault(messages),
    )


def _schema(body: dict[str, Any]) -> dict[str, Any] | None:
    wanted = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    return wanted.get("schema") if wanted.get("type") == "json_schema" else None


def _results(blocks: list[Block], calls: tuple[PastCall, ...]) -> tuple[Result, ...]:
    names = {call.id: call.name for call in calls}
    return tuple(
        Result(one["tool_use_id"], names.get(one["tool_use_id"], ""), _text(one.get("content") or ""))
        for one in blocks
        if one["type"] == "tool_result"
    )


def _blocks(content: Any) -> list[Block]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _text(content: Any) -> str:
    return "".join(block.get("text", "") for block in _blocks(content))


def _picture(source: dict[str, Any]) -> Picture:
    if source["type"] == "url":
        return Picture("", url=source["url"])
    return Picture(source["media_type"], base64.b64decode(source["data"], validate=True))


def _parameters(body: dict[str, Any]) -> dict[str, Any]:
    found = {_PARAMETERS[name]: value for name, value in body.items() if name in _PARAMETERS}
    if effort := (body.get("output_config") or {}).get("effort"):
        found["reasoning_effort"] = effort
    if budget := (body.get("thinking") or {}).get("budget_tokens"):
        found["reasoning_tokens"] = budget
    if choice := body.get("tool_choice"):
        words = {"any": "required", "tool": f"tool:{choice.get('name')}"}
        found["tool_choice"] = words.get(choice["type"], choice["type"])
        if "disable_parallel_tool_use" in choice:
            found["parallel_tool_calls"] = not choice["disable_parallel_tool_use"]
    return found


def _seal_fault(messages: list[dict[str, Any]]) -> str:
    """Judge the history: a turn that uses tools begins with the signed thinking that led to them."""
    for place, message in enumerate(messages):
        blocks = _blocks(message["content"])
        if not any(block["type"] == "tool_use" for block in blocks):
            continue
        first = blocks[0]
        if first["type"] != "thinking":
            return (
                f"messages.{place}.content.0.type: Expected `thinking` or `redacted_thinking`, "
                f"but found `{first['type']}`."
            )
        if not seals.fits(first.get("signature"), NAME, first.get("thinking", "")):
            return f"messages.{place}.content.0: Invalid `signature` in `thinking` block"
    return ""


def _content(play: Play, told: Told) -> Iterator[tuple[Block, Block, list[Block]]]:
    """Yield each block: whole, as it begins, and the deltas between."""
    shows = _shows_thinking(told.members.get("thinking") or {})
    if play.reasoning and (shows or play.calls):
        yield _thinking(play.reasoning if shows else (), told)
    if words := ((play.refusal,) if play.refusal else play.text):
        empty: Block = {"type": "text", "text": ""}
        yield empty | {"text": "".join(words)}, empty, [{"type": "text_delta", "text": one} for one in words]
    for number, call in enumerate(play.calls):
        yield _use(f"toolu_{told.nonce}{number}", call)


def _shows_thinking(asked: dict[str, Any]) -> bool:
    return asked.get("type", "disabled") != "disabled" and asked.get("display") != "omitted"


def _use(block_id: str, call: Call) -> tuple[Block, Block, list[Block]]:
    """A call of a tool; one without arguments streams no text of them at all."""
    empty: Block = {"type": "tool_use", "id": block_id, "name": call.name, "input": {}}
    texts = ("", *call.pieces) if call.arguments else ("",)
    pieces: list[Block] = [{"type": "input_json_delta", "partial_json": one} for one in texts]
    return empty | {"input": call.arguments}, empty, pieces


def _thinking(shown: tuple[str, ...], told: Told) -> tuple[Block, Block, list[Block]]:
    """Signed thinking; where it is not to be shown it is empty, and signed all the same."""
    empty: Block = {"type": "thinking", "thinking": "", "signature": ""}
    signature = seals.seal(NAME, "".join(shown), nonce=told.nonce)
    pieces: list[Block] = [{"type": "thinking_delta", "thinking": one} for one in shown]
    whole_block = empty | {"thinking": "".join(shown), "signature": signature}
    return whole_block, empty, [*pieces, {"type": "signature_delta", "signature": signature}]


def whole(play: Play, told: Told) -> dict[str, Any]:
    """Put an answer as one body."""
    usage = _usage(play) | {"output_tokens": play.spent.made} | _thought(play)
    return _message(told) | {"content": [block for block, _, _ in _content(play, told)], "usage": usage} | _end(play)


def _message(told: Told) -> dict[str, Any]:
    return {"id": f"msg_{told.nonce}", "type": "message", "role": "assistant", "model": MODEL, "content": []}


def _end(play: Play) -> dict[str, Any]:
    details = {"type": "refusal", "category": None, "explanation": None} if play.stop == "refusal" else None
    return {
        "stop_reason": _STOP.get(play.stop, "end_turn"),
        "stop_sequence": play.stop_sequence or None,
        "stop_details": details,
    }


def _usage(play: Play) -> dict[str, Any]:
    spent = play.spent
    return {
        "input_tokens": spent.given - spent.cached - spent.cache_write,
        "cache_creation_input_tokens": spent.cache_write,
        "cache_read_input_tokens": spent.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": spent.cache_write, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 1,
        "service_tier": "standard",
        "inference_geo": "global",
    }


def _thought(play: Play) -> dict[str, Any]:
    return {"output_tokens_details": {"thinking_tokens": play.spent.reasoning}}


def frames(play: Play, told: Told) -> list[bytes]:
    """Put an answer as a stream's frames, with the odd spaces that Anthropic writes."""
    names = list(_events(play, told))
    found = [_frame(name, body, spaces=number % 4) for number, (name, body) in enumerate(names)]
    return [b": keep-alive\n\n", *found] if "comments" in play.quirks else found


def _frame(name: str, body: dict[str, Any], *, spaces: int = 0) -> bytes:
    return f"event: {name}\ndata: ".encode() + encoded({"type": name} | body)[:-1] + b" " * spaces + b"}\n\n"


def _events(play: Play, told: Told) -> Iterator[tuple[str, dict[str, Any]]]:
    nothing = {"stop_reason": None, "stop_sequence": None, "stop_details": None}
    yield "message_start", {"message": _message(told) | nothing | {"usage": _usage(play)}}
    told_text = 0
    for index, (_, begun, deltas) in enumerate(_content(play, told)):
        yield "content_block_start", {"index": index, "content_block": begun}
        if index == 0:
            yield "ping", {}
        for delta in deltas:
            if told_text == play.breaks_after:
                yield "error", {"error": {"type": "overloaded_error", "message": "Overloaded"}}
                return
            told_text += delta["type"] == "text_delta"
            yield "content_block_delta", {"index": index, "delta": delta}
        yield "content_block_stop", {"index": index}
    spent = {name: value for name, value in _usage(play).items() if name.endswith("tokens")}
    yield "message_delta", {"delta": _end(play), "usage": spent | {"output_tokens": play.spent.made} | _thought(play)}
    yield "message_stop", {}


def error(fault: Fault, told: Told) -> Reply:
    """Put an error as Anthropic does; a host without capacity says 529 there."""
    status = 529 if fault.status == 503 else fault.status  # noqa: PLR2004 -- HTTP's "unavailable"
    kind = _ERRORS.get(status, "api_error")
    request_id = f"req_{told.nonce}"
    body = {"type": "error", "error": {"type": kind, "message": fault.message}, "request_id": request_id}
    waits = (("retry-after", str(fault.retry_after_s)),) if fault.retry_after_s >= 0 else ()
    label = "text/event-stream" if fault.is_mislabelled else "application/json"
    return Reply(status, encoded(body), (("request-id", request_id), *waits), label)


def stream_type(_told: Told) -> str:
    """Name the content type of a stream."""
    return "text/event-stream; charset=utf-8"


def other(operation: str, asked: Asked) -> dict[str, Any]:
    """Count tokens; every request has as many."""
    del operation, asked
    return {"input_tokens": 14}
