"""A chat's request: its members, and its messages in their order."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from types import MappingProxyType

from msgspec import UNSET, Raw, structs

from hortus.canon.effort import effort_of
from hortus.canon.habits import apply_habits
from hortus.canon.manifest import Manifest
from hortus.canon.nodes import Extras
from hortus.canon.request import Message, ReasoningWish, Request
from hortus.canon.translation import Call, Target, Written
from hortus.canon.turns import Turn, turns_of
from hortus.dialects.openai_chat import wire
from hortus.dialects.openai_chat.messages import (
    read_message,
    write_assistant,
    write_content,
    write_name,
    write_result,
)
from hortus.dialects.openai_chat.pen import Body, encode, notes_at, restore, told, told_raw
from hortus.dialects.openai_chat.tools import (
    read_choice,
    read_output,
    read_tool,
    write_choice,
    write_output,
    write_tool,
)
from hortus.dialects.openai_chat.vocabulary import NAME
from hortus.framing.chat_notation import AS_LIST, EMPTY_LIST, read_stop, results_apart, write_stop
from hortus.framing.objects import finish_body, write_fields
from hortus.framing.opening import Notes
from hortus.framing.shallow import check_text

_APART = "apart"
"""Form: a message of the assistant that follows another one and is not joined with it."""

_OLD_LIMIT = "max_tokens"
_SAFETY_ID = "safety_identifier"
_TOP_K = "top_k"
_SOME_EFFORT = "medium"
_NO_STREAM = "stream is false"
_NO_USAGE = "include_usage is false"
_EMPTY_OPTIONS = "stream_options is empty"

_PLAIN = MappingProxyType(
    {
        "temperature": "temperature",
        "top_p": "top_p",
        "frequency_penalty": "frequency_penalty",
        "presence_penalty": "presence_penalty",
        "seed": "seed",
        "n": "choices",
        "logprobs": "has_logprobs",
        "top_logprobs": "top_logprobs",
        "parallel_tool_calls": "parallel_tools",
        "verbosity": "verbosity",
        "service_tier": "service_tier",
        "prompt_cache_key": "cache_key",
        "store": "is_stored",
        "logit_bias": "logit_bias",
        "metadata": "metadata",
    }
)
"""Member to the canonical field whose value it has."""

_FIELDS = MappingProxyType(
    {
        **_PLAIN,
        "max_tokens": "max_output_tokens",
        "max_completion_tokens": "max_output_tokens",
        "stop": "stop",
        "top_k": "top_k",
        "user": "user",
        "safety_identifier": "user",
        "tools": "tools",
        "tool_choice": "tool_choice",
        "response_format": "output",
        "reasoning_effort": "reasoning",
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
    return Request(
        model=found.model,
        messages=_apart(
            read_message(raw, f"messages[{i}]", make_id=lambda: f"call_{next(numbers)}")
            for i, raw in enumerate(found.messages)
        ),
        tools=tuple(read_tool(raw, f"tools[{i}]") for i, raw in enumerate(tools or ())),
        tool_choice=read_choice(found.tool_choice, notes),
        parallel_tools=told(found.parallel_tool_calls),
        output=read_output(found.response_format, notes),
        max_output_tokens=_read_limit(found, notes),
        stop=read_stop(found.stop, notes),
        temperature=told(found.temperature),
        top_p=told(found.top_p),
        top_k=_read_top_k(found, notes),
        frequency_penalty=told(found.frequency_penalty),
        presence_penalty=told(found.presence_penalty),
        seed=told(found.seed),
        logit_bias=told_raw(found.logit_bias, "logit_bias", notes),
        choices=told(found.n),
        has_logprobs=told(found.logprobs),
        top_logprobs=told(found.top_logprobs),
        reasoning=_read_effort(found),
        verbosity=told(found.verbosity),
        user=_read_user(found, notes),
        metadata=told_raw(found.metadata, "metadata", notes),
        service_tier=told(found.service_tier),
        cache_key=told(found.prompt_cache_key),
        is_stored=told(found.store),
        is_stream=_read_stream(found, notes),
        wants_usage=_read_wants_usage(found, notes),
        extras=notes.extras(),
    )


def _apart(messages: Iterable[Message]) -> tuple[Message, ...]:
    """Mark neighbouring messages of the assistant, so that this dialect keeps them apart."""
    marked: list[Message] = []
    for message in messages:
        follows = bool(marked) and marked[-1].role == "assistant" == message.role
        marked.append(_with_form(message, _APART) if follows else message)
    return tuple(marked)


def _with_form(message: Message, form: str) -> Message:
    extras = message.extras or Extras(dialect=NAME)
    return structs.replace(message, extras=structs.replace(extras, forms=(*extras.forms, form)))


def _read_limit(found: wire.Request, notes: Notes) -> int | None:
    new, old = told(found.max_completion_tokens), told(found.max_tokens)
    if new is None:
        if old is not None:
            notes.form(_OLD_LIMIT)
        return old
    if old is not None:
        notes.keep(_OLD_LIMIT, Raw(encode(old)))
    return new


def _read_top_k(found: wire.Request, notes: Notes) -> int | None:
    top_k = told(found.top_k)
    if top_k is not None:
        notes.form(_TOP_K)
    return top_k


def _read_effort(found: wire.Request) -> ReasoningWish | None:
    effort = told(found.reasoning_effort)
    return None if effort is None else ReasoningWish(effort=effort, at="reasoning_effort")


def _read_user(found: wire.Request, notes: Notes) -> str | None:
    user, safety_id = told(found.user), told(found.safety_identifier)
    if safety_id is None:
        return user
    if user is None:
        notes.form(_SAFETY_ID)
        return safety_id
    notes.keep(_SAFETY_ID, Raw(encode(safety_id)))
    return user


def _read_stream(found: wire.Request, notes: Notes) -> bool:
    if found.stream is False:
        notes.form(_NO_STREAM)
    return found.stream is True


def _read_wants_usage(found: wire.Request, notes: Notes) -> bool:
    options = told(found.stream_options)
    if options is None:
        return False
    if options.include_usage is False:
        notes.form(_NO_USAGE)
    elif options.include_usage is UNSET:
        notes.form(_EMPTY_OPTIONS)
    return options.include_usage is True


def write_request(request: Request, target: Target) -> Written:
    """Return the body for a host."""
    manifest = Manifest(request, NAME, source=target.source, reclassified=target.habits.weights)
    body: Body = {"model": target.model, "messages": _write_messages(request.messages, manifest)}
    manifest.take(request, "messages")
    write_fields(body, request, manifest, fields=_PLAIN)
    _write_tools(request, body, manifest)
    _write_limits(request, body, manifest)
    _write_wishes(request, body, manifest)
    _write_stream(request, body, manifest)
    restore(body, request, manifest)
    apply_habits(body, target.habits, manifest=manifest, root=request, fields=_FIELDS)
    return finish_body(body, manifest)


def _write_messages(messages: tuple[Message, ...], manifest: Manifest) -> list[object]:
    written: list[object] = []
    for turn in turns_of(messages):
        if turn.role == "assistant":
            written += _write_answers(turn, manifest)
            continue
        for message in turn.messages:
            written += _write_message(message, manifest)
    return written


def _write_answers(turn: Turn, manifest: Manifest) -> list[object]:
    groups: list[list[Message]] = []
    for message in turn.messages:
        if groups and not manifest.has_form(message, _APART):
            groups[-1].append(message)
        else:
            groups.append([message])
    bodies = (write_assistant(tuple(group), manifest) for group in groups)
    return [body for body in bodies if body is not None]


def _write_message(message: Message, manifest: Manifest) -> list[object]:
    """Return results of tools first, as they must follow their calls, then the rest."""
    written, rest = results_apart(message, manifest, write_result=lambda part: write_result(part, manifest))
    if rest or not written:
        is_list = manifest.has_form(message, AS_LIST)
        content = write_content(rest, manifest, role=message.role, is_list=is_list)
        body: Body = {"role": message.role, "content": content}
        write_name(message, body, manifest=manifest)
        written.append(restore(body, message, manifest))
    return written


def _write_tools(request: Request, body: Body, manifest: Manifest) -> None:
    tools = [written for tool in request.tools if (written := write_tool(tool, manifest)) is not None]
    if tools:
        body["tools"] = tools
    if request.tool_choice is not None:
        body["tool_choice"] = write_choice(request.tool_choice, manifest)
    if request.output is not None:
        body["response_format"] = write_output(request.output, manifest)


def _write_limits(request: Request, body: Body, manifest: Manifest) -> None:
    if request.max_output_tokens is not None:
        manifest.take(request, "max_output_tokens")
        is_old = manifest.has_form(request, _OLD_LIMIT)
        body[_OLD_LIMIT if is_old else "max_completion_tokens"] = request.max_output_tokens
    write_stop(request, body, manifest)
    if request.top_k is not None:
        if manifest.has_form(request, _TOP_K):
            manifest.take(request, "top_k")
            body[_TOP_K] = request.top_k
        else:
            manifest.lose(request, "top_k", "OpenAI's Chat Completions have no `top_k`; `top_p` is near.")


def _write_wishes(request: Request, body: Body, manifest: Manifest) -> None:
    if request.user is not None:
        manifest.take(request, "user")
        body[_SAFETY_ID if manifest.has_form(request, _SAFETY_ID) else "user"] = request.user
    wish = request.reasoning
    if wish is None:
        return
    if wish.effort is not None:
        manifest.take(wish, "is_on", "effort")
        body["reasoning_effort"] = wish.effort
        if wish.budget_tokens is not None:
            manifest.approximate(wish, "budget_tokens", "The effort says how much to think.")
    elif wish.is_on is False:
        manifest.take(wish, "is_on", "budget_tokens")
        body["reasoning_effort"] = "none"
    elif wish.budget_tokens is not None and wish.budget_tokens >= 0:
        manifest.take(wish, "is_on")
        effort = effort_of(wish.budget_tokens)
        manifest.approximate(wish, "budget_tokens", f"Written as `reasoning_effort`: {effort}, which is near.")
        body["reasoning_effort"] = effort
    elif wish.is_on:
        manifest.approximate(
            wish, "is_on", f"Written as `reasoning_effort`: {_SOME_EFFORT}, what most models begin with."
        )
        body["reasoning_effort"] = _SOME_EFFORT


def _write_stream(request: Request, body: Body, manifest: Manifest) -> None:
    if request.is_stream or manifest.has_form(request, _NO_STREAM):
        body["stream"] = request.is_stream
    if request.wants_usage or manifest.has_form(request, _NO_USAGE):
        body["stream_options"] = {"include_usage": request.wants_usage}
    elif manifest.has_form(request, _EMPTY_OPTIONS):
        body["stream_options"] = {}
