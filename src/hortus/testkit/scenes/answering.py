"""Which dialect does a path speak, and what is answered: one whole body, or the script of a stream?"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from hortus.testkit.scenes import (
    anthropic_messages,
    azure,
    bedrock_converse,
    cohere_v2,
    gemini,
    mistral,
    openai_chat,
    openai_responses,
    plain_chat,
)
from hortus.testkit.scenes.plots import PLOTS
from hortus.testkit.scenes.values import NO_KEY, Asked, Behaviour, Fault, HostDialect, Reply, Told, encoded

_PATHS: tuple[tuple[re.Pattern[str], HostDialect, str], ...] = (
    (re.compile("/v1/chat/completions"), openai_chat, "chat"),
    (re.compile("/v1/embeddings"), openai_chat, "embeddings"),
    (re.compile("/v1/responses"), openai_responses, "chat"),
    (re.compile("/v1/responses/input_tokens"), openai_responses, "count"),
    (re.compile("/v1/messages"), anthropic_messages, "chat"),
    (re.compile("/v1/messages/count_tokens"), anthropic_messages, "count"),
    (re.compile("/v1(beta)?/models/(?P<model>.+):(?P<verb>generateContent|streamGenerateContent)"), gemini, "chat"),
    (re.compile("/v1(beta)?/models/(?P<model>.+):(?P<verb>countTokens|(batchE|e)mbedContents?)"), gemini, ""),
    (re.compile("/v1/models"), openai_chat, "models"),
    (re.compile("/mistral/v1/chat/completions"), mistral, "chat"),
    (re.compile("/mistral/v1/embeddings"), mistral, "embeddings"),
    (re.compile("/v2/chat"), cohere_v2, "chat"),
    (re.compile("/v2/embed"), cohere_v2, "embeddings"),
    (re.compile("/model/(?P<model>.+)/(?P<verb>converse(-stream)?)"), bedrock_converse, "chat"),
    (re.compile("/model/(?P<model>.+)/count-tokens"), bedrock_converse, "count"),
    (re.compile("/azure/openai/deployments/(?P<model>.+)/chat/completions"), azure.CHAT, "chat"),
    (re.compile("/azure/openai/deployments/(?P<model>.+)/embeddings"), azure.CHAT, "embeddings"),
    (re.compile("/azure/openai/responses"), azure.RESPONSES, "chat"),
    (re.compile("/models/chat/completions"), azure.CHAT, "chat"),
    (re.compile("/models/embeddings"), azure.CHAT, "embeddings"),
)


class Script(msgspec.Struct, frozen=True):
    """A stream to send.

    Attributes:
        delta_count: How many frames, from the first, count as deltas.
        cut_inside: Break off in the middle of this frame.
    """

    frames: list[bytes]
    delta_count: int
    content_type: str = "text/event-stream"
    cut_inside: int = -1


class Answer(msgspec.Struct, frozen=True):
    """What to send, and how."""

    behaviour: Behaviour
    content: Reply | Script


def answer(target: str, body: bytes, *, headers: dict[str, str], nonce: str) -> Answer:
    """Answer one request; an unknown path is a 404."""
    address = urlsplit(target)
    path = unquote(address.path)
    for pattern, dialect, operation in _PATHS:
        if found := pattern.fullmatch(path):
            named = found.groupdict()
            decoded = msgspec.json.decode(body) if body else {}
            model = named.get("model") or decoded.get("model", "fake")
            query = dict(parse_qsl(address.query)) | {"verb": named.get("verb") or ""}
            asked = Asked(nonce, model, decoded, query, headers)
            return _play(dialect, operation or query["verb"], asked)
    return Answer(Behaviour(), Reply(404, encoded({"error": {"message": f"no such path: {path}"}})))


def _play(dialect: HostDialect, operation: str, asked: Asked) -> Answer:
    behaviour = Behaviour.of(asked.model)
    if dialect is openai_chat and operation == "chat" and not behaviour.scene:
        return Answer(behaviour, _plain(asked, behaviour))
    if behaviour.scene and operation == "chat" and (wrong := dialect.objection(asked)):
        return Answer(behaviour, _refused(dialect, Fault(401 if wrong == NO_KEY else 400, wrong), asked))
    if operation != "chat":
        if behaviour.status != 200:  # noqa: PLR2004 -- HTTP's OK
            return Answer(
                behaviour, _refused(dialect, Fault(behaviour.status, retry_after_s=behaviour.retry_after), asked)
            )
        return Answer(behaviour, Reply(200, encoded(dialect.other(operation, asked)), (("x-request-id", "host-1"),)))
    return Answer(behaviour, _scene(dialect, behaviour, dialect.read(asked)))


def _refused(dialect: HostDialect, fault: Fault, asked: Asked) -> Reply:
    """Refuse without having understood the request."""
    return dialect.error(fault, Told(nonce=asked.nonce, model=asked.model, is_stream=False, members=asked.body))


def _plain(asked: Asked, behaviour: Behaviour) -> Reply | Script:
    if behaviour.echo:
        behaviour = msgspec.structs.replace(behaviour, answer=str(asked.body["messages"][-1]["content"]))
    headers = (("x-request-id", "host-1"),)
    if behaviour.status != 200:  # noqa: PLR2004 -- HTTP's OK
        waits = (("retry-after", str(behaviour.retry_after)),) if behaviour.retry_after >= 0 else ()
        return Reply(behaviour.status, encoded(plain_chat.error_body()), (*headers, *waits))
    if asked.body.get("stream"):
        return Script(plain_chat.frames(asked.body, behaviour), plain_chat.delta_count(behaviour))
    return Reply(200, encoded(plain_chat.completion(asked.body, behaviour)), headers)


def _scene(dialect: HostDialect, behaviour: Behaviour, told: Told) -> Reply | Script:
    is_fault = behaviour.status != 200  # noqa: PLR2004 -- HTTP's OK
    plot = PLOTS["error" if is_fault and not behaviour.scene else behaviour.scene]
    play = plot(told, behaviour)
    if isinstance(play, Fault):
        return dialect.error(play, told)
    is_mislabelled = "mislabelled" in play.quirks
    if not told.is_stream:
        kind = "text/plain; charset=utf-8" if is_mislabelled else "application/json"
        return Reply(200, encoded(dialect.whole(play, told)), (("x-request-id", f"req_{told.nonce}"),), kind)
    frames = dialect.frames(play, told)
    kind = "application/json" if is_mislabelled else dialect.stream_type(told)
    cut = len(frames) // 2 if behaviour.scene == "cuts-later" else -1
    return Script(frames, len(frames), kind, cut)
