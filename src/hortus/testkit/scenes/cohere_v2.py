"""How a host that speaks Cohere's API v2 plays a scene: events of its own kinds, reasons to stop in upper case."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from hortus.testkit.scenes import openai_shared
from hortus.testkit.scenes.values import Asked, Fault, Play, Reply, Result, Spent, Told, compact, encoded

NAME = "cohere_v2"
_FINISH = {"tools": "TOOL_CALL", "length": "MAX_TOKENS", "sequence": "STOP_SEQUENCE"}
_PARAMETERS = {
    "max_tokens": "max_output_tokens",
    "stop_sequences": "stop",
    "p": "top_p",
    "k": "top_k",
    **{name: name for name in ("temperature", "seed", "presence_penalty", "frequency_penalty", "logprobs")},
}
_MEMBERS = _PARAMETERS.keys() | {
    *("model", "messages", "stream", "tools", "strict_tools", "documents", "citation_options", "response_format"),
    *("safety_mode", "tool_choice", "thinking", "priority", "raw_prompting"),
}
_TEMPLATE_TOKENS = 480
"""What the model saw beside the client's words; it is not charged."""

Block = dict[str, Any]
Event = tuple[str, dict[str, Any]]


def objection(asked: Asked) -> str:
    """Object as Cohere does: to members that it does not know, and to calls without their results right after."""
    body = asked.body
    if unknown := sorted(body.keys() - _MEMBERS):
        return f"unknown field: parameter '{unknown[0]}' is not a valid field."
    if missing := openai_shared.unanswered(body["messages"]):
        return f"invalid request: all tool calls must be followed by their results: {sorted(missing)}"
    return openai_shared.without_key(asked.headers)


def read(asked: Asked) -> Told:
    """Understand a request."""
    body = asked.body
    messages = body["messages"]
    calls = openai_shared.calls(messages)
    wanted = body.get("response_format") or {}
    return Told(
        nonce=asked.nonce,
        model=asked.model,
        is_stream=bool(body.get("stream")),
        members=body,
        system=openai_shared.system(messages),
        turns=openai_shared.turns(messages),
        pictures=openai_shared.pictures(messages),
        schema=wanted.get("json_schema") if wanted.get("type") == "json_object" else None,
        parameters=_parameters(body),
        tools=openai_shared.tools(body),
        calls=calls,
        results=_results(messages, {call.id: call.name for call in calls}),
    )


def _parameters(body: dict[str, Any]) -> dict[str, Any]:
    found = {_PARAMETERS[name]: value for name, value in body.items() if name in _PARAMETERS}
    if choice := body.get("tool_choice"):
        found["tool_choice"] = choice.lower()
    if budget := (body.get("thinking") or {}).get("token_budget"):
        found["reasoning_tokens"] = budget
    return found


def _results(messages: list[dict[str, Any]], names: dict[str, str]) -> tuple[Result, ...]:
    given = [(one["tool_call_id"], one) for one in messages if one["role"] == "tool"]
    return tuple(
        Result(call_id, names.get(call_id, ""), "".join(map(_given, openai_shared.parts(one))))
        for call_id, one in given
    )


def _given(block: Block) -> str:
    """Take the words out of a block of a tool's result, which may be a document."""
    if block.get("type") != "document":
        return str(block.get("text", ""))
    data = block["document"]["data"]
    return data if isinstance(data, str) else str(data.get("data", data.get("text", compact(data))))


def _blocks(play: Play) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each block of the content: its kind and its pieces; words before calls are a plan, not content."""
    if play.reasoning:
        yield "thinking", play.reasoning
    if play.refusal:
        yield "text", (play.refusal,)
    elif play.text and not play.calls:
        yield "text", play.text


def _id(told: Told) -> str:
    digest = hashlib.sha256(told.nonce.encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


def _call(play: Play, told: Told, number: int, *, arguments: str) -> Block:
    name = play.calls[number].name
    function = {"name": name, "arguments": arguments}
    return {"id": f"{name}_{told.nonce}{number}", "type": "function", "function": function}


def whole(play: Play, told: Told) -> dict[str, Any]:
    """Put an answer as one body."""
    message: dict[str, Any] = {"role": "assistant"}
    if play.calls:
        message["tool_calls"] = [
            _call(play, told, number, arguments=call.text) for number, call in enumerate(play.calls)
        ]
        message["tool_plan"] = "".join(play.text)
    if blocks := [{"type": kind, kind: "".join(pieces)} for kind, pieces in _blocks(play)]:
        message["content"] = blocks
    finish = _FINISH.get(play.stop, "COMPLETE")
    return {"id": _id(told), "message": message, "finish_reason": finish, "usage": _usage(play.spent)}


def _usage(spent: Spent) -> dict[str, Any]:
    seen = {"input_tokens": spent.given + _TEMPLATE_TOKENS, "output_tokens": spent.made}
    if spent.reasoning:
        seen["reasoning_tokens"] = spent.reasoning
    billed = {"input_tokens": spent.given, "output_tokens": spent.made}
    return {"billed_units": billed, "tokens": seen, "cached_tokens": spent.cached + _TEMPLATE_TOKENS}


def frames(play: Play, told: Told) -> list[bytes]:
    """Put an answer as a stream's frames, each event named twice."""
    found = [b": keep-alive\n\n"] if "comments" in play.quirks else []
    for number, (name, body) in enumerate(_events(play, told)):
        padding = {"p": "abcdefghijklm"[: number % 13]} if "obfuscation" in play.quirks else {}
        found.append(f"event: {name}\n".encode() + openai_shared.data(body | {"type": name} | padding))
    return found if "no-done" in play.quirks else [*found, b"data: [DONE]\n\n"]


def _events(play: Play, told: Told) -> Iterator[Event]:
    empty = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    yield "message-start", {"id": _id(told), "delta": {"message": empty}}
    index = said = 0
    for index, (kind, pieces) in enumerate(_blocks(play)):
        yield "content-start", _indexed(index, {"content": {"type": kind, kind: ""}})
        for piece in pieces:
            if kind == "text" and said == play.breaks_after:
                delta = {"finish_reason": "ERROR", "error": "the model is overloaded", "usage": {}}
                yield "message-end", {"delta": delta}
                return
            said += kind == "text"
            yield "content-delta", _indexed(index, {"content": {kind: piece}})
        yield "content-end", {"index": index}
    for piece in play.text if play.calls else ():
        yield "tool-plan-delta", {"delta": {"message": {"tool_plan": piece}}}
    for number, call in enumerate(play.calls):
        yield "tool-call-start", _indexed(number, {"tool_calls": _call(play, told, number, arguments="")})
        for piece in call.pieces:
            yield "tool-call-delta", _indexed(number, {"tool_calls": {"function": {"arguments": piece}}})
        yield "tool-call-end", {"index": number}
    ended = {"finish_reason": _FINISH.get(play.stop, "COMPLETE"), "usage": _usage(play.spent)}
    yield "message-end", {"delta": ended}


def _indexed(index: int, message: Block) -> dict[str, Any]:
    return {"index": index, "delta": {"message": message}}


def error(fault: Fault, told: Told) -> Reply:
    """Put an error as Cohere does: a message and an id, without an object around them."""
    status = 503 if fault.status == 529 else fault.status  # noqa: PLR2004 -- Anthropic's "overloaded"
    message = "invalid api token" if status == 401 else fault.message  # noqa: PLR2004 -- HTTP's "unauthorized"
    waits = (("retry-after", str(fault.retry_after_s)),) if fault.retry_after_s >= 0 else ()
    label = "text/event-stream" if fault.is_mislabelled else "application/json"
    return Reply(status, encoded({"id": _id(told), "message": message}), waits, label)


def stream_type(_told: Told) -> str:
    """Name the content type of a stream."""
    return "text/event-stream"


def other(operation: str, asked: Asked) -> dict[str, Any]:
    """Embed."""
    del operation
    texts = asked.body.get("texts") or [one["content"][0]["text"] for one in asked.body["inputs"]]
    vectors = {"float": [openai_shared.vector(one) for one in texts]}
    meta = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 7}}
    return {"id": asked.nonce, "embeddings": vectors, "texts": texts, "meta": meta}
