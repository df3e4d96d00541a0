"""How a host that speaks OpenAI's Chat Completions and embeddings plays a scene."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from typing import Any

import msgspec

from hortus.testkit.scenes import openai_shared, seals
from hortus.testkit.scenes.values import (
    Asked,
    Fault,
    Play,
    Reply,
    Spent,
    Told,
    compact,
    encoded,
)

NAME = "openai_chat"
MODEL = "fake-2026-11-01"
_FINISH = {"end": "stop", "tools": "tool_calls", "length": "length", "filter": "content_filter"}
_PARAMETERS = {
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    **{name: name for name in ("temperature", "top_p", "top_k", "n", "seed", "presence_penalty", "frequency_penalty")},
    **{name: name for name in ("reasoning_effort", "parallel_tool_calls", "logprobs", "top_logprobs", "logit_bias")},
    **{name: name for name in ("user", "metadata", "service_tier", "store")},
}


def objection(asked: Asked) -> str:
    """Object as OpenAI does: to stream options without a stream, to calls without their results right after."""
    body = asked.body
    if body.get("stream_options") and not body.get("stream"):
        return "The 'stream_options' parameter is only allowed when 'stream' is enabled."
    if openai_shared.unanswered(body["messages"]):
        return "An assistant message with 'tool_calls' must be followed by tool messages for each 'tool_call_id'."
    return openai_shared.without_key(asked.headers)


def read(asked: Asked) -> Told:
    """Understand a request."""
    body = asked.body
    messages = body.get("messages", [])
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
        schema=wanted.get("json_schema", {}).get("schema") if wanted.get("type") == "json_schema" else None,
        parameters=_parameters(body),
        tools=openai_shared.tools(body),
        calls=calls,
        results=openai_shared.results(messages, calls),
        seal_fault=_seal_fault(messages),
    )


def _parameters(body: dict[str, Any]) -> dict[str, Any]:
    found = {_PARAMETERS[name]: value for name, value in body.items() if name in _PARAMETERS}
    if (stop := body.get("stop")) is not None:
        found["stop"] = [stop] if isinstance(stop, str) else stop
    return found | openai_shared.tool_choice(body)


def _seal_fault(messages: list[dict[str, Any]]) -> str:
    """Judge as Google's endpoint of this dialect does: the first call of each turn carries its signature."""
    for place, message in enumerate(messages):
        for call in (message.get("tool_calls") or ())[:1]:
            given = call.get("extra_content", {}).get("google", {}).get("thought_signature")
            made = call["function"]
            bound = compact([made["name"], msgspec.json.decode(made["arguments"] or "{}")])
            if not seals.fits(given, NAME, bound):
                return f"messages[{place}].tool_calls[0].extra_content.google.thought_signature: {_state(given)}"
    return ""


def _state(given: object) -> str:
    return "missing" if given is None else "not what was given"


def whole(play: Play, told: Told) -> dict[str, Any]:
    """Put an answer as one body."""
    message: dict[str, Any] = {"role": "assistant", "content": "".join(play.text) or None, "refusal": None}
    if play.refusal:
        message["refusal"] = play.refusal
    if play.reasoning:
        message["reasoning_content"] = "".join(play.reasoning)
    if play.calls:
        message["tool_calls"] = [
            _call(play, told, number) | {"function": {"name": call.name, "arguments": call.text}}
            for number, call in enumerate(play.calls)
        ]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _FINISH.get(play.stop, "stop")}
    body = {"id": f"chatcmpl-{told.nonce}", "object": "chat.completion", "created": 1764000000, "model": MODEL}
    return body | {"choices": [choice], "usage": _usage(play.spent), "service_tier": "default"}


def _call(play: Play, told: Told, number: int) -> dict[str, Any]:
    call = play.calls[number]
    made: dict[str, Any] = {"id": f"call_{told.nonce}{number}", "type": "function"}
    if play.is_sealed and number == 0:
        bound = compact([call.name, call.arguments])
        made["extra_content"] = {"google": {"thought_signature": seals.seal(NAME, bound, nonce=told.nonce)}}
    return made


def _usage(spent: Spent) -> dict[str, Any]:
    return {
        "prompt_tokens": spent.given,
        "completion_tokens": spent.made,
        "total_tokens": spent.given + spent.made,
        "prompt_tokens_details": {"cached_tokens": spent.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": spent.reasoning, "audio_tokens": 0},
    }


def frames(play: Play, told: Told) -> list[bytes]:
    """Put an answer as a stream's frames."""
    base = {"id": f"chatcmpl-{told.nonce}", "object": "chat.completion.chunk", "created": 1764000000, "model": MODEL}
    wants_usage = bool((told.members.get("stream_options") or {}).get("include_usage"))
    base |= {"service_tier": "default", "system_fingerprint": "fp_replay"} | ({"usage": None} if wants_usage else {})
    found = []
    if "empty-choices" in play.quirks:
        filtered = {"prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]}
        found.append(openai_shared.data(base | {"choices": [], "id": "", "model": ""} | filtered))
    for number, (delta, finish) in enumerate(_deltas(play, told)):
        if number == play.breaks_after:
            found.append(openai_shared.data(openai_shared.error_body(503)))
            return found
        chunk = base | {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}
        if "obfuscation" in play.quirks:
            chunk["obfuscation"] = "aB3dE6gH9"[: number % 9]
        if "comments" in play.quirks:
            found.append(b": OPENROUTER PROCESSING\n\n")
        found.append(openai_shared.data(chunk))
    if wants_usage:
        found.append(openai_shared.data(base | {"choices": [], "usage": _usage(play.spent)}))
    return found if "no-done" in play.quirks else [*found, b"data: [DONE]\n\n"]


def _deltas(play: Play, told: Told) -> Iterator[tuple[dict[str, Any], str | None]]:
    yield {"role": "assistant", "content": "" if play.text else None, "refusal": None}, None
    for piece in play.reasoning:
        yield {"reasoning_content": piece}, None
    for piece in play.text:
        yield {"content": piece}, None
    for piece in play.refusal.split(" ") if play.refusal else ():
        yield {"refusal": f"{piece} "}, None
    for number, call in enumerate(play.calls):
        first = {"index": number} | _call(play, told, number) | {"function": {"name": call.name, "arguments": ""}}
        yield {"tool_calls": [first]}, None
        for piece in call.pieces:
            yield {"tool_calls": [{"index": number, "function": {"arguments": piece}}]}, None
    yield {}, _FINISH.get(play.stop, "stop")


def error(fault: Fault, told: Told) -> Reply:
    """Put an error as OpenAI does; a missing seal as Google's endpoint of this dialect does."""
    if told.seal_fault and fault.message == told.seal_fault:
        google = {"code": 400, "message": f"Function call is missing a thought_signature: {fault.message}"}
        return Reply(400, encoded([{"error": google | {"status": "INVALID_ARGUMENT"}}]))
    return openai_shared.error(fault)


def stream_type(_told: Told) -> str:
    """Name the content type of a stream."""
    return "text/event-stream"


def other(operation: str, asked: Asked) -> dict[str, Any]:
    """Answer embeddings; in base64 only where a scene is played, for many hosts do not know it."""
    if operation == "models":
        return {"object": "list", "data": [{"id": "fake", "object": "model", "created": 1, "owned_by": "testkit"}]}
    texts = asked.body["input"] if isinstance(asked.body["input"], list) else [asked.body["input"]]
    vectors = [openai_shared.vector(one) for one in texts]
    is_base64 = asked.body.get("encoding_format") == "base64" and "scene=" in asked.model
    put = [_base64(one) if is_base64 else one for one in vectors]
    data = [{"object": "embedding", "index": number, "embedding": one} for number, one in enumerate(put)]
    usage = {"prompt_tokens": 7, "total_tokens": 7}
    return {"object": "list", "model": asked.model, "data": data, "usage": usage}


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
