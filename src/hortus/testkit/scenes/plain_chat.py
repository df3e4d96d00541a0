"""The plainest host of Chat Completions: few members, text only, for tests that count bytes and deltas."""

from __future__ import annotations

from typing import Any

from hortus.testkit.scenes.openai_shared import data
from hortus.testkit.scenes.values import Behaviour


def error_body() -> dict[str, Any]:
    """Return the error of every status other than 200."""
    return {"error": {"message": "the host says no", "type": "host_error", "param": None, "code": "made_up"}}


def completion(request: dict[str, Any], behaviour: Behaviour) -> dict[str, Any]:
    """Return a whole answer."""
    choice = {"index": 0, "message": {"role": "assistant", "content": behaviour.answer}, "finish_reason": "stop"}
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": request["model"]}
    body |= {"choices": [choice]}
    return body if behaviour.no_usage else body | {"usage": _usage(behaviour, behaviour.chunks)}


def frames(request: dict[str, Any], behaviour: Behaviour) -> list[bytes]:
    """Return a stream's frames: as many deltas as asked for, then what ends it."""
    found = [
        _frame(request, {"content": f"{behaviour.answer}{number} "}, finish=None) for number in range(behaviour.chunks)
    ]
    if -1 < behaviour.error_after < behaviour.chunks:
        broken = {"error": {"message": "the host broke", "type": "server_error", "code": None}}
        return [*found[: behaviour.error_after], data(broken)]
    found.append(_frame(request, {}, finish="stop"))
    if (request.get("stream_options") or {}).get("include_usage", False) and not behaviour.no_usage:
        found.append(data(_chunk(request) | {"choices": [], "usage": _usage(behaviour, behaviour.chunks)}))
    return found if behaviour.no_done else [*found, b"data: [DONE]\n\n"]


def delta_count(behaviour: Behaviour) -> int:
    """Return how many of the frames are deltas."""
    return min(behaviour.chunks, behaviour.error_after) if behaviour.error_after >= 0 else behaviour.chunks


def _usage(behaviour: Behaviour, output: int) -> dict[str, int]:
    given = behaviour.prompt_tokens
    return {"prompt_tokens": given, "completion_tokens": output, "total_tokens": given + output}


def _chunk(request: dict[str, Any]) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": request["model"]}


def _frame(request: dict[str, Any], delta: dict[str, Any], *, finish: str | None) -> bytes:
    return data(_chunk(request) | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
