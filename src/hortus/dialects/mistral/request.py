"""A chat's request: its members, and its messages in their order."""

from __future__ import annotations

from itertools import count
from types import MappingProxyType

from msgspec import Raw

from hortus.canon.effort import effort_of
from hortus.canon.habits import apply_habits
from hortus.canon.manifest import Manifest
from hortus.canon.parts import Part
from hortus.canon.request import Message, ReasoningWish, Request
from hortus.canon.translation import Call, Target, Written
from hortus.canon.turns import Turn, turns_of
from hortus.dialects.mistral import wire
from hortus.dialects.mistral.messages import (
    read_message,
    write_assistant,
    write_content,
    write_name,
    write_result,
)
from hortus.dialects.mistral.pen import Pen, encode, notes_at
from hortus.dialects.mistral.tools import read_choice, read_output, read_tool, write_choice, write_output, write_tool
from hortus.dialects.mistral.vocabulary import NAME, VOCABULARY
from hortus.framing.chat_notation import AS_LIST, EMPTY_LIST, read_stop, results_apart, write_stop
from hortus.framing.objects import Body, finish_body, told, told_raw, write_fields
from hortus.framing.shallow import check_text

_NO_STREAM = "stream is false"
_SOME_EFFORT, _MOST_EFFORT = "medium", "xhigh"
_BEYOND = "max"
"""The one effort of the field that Mistral does not know. https://docs.mistral.ai/api, read 2026-11."""

_PLAIN = MappingProxyType(
    {
        "temperature": "temperature",
        "top_p": "top_p",
        "top_k": "top_k",  # mistralai 3.7.0, read 2026-11
        "frequency_penalty": "frequency_penalty",
        "presence_penalty": "presence_penalty",
        "random_seed": "seed",
        "n": "choices",
        "logprobs": "has_logprobs",
        "top_logprobs": "top_logprobs",
        "parallel_tool_calls": "parallel_tools",
        "max_tokens": "max_output_tokens",
        "prompt_cache_key": "cache_key",
        "metadata": "metadata",
    }
)
"""Member to the canonical field whose value it has."""

_FIELDS = MappingProxyType(
    {
        **_PLAIN,
        "stop": "stop",
        "tools": "tools",
        "tool_choice": "tool_choice",
        "response_format": "output",
        "reasoning_effort": "reasoning",
        "service_tier": "service_tier",
    }
)
"""Member to canonical field, for what a host's row leaves out."""


def read_request(body: bytes, call: Call) -> Request:
    """Return what a client asks.

    Raises:
        NotJson: The body is no JSON object.
        InvalidRequest: A member is missing or has the wrong type.
    """
    del call  # everything stands in the body
    check_text(body)
    notes = notes_at("")
    found = notes.open(body, wire.Request)
    numbers = count(1)
    tools = told(found.tools)
    if tools is not None and not tools:
        notes.hush("tools", EMPTY_LIST)
    if isinstance(found.safe_prompt, bool):
        (notes.keep if found.safe_prompt else notes.hush)("safe_prompt", Raw(encode(found.safe_prompt)))
    if found.stream is False:
        notes.form(_NO_STREAM)
    effort = told(found.reasoning_effort)
    return Request(
        model=found.model,
        messages=tuple(
            read_message(raw, f"messages[{i}]", make_id=lambda: f"call_{next(numbers)}")
            for i, raw in enumerate(found.messages)
        ),
        tools=tuple(read_tool(raw, f"tools[{i}]") for i, raw in enumerate(tools or ())),
        tool_choice=read_choice(found.tool_choice, notes),
        parallel_tools=told(found.parallel_tool_calls),
        output=read_output(found.response_format, notes),
        max_output_tokens=told(found.max_tokens),
        stop=read_stop(found.stop, notes),
        temperature=told(found.temperature),
        top_p=told(found.top_p),
        top_k=told(found.top_k),
        frequency_penalty=told(found.frequency_penalty),
        presence_penalty=told(found.presence_penalty),
        seed=told(found.random_seed),
        choices=told(found.n),
        has_logprobs=told(found.logprobs),
        top_logprobs=told(found.top_logprobs),
        reasoning=_read_wish(effort),
        metadata=told_raw(found.metadata, "metadata", notes),
        service_tier=told(found.service_tier),
        cache_key=told(found.prompt_cache_key),
        is_stream=found.stream is True,
        wants_usage=found.stream is True,  # Mistral's streams always end with it
        extras=notes.extras(),
    )


def _read_wish(effort: str | None) -> ReasoningWish | None:
    """Return how much to think; what Mistral's models think, they show."""
    if effort is None:
        return None
    return ReasoningWish(effort=effort, shows=None if effort == "none" else "auto", at="reasoning_effort")


def write_request(request: Request, target: Target) -> Written:
    """Return the body for a host."""
    manifest = Manifest(request, NAME, source=target.source, reclassified=target.habits.weights)
    pen = Pen(manifest, is_own=target.source is VOCABULARY)
    body: Body = {"model": target.model, "messages": _write_messages(request.messages, pen)}
    manifest.take(request, "messages")
    write_fields(body, request, manifest, fields=_PLAIN)
    _write_tools(request, body, pen)
    _write_limits(request, body, pen)
    if request.is_stream or manifest.has_form(request, _NO_STREAM):
        body["stream"] = request.is_stream
    pen.close(request, body)
    apply_habits(body, target.habits, manifest=manifest, root=request, fields=_FIELDS)
    return finish_body(body, manifest)


def _write_limits(request: Request, body: Body, pen: Pen) -> None:
    manifest = pen.manifest
    write_stop(request, body, manifest)
    if request.reasoning is not None:
        _write_wish(request.reasoning, body, manifest=manifest)
    if request.service_tier is not None and pen.is_own:  # no word of Mistral's means the same as another maker's
        manifest.take(request, "service_tier")
        body["service_tier"] = request.service_tier


def _write_messages(messages: tuple[Message, ...], pen: Pen) -> list[object]:
    written: list[object] = []
    for turn in turns_of(messages):
        if turn.role == "assistant":
            written += _write_answers(turn, pen)
            continue
        for message in turn.messages:
            written += _write_message(message, pen)
    return written


def _write_answers(turn: Turn, pen: Pen) -> list[object]:
    groups = [(message,) for message in turn.messages] if pen.is_own else [turn.messages]
    bodies = (write_assistant(group, pen) for group in groups)
    return [body for body in bodies if body is not None]


def _write_message(message: Message, pen: Pen) -> list[object]:
    """Return results of tools first, as they must follow their calls, then the rest."""
    written, rest = results_apart(message, pen.manifest, write_result=lambda part: write_result(part, pen))
    if rest or not written:
        written.append(_write_words(message, rest, pen))
    return written


def _write_words(message: Message, parts: list[Part], pen: Pen) -> Body:
    """Return what somebody says who is not the assistant."""
    manifest, role = pen.manifest, message.role
    if role == "developer":
        role = "system"
        manifest.adapt("role:developer>system")
    content = write_content(parts, pen, role=role, is_list=manifest.has_form(message, AS_LIST))
    body: Body = {"role": role, "content": content}
    write_name(message, body, pen)
    return pen.close(message, body)


def _write_tools(request: Request, body: Body, pen: Pen) -> None:
    tools = [written for tool in request.tools if (written := write_tool(tool, pen)) is not None]
    if tools:
        body["tools"] = tools
    if request.tool_choice is not None:
        body["tool_choice"] = write_choice(request.tool_choice, pen)
    if request.output is not None:
        body["response_format"] = write_output(request.output, pen)


def _write_wish(wish: ReasoningWish, body: Body, *, manifest: Manifest) -> None:
    budget = wish.budget_tokens if wish.budget_tokens is not None and wish.budget_tokens >= 0 else None
    effort = _effort_of(wish, budget, manifest)
    if effort is None:
        return
    if budget is not None and wish.is_on is not False:
        manifest.approximate(wish, "budget_tokens", f"Written as `reasoning_effort`: {effort}, which is near.")
    if wish.shows in {"auto", "full"}:  # they always are
        manifest.take(wish, "shows")
    body["reasoning_effort"] = effort


def _effort_of(wish: ReasoningWish, budget: int | None, manifest: Manifest) -> str | None:
    """Return the effort that is wished for, or the one that is nearest."""
    if wish.effort == _BEYOND:
        manifest.take(wish, "is_on")
        manifest.approximate(wish, "effort", f"Written as `{_MOST_EFFORT}`, the most that Mistral knows.")
        return _MOST_EFFORT
    if wish.effort is not None:
        manifest.take(wish, "is_on", "effort")
        return wish.effort
    if wish.is_on is False:
        manifest.take(wish, "is_on", "budget_tokens")
        return "none"
    if budget is not None:
        manifest.take(wish, "is_on")
        near = effort_of(budget)
        return _MOST_EFFORT if near == _BEYOND else near
    if wish.is_on:
        manifest.approximate(wish, "is_on", f"Written as `reasoning_effort`: {_SOME_EFFORT}.")
        return _SOME_EFFORT
    return None
