"""No SDK at all: plain HTTP over Foundry's path, with the members of Chat Completions."""

from __future__ import annotations

from typing import Any

import httpx2
import msgspec
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletionMessage

from sdk.clients.openai_chat import OpenAIChat, heard_of
from sdk.clients.words import Ask, Heard, Listening

VERSION = {"api-version": "2024-05-01-preview"}


class BrokenAnswer(Exception):  # noqa: N818 -- what a careful program makes of an error in a stream
    """A stream without an end."""


class FoundryByHand(OpenAIChat):
    """POST, and lines that begin with `data:`."""

    def __init__(self, base: str, key: str, listening: Listening) -> None:
        super().__init__(base, key, listening)
        self._base = base
        self._headers = {"api-key": key, "extra-parameters": "pass-through"}

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self.listening.http.post(f"{self._base}{path}", params=VERSION, headers=self._headers, json=body)
        _raise_error(answer)
        return answer.json()

    def ask(self, model: str, ask: Ask) -> Heard:
        body = self._post("/chat/completions", self._members(model, ask))
        choice = body["choices"][0]
        return _heard(choice["message"], choice["finish_reason"], body["usage"], pieces=0)

    def stream(self, model: str, ask: Ask) -> Heard:
        body = self._members(model, ask) | {"stream": True, "stream_options": {"include_usage": True}}
        message: dict[str, Any] = {"role": "assistant", "content": ""}
        reason, usage, pieces = None, None, 0
        address = f"{self._base}/chat/completions"
        with self.listening.http.stream("POST", address, params=VERSION, headers=self._headers, json=body) as answer:
            _raise_error(answer)
            for line in answer.iter_lines():
                if not line.startswith("data: {"):
                    continue
                chunk = msgspec.json.decode(line.removeprefix("data: "))
                if "error" in chunk:
                    raise BrokenAnswer(chunk["error"])
                usage = chunk.get("usage") or usage
                for choice in chunk["choices"]:
                    reason = choice.get("finish_reason") or reason
                    pieces += bool(choice["delta"].get("content"))
                    _grow(message, choice["delta"])
        if reason is None:
            raise BrokenAnswer("the stream ended without a reason")
        return _heard(message, reason, usage, pieces=pieces)

    def embed(self, model: str, texts: list[str]) -> list[list[float]]:
        return [one["embedding"] for one in self._post("/embeddings", {"model": model, "input": texts})["data"]]

    def routes(self) -> set[str]:
        """Ask for something: the path has no list."""
        self.listening.http.get(f"{self._base}/info", params=VERSION, headers=self._headers)
        return set()

    def raised(self, status: int) -> tuple[type[Exception], ...]:
        del status
        return (httpx2.HTTPStatusError,)

    def broken(self) -> tuple[type[Exception], ...]:
        return (BrokenAnswer, httpx2.HTTPError)

    def status_of(self, error: Exception) -> int | None:
        return error.response.status_code if isinstance(error, httpx2.HTTPStatusError) else None


FoundryByHand.stream_by_hand = FoundryByHand.stream  # every member that it reads is documented


def _raise_error(answer: httpx2.Response) -> None:
    if answer.is_error:
        words = answer.read().decode()
        raise httpx2.HTTPStatusError(words, request=answer.request, response=answer)


def _grow(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for name in ("content", "reasoning_content", "refusal"):
        if delta.get(name):
            message[name] = (message.get(name) or "") + delta[name]
    for part in delta.get("tool_calls") or ():
        calls = message.setdefault("tool_calls", [])
        if part["index"] == len(calls):
            calls.append(part | {"function": {"name": part["function"]["name"], "arguments": ""}})
        calls[part["index"]]["function"]["arguments"] += part["function"].get("arguments") or ""


def _heard(message: dict[str, Any], reason: str, usage: Any, *, pieces: int) -> Heard:
    read = ChatCompletionMessage.model_validate(message)
    counted = CompletionUsage.model_validate(usage) if usage else None
    return msgspec.structs.replace(heard_of(read, reason, counted, pieces=pieces), turn=(message,))
