"""The official anthropic SDK over Messages."""

from __future__ import annotations

import base64
from typing import Any, ClassVar

import anthropic

from sdk.clients.words import TOOLS, Ask, Call, Counted, Heard, Listening, turns

STOPS = {"end_turn": "end", "stop_sequence": "end", "tool_use": "tools", "max_tokens": "length", "refusal": "refusal"}
ERRORS = {
    400: anthropic.BadRequestError,
    401: anthropic.AuthenticationError,
    403: anthropic.PermissionDeniedError,
    404: anthropic.NotFoundError,
    429: anthropic.RateLimitError,
}


class AnthropicMessages:
    """`client.messages`."""

    dialect = "anthropic_messages"
    lacks = frozenset({"embeddings"})
    parameters: ClassVar[dict[str, Any]] = {
        # since 2.0 the SDK has no arguments of their own for these three, the API still takes them
        "extra_body": {"temperature": 0.25, "top_p": 0.5, "top_k": 5},
        "stop_sequences": ["ZZ", "YY"],
    }
    stop: ClassVar[dict[str, Any]] = {"stop_sequences": ["two"]}

    def __init__(self, base: str, key: str, listening: Listening) -> None:
        self.listening = listening
        self._client = anthropic.Anthropic(base_url=base, api_key=key, max_retries=0, http_client=listening.http)

    @property
    def headers(self) -> Any:
        return self.listening.headers

    def _members(self, model: str, ask: Ask) -> dict[str, Any]:
        found: dict[str, Any] = {"model": model, "messages": turns(ask, _question), "max_tokens": 4096, **ask.more}
        if ask.system:
            found["system"] = ask.system
        if ask.tools:
            found["tools"] = [{"name": one, "description": "A tool", "input_schema": TOOLS[one]} for one in ask.tools]
        if ask.schema is not None:
            found["output_config"] = {"format": {"type": "json_schema", "schema": ask.schema}}
        if ask.wants_reasoning:
            found["thinking"] = {"type": "enabled", "budget_tokens": 1024}
        return found

    def ask(self, model: str, ask: Ask) -> Heard:
        return _heard(self._client.messages.create(**self._members(model, ask)), pieces=0)

    def stream(self, model: str, ask: Ask) -> Heard:
        pieces = 0
        with self._client.messages.stream(**self._members(model, ask)) as stream:
            for event in stream:
                pieces += event.type == "text"
        return _heard(stream.get_final_message(), pieces=pieces)

    def results(self, heard: Heard, found: dict[str, str]) -> tuple[Any, ...]:
        blocks = [{"type": "tool_result", "tool_use_id": one.id, "content": found[one.name]} for one in heard.calls]
        return ({"role": "user", "content": blocks},)

    def past_calls(self, calls: tuple[Call, ...]) -> tuple[Any, ...]:
        """Write a turn that called tools without having heard it."""
        used = [{"type": "tool_use", "id": one.id, "name": one.name, "input": one.arguments} for one in calls]
        return ({"role": "assistant", "content": used},)

    def count(self, model: str) -> int:
        messages = [{"role": "user", "content": "How many?"}]
        return self._client.messages.count_tokens(model=model, messages=messages).input_tokens

    def embed(self, model: str, texts: list[str]) -> list[list[float]]:
        raise NotImplementedError

    def routes(self) -> set[str]:
        return {one.id for one in self._client.models.list()}

    def raised(self, status: int) -> tuple[type[Exception], ...]:
        if status >= 500:
            return (anthropic.InternalServerError,)
        return (ERRORS.get(status, anthropic.APIStatusError),)

    def broken(self) -> tuple[type[Exception], ...]:
        return (anthropic.APIError,)

    def status_of(self, error: Exception) -> int | None:
        return getattr(error, "status_code", None)


def _question(ask: Ask) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": ask.text}]
    if ask.picture_url:
        content.append({"type": "image", "source": {"type": "url", "url": ask.picture_url}})
    if ask.picture:
        data = base64.b64encode(ask.picture).decode()
        content.append({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}})
    return {"role": "user", "content": content}


def _heard(done: Any, *, pieces: int) -> Heard:
    blocks = done.content
    usage = done.usage
    cached, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    details = getattr(usage, "output_tokens_details", None)
    text = "".join(one.text for one in blocks if one.type == "text")
    is_refusal = done.stop_reason == "refusal"
    return Heard(
        text="" if is_refusal else text,
        reasoning="".join(one.thinking for one in blocks if one.type == "thinking"),
        refusal=text if is_refusal else "",
        calls=tuple(Call(one.id, one.name, one.input) for one in blocks if one.type == "tool_use"),
        stop=STOPS[done.stop_reason],
        stop_sequence=done.stop_sequence,
        counted=Counted(
            usage.input_tokens + cached + written,
            usage.output_tokens,
            cached=cached,
            cache_write=written,
            reasoning=details.thinking_tokens if details else None,
        ),
        turn=({"role": "assistant", "content": blocks},),
        pieces=pieces,
    )
