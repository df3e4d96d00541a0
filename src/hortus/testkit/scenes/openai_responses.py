"""How a host that speaks OpenAI's Responses plays a scene."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from hortus.testkit.scenes import openai_shared, seals
from hortus.testkit.scenes.values import Asked, Fault, PastCall, Play, Reply, Result, Told, encoded

NAME = "openai_responses"
MODEL = "fake-2026-11-01"
_PARAMETERS = ("temperature", "top_p", "top_k", "max_output_tokens", "parallel_tool_calls", "top_logprobs", "user")
_MORE = ("metadata", "service_tier", "store", "seed")
_INCOMPLETE = {"length": "max_output_tokens", "filter": "content_filter"}
Event = tuple[str, dict[str, Any]]


def objection(asked: Asked) -> str:
    """Object as OpenAI does to a call without its result."""
    given = asked.body.get("input", "")
    items = [] if isinstance(given, str) else given
    made = {one["call_id"] for one in items if one.get("type") == "function_call"}
    returned = {one["call_id"] for one in items if one.get("type") == "function_call_output"}
    if made != returned:
        return f"No tool output found for function call, or no call for its output: {sorted(made ^ returned)}"
    return openai_shared.without_key(asked.headers)


def read(asked: Asked) -> Told:
    """Understand a request."""
    body = asked.body
    given = body.get("input", "")
    items: list[dict[str, Any]] = [{"role": "user", "content": given}] if isinstance(given, str) else given
    messages = [item for item in items if item.get("type", "message") == "message"]
    calls = _calls(items)
    parts = [part for item in messages for part in _parts(item["content"])]
    return Told(
        nonce=asked.nonce,
        model=asked.model,
        is_stream=bool(body.get("stream")),
        members=body,
        system=_system(body, messages),
        turns=tuple((one["role"], _text(one["content"])) for one in messages if one["role"] in {"user", "assistant"}),
        pictures=tuple(openai_shared.picture(part["image_url"]) for part in parts if part["type"] == "input_image"),
        schema=_schema(body),
        parameters=_parameters(body),
        tools=tuple(tool["name"] for tool in body.get("tools") or () if tool["type"] == "function"),
        calls=calls,
        results=_results(items, calls),
        seal_fault=_seal_fault(items),
    )


def _schema(body: dict[str, Any]) -> dict[str, Any] | None:
    wanted = (body.get("text") or {}).get("format") or {}
    return wanted.get("schema") if wanted.get("type") == "json_schema" else None


def _system(body: dict[str, Any], messages: list[dict[str, Any]]) -> str:
    systems = [_text(one["content"]) for one in messages if one["role"] in {"system", "developer"}]
    return "\n".join([body["instructions"], *systems] if body.get("instructions") else systems)


def _calls(items: list[dict[str, Any]]) -> tuple[PastCall, ...]:
    made = [item for item in items if item.get("type") == "function_call"]
    return tuple(PastCall(one["call_id"], one["name"], msgspec.json.decode(one["arguments"] or "{}")) for one in made)


def _results(items: list[dict[str, Any]], calls: tuple[PastCall, ...]) -> tuple[Result, ...]:
    names = {call.id: call.name for call in calls}
    given = [(one["call_id"], _text(one["output"])) for one in items if one.get("type") == "function_call_output"]
    return tuple(Result(call_id, names.get(call_id, ""), text) for call_id, text in given)


def _parts(content: Any) -> list[dict[str, Any]]:
    return [{"type": "input_text", "text": content}] if isinstance(content, str) else content


def _text(content: Any) -> str:
    return "".join(part.get("text", "") for part in _parts(content))


def _parameters(body: dict[str, Any]) -> dict[str, Any]:
    found = {name: body[name] for name in (*_PARAMETERS, *_MORE) if body.get(name) is not None}
    if effort := (body.get("reasoning") or {}).get("effort"):
        found["reasoning_effort"] = effort
    if (choice := body.get("tool_choice")) is not None:
        found["tool_choice"] = f"tool:{choice['name']}" if isinstance(choice, dict) else choice
    return found


def _seal_fault(items: list[dict[str, Any]]) -> str:
    """Judge the history: before the calls of a turn stands the reasoning that led to them, with its own id."""
    reasoned = False
    for place, item in enumerate(items):
        kind = item.get("type", "message")
        if kind == "reasoning":
            if not seals.fits(item.get("encrypted_content"), NAME, item.get("id", "")):
                return (
                    f"The encrypted content for item {item.get('id')} could not be verified. "
                    f"input[{place}].encrypted_content"
                )
            reasoned = True
        elif kind == "function_call" and not reasoned:
            return (
                f"Item '{item.get('id')}' of type 'function_call' was provided without its required 'reasoning' item. "
                f"input[{place}]"
            )
        elif kind == "function_call_output" or (kind == "message" and item["role"] == "user"):
            reasoned = False
    return ""


def whole(play: Play, told: Told) -> dict[str, Any]:
    """Put an answer as one body."""
    return _response(play, told, output=[item for item, _ in _items(play, told)])


def _response(
    play: Play, told: Told, *, output: list[dict[str, Any]] | None = None, error: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the response object; without output it is the one that a stream begins with."""
    asked = told.members
    begun = {
        "id": f"resp_{told.nonce}",
        "object": "response",
        "created_at": 1764000000,
        "status": "in_progress",
        "background": False,
        "completed_at": None,
        "error": error,
        "incomplete_details": None,
        "instructions": asked.get("instructions"),
        "max_output_tokens": asked.get("max_output_tokens"),
        "max_tool_calls": None,
        "model": MODEL,
        "output": output or [],
        "parallel_tool_calls": asked.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "reasoning": {"effort": "low", "summary": (asked.get("reasoning") or {}).get("summary")},
        "service_tier": "auto",
        "store": asked.get("store", True),
        "temperature": asked.get("temperature", 1.0),
        "text": asked.get("text") or {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": asked.get("tool_choice", "auto"),
        "tools": asked.get("tools", []),
        "top_logprobs": 0,
        "top_p": asked.get("top_p", 1.0),
        "truncation": "disabled",
        "usage": None,
        "user": None,
        "metadata": asked.get("metadata", {}),
    }
    return begun if output is None else begun | _ended(play, is_failed=error is not None)


def _ended(play: Play, *, is_failed: bool) -> dict[str, Any]:
    if is_failed:
        return {"status": "failed"}
    done = {"service_tier": "default", "usage": _usage(play)}
    if reason := _INCOMPLETE.get(play.stop):
        return done | {"status": "incomplete", "incomplete_details": {"reason": reason}}
    return done | {"status": "completed", "completed_at": 1764000001}


def _usage(play: Play) -> dict[str, Any]:
    spent = play.spent
    return {
        "input_tokens": spent.given,
        "input_tokens_details": {"cache_write_tokens": spent.cache_write, "cached_tokens": spent.cached},
        "output_tokens": spent.made,
        "output_tokens_details": {"reasoning_tokens": spent.reasoning},
        "total_tokens": spent.given + spent.made,
    }


def _items(play: Play, told: Told) -> Iterator[tuple[dict[str, Any], list[Event]]]:
    """Yield each finished item with the events between its `added` and its `done`."""
    if play.reasoning:
        yield _reasoning(play, told)
    if play.text or play.refusal:
        yield _message(play, told)
    for number, call in enumerate(play.calls):
        item_id = f"fc_{told.nonce}{number}"
        item = {"id": item_id, "type": "function_call", "status": "completed", "arguments": call.text}
        item |= {"call_id": f"call_{told.nonce}{number}", "name": call.name}
        inner = [("response.function_call_arguments.delta", {"item_id": item_id, "delta": one}) for one in call.pieces]
        done = {"item_id": item_id, "name": call.name, "arguments": call.text}
        yield item, [*inner, ("response.function_call_arguments.done", done)]


def _reasoning(play: Play, told: Told) -> tuple[dict[str, Any], list[Event]]:
    """Reasoning: its summary where one is asked for, sealed where the seal is asked for."""
    item_id = f"rs_{told.nonce}"
    item: dict[str, Any] = {"id": item_id, "type": "reasoning", "summary": []}
    if play.is_sealed and "reasoning.encrypted_content" in (told.members.get("include") or ()):
        item["encrypted_content"] = seals.seal(NAME, item_id, nonce=told.nonce)
    if not (told.members.get("reasoning") or {}).get("summary"):
        return item, []
    text = "".join(play.reasoning)
    at = {"item_id": item_id, "summary_index": 0}
    item["summary"] = [{"type": "summary_text", "text": text}]
    name = "response.reasoning_summary_"
    return item, [
        (f"{name}part.added", at | {"part": {"type": "summary_text", "text": ""}}),
        *((f"{name}text.delta", at | {"delta": piece}) for piece in play.reasoning),
        (f"{name}text.done", at | {"text": text}),
        (f"{name}part.done", at | {"part": {"type": "summary_text", "text": text}}),
    ]


def _message(play: Play, told: Told) -> tuple[dict[str, Any], list[Event]]:
    item_id, at = f"msg_{told.nonce}", {"item_id": f"msg_{told.nonce}", "content_index": 0}
    text = play.refusal or "".join(play.text)
    extra: dict[str, Any] = {} if play.refusal else {"logprobs": []}
    empty: dict[str, Any]
    if play.refusal:
        name, empty = "response.refusal", {"type": "refusal", "refusal": ""}
        part, done = empty | {"refusal": text}, at | {"refusal": text}
        pieces: tuple[str, ...] = text.partition(" ")
    else:
        name, empty = "response.output_text", {"type": "output_text", "annotations": [], "logprobs": [], "text": ""}
        part, done, pieces = empty | {"text": text}, at | {"text": text} | extra, play.text
    status = "incomplete" if play.stop in _INCOMPLETE else "completed"
    item = {"id": item_id, "type": "message", "role": "assistant", "status": status, "phase": "final_answer"}
    return item | {"content": [part]}, [
        ("response.content_part.added", at | {"part": empty}),
        *((f"{name}.delta", at | {"delta": piece} | extra) for piece in pieces),
        (f"{name}.done", done),
        ("response.content_part.done", at | {"part": part}),
    ]


def frames(play: Play, told: Told) -> list[bytes]:
    """Put an answer as a stream's frames."""
    return [
        *([b": keep-alive\n\n"] if "comments" in play.quirks else ()),
        *(_frame(name, number, body) for number, (name, body) in enumerate(_events(play, told))),
    ]


def _frame(name: str, number: int, body: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: ".encode() + encoded({"type": name, "sequence_number": number} | body) + b"\n\n"


def _events(play: Play, told: Told) -> Iterator[Event]:
    begun = _response(play, told)
    yield "response.created", {"response": begun}
    yield "response.in_progress", {"response": begun}
    output, deltas = [], 0
    for index, (item, inner) in enumerate(_items(play, told)):
        at = {"output_index": index}
        yield "response.output_item.added", at | {"item": _begun(item)}
        for name, body in inner:
            if name == "response.output_text.delta" and deltas == play.breaks_after:
                yield from _broken(play, told)
                return
            hidden = {"obfuscation": "aB3dE6"} if "obfuscation" in play.quirks and name.endswith(".delta") else {}
            yield name, at | body | hidden
            deltas += name == "response.output_text.delta"
        yield "response.output_item.done", at | {"item": item}
        output.append(item)
    ended = "incomplete" if play.stop in _INCOMPLETE else "completed"
    yield f"response.{ended}", {"response": _response(play, told, output=output)}


def _begun(item: dict[str, Any]) -> dict[str, Any]:
    empty = {"content": [], "summary": [], "arguments": ""}
    begun = {name: empty.get(name, value) for name, value in item.items()}
    return begun | ({"status": "in_progress"} if "status" in item else {})


def _broken(play: Play, told: Told) -> Iterator[Event]:
    """An error event, then the response that failed: both are sent."""
    error = openai_shared.error_body(503)["error"]
    yield "error", {"error": error}
    failed = {"code": error["code"], "message": error["message"]}
    yield "response.failed", {"response": _response(play, told, output=[], error=failed)}


def error(fault: Fault, _told: Told) -> Reply:
    """Put an error as OpenAI does."""
    return openai_shared.error(fault)


def stream_type(_told: Told) -> str:
    """Name the content type of a stream."""
    return "text/event-stream; charset=utf-8"


def other(operation: str, asked: Asked) -> dict[str, Any]:
    """Count tokens; every request has as many."""
    del operation, asked
    return {"object": "response.input_tokens", "input_tokens": 14}
