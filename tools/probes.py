"""One small request or answer for each thing that can be said, to learn what becomes of it between two dialects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from msgspec import Raw, structs

from hortus.canon.embeddings import EmbeddingsInput, EmbeddingsRequest
from hortus.canon.moderation import ModerationInput, ModerationRequest, ModerationTurn
from hortus.canon.nodes import CacheHint, Node, Seal
from hortus.canon.parts import (
    Citation,
    HostFile,
    Inline,
    Link,
    Media,
    MediaKind,
    Part,
    Plain,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
)
from hortus.canon.request import Message, OutputFormat, ReasoningWish, Request, Role, Tool, ToolChoice
from hortus.canon.rerank import RerankDocument, RerankRequest
from hortus.canon.response import Choice, Response, Stop
from hortus.canon.usage import Usage

PICTURE = Inline(media_type="image/png", data="iVBORw0KGgo=")
DOCUMENT = Inline(media_type="application/pdf", data="JVBERi0xLjQ=")
SCHEMA = Raw(
    b'{"type":"object","properties":{"zone":{"type":"string"}},"required":["zone"],"additionalProperties":false}'
)

SETTINGS: dict[str, dict[str, object]] = {
    "most output tokens": {"max_output_tokens": 100},
    "stop words": {"stop": ("END",)},
    "temperature": {"temperature": 0.5},
    "top p": {"top_p": 0.5},
    "top k": {"top_k": 5},
    "frequency penalty": {"frequency_penalty": 0.5},
    "presence penalty": {"presence_penalty": 0.5},
    "seed": {"seed": 7},
    "logit bias": {"logit_bias": Raw(b'{"50256":-100}')},
    "several answers": {"choices": 2},
    "probabilities of tokens": {"has_logprobs": True, "top_logprobs": 2},
    "verbosity": {"verbosity": "low"},
    "the person behind the request": {"user": "visitor-7"},
    "metadata": {"metadata": Raw(b'{"case":"7"}')},
    "service tier": {"service_tier": "priority"},
    "key of the cache": {"cache_key": "town"},
    "answer kept by the host": {"is_stored": True},
    "going on from an answer that the host keeps": {"continues": "resp_made1"},
    "JSON of any form": {"output": OutputFormat(kind="json")},
    "JSON that fits a schema": {"output": OutputFormat(kind="schema", schema=SCHEMA, name="zone", is_strict=True)},
    "description of the schema": {"output": OutputFormat(kind="schema", schema=SCHEMA, name="z", description="A zone")},
    "reasoning switched off": {"reasoning": ReasoningWish(is_on=False)},
    "effort of reasoning": {"reasoning": ReasoningWish(effort="high")},
    "tokens for reasoning": {"reasoning": ReasoningWish(is_on=True, budget_tokens=5000), "max_output_tokens": 9000},
    "thoughts shown": {"reasoning": ReasoningWish(shows="detailed")},
}
OF_TOOLS: dict[str, dict[str, object]] = {
    "tools": {},
    "one call at a time": {"parallel_tools": False},
    "tools barred": {"tool_choice": ToolChoice(mode="none")},
    "some tool demanded": {"tool_choice": ToolChoice(mode="required")},
    "one tool demanded": {"tool_choice": ToolChoice(mode="required", names=("parking_fee",))},
}


def request_probes() -> Iterator[tuple[str, Request]]:
    """Yield what can be asked; first of all nothing but words."""
    yield "words", _request()
    for name, fields in SETTINGS.items():
        yield name, structs.replace(_request(), **fields)
    for name, fields in OF_TOOLS.items():
        tool = Tool(name="parking_fee", description="Fee of a zone", parameters=SCHEMA)
        yield name, structs.replace(_with_tool(tool), **fields)
    yield "strict tool", _with_tool(Tool(name="parking_fee", parameters=SCHEMA, is_strict=True))
    yield "cache hint of a tool", _with_tool(Tool(name="parking_fee", parameters=SCHEMA, cache=CacheHint()))
    for name, part in user_parts():
        yield name, _request(_says("user", Text(text="Look."), part))
    yield "name of a speaker", _request(Message(role="user", parts=(Text(text="Fee?"),), name="Clerk_7"))
    yield "system prompt", _request(_says("system", Text(text="Be brief.")), _says("user", Text(text="Fee?")))
    yield "developer's prompt", _request(_says("developer", Text(text="Be brief.")), _says("user", Text(text="Fee?")))
    in_the_middle = (_says("user", Text(text="Fee?")), _says("system", Text(text="Be brief.")))
    yield "system prompt in the middle", _request(*in_the_middle, _says("user", Text(text="Go on.")))
    for name, part in assistant_parts():
        yield (
            name,
            _request(_says("user", Text(text="Fee?")), _says("assistant", part), _says("user", Text(text="And?"))),
        )
    for name, call, result in loops():
        yield name, _request(_says("user", Text(text="Fee?")), _says("assistant", call), _says("user", result))


def user_parts() -> Iterator[tuple[str, Part]]:
    """Yield what a user can send."""
    sources: tuple[tuple[str, Media], ...] = (
        ("picture", _media("image", PICTURE)),
        ("picture by address", _media("image", Link(url="https://town.example/a.png"))),
        ("picture by the host's id", _media("image", HostFile(id="file-made1"))),
        ("how closely to look", Media(kind="image", source=PICTURE, detail="low")),
        ("PDF", Media(kind="document", source=DOCUMENT, name="notice.pdf")),
        ("PDF by address", _media("document", Link(url="https://town.example/a.pdf"))),
        ("PDF by the host's id", _media("document", HostFile(id="file-made1"))),
        ("document of plain text", _media("document", Plain(text="Closed."))),
        ("sound", _media("audio", Inline(media_type="audio/wav", data="UklGRg=="))),
        ("film", _media("video", Inline(media_type="video/mp4", data="AAAA"))),
        ("cache hint of a picture", Media(kind="image", source=PICTURE, cache=CacheHint())),
    )
    yield from sources
    yield "cache hint of words", Text(text="Fee?", cache=CacheHint())


def assistant_parts() -> Iterator[tuple[str, Part]]:
    """Yield what a model can have said."""
    yield "refusal", Refusal(text="No.")
    yield "reasoning", Reasoning(texts=("They ask for a fee.",))
    yield "summary of reasoning", Reasoning(summary=("A fee.",))
    for dialect in ("openai_responses", "anthropic_messages", "gemini"):
        yield f"reasoning sealed for {dialect}", Reasoning(texts=("Fee.",), seal=Seal(dialect, "c2VhbA=="))
    yield (
        "reasoning that is in the seal alone",
        Reasoning(seal=Seal("anthropic_messages", "c2VhbA=="), is_redacted=True),
    )
    yield (
        "citation",
        Text(text="2.50", citations=(Citation(url="https://town.example/", title="Fees", start=0, end=4),)),
    )


def loops() -> Iterator[tuple[str, ToolCall, ToolResult]]:
    """Yield a call and its result."""
    call = ToolCall(id="call_1", name="parking_fee", arguments='{"zone":"A"}')
    yield "call and its result", call, _result(Text(text="2.50"))
    yield "result that is JSON", _call(), _result(Text(text='{"fee":2.50}'))
    yield "result with a picture", _call(), _result(Text(text="2.50"), _media("image", PICTURE))
    yield "result that is an error", _call(), ToolResult(call_id="call_1", parts=(Text(text="No."),), is_error=True)
    yield "arguments that are no object", ToolCall(id="call_1", name="f", arguments='{"zone":'), _result(Text(text="?"))
    sealed = ToolCall(id="call_1", name="parking_fee", arguments="{}", seal=Seal("gemini", "c2VhbA=="))
    yield "call sealed for gemini", sealed, _result(Text(text="2.50"))


STOPS: tuple[Stop, ...] = (
    "end",
    "stop_sequence",
    "length",
    "tool_calls",
    "refusal",
    "content_filter",
    "pause",
    "other",
)


def response_probes() -> Iterator[tuple[str, Response]]:
    """Yield what can be answered; first of all nothing but words."""
    yield "words", _response(Text(text="2.50"))
    for stop in STOPS:
        yield f"stop: {stop}", _response(Text(text="2.50"), stop=stop)
    yield "which stop word it was", _response(Text(text="2.50"), stop="stop_sequence", sequence="END")
    for name, part in assistant_parts():
        yield name, _response(part)
    yield "call", _response(_call(), stop="tool_calls")
    sealed = ToolCall(id="call_1", name="parking_fee", arguments="{}", seal=Seal("gemini", "c2VhbA=="))
    yield "call sealed for gemini", _response(sealed, stop="tool_calls")
    yield "picture", _response(_media("image", PICTURE))
    two = tuple(Choice(message=_says("assistant", Text(text="2.50")), index=index, stop="end") for index in (0, 1))
    yield "several answers", Response(choices=two, id="made1", model="garden-1", usage=Usage(3, 4))
    for name, usage in (("reasoning", Usage(9, 9, 0, 4)), ("cached input", Usage(9, 9, 4, 0))):
        yield f"tokens of {name}", _response(Text(text="2.50"), usage=usage)
    yield "tokens written to the cache", _response(Text(text="2.50"), usage=Usage(9, 9, cache_write_tokens=4))


def embeddings_probes() -> Iterator[tuple[str, EmbeddingsRequest]]:
    """Yield what can be asked of a model that makes vectors."""
    one = (EmbeddingsInput(text="parking"),)
    yield "one text", EmbeddingsRequest(model="garden", inputs=one)
    yield "several texts", EmbeddingsRequest(model="garden", inputs=(*one, EmbeddingsInput(text="harbour")))
    yield "token ids", EmbeddingsRequest(model="garden", inputs=(EmbeddingsInput(tokens=(1, 2)),))
    yield "length of vectors", EmbeddingsRequest(model="garden", inputs=one, dimensions=3)
    yield "task", EmbeddingsRequest(model="garden", inputs=one, task="RETRIEVAL_QUERY")
    yield "title", EmbeddingsRequest(model="garden", inputs=one, task="RETRIEVAL_DOCUMENT", title="Fees")
    yield "the person behind the request", EmbeddingsRequest(model="garden", inputs=one, user="visitor-7")
    yield "vectors in base64", EmbeddingsRequest(model="garden", inputs=one, encoding="base64")


def rerank_probes() -> Iterator[tuple[str, RerankRequest]]:
    """Yield what can be asked of a model that ranks."""
    one = (RerankDocument(text="parking"),)
    yield "texts", RerankRequest(model="garden", query="where?", documents=one)
    several = (RerankDocument(fields=Raw(b'{"title":"Parking","fee":2}')),)
    yield "documents of several members", RerankRequest(model="garden", query="where?", documents=several)
    picture = (RerankDocument(fields=Raw(b'{"image":"https://town.example/a.png"}')),)
    yield "pictures", RerankRequest(model="garden", query="where?", documents=picture)
    yield "the best only", RerankRequest(model="garden", query="where?", documents=one, top_n=1)
    yield "documents in the answer", RerankRequest(model="garden", query="a", documents=one, returns_documents=True)
    yield "length of a document", RerankRequest(model="garden", query="a", documents=one, max_document_tokens=9)


def moderation_probes() -> Iterator[tuple[str, ModerationRequest]]:
    """Yield what can be asked of a model that judges content."""
    text, picture = Text(text="parking"), Media(kind="image", source=Link(url="https://town.example/a.png"))

    def asked(*turns: ModerationTurn) -> ModerationRequest:
        return ModerationRequest(model="garden", inputs=(ModerationInput(turns=turns),))

    yield "a text", asked(ModerationTurn(parts=(text,)))
    yield "a picture", asked(ModerationTurn(parts=(text, picture)))
    yield "several texts as one", asked(ModerationTurn(parts=(text, text)))
    yield "a conversation", asked(*(ModerationTurn(parts=(text,), role=role) for role in ("user", "assistant")))


N = TypeVar("N", bound=Node)


def placed(node: N, at: str = "") -> N:
    """Return a node in which everything has the place of its own field, so that losses can be told apart."""
    changes: dict[str, object] = {"at": at}
    for name in node.__struct_fields__:
        value, path = getattr(node, name), f"{at}.{name}" if at else name
        if isinstance(value, Node):
            changes[name] = placed(value, path)
        elif isinstance(value, tuple) and any(isinstance(one, Node) for one in value):
            changes[name] = tuple(placed(one, f"{path}[{i}]") for i, one in enumerate(value))
    return structs.replace(node, **changes)


def _request(*messages: Message) -> Request:
    return Request(model="garden", messages=messages or (_says("user", Text(text="Fee?")),))


def _with_tool(tool: Tool) -> Request:
    return Request(model="garden", messages=(_says("user", Text(text="Fee?")),), tools=(tool,))


def _says(role: Role, *parts: Part) -> Message:
    return Message(role=role, parts=parts)


def _media(kind: MediaKind, source: Source) -> Media:
    return Media(kind=kind, source=source)


def _call() -> ToolCall:
    return ToolCall(id="call_1", name="parking_fee", arguments='{"zone":"A"}')


def _result(*parts: Text | Media) -> ToolResult:
    return ToolResult(call_id="call_1", parts=parts)


def _response(*parts: Part, stop: Stop = "end", sequence: str | None = None, usage: Usage | None = None) -> Response:
    choice = Choice(message=Message(role="assistant", parts=parts), stop=stop, stop_sequence=sequence)
    return Response(choices=(choice,), id="made1", model="garden-1", usage=usage or Usage(3, 4))
