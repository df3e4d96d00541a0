"""The official google-genai SDK over the Gemini API."""

from __future__ import annotations

from typing import Any, ClassVar

from google import genai
from google.genai import errors, types

from sdk.clients.words import TOOLS, Ask, Call, Counted, Heard, Listening, turns

STOPS = {"STOP": "end", "MAX_TOKENS": "length", "SAFETY": "refusal", "PROHIBITED_CONTENT": "filter"}


class GoogleGenAI:
    """`client.models`."""

    dialect = "gemini"
    lacks: frozenset[str] = frozenset()
    parameters: ClassVar[dict[str, Any]] = {
        "temperature": 0.25,
        "top_p": 0.5,
        "top_k": 5,
        "max_output_tokens": 64,
        "stop_sequences": ["ZZ", "YY"],
        "seed": 11,
        "presence_penalty": 0.5,
        "frequency_penalty": 0.25,
    }
    stop: ClassVar[dict[str, Any]] = {"stop_sequences": ["two"]}

    def __init__(self, base: str, key: str, listening: Listening) -> None:
        self.listening = listening
        options = types.HttpOptions(
            base_url=base, httpx_client=listening.http, retry_options=types.HttpRetryOptions(attempts=1)
        )
        self._client = genai.Client(api_key=key, http_options=options)

    @property
    def headers(self) -> Any:
        return self.listening.headers

    def _members(self, model: str, ask: Ask) -> dict[str, Any]:
        config: dict[str, Any] = dict(ask.more)
        if ask.system:
            config["system_instruction"] = ask.system
        if ask.tools:
            declared = [
                types.FunctionDeclaration(name=one, description="A tool", parameters_json_schema=TOOLS[one])
                for one in ask.tools
            ]
            config["tools"] = [types.Tool(function_declarations=declared)]
        if ask.schema is not None:
            config |= {"response_mime_type": "application/json", "response_json_schema": ask.schema}
        if ask.wants_reasoning:
            config["thinking_config"] = types.ThinkingConfig(include_thoughts=True, thinking_level="LOW")
        return {"model": model, "contents": turns(ask, _question), "config": types.GenerateContentConfig(**config)}

    def ask(self, model: str, ask: Ask) -> Heard:
        return _heard([self._client.models.generate_content(**self._members(model, ask))], pieces=0)

    def stream(self, model: str, ask: Ask) -> Heard:
        chunks = list(self._client.models.generate_content_stream(**self._members(model, ask)))
        return _heard(chunks, pieces=sum(1 for chunk in chunks for part in _parts(chunk) if part.text))

    def results(self, heard: Heard, found: dict[str, str]) -> tuple[Any, ...]:
        parts = [
            types.Part(
                function_response=types.FunctionResponse(
                    id=one.id or None, name=one.name, response={"output": found[one.name]}
                )
            )
            for one in heard.calls
        ]
        return (types.Content(role="user", parts=parts),)

    def past_calls(self, calls: tuple[Call, ...]) -> tuple[Any, ...]:
        """Write a turn that called tools without having heard it."""
        parts = [
            types.Part(function_call=types.FunctionCall(id=one.id, name=one.name, args=one.arguments)) for one in calls
        ]
        return (types.Content(role="model", parts=parts),)

    def count(self, model: str) -> int:
        return int(self._client.models.count_tokens(model=model, contents="How many?").total_tokens or 0)

    def embed(self, model: str, texts: list[str]) -> list[list[float]]:
        contents = [types.Content(role="user", parts=[types.Part(text=one)]) for one in texts]
        return [one.values for one in self._client.models.embed_content(model=model, contents=contents).embeddings]

    def routes(self) -> set[str]:
        return {(one.name or "").removeprefix("models/") for one in self._client.models.list()}

    def raised(self, status: int) -> tuple[type[Exception], ...]:
        return (errors.ServerError if status >= 500 else errors.ClientError,)

    def broken(self) -> tuple[type[Exception], ...]:
        return (errors.APIError,)

    def status_of(self, error: Exception) -> int | None:
        return getattr(error, "code", None)


def _question(ask: Ask) -> types.Content:
    parts = [types.Part(text=ask.text)]
    if ask.picture_url:
        parts.append(types.Part.from_uri(file_uri=ask.picture_url, mime_type="image/png"))
    if ask.picture:
        parts.append(types.Part.from_bytes(data=ask.picture, mime_type="image/png"))
    return types.Content(role="user", parts=parts)


def _parts(chunk: Any) -> list[Any]:
    return [part for one in chunk.candidates or () if one.content for part in one.content.parts or ()]


def _heard(chunks: list[Any], *, pieces: int) -> Heard:
    parts = [part for chunk in chunks for part in _parts(chunk)]
    calls = tuple(
        Call(part.function_call.id or "", part.function_call.name, part.function_call.args or {})
        for part in parts
        if part.function_call
    )
    reasons = [one.finish_reason.name for chunk in chunks for one in chunk.candidates or () if one.finish_reason]
    blocked = any(chunk.prompt_feedback and chunk.prompt_feedback.block_reason for chunk in chunks)
    usage = chunks[-1].usage_metadata
    return Heard(
        text="".join(part.text for part in parts if part.text and not part.thought),
        reasoning="".join(part.text for part in parts if part.text and part.thought),
        calls=calls,
        stop="filter" if blocked else "tools" if calls else STOPS[reasons[-1]],
        counted=Counted(
            usage.prompt_token_count,
            (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0),
            cached=usage.cached_content_token_count or 0,
            reasoning=usage.thoughts_token_count or 0,
        ),
        turn=(types.Content(role="model", parts=parts),),
        pieces=pieces,
    )
