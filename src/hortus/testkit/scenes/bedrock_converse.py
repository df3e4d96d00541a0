"""How a host that speaks Amazon Bedrock's Converse plays a scene: streams are AWS's frames with two checksums each."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from typing import Any
from zlib import crc32

import msgspec

from hortus.testkit.scenes import seals
from hortus.testkit.scenes.values import (
    NO_KEY,
    Asked,
    Fault,
    PastCall,
    Picture,
    Play,
    Reply,
    Result,
    Spent,
    Told,
    compact,
    encoded,
)

NAME = "bedrock_converse"
_STOP = {"tools": "tool_use", "length": "max_tokens", "sequence": "stop_sequence", "filter": "content_filtered"}
_TYPES = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    413: "RequestEntityTooLargeException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}
_PARAMETERS = {"maxTokens": "max_output_tokens", "stopSequences": "stop", "temperature": "temperature", "topP": "top_p"}
_MEMBERS = {
    *("messages", "system", "inferenceConfig", "toolConfig", "guardrailConfig", "additionalModelRequestFields"),
    *("promptVariables", "additionalModelResponseFieldPaths", "requestMetadata", "performanceConfig", "serviceTier"),
    *("outputConfig", "modelId"),
}
_PADDING = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
Block = dict[str, Any]


def objection(asked: Asked) -> str:
    """Object as Amazon does: to turns that do not alternate, to calls without results, to tools that are not said."""
    body = asked.body
    if unknown := sorted(body.keys() - _MEMBERS):
        return f"extraneous key [{unknown[0]}] is not permitted"
    if wrong := _wrong_turn(body):
        return wrong
    return "" if asked.headers.get("authorization", "").startswith(("Bearer ", "AWS4-HMAC-SHA256 ")) else NO_KEY


def _wrong_turn(body: dict[str, Any]) -> str:
    waiting: set[str] = set()
    role = ""
    for place, message in enumerate([*body["messages"], {"role": "", "content": []}]):
        if message["role"] == role:
            return "A conversation must alternate between user and assistant roles."
        role = message["role"]
        given = {block["toolResult"]["toolUseId"] for block in message["content"] if "toolResult" in block}
        if given != waiting:
            return f"messages.{place}: toolResult blocks do not match the toolUse blocks of the previous turn."
        waiting = {block["toolUse"]["toolUseId"] for block in message["content"] if "toolUse" in block}
        if (waiting or given) and "toolConfig" not in body:
            return "The toolConfig field must be defined when using toolUse and toolResult content blocks."
    return ""


def read(asked: Asked) -> Told:
    """Understand a request."""
    body = asked.body
    turns = [(one["role"], one["content"]) for one in body["messages"]]
    blocks = [block for _, found in turns for block in found]
    calls = tuple(PastCall(one["toolUseId"], one["name"], one["input"]) for one in _told(blocks, "toolUse"))
    return Told(
        nonce=asked.nonce,
        model=asked.model,
        is_stream=asked.query["verb"] == "converse-stream",
        members=body,
        system=_text(body.get("system") or []),
        turns=tuple((role, _text(found)) for role, found in turns),
        pictures=tuple(map(_picture, _told(blocks, "image"))),
        schema=_schema(body),
        parameters=_parameters(body),
        tools=_tools(body),
        calls=calls,
        results=_results(blocks, {call.id: call.name for call in calls}),
        seal_fault=_seal_fault([found for _, found in turns]),
    )


def _told(blocks: list[Block], kind: str) -> list[Block]:
    """Return what the blocks of one kind hold."""
    return [block[kind] for block in blocks if kind in block]


def _tools(body: dict[str, Any]) -> tuple[str, ...]:
    offered = (body.get("toolConfig") or {}).get("tools") or []
    return tuple(one["name"] for one in _told(offered, "toolSpec"))


def _text(blocks: list[Block]) -> str:
    return "".join(block.get("text", "") for block in blocks)


def _picture(image: Block) -> Picture:
    return Picture(f"image/{image['format']}", base64.b64decode(image["source"]["bytes"], validate=True))


def _schema(body: dict[str, Any]) -> dict[str, Any] | None:
    """Return the schema, which is a text of JSON here."""
    wanted = ((body.get("outputConfig") or {}).get("textFormat") or {}).get("structure") or {}
    text = (wanted.get("jsonSchema") or {}).get("schema")
    return msgspec.json.decode(text, type=dict[str, Any]) if text else None


def _parameters(body: dict[str, Any]) -> dict[str, Any]:
    config = body.get("inferenceConfig") or {}
    found = {_PARAMETERS[name]: value for name, value in config.items() if name in _PARAMETERS}
    more = body.get("additionalModelRequestFields") or {}
    if "top_k" in more:
        found["top_k"] = more["top_k"]
    if budget := (more.get("thinking") or {}).get("budget_tokens"):
        found["reasoning_tokens"] = budget
    return found


def _results(blocks: list[Block], names: dict[str, str]) -> tuple[Result, ...]:
    return tuple(
        Result(one["toolUseId"], names.get(one["toolUseId"], ""), _given(one["content"]))
        for one in _told(blocks, "toolResult")
    )


def _given(content: list[Block]) -> str:
    return "".join(block["text"] if "text" in block else compact(block["json"]) for block in content)


def _seal_fault(turns: list[list[Block]]) -> str:
    """Judge the history as for Anthropic's models: a turn that uses tools begins with its signed reasoning."""
    for place, blocks in enumerate(turns):
        if not any("toolUse" in block for block in blocks):
            continue
        told = (blocks[0].get("reasoningContent") or {}).get("reasoningText")
        if told is None:
            return f"messages.{place}.content.0.type: Expected `thinking` or `redacted_thinking`, but found another."
        if not seals.fits(told.get("signature"), NAME, told["text"]):
            return f"messages.{place}.content.0: Invalid `signature` in `thinking` block"
    return ""


def _thought(play: Play, told: Told) -> str | None:
    """Return the reasoning that goes with the answer: empty where it is not to be shown, and signed all the same."""
    wish = (told.members.get("additionalModelRequestFields") or {}).get("thinking") or {}
    shows = wish.get("type", "disabled") != "disabled" and wish.get("display") != "omitted"
    if not play.reasoning or not (shows or play.calls):
        return None
    return "".join(play.reasoning) if shows else ""


def _use(told: Told, number: int, name: str) -> Block:
    return {"name": name, "toolUseId": f"tooluse_{told.nonce}{number}", "type": "tool_use"}


def whole(play: Play, told: Told) -> dict[str, Any]:
    """Put an answer as one body."""
    content: list[Block] = []
    if (thought := _thought(play, told)) is not None:
        signed = {"text": thought, "signature": seals.seal(NAME, thought, nonce=told.nonce)}
        content.append({"reasoningContent": {"reasoningText": signed}})
    if said := play.refusal or "".join(play.text):
        content.append({"text": said})
    content += [
        {"toolUse": {"input": call.arguments} | _use(told, number, call.name)} for number, call in enumerate(play.calls)
    ]
    message = {"role": "assistant", "content": content}
    return {"metrics": {"latencyMs": 420}, "output": {"message": message}} | _end(play) | {"usage": _usage(play.spent)}


def _end(play: Play) -> dict[str, Any]:
    return {"stopReason": _STOP.get(play.stop, "end_turn")}


def _usage(spent: Spent) -> dict[str, Any]:
    found: dict[str, Any] = {
        "inputTokens": spent.given - spent.cached - spent.cache_write,
        "outputTokens": spent.made,
        "totalTokens": spent.given + spent.made,
        "serverToolUsage": {},
    }
    for name, value in (("cacheRead", spent.cached), ("cacheWrite", spent.cache_write)):
        # both spellings, as recorded
        found |= {f"{name}InputTokens": value, f"{name}InputTokenCount": value}
    return found


def frames(play: Play, told: Told) -> list[bytes]:
    """Put an answer as a stream's frames, each with padding in its payload."""
    found = []
    for number, (name, body) in enumerate(_events(play, told)):
        padding = _PADDING[: number * 7 % len(_PADDING) + 1]
        if name.endswith("Exception"):
            found.append(frame({":exception-type": name, ":message-type": "exception"}, encoded(body)))
        else:
            found.append(frame({":event-type": name, ":message-type": "event"}, encoded(body | {"p": padding})))
    return found


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """Frame one message: lengths and their checksum, headers that are texts, payload, checksum of it all."""
    named = {":content-type": "application/json"} | headers
    head = b"".join(_header(name, value) for name, value in named.items())
    lengths = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    body = lengths + struct.pack(">I", crc32(lengths)) + head + payload
    return body + struct.pack(">I", crc32(body))


def _header(name: str, value: str) -> bytes:
    return bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()


def _events(play: Play, told: Told) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "messageStart", {"role": "assistant"}
    index = 0
    if (thought := _thought(play, told)) is not None:
        for piece in play.reasoning if thought else ():
            yield "contentBlockDelta", _delta(index, {"reasoningContent": {"text": piece}})
        signature = seals.seal(NAME, thought, nonce=told.nonce)
        yield "contentBlockDelta", _delta(index, {"reasoningContent": {"signature": signature}})
        yield "contentBlockStop", {"contentBlockIndex": index}
        index += 1
    words = (play.refusal,) if play.refusal else play.text
    for number, piece in enumerate(words):
        if number == play.breaks_after:
            yield "serviceUnavailableException", {"message": "Bedrock is unable to process your request."}
            return
        yield "contentBlockDelta", _delta(index, {"text": piece})
    if words:
        yield "contentBlockStop", {"contentBlockIndex": index}
        index += 1
    for number in range(len(play.calls)):
        yield from _calling(play, told, number, index=index + number)
    yield "messageStop", _end(play)
    yield "metadata", {"metrics": {"latencyMs": 420}, "usage": _usage(play.spent)}


def _calling(play: Play, told: Told, number: int, *, index: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the events of one call; one without arguments streams no text of them."""
    call = play.calls[number]
    yield "contentBlockStart", {"contentBlockIndex": index, "start": {"toolUse": _use(told, number, call.name)}}
    for piece in call.pieces if call.arguments else ("",):
        yield "contentBlockDelta", _delta(index, {"toolUse": {"input": piece}})
    yield "contentBlockStop", {"contentBlockIndex": index}


def _delta(index: int, delta: Block) -> dict[str, Any]:
    return {"contentBlockIndex": index, "delta": delta}


def error(fault: Fault, told: Told) -> Reply:
    """Put an error as Amazon does: the type stands in a header, a wrong key is a 403, no word of when to come back."""
    status = {401: 403, 529: 503}.get(fault.status, fault.status)
    message = "Authentication failed." if fault.status == 401 else fault.message  # noqa: PLR2004 -- HTTP's "unauthorized"
    kind = _TYPES.get(status, _TYPES[500])
    headers = (("x-amzn-requestid", told.nonce), ("x-amzn-errortype", f"{kind}:http://internal.amazon.com/coral/"))
    label = "application/vnd.amazon.eventstream" if fault.is_mislabelled else "application/json"
    return Reply(status, encoded({"message": message}), headers, label)


def stream_type(_told: Told) -> str:
    """Name the content type of a stream."""
    return "application/vnd.amazon.eventstream"


def other(operation: str, asked: Asked) -> dict[str, Any]:
    """Count tokens; every request has as many."""
    del operation, asked
    return {"inputTokens": 14}
