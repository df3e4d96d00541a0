"""Would the maker take this request? Judged by the types that its own SDK declares, unknown members forbidden."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from anthropic.types import message_count_tokens_params, message_create_params
from botocore.session import Session
from botocore.validate import ParamValidator
from google.genai import types
from mistralai.client.models.chatcompletionrequest import ChatCompletionRequestTypedDict
from openai.types.chat import completion_create_params
from openai.types.responses import response_create_params
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from hortus.testkit.replay_host import Seen

_STRICT = ConfigDict(extra="forbid")


class _Chat(completion_create_params.CompletionCreateParamsNonStreaming):
    __pydantic_config__ = _STRICT


class _Response(response_create_params.ResponseCreateParamsNonStreaming):
    __pydantic_config__ = _STRICT


class _Message(message_create_params.MessageCreateParamsNonStreaming, total=False):
    __pydantic_config__ = _STRICT
    # gone from the SDK with 2.0, still in the API
    temperature: float
    top_p: float
    top_k: int


class _Count(message_count_tokens_params.MessageCountTokensParams):
    __pydantic_config__ = _STRICT


class _Generate(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)
    contents: list[types.Content]
    system_instruction: types.Content | None = None
    tools: list[types.Tool] | None = None
    tool_config: types.ToolConfig | None = None
    generation_config: types.GenerationConfig | None = None
    safety_settings: list[types.SafetySetting] | None = None
    cached_content: str | None = None


class _Mistral(ChatCompletionRequestTypedDict):
    __pydantic_config__ = _STRICT


def _of_amazon(operation: str) -> Callable[[Any], list[str]]:
    """Judge by the service's description that botocore brings."""
    shape = Session().get_service_model("bedrock-runtime").operation_model(operation).input_shape

    def judge(body: Any) -> list[str]:
        found = ParamValidator().validate(body | {"modelId": "stands in the path"}, shape)
        return [found.generate_report()] if found.has_errors() else []

    return judge


_OF_AMAZON = (
    ("/converse", _of_amazon("Converse")),
    ("/converse-stream", _of_amazon("ConverseStream")),
    ("/count-tokens", _of_amazon("CountTokens")),
)
_TYPES: tuple[tuple[str, TypeAdapter[Any]], ...] = (
    ("/mistral/v1/chat/completions", TypeAdapter(_Mistral)),
    ("/chat/completions", TypeAdapter(_Chat)),
    ("/responses", TypeAdapter(_Response)),
    ("/messages", TypeAdapter(_Message)),
    ("/messages/count_tokens", TypeAdapter(_Count)),
    (":generateContent", TypeAdapter(_Generate)),
    (":streamGenerateContent", TypeAdapter(_Generate)),
)


def complaints(seen: Seen) -> list[str]:
    """Return what the maker's own types say against a request; nothing where they do not know its path."""
    path = urlsplit(seen.path).path
    for ending, of_amazon in _OF_AMAZON:
        if path.endswith(ending):
            return of_amazon(seen.json)
    judge = next((judge for ending, judge in _TYPES if path.endswith(ending)), None)
    if judge is None:
        return []
    try:
        body = seen.json
        if "/deployments/" in path:
            body["model"] = "stands in the path"
        if path.startswith("/mistral/"):
            _with_schema(body.get("response_format") or {})
        _consume(judge.validate_python(_known(body)))
    except ValidationError as error:
        return [f"{path}: {_where(one)}: {one['msg']}" for one in error.errors()]
    return []


def _known(body: dict[str, Any]) -> dict[str, Any]:
    """Take out what the types do not know and hosts do: `stream`; in Chat Completions reasoning, seals, SDK's own."""
    for message in body.get("messages") or ():
        _drop(message, "reasoning_content", "parsed", "annotations")
        for call in message.get("tool_calls") or ():
            _drop(call, "extra_content", "index")
            _drop(call["function"], "parsed_arguments")
    for item in body["input"] if isinstance(body.get("input"), list) else ():
        _with_detail(item)
    return {name: value for name, value in body.items() if name != "stream"}


def _with_detail(item: dict[str, Any]) -> None:
    """Give pictures the member that the types demand, and the API does not (recorded)."""
    content = item.get("content")
    for part in content if isinstance(content, list) else ():
        if part.get("type") == "input_image":
            part.setdefault("detail", "auto")


def _with_schema(wanted: dict[str, Any]) -> None:
    """Call the schema what mistralai's types do: their own name, not the API's."""
    if "schema" in wanted.get("json_schema", {}):
        wanted["json_schema"]["schema_definition"] = wanted["json_schema"].pop("schema")


def _drop(members: dict[str, Any], *names: str) -> None:
    for name in names:
        members.pop(name, None)


def _consume(value: Any) -> None:
    """Walk through everything: what is declared as an iterable is judged only then."""
    if isinstance(value, dict):
        for one in value.values():
            _consume(one)
    elif not isinstance(value, str | bytes | BaseModel) and hasattr(value, "__iter__"):
        for one in value:
            _consume(one)


def _where(error: Any) -> str:
    return ".".join(map(str, error["loc"]))
