"""The official mistralai SDK over Mistral's own chat."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from mistralai.client import Mistral
from mistralai.client.errors import MistralError
from mistralai.client.models import AssistantMessage, ThinkChunk

from sdk.clients.openai_chat import data_url
from sdk.clients.words import TOOLS, Ask, Call, Counted, Heard, Listening, turns

STOPS = {"stop": "end", "tool_calls": "tools", "length": "length", "model_length": "length", "error": "filter"}


class MistralAI:
    """`client.chat`."""

    dialect = "mistral"
    lacks = frozenset({"count-tokens"})
    """The API has no such operation."""
    parameters: ClassVar[dict[str, Any]] = {
        "temperature": 0.25,
        "top_p": 0.5,
        "max_tokens": 64,
        "stop": ["ZZ", "YY"],
        "random_seed": 11,
        "presence_penalty": 0.5,
        "frequency_penalty": 0.25,
    }
    stop: ClassVar[dict[str, Any]] = {"stop": ["two"]}
    minds = frozenset({"labels"})
    past_ids = ("a1B2c3D4e", "f5G6h7I8j")
    """The API takes ids of calls of nine letters and digits only."""

    def __init__(self, base: str, key: str, listening: Listening) -> None:
        self.listening = listening
        self._client = Mistral(api_key=key, server_url=base, client=listening.http)

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
            wanted = {"name": "report", "schema": ask.schema, "strict": True}
            found["response_format"] = {"type": "json_schema", "json_schema": wanted}
        if ask.wants_reasoning:
            found["reasoning_effort"] = "high"
        return found

    def ask(self, model: str, ask: Ask) -> Heard:
        done = self._client.chat.complete(**self._members(model, ask))
        choice = done.choices[0]
        return _heard(choice.message, choice.finish_reason, done.usage, pieces=0)

    def stream(self, model: str, ask: Ask) -> Heard:
        heard = _Collected()
        with self._client.chat.stream(**self._members(model, ask)) as stream:
            for event in stream:
                heard.add(event.data)
        message = AssistantMessage(content=heard.content or "", tool_calls=heard.calls or None)
        return _heard(message, heard.reason, heard.usage, pieces=heard.pieces)

    def results(self, heard: Heard, found: dict[str, str]) -> tuple[Any, ...]:
        return tuple(
            {"role": "tool", "name": one.name, "tool_call_id": one.id, "content": found[one.name]}
            for one in heard.calls
        )

    def past_calls(self, calls: tuple[Call, ...]) -> tuple[Any, ...]:
        """Write a turn that called tools without having heard it."""
        made = [{"id": one.id, "function": {"name": one.name, "arguments": one.arguments}} for one in calls]
        return ({"role": "assistant", "content": "", "tool_calls": made},)

    def count(self, model: str) -> int:
        raise NotImplementedError

    def embed(self, model: str, texts: list[str]) -> list[list[float]]:
        return [one.embedding for one in self._client.embeddings.create(model=model, inputs=texts).data]

    def routes(self) -> set[str]:
        return {one.id for one in self._client.models.list().data}

    def raised(self, status: int) -> tuple[type[Exception], ...]:
        del status  # the SDK has one class for all of them
        return (MistralError,)

    def broken(self) -> tuple[type[Exception], ...]:
        return (MistralError, ValueError)

    def status_of(self, error: Exception) -> int | None:
        return getattr(error, "status_code", None)


class _Collected:
    """Puts a stream together, as a program does: thoughts with their signature, words, calls."""

    def __init__(self) -> None:
        self.content: list[Any] = []
        self.calls: list[Any] = []
        self.reason: str | None = None
        self.usage: Any = None
        self.pieces = 0

    def add(self, chunk: Any) -> None:
        self.usage = chunk.usage or self.usage
        for choice in chunk.choices:
            self.reason = choice.finish_reason or self.reason
            self.calls += choice.delta.tool_calls or []
            content = choice.delta.content or []
            for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
                self._grow(part if isinstance(part, dict) else part.model_dump())

    def _grow(self, part: dict[str, Any]) -> None:
        self.pieces += part["type"] == "text"
        last = self.content[-1] if self.content else {"type": ""}
        if last["type"] != part["type"]:
            self.content.append(part)
        elif part["type"] == "text":
            last["text"] += part["text"]
        else:
            said = "".join(one["text"] for one in (*last["thinking"], *part["thinking"]))
            last |= part | {"thinking": [{"type": "text", "text": said}]}


def _question(ask: Ask) -> dict[str, Any]:
    address = ask.picture_url or data_url(ask.picture)
    if not address:
        return {"role": "user", "content": ask.text}
    return {
        "role": "user",
        "content": [{"type": "text", "text": ask.text}, {"type": "image_url", "image_url": {"url": address}}],
    }


def _heard(message: Any, reason: str | None, usage: Any, *, pieces: int) -> Heard:
    content = message.content or []
    parts = [] if isinstance(content, str) else content
    thoughts = [one.text for part in parts if isinstance(part, ThinkChunk) for one in part.thinking]
    words = content if isinstance(content, str) else "".join(part.text for part in parts if part.type == "text")
    return Heard(
        text=words,
        reasoning="".join(thoughts),
        calls=tuple(_call(one) for one in message.tool_calls or ()),
        stop=STOPS[reason or ""],
        counted=_counted(usage),
        turn=(message,),
        pieces=pieces,
    )


def _call(call: Any) -> Call:
    arguments = call.function.arguments
    decoded = msgspec.json.decode(arguments) if isinstance(arguments, str) else arguments
    return Call(call.id, call.function.name, decoded)


def _counted(usage: Any) -> Counted | None:
    if usage is None:
        return None
    given = (usage.additional_properties or {}).get("prompt_tokens_details") or {}
    return Counted(usage.prompt_tokens, usage.completion_tokens, cached=given.get("cached_tokens"))
