"""The canonical request to what a host gets."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from msgspec import Raw

from hortus.canon.habits import apply_habits
from hortus.canon.manifest import Manifest
from hortus.canon.parts import Media, Opaque, Reasoning, Refusal, Text, ToolCall, ToolResult
from hortus.canon.request import Message, Request
from hortus.canon.translation import Target, Written
from hortus.dialects.openai_responses.items import AS_ITEM, write_call, write_reasoning, write_result
from hortus.dialects.openai_responses.options import write_choice, write_format, write_reasoning_wish, write_tool
from hortus.dialects.openai_responses.parts import write_part
from hortus.dialects.openai_responses.pen import Object, Pen, is_own
from hortus.dialects.openai_responses.request import LOGPROBS
from hortus.dialects.openai_responses.wire import NAME
from hortus.framing.objects import finish_body, write_fields

PLAIN = MappingProxyType(
    {
        "parallel_tool_calls": "parallel_tools",
        "max_output_tokens": "max_output_tokens",
        "temperature": "temperature",
        "top_p": "top_p",
        "top_logprobs": "top_logprobs",
        "metadata": "metadata",
        "service_tier": "service_tier",
        "prompt_cache_key": "cache_key",
        "store": "is_stored",
        "previous_response_id": "continues",
    }
)
"""Members that hold a canonical field as it is."""

FIELDS = MappingProxyType(
    {
        **PLAIN,
        "user": "user",
        "input": "messages",
        "tools": "tools",
        "tool_choice": "tool_choice",
        "text": "output",
        "reasoning": "reasoning",
        "include": "has_logprobs",
    }
)


def write_request(request: Request, target: Target) -> Written:
    """Return the body for a host, with what it does not carry."""
    manifest = Manifest(request, NAME, source=target.source, reclassified=target.habits.weights)
    pen = Pen(manifest=manifest, is_own=is_own(request), is_answer=False)
    manifest.take(request, "model", "messages", "is_stream", "wants_usage")
    body: Object = {"model": target.model} if target.model else {}
    _write_messages(request, pen, body)
    write_options(request, pen, body)
    if request.is_stream or pen.has_form(request, "stream=false"):
        body["stream"] = request.is_stream
    if not pen.is_own:
        _adapt(request, pen, body)
    pen.close(request, body)
    apply_habits(body, target.habits, manifest=manifest, root=request, fields=FIELDS)
    return finish_body(body, manifest)


def write_options(request: Request, pen: Pen, body: Object) -> None:
    """Write everything that stands beside the items, as requests and answers name it."""
    write_fields(body, request, pen.manifest, fields=PLAIN)
    if request.user is not None:
        pen.manifest.take(request, "user")
        body["safety_identifier" if pen.has_form(request, "safety_identifier") else "user"] = request.user
    _write_tools(request, pen, body)
    if request.reasoning is not None:
        wish = write_reasoning_wish(request.reasoning, pen)
        if wish is not None:
            body["reasoning"] = wish
    _write_text(request, pen, body)
    _write_include(request, pen, body)


def _write_tools(request: Request, pen: Pen, body: Object) -> None:
    tools = [written for tool in request.tools if (written := write_tool(tool, pen)) is not None]
    if tools or pen.has_form(request, "tools=[]"):
        body["tools"] = tools
    if request.tool_choice is not None:
        body["tool_choice"] = write_choice(request.tool_choice, pen)


def _write_text(request: Request, pen: Pen, body: Object) -> None:
    text: Object = {}
    if request.output is not None:
        text["format"] = write_format(request.output, pen)
    if request.verbosity is not None:
        pen.manifest.take(request, "verbosity")
        text["verbosity"] = request.verbosity
    if text or pen.has_form(request, "text"):
        body["text"] = text


def _write_include(request: Request, pen: Pen, body: Object) -> None:
    if request.has_logprobs is not None:
        pen.manifest.take(request, "has_logprobs")
    if request.has_logprobs and "include" not in pen.manifest.silent(request):
        body["include"] = [LOGPROBS]


def _adapt(request: Request, pen: Pen, body: Object) -> None:
    """Ask for what is the usual thing in every other dialect."""
    if request.is_stored is None:
        body["store"] = False  # OpenAI keeps answers unless told not to
        pen.manifest.adapt("+store=false")
    if request.reasoning is not None and not body["store"] and request.reasoning.effort != "none":
        include = body.get("include", [])
        body["include"] = [*(include if isinstance(include, list) else ()), "reasoning.encrypted_content"]
        pen.manifest.adapt("+include=reasoning.encrypted_content")


def _write_messages(request: Request, pen: Pen, body: Object) -> None:
    messages = request.messages
    instructions = _instructions(messages, pen)
    if instructions is not None:
        body["instructions"] = instructions
        messages = messages[1:]
    only = _bare_input(request, messages, pen)
    if only is not None:
        pen.manifest.take(only, "text")
        body["input"] = only.text
        return
    items = [item for message in messages for item in _write_message(message, pen)]
    if items or not pen.is_own or pen.has_form(request, "input=[]"):
        body["input"] = items


def _bare_input(request: Request, messages: tuple[Message, ...], pen: Pen) -> Text | None:
    """Return the one text that stood in place of items, where it still stands alone."""
    parts = [part for message in messages for part in message.parts]
    only = parts[0] if len(parts) == 1 and pen.has_form(request, "input") else None
    return only if isinstance(only, Text) else None


def _instructions(messages: tuple[Message, ...], pen: Pen) -> str | None:
    """Return the system prompt, where it is one text and stands first."""
    first = messages[0] if messages else None
    if first is None or first.role != "system" or len(first.parts) != 1:
        return None
    if pen.is_own and not pen.has_form(first, "instructions"):
        return None
    (text,) = first.parts
    if not isinstance(text, Text):
        return None
    pen.manifest.take(first, "role", "parts")
    pen.manifest.take(text, "text")
    return text.text


def _write_message(message: Message, pen: Pen) -> Iterator[Object | Raw]:
    """Write one message as the items that it is: neighbouring contents stand in one, everything else by itself."""
    pen.manifest.take(message, "role", "parts")
    content: list[Text | Media | Refusal | Opaque] = []
    for part in message.parts:
        match part:
            case ToolCall() | ToolResult() | Reasoning():
                yield from _flush(message, content, pen)
                content = []
                item = _write_item(part, pen)
                if item is not None:
                    yield item
            case Opaque() if pen.has_form(part, AS_ITEM):
                yield from _flush(message, content, pen)
                content = []
                pen.manifest.take(part, "raw")
                yield part.raw
            case _:
                content.append(part)
    if content or not message.parts:
        yield from _flush(message, content, pen, is_needed=True)


def _write_item(part: ToolCall | ToolResult | Reasoning, pen: Pen) -> Object | None:
    match part:
        case ToolCall():
            return write_call(part, pen, item={})
        case ToolResult():
            return write_result(part, pen)
        case _:
            return write_reasoning(part, pen, item={})


def _flush(
    message: Message, content: list[Text | Media | Refusal | Opaque], pen: Pen, *, is_needed: bool = False
) -> Iterator[Object]:
    if not (content or is_needed):
        return
    said = _write_content(message, content, pen)
    if content and said == []:
        return  # nothing of it can be carried: the manifest says so
    kind: Object = {} if pen.has_form(message, "untyped") else {"type": "message"}
    yield pen.close(message, {**kind, "role": message.role, "content": said})


def _write_content(
    message: Message, content: list[Text | Media | Refusal | Opaque], pen: Pen
) -> str | list[Object | Raw]:
    """Return what a message says: a bare string where it was one, and where it can be one for another dialect."""
    only = content[0] if len(content) == 1 else None
    may_be_bare = pen.has_form(message, "bare") or not pen.is_own
    if may_be_bare and isinstance(only, Text) and not only.citations:
        pen.manifest.take(only, "text")
        return only.text
    return [one for part in content if (one := write_part(part, pen, role=message.role)) is not None]
