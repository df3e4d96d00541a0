"""The official openai SDK over Chat Completions."""

from __future__ import annotations

import base64
from typing import Any, ClassVar

import msgspec
import openai

from sdk.clients.words import TOOLS, Ask, Call, Counted, Heard, Listening, turns

STOPS = {"stop": "end", "tool_calls": "tools", "length": "length", "content_filter": "filter"}
ERRORS = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    429: openai.RateLimitError,
}


def raised(status: int) -> tuple[type[Exception], ...]:
    """Name the class that programs catch for a status."""
    return (openai.InternalServerError,) if status >= 500 else (ERRORS.get(status, openai.APIStatusError),)


def status_of(error: Exception) -> int | None:
    """Read the HTTP status of an error."""
    return getattr(error, "status_code", None)


class OpenAIChat:
    """`client.chat.completions`."""

    dialect = "openai_chat"
    lacks = frozenset({"count-tokens"})
    parameters: ClassVar[dict[str, Any]] = {
        "temperature": 0.25,
        "top_p": 0.5,
        "max_completion_tokens": 64,
        "stop": ["ZZ", "YY"],
        "seed": 11,
        "presence_penalty": 0.5,
        "frequency_penalty": 0.25,
    }
    stop: ClassVar[dict[str, Any]] = {"stop": ["two"]}

    def __init__(self, base: str, key: str, listening: Listening) -> None:
        self.listening = listening
        self._client = openai.OpenAI(base_url=base, api_key=key, max_retries=0, http_client=listening.http)

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
            wanted = {"name": "report", "schema": ask.schema, "strict": True}
            found["response_format"] = {"type": "json_schema", "json_schema": wanted}
        if ask.wants_reasoning:
            found["reasoning_effort"] = "low"
        return found

    def ask(self, model: str, ask: Ask) -> Heard:
        done = self._client.chat.completions.create(**self._members(model, ask))
        return _heard(done, pieces=0)

    def stream(self, model: str, ask: Ask) -> Heard:
        members = self._members(model, ask) | {"stream_options": {"include_usage": True}}
        pieces = 0
        try:
            with self._client.chat.completions.stream(**members) as stream:
                for event in stream:
                    pieces += event.type == "content.delta"
                return _heard(stream.get_final_completion(), pieces=pieces)
        except openai.LengthFinishReasonError as error:
            return _heard(error.completion, pieces=pieces)
        except openai.ContentFilterFinishReasonError:
            return Heard(stop="filter")

    def stream_by_hand(self, model: str, ask: Ask) -> Heard:
        """Put the turn together from documented members only, as many programs do."""
        calls: dict[int, dict[str, Any]] = {}
        text = ""
        for chunk in self._client.chat.completions.create(stream=True, **self._members(model, ask)):
            for choice in chunk.choices:
                text += choice.delta.content or ""
                for part in choice.delta.tool_calls or ():
                    one = calls.setdefault(part.index, {"id": "", "name": "", "arguments": ""})
                    one["id"] += part.id or ""
                    one["name"] += part.function.name or ""
                    one["arguments"] += part.function.arguments or ""
        made = [
            {"id": one["id"], "type": "function", "function": {"name": one["name"], "arguments": one["arguments"]}}
            for one in calls.values()
        ]
        found = tuple(_call(one["id"], one["function"]["name"], one["function"]["arguments"]) for one in made)
        turn = {"role": "assistant", "content": text, "tool_calls": made}
        return Heard(text=text, calls=found, turn=(turn,))

    def results(self, heard: Heard, found: dict[str, str]) -> tuple[Any, ...]:
        return tuple({"role": "tool", "tool_call_id": one.id, "content": found[one.name]} for one in heard.calls)

    def past_calls(self, calls: tuple[Call, ...]) -> tuple[Any, ...]:
        """Write a turn that called tools without having heard it."""
        made = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": msgspec.json.encode(call.arguments).decode()},
            }
            for call in calls
        ]
        return ({"role": "assistant", "content": None, "tool_calls": made},)

    def count(self, model: str) -> int:
        raise NotImplementedError

    def embed(self, model: str, texts: list[str]) -> list[list[float]]:
        return [one.embedding for one in self._client.embeddings.create(model=model, input=texts).data]

    def routes(self) -> set[str]:
        return {one.id for one in self._client.models.list()}

    def raised(self, status: int) -> tuple[type[Exception], ...]:
        return raised(status)

    def broken(self) -> tuple[type[Exception], ...]:
        return (openai.APIError,)

    def status_of(self, error: Exception) -> int | None:
        return status_of(error)


def system(ask: Ask) -> list[dict[str, Any]]:
    """Write the instructions."""
    return [{"role": "system", "content": ask.system}] if ask.system else []


def question(ask: Ask) -> dict[str, Any]:
    """Write a question, with its picture."""
    address = ask.picture_url or data_url(ask.picture)
    if not address:
        return {"role": "user", "content": ask.text}
    picture = {"type": "image_url", "image_url": {"url": address}}
    return {"role": "user", "content": [{"type": "text", "text": ask.text}, picture]}


def data_url(picture: bytes) -> str:
    """Put a PNG into an address."""
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}" if picture else ""


def _heard(done: Any, *, pieces: int) -> Heard:
    choice = done.choices[0]
    return heard_of(choice.message, choice.finish_reason, done.usage, pieces=pieces)


def heard_of(message: Any, reason: str, usage: Any, *, pieces: int) -> Heard:
    """Read an answer in the SDK's own types."""
    calls = [(one.id, one.function.name, one.function.arguments) for one in message.tool_calls or ()]
    return Heard(
        text=message.content or "",
        reasoning=getattr(message, "reasoning_content", None) or "",
        refusal=message.refusal or "",
        calls=tuple(_call(*one) for one in calls),
        stop="refusal" if message.refusal else STOPS[reason],
        counted=_counted(usage),
        turn=(message,),
        pieces=pieces,
    )


def _call(call_id: str, name: str, arguments: str) -> Call:
    return Call(call_id, name, msgspec.json.decode(arguments or "{}"))


def _counted(usage: Any) -> Counted | None:
    if usage is None:
        return None
    given, made = usage.prompt_tokens_details, usage.completion_tokens_details
    return Counted(
        usage.prompt_tokens,
        usage.completion_tokens,
        cached=given.cached_tokens if given else None,
        reasoning=made.reasoning_tokens if made else None,
    )
