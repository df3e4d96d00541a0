"""How a host that speaks Gemini's generateContent plays a scene: SSE with CRLF, or one JSON array streamed."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from hortus.testkit.scenes import openai_shared, seals
from hortus.testkit.scenes.values import (
    NO_KEY,
    Asked,
    Fault,
    PastCall,
    Picture,
    Play,
    Reply,
    Result,
    Told,
    compact,
    encoded,
)

NAME = "gemini"
MODEL = "fake-001"
_STOP = {"length": "MAX_TOKENS", "refusal": "SAFETY", "filter": "PROHIBITED_CONTENT"}
_STATUS = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_PARAMETERS = {
    "temperature": "temperature",
    "topP": "top_p",
    "topK": "top_k",
    "candidateCount": "n",
    "seed": "seed",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
    "maxOutputTokens": "max_output_tokens",
    "stopSequences": "stop",
    "responseLogprobs": "logprobs",
    "logprobs": "top_logprobs",
}
Part = dict[str, Any]


def camel(name: str) -> str:
    """Spell a member's name as the documents do: this maker takes `function_call` for `functionCall`."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _spelt(value: dict[str, Any] | None) -> dict[str, Any]:
    return {camel(name): one for name, one in (value or {}).items()}


def objection(asked: Asked) -> str:
    """Object as Google does: to turns of nobody, to other than one response for each call."""
    waiting = 0
    for one in _spelt(asked.body).get("contents", []):
        turn = _spelt(one)
        if turn.get("role", "user") not in {"user", "model"}:
            return "Please use a valid role: user, model."
        parts = [_spelt(part) for part in turn.get("parts", [])]
        if waiting != sum("functionResponse" in part for part in parts):
            return "Please ensure that there are as many function response parts as function call parts."
        waiting = sum("functionCall" in part for part in parts)
    return "" if "x-goog-api-key" in asked.headers else NO_KEY


def read(asked: Asked) -> Told:
    """Understand a request."""
    body = _spelt(asked.body)
    turns = [(one.get("role", "user"), [_spelt(part) for part in one.get("parts", [])]) for one in body["contents"]]
    parts = [part for _, found in turns for part in found]
    config = _spelt(body.get("generationConfig"))
    return Told(
        nonce=asked.nonce,
        model=asked.model,
        is_stream=asked.query["verb"] == "streamGenerateContent",
        members=body,
        system=_text((body.get("systemInstruction") or {}).get("parts", [])),
        turns=tuple((role, _text(found)) for role, found in turns),
        pictures=_pictures(parts),
        schema=_schema(config),
        parameters=_parameters(body, config),
        tools=_tools(body),
        calls=_calls(parts),
        results=_results(parts),
        seal_fault=_seal_fault(turns),
        variant="sse" if asked.query.get("alt") == "sse" else "array",
    )


def _calls(parts: list[Part]) -> tuple[PastCall, ...]:
    made = [part["functionCall"] for part in parts if "functionCall" in part]
    return tuple(PastCall(one.get("id", ""), one["name"], one.get("args") or {}) for one in made)


def _results(parts: list[Part]) -> tuple[Result, ...]:
    given = [part["functionResponse"] for part in parts if "functionResponse" in part]
    return tuple(Result(one.get("id", ""), one["name"], _returned(one.get("response") or {})) for one in given)


def _pictures(parts: list[Part]) -> tuple[Picture, ...]:
    return tuple(one for part in parts if (one := _picture(part)))


def _schema(config: dict[str, Any]) -> dict[str, Any] | None:
    if config.get("responseMimeType") != "application/json":
        return None
    found: dict[str, Any] | None = config.get("responseJsonSchema") or config.get("responseSchema")
    return found


def _tools(body: dict[str, Any]) -> tuple[str, ...]:
    offered = [_spelt(tool).get("functionDeclarations") or () for tool in body.get("tools") or ()]
    return tuple(one["name"] for declared in offered for one in declared)


def _text(parts: list[Part]) -> str:
    return "".join(part.get("text", "") for part in parts if not part.get("thought"))


def _picture(part: Part) -> Picture | None:
    if inline := _spelt(part.get("inlineData")):
        data = base64.b64decode(inline["data"].translate(str.maketrans("-_", "+/")), validate=True)
        return Picture(inline["mimeType"], data)
    if file := _spelt(part.get("fileData")):
        return Picture(file.get("mimeType", ""), url=file["fileUri"])
    return None


def _returned(response: dict[str, Any]) -> str:
    """Take the text of a tool's result, which lies under `output` or `result`, else all of it."""
    found = response.get("output", response.get("result"))
    return found if isinstance(found, str) and len(response) == 1 else compact(response)


def _parameters(body: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    found = {_PARAMETERS[name]: value for name, value in config.items() if name in _PARAMETERS}
    thinking = _spelt(config.get("thinkingConfig"))
    if level := thinking.get("thinkingLevel"):
        found["reasoning_effort"] = level.lower()
    if (budget := thinking.get("thinkingBudget")) is not None:
        found["reasoning_tokens"] = budget
    calling = _spelt(_spelt(body.get("toolConfig")).get("functionCallingConfig"))
    if mode := calling.get("mode"):
        names: list[str] = calling.get("allowedFunctionNames") or []
        word = {"ANY": "required"}.get(mode, mode.lower())
        found["tool_choice"] = f"tool:{names[0]}" if mode == "ANY" and len(names) == 1 else word
    return found


def _seal_fault(turns: list[tuple[str, list[Part]]]) -> str:
    """Judge the history: the first call of each turn carries its signature, in its own part."""
    for place, (_, parts) in enumerate(turns):
        for part in [part for part in parts if "functionCall" in part][:1]:
            call = part["functionCall"]
            if "thoughtSignature" not in part:
                return (
                    f"Function call is missing a thought_signature in functionCall parts. Additional data, function "
                    f"call `default_api:{call['name']}`, position {place}."
                )
            if not seals.fits(part["thoughtSignature"], NAME, compact([call["name"], call.get("args") or {}])):
                return f"Thought signature is not valid: contents[{place}]."
    return ""


def _parts(play: Play, told: Told) -> Iterator[tuple[Part, list[Part]]]:
    """Yield each part: whole, and as a stream cuts it."""
    config = _spelt(told.members.get("generationConfig"))
    shows = _spelt(config.get("thinkingConfig")).get("includeThoughts")
    if play.reasoning and shows:
        thoughts = [{"text": one, "thought": True} for one in play.reasoning]
        yield {"text": "".join(play.reasoning), "thought": True}, list[Part](thoughts)
    if play.text and play.stop != "filter":
        yield _words(play, told)
    for number, call in enumerate(play.calls):
        part: Part = {"functionCall": {"name": call.name, "args": call.arguments, "id": f"{told.nonce}{number}"}}
        if play.is_sealed and number == 0:
            part["thoughtSignature"] = seals.seal(NAME, compact([call.name, call.arguments]), nonce=told.nonce)
        yield part, [part]


def _words(play: Play, told: Told) -> tuple[Part, list[Part]]:
    """Text, with the signature of the reasoning before it; in a stream that comes last, beside an empty text."""
    text = "".join(play.text)
    cut: list[Part] = [{"text": one} for one in play.text]
    if not play.is_sealed or play.calls:
        return {"text": text}, cut
    sign = {"thoughtSignature": seals.seal(NAME, text, nonce=told.nonce)}
    return {"text": text} | sign, [*cut, {"text": ""} | sign]


def whole(play: Play, told: Told) -> dict[str, Any]:
    """Put an answer as one body."""
    return _body(play, told, parts=[part for part, _ in _parts(play, told)], is_last=True)


def _body(play: Play, told: Told, *, parts: list[Part], is_last: bool) -> dict[str, Any]:
    tail = {"usageMetadata": _usage(play, is_last=is_last), "modelVersion": MODEL, "responseId": told.nonce}
    if play.stop == "filter" and is_last:
        return {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}} | tail
    content: dict[str, Any] = {"parts": parts, "role": "model"} if parts else {}
    candidate: dict[str, Any] = {"content": content, "index": 0}
    if is_last:
        # says STOP after tool calls too
        candidate["finishReason"] = _STOP.get(play.stop, "STOP")
    if play.stop == "refusal":
        rating = {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True}
        candidate["safetyRatings"] = [rating]
    return {"candidates": [candidate]} | tail


def _usage(play: Play, *, is_last: bool) -> dict[str, Any]:
    spent = play.spent
    said = spent.made - spent.reasoning if is_last else 1
    found: dict[str, Any] = {"promptTokenCount": spent.given}
    if play.stop not in {"refusal", "filter"}:
        found["candidatesTokenCount"] = said
    found["totalTokenCount"] = spent.given + said + spent.reasoning
    found["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": spent.given}]
    if spent.cached:
        found["cachedContentTokenCount"] = spent.cached
    if spent.reasoning:
        found["thoughtsTokenCount"] = spent.reasoning
    return found


def frames(play: Play, told: Told) -> list[bytes]:
    """Put an answer as a stream's frames: events, or the pieces of one array."""
    bodies = list(_bodies(play, told))
    if told.variant == "sse":
        # no comments: Google sends none, and its own SDK takes them for an error
        return [b"data: " + encoded(body) + b"\r\n\r\n" for body in bodies]
    opens = [b"[" + encoded(bodies[0]), *(b",\r\n" + encoded(body) for body in bodies[1:])]
    return [*opens, b"]"]


def _bodies(play: Play, told: Told) -> Iterator[dict[str, Any]]:
    cut = [piece for _, pieces in _parts(play, told) for piece in pieces]
    for number, piece in enumerate(cut):
        if number == play.breaks_after:
            yield _google(503, "The model is overloaded. Please try again later.")
            return
        yield _body(play, told, parts=[piece], is_last=False)
    # the last chunk after calls holds an empty text, as recorded
    last = [{"text": ""}] if play.calls or play.text else []
    yield _body(play, told, parts=last, is_last=True)


def _google(status: int, message: str, *, details: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    found: dict[str, Any] = {"code": status, "message": message, "status": _STATUS.get(status, "INTERNAL")}
    return {"error": found | ({"details": list(details)} if details else {})}


def error(fault: Fault, told: Told) -> Reply:
    """Put an error as Google does: a wrong key is a 400, when to come back stands in the body, not in a header."""
    status = {401: 400, 529: 503}.get(fault.status, fault.status)
    details: tuple[dict[str, Any], ...] = ()
    message = fault.message
    if fault.status == 401:  # noqa: PLR2004 -- HTTP's "unauthorized"
        message = "API key not valid. Please pass a valid API key."
        details = ({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"},)
    if fault.retry_after_s >= 0:
        wait = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{fault.retry_after_s}s"}
        details = (*details, wait)
    body = encoded(_google(status, message, details=details))
    if told.is_stream and told.variant == "array":
        body = b"[" + body + b"\n]"
    kind = "text/event-stream" if told.is_stream and told.variant == "sse" else "application/json; charset=UTF-8"
    return Reply(status, body, (), "text/event-stream" if fault.is_mislabelled else kind)


def stream_type(told: Told) -> str:
    """Name the content type of a stream."""
    return "text/event-stream" if told.variant == "sse" else "application/json; charset=UTF-8"


def other(operation: str, asked: Asked) -> dict[str, Any]:
    """Count tokens and embed."""
    if operation == "countTokens":
        return {"totalTokens": 14, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 14}]}
    if operation == "embedContent":
        return {"embedding": {"values": _vector(asked.body)}}
    return {"embeddings": [{"values": _vector(one)} for one in asked.body["requests"]]}


def _vector(request: dict[str, Any]) -> list[float]:
    return openai_shared.vector(_text(request["content"]["parts"]))
