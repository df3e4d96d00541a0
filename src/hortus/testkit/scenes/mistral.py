"""How a host that speaks Mistral's own API plays a scene: content in chunks, short ids, two shapes of errors."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from hortus.testkit.scenes import openai_shared, seals
from hortus.testkit.scenes.values import NO_KEY, Asked, Fault, Play, Reply, Spent, Told, encoded

NAME = "mistral"
MODEL = "fake-2611"
_FINISH = {"tools": "tool_calls", "length": "length"}
_CALL_ID = re.compile(r"[a-zA-Z0-9]{9}")
_PARAMETERS = {
    "max_tokens": "max_output_tokens",
    "random_seed": "seed",
    **{name: name for name in ("temperature", "top_p", "top_k", "n", "presence_penalty", "frequency_penalty")},
    **{name: name for name in ("reasoning_effort", "parallel_tool_calls", "logprobs", "top_logprobs", "metadata")},
}
_MEMBERS = _PARAMETERS.keys() | {
    *("model", "messages", "stream", "stop", "response_format", "tools", "tool_choice", "prediction", "prompt_mode"),
    *("guardrails", "prompt_cache_key", "service_tier", "safe_prompt", "min_tokens", "repetition_penalty"),
}
_CODES = {
    400: ("invalid_request_invalid_args", "3051"),
    403: ("forbidden", "1400"),
    404: ("invalid_model", "1500"),
    413: ("invalid_request_prompt", "3210"),
    429: ("rate_limited", "1300"),
    503: ("service_unavailable", "3505"),
}
Chunk = dict[str, Any]


def objection(asked: Asked) -> str:
    """Object as Mistral does: to members that it does not know, to ids of calls that are not nine letters or digits."""
    body = asked.body
    if unknown := sorted(body.keys() - _MEMBERS):
        return f"body.{unknown[0]}: Extra inputs are not permitted"
    messages = body["messages"]
    if wrong := [call_id for call_id in _ids(messages) if not _CALL_ID.fullmatch(call_id)]:
        return f"Tool call id was {wrong[0]} but must be a-z, A-Z, 0-9, with a length of 9."
    if openai_shared.unanswered(messages):
        return "Not the same number of function calls and responses"
    if messages[-1]["role"] == "assistant" and not messages[-1].get("prefix"):
        return "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant"
    return openai_shared.without_key(asked.headers)


def _ids(messages: list[dict[str, Any]]) -> list[str]:
    """Return the ids of calls and those that results name."""
    made = [call["id"] for one in messages for call in one.get("tool_calls") or ()]
    return [*made, *(one["tool_call_id"] for one in messages if one["role"] == "tool")]


def read(asked: Asked) -> Told:
    """Understand a request."""
    body = asked.body
    messages = body["messages"]
    calls = openai_shared.calls(messages)
    wanted = body.get("response_format") or {}
    schema = wanted["json_schema"].get("schema") if wanted.get("type") == "json_schema" else None
    return Told(
        nonce=asked.nonce,
        model=asked.model,
        is_stream=bool(body.get("stream")),
        members=body,
        system=openai_shared.system(messages),
        turns=openai_shared.turns(messages),
        pictures=openai_shared.pictures(messages),
        schema=schema,
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
    choice = openai_shared.tool_choice(body)
    return found | ({"tool_choice": "required"} if choice.get("tool_choice") == "any" else choice)


def _seal_fault(messages: list[dict[str, Any]]) -> str:
    """Judge the history: the thinking before calls comes back with the signature that it was given."""
    for place, message in enumerate(messages):
        if not message.get("tool_calls"):
            continue
        first = openai_shared.parts(message)[0]
        if first["type"] != "thinking":
            return f"messages[{place}].content[0]: a chunk of thinking is missing"
        thought = "".join(one["text"] for one in first["thinking"])
        if not seals.fits(first.get("signature"), NAME, thought):
            return f"messages[{place}].content[0].signature: not what was given"
    return ""


def _thinking(texts: tuple[str, ...], told: Told, *, is_sealed: bool) -> tuple[Chunk, list[Chunk]]:
    """Return thoughts whole and in pieces; the last piece brings the signature."""
    pieces: list[Chunk] = [{"type": "thinking", "thinking": [{"type": "text", "text": one}]} for one in texts]
    thought = "".join(texts)
    ended: Chunk = {"closed": True}
    if is_sealed:
        ended["signature"] = seals.seal(NAME, thought, nonce=told.nonce)
    pieces[-1] |= ended
    return {"type": "thinking", "thinking": [{"type": "text", "text": thought}]} | ended, pieces


def _call(told: Told, number: int) -> Chunk:
    """Return the frame of a call; its id has nine letters and digits, as all of Mistral's."""
    return {"id": hashlib.sha256(f"{told.nonce}/{number}".encode()).hexdigest()[:9], "index": number}


def whole(play: Play, told: Told) -> dict[str, Any]:
    """Put an answer as one body; content is a list only where thoughts stand in it."""
    said = play.refusal or "".join(play.text)
    content: Any = said
    if play.reasoning:
        content = [_thinking(play.reasoning, told, is_sealed=play.is_sealed)[0]]
        content += [{"type": "text", "text": said}] if said else []
    message: Chunk = {"role": "assistant", "tool_calls": _calls(play, told) or None, "content": content}
    choice = {"index": 0, "finish_reason": _FINISH.get(play.stop, "stop"), "message": message}
    body = {"id": f"{told.nonce:0>32}", "created": 1764000000, "model": MODEL, "usage": _usage(play.spent)}
    return body | {"object": "chat.completion", "choices": [choice]}


def _calls(play: Play, told: Told) -> list[Chunk]:
    made = enumerate(play.calls)
    return [_call(told, number) | {"function": {"name": one.name, "arguments": one.text}} for number, one in made]


def _usage(spent: Spent) -> dict[str, Any]:
    return {
        "prompt_tokens": spent.given,
        "total_tokens": spent.given + spent.made,
        "completion_tokens": spent.made,
        "prompt_tokens_details": {"cached_tokens": spent.cached},
    }


def frames(play: Play, told: Told) -> list[bytes]:
    """Put an answer as a stream's frames; usage comes with the last one, asked for or not."""
    base = {"id": f"{told.nonce:0>32}", "object": "chat.completion.chunk", "created": 1764000000, "model": MODEL}
    found = [b": keep-alive\n\n"] if "comments" in play.quirks else []
    deltas = list(_deltas(play, told))
    for number, delta in enumerate(deltas):
        if number == play.breaks_after:
            return [*found, openai_shared.data(_error_body(503, "Service unavailable."))]
        is_last = number == len(deltas) - 1
        finish = _FINISH.get(play.stop, "stop") if is_last else None
        chunk = base | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        chunk |= {"usage": _usage(play.spent)} if is_last else {}
        if "obfuscation" in play.quirks:
            chunk["p"] = "abcdefghijklm"[: number % 13]
        found.append(openai_shared.data(chunk))
    return found if "no-done" in play.quirks else [*found, b"data: [DONE]\n\n"]


def _deltas(play: Play, told: Told) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": ""}
    if play.reasoning:
        for chunk in _thinking(play.reasoning, told, is_sealed=play.is_sealed)[1]:
            yield {"content": [chunk]}
    for piece in (play.refusal,) if play.refusal else play.text:
        yield {"content": piece}
    # calls come whole, all in the last chunk
    yield {"tool_calls": _calls(play, told)} if play.calls else {"content": ""}


def _error_body(status: int, message: str) -> dict[str, Any]:
    kind, code = _CODES.get(status, ("internal_server_error", "3000"))
    body = {"object": "error", "message": message, "type": kind, "param": None, "code": code}
    return body | {"raw_status_code": status}


def error(fault: Fault, told: Told) -> Reply:
    """Put an error as Mistral does: one shape where it judges keys and members, another behind that."""
    status = 503 if fault.status == 529 else fault.status  # noqa: PLR2004 -- Anthropic's "overloaded"
    body = _error_body(status, fault.message)
    if status == 401:  # noqa: PLR2004 -- HTTP's "unauthorized"
        body = {"detail": "Invalid API Key" if fault.message == NO_KEY else fault.message}
    if fault.message.endswith("not permitted"):
        where, _, words = fault.message.partition(": ")
        status, body = 422, {"detail": [{"type": "extra_forbidden", "loc": where.split("."), "msg": words}]}
    waits = (("retry-after", str(fault.retry_after_s)),) if fault.retry_after_s >= 0 else ()
    label = "text/event-stream" if fault.is_mislabelled else "application/json"
    return Reply(status, encoded(body), (("mistral-correlation-id", told.nonce), *waits), label)


def stream_type(_told: Told) -> str:
    """Name the content type of a stream."""
    return "text/event-stream; charset=utf-8"


def other(operation: str, asked: Asked) -> dict[str, Any]:
    """Embed."""
    del operation
    given = asked.body["input"]
    texts = given if isinstance(given, list) else [given]
    data = [
        {"object": "embedding", "index": number, "embedding": openai_shared.vector(one)}
        for number, one in enumerate(texts)
    ]
    usage = {"prompt_tokens": 7, "total_tokens": 7, "completion_tokens": 0}
    return {"id": asked.nonce, "object": "list", "model": asked.model, "data": data, "usage": usage}
