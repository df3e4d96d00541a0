"""Amazon's boto3 over Converse and its event stream; it signs with a key pair, for a bearer key it wants TLS."""

from __future__ import annotations

import contextlib
import functools
from typing import Any, ClassVar

import boto3
import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EventStreamError
from urllib3.exceptions import HTTPError

from sdk.clients.pools import local_port
from sdk.clients.words import TOOLS, Ask, Call, Counted, Heard, Listening, turns

STOPS = {"end_turn": "end", "stop_sequence": "end", "tool_use": "tools", "max_tokens": "length"}
STOPS |= {"content_filtered": "filter", "guardrail_intervened": "filter", "refusal": "refusal"}
ERRORS = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    429: "ThrottlingException",
}


class Bedrock:
    """`client.converse` and its relatives of `bedrock-runtime`."""

    dialect = "bedrock_converse"
    lacks = frozenset({"embeddings", "picture-url"})
    """Vectors come by invoke-model only, in each model's own form; pictures lie in S3 where they are not sent."""
    parameters: ClassVar[dict[str, Any]] = {
        "inferenceConfig": {"temperature": 0.25, "topP": 0.5, "maxTokens": 2048, "stopSequences": ["ZZ", "YY"]},
        "additionalModelRequestFields": {"top_k": 5},
    }
    stop: ClassVar[dict[str, Any]] = {"inferenceConfig": {"stopSequences": ["two"]}}

    def __init__(self, base: str, key: str, listening: Listening) -> None:
        self.listening = listening
        access_key_id, _, secret = key.partition(":")
        self._client = _session().client(
            "bedrock-runtime",
            region_name="eu-central-1",
            endpoint_url=base,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret or "any",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=20),
        )
        self._client.meta.events.register("after-call", self._hear)
        listening.kept(self._client)

    def _hear(self, http_response: Any, **_: Any) -> None:
        manager = self._client._endpoint.http_session._manager  # boto3 shows its connections to nobody
        self.listening.hear(http_response.headers, local_port(manager, http_response.raw))

    @property
    def headers(self) -> Any:
        return self.listening.headers

    def _members(self, model: str, ask: Ask) -> dict[str, Any]:
        found: dict[str, Any] = {"modelId": model, "messages": turns(ask, _question), **ask.more}
        if ask.system:
            found["system"] = [{"text": ask.system}]
        if ask.tools:
            specs = [{"name": one, "description": "A tool", "inputSchema": {"json": TOOLS[one]}} for one in ask.tools]
            found["toolConfig"] = {"tools": [{"toolSpec": one} for one in specs]}
        if ask.schema is not None:
            schema = {"name": "report", "schema": msgspec.json.encode(ask.schema).decode()}
            found["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}
        if ask.wants_reasoning:
            found["additionalModelRequestFields"] = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
        return found

    def ask(self, model: str, ask: Ask) -> Heard:
        done = self._client.converse(**self._members(model, ask))
        return _heard(done["output"]["message"], done["stopReason"], done["usage"], pieces=0)

    def stream(self, model: str, ask: Ask) -> Heard:
        blocks: dict[int, dict[str, Any]] = {}
        reason, usage, pieces = "", {}, 0
        with contextlib.closing(self._client.converse_stream(**self._members(model, ask))["stream"]) as stream:
            for event in stream:
                _add(blocks, event)
                pieces += "text" in event.get("contentBlockDelta", {}).get("delta", {})
                reason = event.get("messageStop", {}).get("stopReason", reason)
                usage = event.get("metadata", {}).get("usage", usage)
        if not reason:
            raise ClientError({"Error": {"Message": "the stream ended without messageStop"}}, "ConverseStream")
        message = {"role": "assistant", "content": [_ended(blocks[index]) for index in sorted(blocks)]}
        return _heard(message, reason, usage, pieces=pieces)

    def results(self, heard: Heard, found: dict[str, str]) -> tuple[Any, ...]:
        given = [{"toolUseId": one.id, "content": [{"text": found[one.name]}]} for one in heard.calls]
        return ({"role": "user", "content": [{"toolResult": one} for one in given]},)

    def past_calls(self, calls: tuple[Call, ...]) -> tuple[Any, ...]:
        """Write a turn that called tools without having heard it."""
        used = [{"toolUseId": one.id, "name": one.name, "input": one.arguments} for one in calls]
        return ({"role": "assistant", "content": [{"toolUse": one} for one in used]},)

    def count(self, model: str) -> int:
        messages = [{"role": "user", "content": [{"text": "How many?"}]}]
        found = self._client.count_tokens(modelId=model, input={"converse": {"messages": messages}})
        return int(found["inputTokens"])

    def embed(self, model: str, texts: list[str]) -> list[list[float]]:
        raise NotImplementedError

    def routes(self) -> set[str]:
        """Ask for something: the list of models belongs to another service, with another client."""
        try:
            self._client.count_tokens(modelId="nobody", input={"converse": {"messages": []}})
        except ClientError:
            return set()
        raise AssertionError("there is a route that nobody made")

    def raised(self, status: int) -> tuple[type[Exception], ...]:
        named = (
            getattr(self._client.exceptions, ERRORS.get(status, ""), ClientError) if status in ERRORS else ClientError
        )
        return (named,)

    def broken(self) -> tuple[type[Exception], ...]:
        return (EventStreamError, ClientError, BotoCoreError, HTTPError)

    def status_of(self, error: Exception) -> int | None:
        if not isinstance(error, ClientError):
            return None
        status: int = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return status


@functools.cache
def _session() -> Any:
    """Make one session: to read the description of the service takes longer than to use it."""
    return boto3.session.Session()


def _question(ask: Ask) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"text": ask.text}]
    if ask.picture:
        content.append({"image": {"format": "png", "source": {"bytes": ask.picture}}})
    return {"role": "user", "content": content}


def _add(blocks: dict[int, dict[str, Any]], event: dict[str, Any]) -> None:
    if "contentBlockStart" in event:
        begun = event["contentBlockStart"]
        blocks[begun["contentBlockIndex"]] = {"toolUse": {**begun["start"]["toolUse"], "input": ""}}
    if "contentBlockDelta" in event:
        more = event["contentBlockDelta"]
        _grow(blocks.setdefault(more["contentBlockIndex"], {}), more["delta"])


def _grow(block: dict[str, Any], delta: dict[str, Any]) -> None:
    if "text" in delta:
        block["text"] = block.get("text", "") + delta["text"]
    if "toolUse" in delta:
        block["toolUse"]["input"] += delta["toolUse"]["input"]
    if "reasoningContent" in delta:
        told = block.setdefault("reasoningContent", {}).setdefault("reasoningText", {"text": ""})
        for name, value in delta["reasoningContent"].items():
            told[name] = told.get(name, "") + value


def _ended(block: dict[str, Any]) -> dict[str, Any]:
    if "toolUse" in block:
        block["toolUse"]["input"] = msgspec.json.decode(block["toolUse"]["input"] or "{}")
    return block


def _heard(message: dict[str, Any], reason: str, usage: dict[str, Any], *, pieces: int) -> Heard:
    blocks = message["content"]
    thoughts = [block["reasoningContent"].get("reasoningText", {}) for block in blocks if "reasoningContent" in block]
    used = [block["toolUse"] for block in blocks if "toolUse" in block]
    cached, written = usage.get("cacheReadInputTokens", 0), usage.get("cacheWriteInputTokens", 0)
    return Heard(
        text="".join(block.get("text", "") for block in blocks),
        reasoning="".join(one.get("text", "") for one in thoughts),
        calls=tuple(Call(one["toolUseId"], one["name"], one["input"]) for one in used),
        stop=STOPS[reason],
        counted=Counted(
            usage["inputTokens"] + cached + written, usage["outputTokens"], cached=cached, cache_write=written
        ),
        turn=(message,),
        pieces=pieces,
    )
