"""The official cohere SDK over its API v2."""

from __future__ import annotations

from typing import Any, ClassVar

import cohere
import httpx
import msgspec
from cohere.core.api_error import ApiError

from sdk.clients.openai_chat import data_url
from sdk.clients.words import TOOLS, Ask, Call, Counted, Heard, Listening, turns

STOPS = {"COMPLETE": "end", "STOP_SEQUENCE": "end", "TOOL_CALL": "tools", "MAX_TOKENS": "length", "ERROR": "filter"}
ERRORS = {
    400: cohere.BadRequestError,
    401: cohere.UnauthorizedError,
    403: cohere.ForbiddenError,
    404: cohere.NotFoundError,
    429: cohere.TooManyRequestsError,
}


class Cohere:
    """`client.chat` and `client.embed` of version 2."""

    dialect = "cohere_v2"
    lacks = frozenset({"count-tokens"})
    """The API has no such operation: what it calls tokenize takes a text, not a chat."""
    minds = frozenset({"labels"})
    parameters: ClassVar[dict[str, Any]] = {
        "temperature": 0.25,
        "p": 0.5,
        "k": 5,
        "max_tokens": 64,
        "stop_sequences": ["ZZ", "YY"],
        "seed": 11,
        "presence_penalty": 0.5,
        "frequency_penalty": 0.25,
    }
    stop: ClassVar[dict[str, Any]] = {"stop_sequences": ["two"]}

    def __init__(self, base: str, key: str, listening: Listening) -> None:
        self.listening = listening
        http = listening.kept(httpx.Client(event_hooks=listening.hooks, trust_env=False, timeout=20))
        self._client = cohere.ClientV2(
            api_key=key, base_url=base, httpx_client=http, max_retries=0, log_warning_experimental_features=False
        )

    @property
    def headers(self) -> Any:
        return self.listening.headers

    def _members(self, model: str, ask: Ask) -> dict[str, Any]:
        system = [{"role": "system", "content": ask.system}] if ask.system else []
        found: dict[str, Any] = {"model": model, "messages": [*system, *turns(ask, _question)], **ask.more}
        if ask.tools:
            found["tools"] = [
                {"type": "function", "function": {"name": one, "description": "A tool", "parameters": TOOLS[one]}}
                for one in ask.tools
            ]
        if ask.schema is not None:
            found["response_format"] = {"type": "json_object", "json_schema": ask.schema}
        if ask.wants_reasoning:
            found["thinking"] = {"type": "enabled", "token_budget": 1024}
        return found

    def ask(self, model: str, ask: Ask) -> Heard:
        done = self._client.chat(**self._members(model, ask))
        message = done.message.model_dump(exclude_none=True)
        return _heard(message, done.finish_reason, done.usage, pieces=0)

    def stream(self, model: str, ask: Ask) -> Heard:
        message: dict[str, Any] = {"role": "assistant"}
        pieces = 0
        for event in self._client.chat_stream(**self._members(model, ask)):
            pieces += event.type == "content-delta" and event.delta.message.content.text is not None
            if event.type == "message-end":
                if event.delta.finish_reason == "ERROR":
                    raise ApiError(body=event.delta.error)
                return _heard(message, event.delta.finish_reason, event.delta.usage, pieces=pieces)
            _grow(message, event)
        raise ApiError(body="the stream ended without message-end")

    def results(self, heard: Heard, found: dict[str, str]) -> tuple[Any, ...]:
        return tuple({"role": "tool", "tool_call_id": one.id, "content": found[one.name]} for one in heard.calls)

    def past_calls(self, calls: tuple[Call, ...]) -> tuple[Any, ...]:
        """Write a turn that called tools without having heard it."""
        made = [
            {
                "id": one.id,
                "type": "function",
                "function": {"name": one.name, "arguments": msgspec.json.encode(one.arguments).decode()},
            }
            for one in calls
        ]
        return ({"role": "assistant", "tool_calls": made},)

    def count(self, model: str) -> int:
        raise NotImplementedError

    def embed(self, model: str, texts: list[str]) -> list[list[float]]:
        done = self._client.embed(model=model, texts=texts, input_type="search_document", embedding_types=["float"])
        return done.embeddings.float_

    def routes(self) -> set[str]:
        return {one.name for one in self._client.models.list().models}

    def raised(self, status: int) -> tuple[type[Exception], ...]:
        return (ERRORS.get(status, ApiError),)  # for 502, which Cohere itself never says, there is no other

    def broken(self) -> tuple[type[Exception], ...]:
        return (ApiError, httpx.HTTPError)

    def status_of(self, error: Exception) -> int | None:
        return getattr(error, "status_code", None)


def _grow(message: dict[str, Any], event: Any) -> None:
    """Add an event to the message, as the SDK's documentation does."""
    match event.type:
        case "content-start":
            block = event.delta.message.content
            message.setdefault("content", []).append({"type": block.type, block.type: ""})
        case "content-delta":
            block = message["content"][event.index]
            block[block["type"]] += getattr(event.delta.message.content, block["type"])
        case "tool-plan-delta":
            message["tool_plan"] = message.get("tool_plan", "") + event.delta.message.tool_plan
        case "tool-call-start":
            call = event.delta.message.tool_calls.model_dump(exclude_none=True)
            message.setdefault("tool_calls", []).append(call)
        case "tool-call-delta":
            function = message["tool_calls"][event.index]["function"]
            function["arguments"] += event.delta.message.tool_calls.function.arguments


def _question(ask: Ask) -> dict[str, Any]:
    address = ask.picture_url or data_url(ask.picture)
    if not address:
        return {"role": "user", "content": ask.text}
    return {
        "role": "user",
        "content": [{"type": "text", "text": ask.text}, {"type": "image_url", "image_url": {"url": address}}],
    }


def _heard(message: dict[str, Any], reason: str, usage: Any, *, pieces: int) -> Heard:
    blocks = message.get("content") or []
    calls = [(one["id"], one["function"]) for one in message.get("tool_calls") or ()]
    return Heard(
        text="".join(block["text"] for block in blocks if block["type"] == "text"),
        reasoning="".join(block["thinking"] for block in blocks if block["type"] == "thinking"),
        calls=tuple(Call(one, made["name"], msgspec.json.decode(made["arguments"] or "{}")) for one, made in calls),
        stop=STOPS[reason],
        counted=Counted(int(usage.billed_units.input_tokens), int(usage.billed_units.output_tokens)),
        turn=(message,),
        pieces=pieces,
    )
