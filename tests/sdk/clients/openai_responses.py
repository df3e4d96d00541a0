"""The official openai SDK over Responses, without state kept at the host."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
import openai

from sdk.clients.openai_chat import data_url, raised, status_of
from sdk.clients.words import TOOLS, Ask, Call, Counted, Heard, Listening, turns

STOPS = {"max_output_tokens": "length", "content_filter": "filter"}


class OpenAIResponses:
    """`client.responses`."""

    dialect = "openai_responses"
    lacks = frozenset({"count-tokens", "stop-sequence", "embeddings"})
    parameters: ClassVar[dict[str, Any]] = {"temperature": 0.25, "top_p": 0.5, "max_output_tokens": 64}
    stop: ClassVar[dict[str, Any]] = {}

    def __init__(self, base: str, key: str, listening: Listening) -> None:
        self.listening = listening
        self._client = openai.OpenAI(base_url=base, api_key=key, max_retries=0, http_client=listening.http)

    @property
    def headers(self) -> Any:
        return self.listening.headers

    def _members(self, model: str, ask: Ask) -> dict[str, Any]:
        found: dict[str, Any] = {"model": model, "input": turns(ask, _question), "store": False, **ask.more}
        found["include"] = ["reasoning.encrypted_content"]
        if ask.system:
            found["instructions"] = ask.system
        if ask.tools:
            found["tools"] = [
                {"type": "function", "name": name, "description": "A tool", "parameters": TOOLS[name], "strict": False}
                for name in ask.tools
            ]
        if ask.schema is not None:
            wanted = {"type": "json_schema", "name": "report", "schema": ask.schema, "strict": True}
            found["text"] = {"format": wanted}
        if ask.wants_reasoning:
            found["reasoning"] = {"effort": "low", "summary": "auto"}
        return found

    def ask(self, model: str, ask: Ask) -> Heard:
        return _heard(self._client.responses.create(**self._members(model, ask)), pieces=0)

    def stream(self, model: str, ask: Ask) -> Heard:
        pieces = 0
        with self._client.responses.stream(**self._members(model, ask)) as stream:
            for event in stream:
                pieces += event.type == "response.output_text.delta"
                if event.type in {"response.completed", "response.incomplete"}:
                    return _heard(event.response, pieces=pieces)
                if event.type == "response.failed":
                    raise openai.APIError(str(event.response.error), stream._raw_stream.response.request, body=None)
        raise AssertionError("the stream ended without response.completed")

    def results(self, heard: Heard, found: dict[str, str]) -> tuple[Any, ...]:
        return tuple(
            {"type": "function_call_output", "call_id": one.id, "output": found[one.name]} for one in heard.calls
        )

    def past_calls(self, calls: tuple[Call, ...]) -> tuple[Any, ...]:
        """Write a turn that called tools without having heard it."""
        return tuple(
            {
                "type": "function_call",
                "call_id": call.id,
                "name": call.name,
                "arguments": msgspec.json.encode(call.arguments).decode(),
            }
            for call in calls
        )

    def count(self, model: str) -> int:
        raise NotImplementedError

    def embed(self, model: str, texts: list[str]) -> list[list[float]]:
        raise NotImplementedError

    def routes(self) -> set[str]:
        return {one.id for one in self._client.models.list()}

    def raised(self, status: int) -> tuple[type[Exception], ...]:
        return raised(status)

    def broken(self) -> tuple[type[Exception], ...]:
        return (openai.APIError,)

    def status_of(self, error: Exception) -> int | None:
        return status_of(error)


def _question(ask: Ask) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "input_text", "text": ask.text}]
    if address := ask.picture_url or data_url(ask.picture):
        content.append({"type": "input_image", "image_url": address, "detail": "auto"})
    return {"role": "user", "content": content}


def _heard(done: Any, *, pieces: int) -> Heard:
    items = done.output
    calls = tuple(
        Call(one.call_id, one.name, msgspec.json.decode(one.arguments or "{}"))
        for one in items
        if one.type == "function_call"
    )
    parts = [part for one in items if one.type == "message" for part in one.content]
    refusal = "".join(part.refusal for part in parts if part.type == "refusal")
    thoughts = [part.text for one in items if one.type == "reasoning" for part in (*one.summary, *(one.content or ()))]
    reason = done.incomplete_details.reason if done.incomplete_details else None
    return Heard(
        text="".join(part.text for part in parts if part.type == "output_text"),
        reasoning="".join(thoughts),
        refusal=refusal,
        calls=calls,
        stop=STOPS[reason] if reason else "refusal" if refusal else "tools" if calls else "end",
        counted=_counted(done.usage),
        turn=tuple(items),
        pieces=pieces,
    )


def _counted(usage: Any) -> Counted | None:
    if usage is None:
        return None
    given, made = usage.input_tokens_details, usage.output_tokens_details
    return Counted(
        usage.input_tokens,
        usage.output_tokens,
        cached=given.cached_tokens,
        cache_write=getattr(given, "cache_write_tokens", None),
        reasoning=made.reasoning_tokens,
    )
