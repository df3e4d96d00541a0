"""Hypothesis strategies for canonical requests, answers and streams, made from the types.

Every field of a node is drawn by its type, or by the words that the field stands for (`WORDS`). A field that is new in
`canon` is therefore in every law without a word here.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable

import msgspec
from hypothesis import strategies as st

from hortus.canon import embeddings
from hortus.canon.nodes import CacheHint, Node, Seal
from hortus.canon.parts import Inline, Link, Media, Opaque, Part, Plain, Reasoning, Refusal, Text, ToolCall, ToolResult
from hortus.canon.request import HostTool, Message, OutputFormat, ReasoningWish, Request, Role, Tool, ToolChoice
from hortus.canon.response import Choice, Response, Stop
from hortus.canon.usage import Usage
from proof_of_dialects import NAMES

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SCHEMAS = (
    '{"type":"object","properties":{"zone":{"type":"string"},"amount":{"type":"number","minimum":1.50}}}',
    '{"type":"object","properties":{"b":{"type":"integer"},"a":{"type":"array","items":{"type":"string"}}}}',
)
OPAQUE = {
    "openai_responses": (
        "web_search_call",
        '{"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search","query":"zone"}}',
    ),
    "anthropic_messages": (
        "server_tool_use",
        '{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"zone"}}',
    ),
    "gemini": ("executableCode", '{"executableCode":{"language":"PYTHON","code":"print(1)"}}'),
    "bedrock_converse": ("searchResult", '{"searchResult":{"source":"a","title":"b","content":[{"text":"c"}]}}'),
}
"""A part that only its dialect knows."""

HOST_TOOLS = {
    "openai_responses": ("web_search", '{"type":"web_search"}'),
    "anthropic_messages": ("web_search_20250305", '{"type":"web_search_20250305","name":"web_search"}'),
    "gemini": ("googleSearch", '{"googleSearch":{}}'),
    "bedrock_converse": ("systemTool", '{"systemTool":{"name":"nova_grounding"}}'),
}

Fields = dict[str, st.SearchStrategy]
WORD = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
NAME = st.sampled_from(["parking_fee", "opening_hours", "get_weather", "f"])
FRACTION = st.sampled_from([0.0, 0.3, 0.5, 1.0])
SEAL_DATA = st.sampled_from(["c2VhbC1vZi10aG91Z2h0cw==", "b3RoZXI="])


def one_in(count: int) -> st.SearchStrategy[bool]:
    """Return a strategy that is true once in so many times."""
    return st.sampled_from([*([False] * (count - 1)), True])


def _seals(*dialects: str) -> st.SearchStrategy[Seal]:
    return st.builds(Seal, dialect=st.sampled_from(dialects or ("gemini",)), data=SEAL_DATA)


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


def _raws(*texts: str) -> st.SearchStrategy[msgspec.Raw]:
    return st.sampled_from(texts).map(_raw)


WORDS: Fields = {
    "Request.model": st.just("garden"),
    "Request.max_output_tokens": st.integers(1, 4000),
    "Request.temperature": FRACTION,
    "Request.top_p": FRACTION,
    "Request.top_k": st.integers(1, 40),
    "Request.frequency_penalty": FRACTION,
    "Request.presence_penalty": FRACTION,
    "Request.logit_bias": _raws('{"50256":-100}'),
    "Request.choices": st.integers(1, 3),
    "Request.top_logprobs": st.integers(0, 5),
    "Request.verbosity": st.sampled_from(["low", "medium", "high"]),
    "Request.metadata": _raws('{"case":"7","a":"b"}'),
    "Request.service_tier": st.sampled_from(["auto", "default", "priority"]),
    "Request.continues": st.just("resp_earlier1"),
    "Request.stop": st.lists(st.sampled_from(["END", "###", "\n\n"]), min_size=1, max_size=3, unique=True).map(tuple),
    "OutputFormat.name": st.just("zone"),
    "OutputFormat.schema": _raws(*SCHEMAS),
    "Tool.parameters": _raws(*SCHEMAS),
    "ReasoningWish.effort": st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh"]),
    "ReasoningWish.budget_tokens": st.sampled_from([-1, 1024, 5000, 20_000]),
    "ReasoningWish.shows": st.sampled_from(["none", "auto", "concise", "detailed", "full"]),
    "Media.detail": st.sampled_from(["low", "high", "auto"]),
    "Media.name": st.just("notice.pdf"),
    "Message.name": st.just("Clerk_7"),
    "Citation.url": st.just("https://town.example/parking"),
    "Citation.start": st.integers(0, 3),
    "Citation.end": st.integers(4, 9),
    "Response.id": st.sampled_from(["made1", "chatcmpl-made2", "resp_made3", "msg_made4"]),
    "Response.model": st.just("garden-1-2026"),
    "Response.created_s": st.just(1_790_000_000),
    "Choice.logprobs": st.nothing(),
    "CacheHint.ttl": st.sampled_from(["5m", "1h"]),
    "EmbeddingsRequest.model": st.just("garden-embed"),
    "EmbeddingsRequest.dimensions": st.integers(1, 1024),
    "EmbeddingsRequest.task": st.sampled_from(["RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY"]),
    "EmbeddingsRequest.encoding": st.sampled_from(["float", "base64"]),
    "EmbeddingsInput.tokens": st.lists(st.integers(0, 50_000), min_size=1, max_size=4).map(tuple),
}
"""What a field may hold, where its type says too little."""

LEFT_OUT = frozenset(("at", "extras"))


def field(kind: type[msgspec.Struct], name: str) -> st.SearchStrategy:
    """Return what one field may hold (never its default)."""
    words = WORDS.get(f"{kind.__name__}.{name}")
    return words if words is not None else _of_type(_hints(kind)[name])


def optional_fields(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return the fields that may be left out."""
    names, defaults = kind.__struct_fields__, msgspec.structs.fields(kind)
    required = {one.name for one in defaults if one.required}
    return tuple(name for name in names if name not in LEFT_OUT | required)


@st.composite
def nodes(
    draw: st.DrawFn, kind: type[msgspec.Struct], *, given: Fields | None = None, least: int = 0, most: int = 3
) -> msgspec.Struct:
    """Draw a node: required fields, `given` ones, and some of the others."""
    values = {name: draw(strategy) for name, strategy in (given or {}).items()}
    for one in msgspec.structs.fields(kind):
        if one.required and one.name not in values:
            values[one.name] = draw(field(kind, one.name))
    others = [name for name in optional_fields(kind) if name not in values]
    chosen = draw(st.lists(st.sampled_from(others), min_size=least, max_size=most, unique=True)) if others else []
    for name in chosen:
        strategy = field(kind, name)
        if not strategy.is_empty:
            values[name] = draw(strategy)
    return kind(**values)


def _hints(kind: type[msgspec.Struct]) -> dict[str, object]:
    return typing.get_type_hints(kind)


def _of_type(kind: object) -> st.SearchStrategy:
    simple: dict[object, Callable[[], st.SearchStrategy]] = {
        str: lambda: WORD,
        int: lambda: st.integers(1, 4000),
        float: lambda: FRACTION,
        bool: st.booleans,
        msgspec.Raw: lambda: _raws("[1.50]", '{"b":1,"a":2}'),
        Seal: _seals,
        CacheHint: lambda: nodes(CacheHint, most=1),
    }
    if kind in simple:
        return simple[kind]()
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in {types.UnionType, typing.Union}:
        return st.one_of([_of_type(one) for one in arguments if one is not type(None)])
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(_of_type(arguments[0]), min_size=1, max_size=2).map(tuple)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return nodes(kind, least=1 if issubclass(kind, Node) and not _has_required(kind) else 0)
    raise TypeError(kind)


def _has_required(kind: type[msgspec.Struct]) -> bool:
    return any(one.required for one in msgspec.structs.fields(kind))


# --- requests ------------------------------------------------------------------------------------------------------


def texts(*, is_answer: bool) -> st.SearchStrategy[Text]:
    """Words of a model, now and then with something beside them; an answer has no hints for caches."""
    bare_texts = st.builds(Text, text=WORD)
    given = {"text": WORD} | ({"cache": st.none()} if is_answer else {})
    return st.one_of(bare_texts, bare_texts, nodes(Text, given=given, most=1))


def plain_texts() -> st.SearchStrategy[Text]:
    """Words of a client: they cite nothing and have no seal."""
    hints = nodes(Text, given={"text": WORD, "citations": st.just(()), "seal": st.none()}, most=1)
    return st.one_of(st.builds(Text, text=WORD), st.builds(Text, text=WORD), hints)


def media() -> st.SearchStrategy[Media]:
    """A picture or a document of a client."""
    without = {"seal": st.none()}
    picture = st.builds(Inline, media_type=st.just("image/png"), data=st.just(PICTURE))
    link = st.builds(Link, url=st.just("https://town.example/a.png"))
    document = st.builds(Inline, media_type=st.just("application/pdf"), data=st.just("JVBERi0xLjQ="))
    plain = st.builds(Plain, text=WORD)
    return st.one_of(
        nodes(Media, given={"kind": st.just("image"), "source": picture} | without, most=1),
        nodes(Media, given={"kind": st.just("image"), "source": st.one_of(picture, link)} | without, most=0),
        nodes(Media, given={"kind": st.just("document"), "source": st.one_of(document, plain)} | without, most=1),
    )


@st.composite
def opaque(draw: st.DrawFn) -> Opaque:
    """A part that only one dialect knows."""
    dialect = draw(st.sampled_from(sorted(OPAQUE.keys() & set(NAMES)) or ["openai_responses"]))
    kind, raw = OPAQUE[dialect]
    return Opaque(dialect=dialect, kind=kind, raw=_raw(raw))


THOUGHTS = st.one_of(
    st.builds(Reasoning, texts=st.tuples(WORD)),
    st.builds(Reasoning, summary=st.lists(WORD, min_size=1, max_size=2).map(tuple)),
    st.builds(Reasoning, texts=st.tuples(WORD), seal=_seals("anthropic_messages", "gemini")),
    st.builds(
        lambda summary, seal: Reasoning(summary=tuple(summary), seal=seal, is_redacted=not summary),
        st.lists(WORD, max_size=2),
        _seals("openai_responses"),
    ),
    st.builds(lambda seal: Reasoning(seal=seal, is_redacted=True), _seals("anthropic_messages")),
)
"""What was thought: in words, in a summary, or sealed, as makers do."""


def arguments() -> st.SearchStrategy[str]:
    """What a model writes: an object, with its spelling."""
    return st.sampled_from(
        ['{"zone":"A","amount":1.50}', "{}", '{\n  "zone": "A"\n}', '{"b":[1,2],"a":null}', '{ "zone": "é" }']
    )


@st.composite
def tool_calls(draw: st.DrawFn, number: int) -> ToolCall:
    """One call; its id says which."""
    seal = draw(st.none() | st.none() | _seals())
    return ToolCall(id=f"call_{number}x", name=draw(NAME), arguments=draw(arguments()), seal=seal)


@st.composite
def tool_results(draw: st.DrawFn, call: ToolCall) -> ToolResult:
    """The result of a call: words, JSON, a picture, or a failure."""
    json_texts = st.builds(Text, text=st.sampled_from(['{"fee":2.50}', "[1]", '{"output":"x"}', "2.50"]))
    one = st.one_of(st.builds(Text, text=WORD), st.builds(Text, text=WORD), json_texts)
    parts_of_it = st.one_of(st.tuples(one), st.tuples(one), st.tuples(one, media()))
    given = {"call_id": st.just(call.id), "parts": parts_of_it, "name": st.sampled_from([None, call.name])}
    return draw(nodes(ToolResult, given=given, most=1))


@st.composite
def assistant_parts(draw: st.DrawFn, first_call: int, *, is_answer: bool = False) -> tuple[Part, ...]:
    """Draw what a model said: thoughts, words, calls, in the usual order and now and then in another."""
    found: list[Part] = []
    if draw(one_in(3)):
        found.append(draw(THOUGHTS))
    calls = draw(st.sampled_from([0, 0, 1, 2]))
    if calls == 0 or draw(st.booleans()):
        words = texts(is_answer=is_answer)
        found.append(draw(st.one_of(words, words, words, st.builds(Refusal, text=WORD), opaque())))
    found += [draw(tool_calls(first_call + number)) for number in range(calls)]
    if is_answer or not draw(one_in(5)):
        return tuple(found)
    return tuple(draw(st.permutations(found)))


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Draw well-formed turns; the last one is the user's."""
    found: list[Message] = []
    if draw(st.booleans()):
        role: Role = draw(st.sampled_from(["system", "developer"]))
        found.append(Message(role=role, parts=tuple(draw(st.lists(plain_texts(), min_size=1, max_size=2)))))
    user = st.lists(st.one_of(plain_texts(), plain_texts(), media()), min_size=1, max_size=2).map(tuple)
    found.append(Message(role="user", parts=draw(user)))
    calls = 0
    for _ in range(draw(st.integers(0, 2))):
        said = draw(assistant_parts(calls))
        asked = [part for part in said if isinstance(part, ToolCall)]
        calls += len(asked)
        found.append(draw(nodes(Message, given={"role": st.just("assistant"), "parts": st.just(said)}, most=0)))
        results = tuple(draw(tool_results(call)) for call in asked)
        after = draw(user) if not results or draw(one_in(4)) else ()
        found.append(Message(role="user", parts=(*results, *after)))
    if draw(one_in(10)) and not any(isinstance(part, ToolResult) for part in found[-1].parts):
        found[-1] = msgspec.structs.replace(found[-1], name="Clerk_7")
    return tuple(found)


@st.composite
def output_formats(draw: st.DrawFn) -> OutputFormat:
    """Draw how the answer is to be written."""
    kind = draw(st.sampled_from(["text", "json", "schema"]))
    if kind != "schema":
        return OutputFormat(kind=kind)
    given = {"kind": st.just(kind), "schema": field(OutputFormat, "schema"), "name": st.just("zone")}
    return draw(nodes(OutputFormat, given=given, most=2))


@st.composite
def host_tools(draw: st.DrawFn) -> HostTool:
    """Draw a tool that a host runs."""
    dialect = draw(st.sampled_from(sorted(HOST_TOOLS.keys() & set(NAMES)) or ["openai_responses"]))
    kind, raw = HOST_TOOLS[dialect]
    return HostTool(dialect=dialect, kind=kind, raw=_raw(raw))


@st.composite
def toolboxes(draw: st.DrawFn) -> tuple[Tool | HostTool, ...]:
    """Draw some tools with different names."""
    names = draw(st.lists(NAME, max_size=2, unique=True))
    given = {"description": WORD, "parameters": field(Tool, "parameters")}
    found: list[Tool | HostTool] = [draw(nodes(Tool, given={**given, "name": st.just(name)}, most=1)) for name in names]
    if draw(one_in(10)):
        found.append(draw(host_tools()))
    return tuple(found)


@st.composite
def tool_choices(draw: st.DrawFn, names: list[str]) -> ToolChoice:
    """Draw a choice among these tools."""
    if names and draw(one_in(3)):
        return ToolChoice(mode="required", names=(names[0],))
    return ToolChoice(mode=draw(st.sampled_from(["auto", "none", "required"])))


def _is_of_one_mind(wish: ReasoningWish) -> bool:
    """Tell whether a wish does not switch reasoning on and off at once."""
    wants_none = wish.effort == "none"
    wants_some = wish.budget_tokens is not None or wish.effort not in {None, "none"} or wish.shows not in {None, "none"}
    return not (wants_none and (wish.is_on or wants_some)) and not (wish.is_on is False and wants_some)


OF_TOOLS = ("tool_choice", "parallel_tools")
MADE_ELSEWHERE = frozenset(("model", "messages", "tools", "output", "reasoning", "is_stream", "wants_usage", *OF_TOOLS))


@st.composite
def requests(draw: st.DrawFn, *, most: int = 4) -> Request:
    """Draw a request of up to `most` settings beside its conversation and tools, with a place for every node."""
    given: Fields = {"messages": conversations(), "tools": toolboxes(), "is_stream": st.booleans()}
    values = {name: draw(strategy) for name, strategy in given.items()}
    names = [tool.name for tool in values["tools"] if isinstance(tool, Tool)]
    if names and draw(one_in(3)):
        values["tool_choice"] = draw(tool_choices(names))
    if names and draw(one_in(5)):
        values["parallel_tools"] = draw(st.booleans())
    if draw(one_in(4)):
        values["output"] = draw(output_formats())
    if draw(one_in(4)):
        values["reasoning"] = draw(nodes(ReasoningWish, least=1, most=2).filter(_is_of_one_mind))
    settings = [name for name in optional_fields(Request) if name not in MADE_ELSEWHERE]
    for name in draw(st.lists(st.sampled_from(settings), max_size=most, unique=True)):
        values[name] = draw(field(Request, name))
    if "top_logprobs" in values:
        values["has_logprobs"] = True
    return placed(Request(model="garden", **values))


# --- answers -------------------------------------------------------------------------------------------------------


@st.composite
def choices(draw: st.DrawFn, index: int) -> Choice:
    """Draw one answer whose stop fits what it says."""
    said = draw(assistant_parts(index * 10, is_answer=True))
    has_calls = any(isinstance(part, ToolCall) for part in said)
    if any(isinstance(part, Refusal) for part in said):
        said = tuple(part for part in said if not isinstance(part, ToolCall))
        stop: Stop = "refusal"
    elif has_calls:
        stop = "tool_calls"
    else:
        stop = draw(st.sampled_from(["end", "end", "length", "stop_sequence", "content_filter"]))
    sequence = "END" if stop == "stop_sequence" and draw(st.booleans()) else None
    return Choice(message=Message(role="assistant", parts=said), index=index, stop=stop, stop_sequence=sequence)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Draw counts of which the parts fit into the whole."""
    cached, reasoned = draw(st.sampled_from([0, 0, 64])), draw(st.sampled_from([0, 0, 20]))
    return Usage(
        input_tokens=cached + draw(st.integers(1, 99)),
        output_tokens=reasoned + draw(st.integers(1, 99)),
        cached_input_tokens=cached,
        reasoning_tokens=reasoned,
    )


@st.composite
def responses(draw: st.DrawFn) -> Response:
    """Draw a whole answer, nearly always with one choice."""
    count = draw(st.sampled_from([1, 1, 1, 1, 1, 1, 2]))
    given = {
        "choices": st.tuples(*(choices(index) for index in range(count))),
        "id": field(Response, "id"),
        "model": field(Response, "model"),
        "usage": usages(),
    }
    return placed(draw(nodes(Response, given=given, most=1)))


# --- embeddings ----------------------------------------------------------------------------------------------------


@st.composite
def embeddings_requests(draw: st.DrawFn) -> embeddings.EmbeddingsRequest:
    """Draw texts (or, rarely, token ids) for which vectors are wanted."""
    inputs = st.lists(st.builds(embeddings.EmbeddingsInput, text=WORD), min_size=1, max_size=3).map(tuple)
    tokens = st.builds(embeddings.EmbeddingsInput, tokens=field(embeddings.EmbeddingsInput, "tokens")).map(
        lambda x: (x,)
    )
    given = {"inputs": st.one_of(inputs, inputs, inputs, tokens)}
    return placed(draw(nodes(embeddings.EmbeddingsRequest, given=given, most=2)))


# --- places --------------------------------------------------------------------------------------------------------

N = typing.TypeVar("N", bound=Node)


def placed(node: N, at: str = "") -> N:
    """Return a node with a place for it and everything in it: the path of the canonical fields themselves."""
    changes: dict[str, object] = {"at": at}
    for name in node.__struct_fields__:
        value, path = getattr(node, name), f"{at}.{name}" if at else name
        if isinstance(value, Node):
            changes[name] = placed(value, path)
        elif isinstance(value, tuple) and any(isinstance(one, Node) for one in value):
            changes[name] = tuple(placed(one, f"{path}[{i}]") for i, one in enumerate(value))
    return msgspec.structs.replace(node, **changes)
