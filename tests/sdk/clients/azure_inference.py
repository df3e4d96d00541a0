"""Microsoft's azure-ai-inference over Foundry's path for models of every maker."""

from __future__ import annotations

import contextlib
from typing import Any, ClassVar

import msgspec
from azure.ai.inference import ChatCompletionsClient, EmbeddingsClient
from azure.ai.inference.models import AssistantMessage, JsonSchemaFormat
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError

from sdk.clients.openai_chat import STOPS, question, system
from sdk.clients.pools import local_port
from sdk.clients.words import TOOLS, Ask, Call, Counted, Heard, Listening, turns


class AzureInference:
    """`ChatCompletionsClient` and `EmbeddingsClient`."""

    dialect = "openai_chat"
    lacks = frozenset({"count-tokens"})
    """The API has no such operation."""
    minds = frozenset({"comments"})
    parameters: ClassVar[dict[str, Any]] = {
        "temperature": 0.25,
        "top_p": 0.5,
        "max_tokens": 64,
        "stop": ["ZZ", "YY"],
        "seed": 11,
        "presence_penalty": 0.5,
        "frequency_penalty": 0.25,
    }
    stop: ClassVar[dict[str, Any]] = {"stop": ["two"]}

    def __init__(self, base: str, key: str, listening: Listening) -> None:
        self.listening = listening
        options: dict[str, Any] = {"retry_total": 0, "read_timeout": 20, "raw_response_hook": self._hear}
        self._chat = listening.kept(ChatCompletionsClient(base, AzureKeyCredential(key), **options))
        self._vectors = listening.kept(EmbeddingsClient(base, AzureKeyCredential(key), **options))

    def _hear(self, response: Any) -> None:
        adapter = response.context.transport.session.adapters["http://"]
        port = local_port(adapter.poolmanager, response.http_response.internal_response.raw)
        self.listening.hear(response.http_response.headers, port)

    @property
    def headers(self) -> Any:
        return self.listening.headers

    def _members(self, model: str, ask: Ask) -> dict[str, Any]:
        found: dict[str, Any] = {"model": model, "messages": [*system(ask), *turns(ask, question)], **ask.more}
        if ask.tools:
            found["tools"] = [
                {"type": "function", "function": {"name": name, "description": "A tool", "parameters": TOOLS[name]}}
                for name in ask.tools
            ]
        if ask.schema is not None:
            found["response_format"] = JsonSchemaFormat(name="report", schema=ask.schema, strict=True)
        if ask.wants_reasoning:
            found["model_extras"] = {"reasoning_effort": "low"}
        return found

    def ask(self, model: str, ask: Ask) -> Heard:
        done = self._chat.complete(**self._members(model, ask))
        choice = done.choices[0]
        return _heard(choice.message, choice.finish_reason, done.usage, pieces=0)

    def stream(self, model: str, ask: Ask) -> Heard:
        members = self._members(model, ask)
        members["model_extras"] = members.get("model_extras", {}) | {"stream_options": {"include_usage": True}}
        heard = _Collected()
        with contextlib.closing(self._chat.complete(stream=True, **members)) as stream:
            for update in stream:
                heard.add(update)
        if heard.reason is None:  # the SDK passes over errors inside a stream
            raise AzureError("the stream ended without a reason")
        return _heard(heard.message, heard.reason, heard.usage, pieces=heard.pieces)

    def results(self, heard: Heard, found: dict[str, str]) -> tuple[Any, ...]:
        return tuple({"role": "tool", "tool_call_id": one.id, "content": found[one.name]} for one in heard.calls)

    def past_calls(self, calls: tuple[Call, ...]) -> tuple[Any, ...]:
        """Write a turn that called tools without having heard it."""
        made = [(one.id, one.name, msgspec.json.encode(one.arguments).decode()) for one in calls]
        written = [
            {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
            for call_id, name, arguments in made
        ]
        return (AssistantMessage(tool_calls=written),)

    def count(self, model: str) -> int:
        raise NotImplementedError

    def embed(self, model: str, texts: list[str]) -> list[list[float]]:
        return [one.embedding for one in self._vectors.embed(model=model, input=texts).data]

    def routes(self) -> set[str]:
        """Ask for something: the SDK lists no models."""
        with contextlib.suppress(HttpResponseError):
            self._chat.get_model_info()
        return set()

    def raised(self, status: int) -> tuple[type[Exception], ...]:
        return (ResourceNotFoundError if status == 404 else HttpResponseError,)

    def broken(self) -> tuple[type[Exception], ...]:
        return (AzureError,)

    def status_of(self, error: Exception) -> int | None:
        return getattr(error, "status_code", None)


class _Collected:
    """Puts a stream together, as a program does."""

    def __init__(self) -> None:
        self.message: dict[str, Any] = {"role": "assistant", "content": ""}
        self.reason: str | None = None
        self.usage: Any = None
        self.pieces = 0

    def add(self, update: Any) -> None:
        self.usage = update.usage or self.usage
        for choice in update.choices or ():
            self.reason = choice.finish_reason or self.reason
            self.message["content"] += choice.delta.content or ""
            self.pieces += bool(choice.delta.content)
            thought = self.message.get("reasoning_content", "") + (choice.delta.get("reasoning_content") or "")
            if thought:
                self.message["reasoning_content"] = thought
            for call in choice.delta.tool_calls or ():
                self._call(call)

    def _call(self, call: Any) -> None:
        calls: list[dict[str, Any]] = self.message.setdefault("tool_calls", [])
        if call.id:
            calls.append(call.as_dict())
        else:
            calls[call.get("index", -1)]["function"]["arguments"] += call.function.arguments or ""


def _heard(message: Any, reason: str, usage: Any, *, pieces: int) -> Heard:
    calls = [(one["id"], one["function"]) for one in message.get("tool_calls") or ()]
    refusal = message.get("refusal") or ""
    turn = AssistantMessage(content=message.get("content") or "", tool_calls=message.get("tool_calls"))
    return Heard(
        text=message.get("content") or "",
        reasoning=message.get("reasoning_content") or "",
        refusal=refusal,
        calls=tuple(Call(one, made["name"], msgspec.json.decode(made["arguments"] or "{}")) for one, made in calls),
        stop="refusal" if refusal else STOPS[str(getattr(reason, "value", reason))],
        counted=Counted(usage.prompt_tokens, usage.completion_tokens) if usage else None,
        turn=(turn,),
        pieces=pieces,
    )
