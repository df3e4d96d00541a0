"""A request of POST /v1/messages (and of count_tokens, which has fewer members) to the canonical chat and back."""

from __future__ import annotations

import msgspec
from msgspec import Raw, UnsetType
from msgspec.structs import replace

from hortus.canon.habits import apply_habits
from hortus.canon.request import OutputFormat, Request
from hortus.canon.translation import Call, Target, Written
from hortus.dialects.anthropic_messages.messages import read_message, read_system, write_messages, write_system
from hortus.dialects.anthropic_messages.pen import Object, Pen, pen_for
from hortus.dialects.anthropic_messages.thinking import read_wish, write_wish
from hortus.dialects.anthropic_messages.tools import (
    read_choice,
    read_format,
    read_tool,
    write_choice,
    write_format,
    write_tool,
)
from hortus.dialects.anthropic_messages.vocabulary import BETA_HEADER
from hortus.dialects.anthropic_messages.wire import NAME, Metadata, OutputConfig, RequestBody, given
from hortus.framing.claude import ModelTraits, traits_of
from hortus.framing.objects import finish_body
from hortus.framing.opening import Notes
from hortus.framing.paths import put_back
from hortus.framing.shallow import check_text

_OUTPUT_LIMIT = 4096
"""`max_tokens` where neither client nor catalogue says one: every model of Anthropic writes as much."""

_MOST_TEMPERATURE = 1.0
_LEAST_TOP_P = 0.99
"""Above this every model takes it: it changes nothing."""

_TIERS = {"auto": "auto", "standard_only": "default"}
_TIERS_BACK = {canonical: own for own, canonical in _TIERS.items()}

_UNCOUNTED = frozenset(
    ("max_tokens", "stream", "temperature", "top_p", "top_k", "stop_sequences", "metadata", "service_tier")
)
"""Members that count_tokens does not take: they change no count."""

_FIELDS = {
    "max_tokens": "max_output_tokens",
    "stop_sequences": "stop",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "metadata": "user",
    "service_tier": "service_tier",
    "tools": "tools",
}
_ENCODE = msgspec.json.Encoder().encode


def read_request(body: bytes, call: Call) -> Request:
    """Return what a client asks.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: A member is missing, or of the wrong type.
    """
    check_text(body)
    notes = Notes(NAME, "")
    wire = notes.open(body, RequestBody)
    notes.form("own")
    _note_forms(wire, notes)
    beta = call.headers.get(BETA_HEADER)
    if beta is not None:
        notes.keep(BETA_HEADER, Raw(_ENCODE(beta)))
    choice, may_be_parallel = read_choice(wire.tool_choice, notes)
    messages = tuple(read_message(one, f"messages[{i}]") for i, one in enumerate(wire.messages))
    return Request(
        model=wire.model,
        messages=read_system(wire.system, notes) + messages,
        tools=tuple(read_tool(one, f"tools[{i}]") for i, one in enumerate(given(wire.tools) or ())),
        tool_choice=choice,
        parallel_tools=may_be_parallel,
        output=_read_output(wire, notes),
        max_output_tokens=given(wire.max_tokens),
        stop=tuple(given(wire.stop_sequences) or ()),
        temperature=given(wire.temperature),
        top_p=given(wire.top_p),
        top_k=given(wire.top_k),
        reasoning=read_wish(wire, notes),
        user=given(wire.metadata.user_id) if isinstance(wire.metadata, Metadata) else None,
        service_tier=_read_tier(given(wire.service_tier), notes),
        is_stream=given(wire.stream) or False,
        wants_usage=given(wire.stream) or False,  # its streams always report it
        extras=notes.extras(),
    )


def _note_forms(wire: RequestBody, notes: Notes) -> None:
    for name in ("stop_sequences", "tools"):
        if getattr(wire, name) == []:
            notes.form(name)
    if wire.stream is False:
        notes.form("stream")
    if isinstance(wire.metadata, Metadata) and wire.metadata.user_id is msgspec.UNSET:
        notes.form("metadata")
    if isinstance(wire.output_config, OutputConfig):
        notes.form("output_config")


def _read_tier(tier: str | None, notes: Notes) -> str | None:
    if tier is None or tier in _TIERS:
        return _TIERS.get(tier or "")
    notes.keep("service_tier", Raw(_ENCODE(tier)))
    return None


def _read_output(wire: RequestBody, notes: Notes) -> OutputFormat | None:
    config = wire.output_config
    places = (
        ("output_config.format", config.format if isinstance(config, OutputConfig) else msgspec.UNSET),
        ("output_format", wire.output_format),
    )
    found = None
    for at, raw in places:
        if isinstance(raw, UnsetType):
            continue
        if found is None and bytes(raw) != b"null":
            found = read_format(raw, at)
        if found is None or found.at != at:
            notes.keep(at, raw)
        elif at == "output_format":
            notes.form("output_format")
    return found


def write_request(request: Request, target: Target) -> Written:
    """Return the request as Anthropic, or a host that speaks like it, gets it."""
    pen = pen_for(request, target.source, is_answer=False, reclassified=target.habits.weights)
    return _finish(_write_body(request, target, pen), request, target, pen=pen)


def write_count_request(request: Request, target: Target) -> Written:
    """Return the request to count the tokens of what `write_request` would send."""
    counted = replace(
        request,
        max_output_tokens=request.max_output_tokens or target.output_limit or _OUTPUT_LIMIT,
        stop=(),
        temperature=None,
        top_p=None,
        top_k=None,
        user=None,
        service_tier=None,
        is_stream=False,
    )
    pen = pen_for(counted, target.source, is_answer=False, reclassified=target.habits.weights)
    body = _write_body(counted, target, pen)
    for name in _UNCOUNTED & body.keys():
        del body[name]
    return _finish(body, counted, target, pen=pen)


def _finish(body: Object, request: Request, target: Target, *, pen: Pen) -> Written:
    members = {name: raw for name, raw in pen.manifest.members(request).items() if name != BETA_HEADER}
    put_back(body, members)
    apply_habits(body, target.habits, manifest=pen.manifest, root=request, fields=_FIELDS)
    return finish_body(body, pen.manifest)


def _write_body(request: Request, target: Target, pen: Pen) -> Object:
    traits = ModelTraits() if pen.is_own else traits_of(target.model)
    body: Object = {"model": target.model}
    limit = _write_limit(request, target, pen)
    thinking, effort = write_wish(request, pen, traits=traits, limit=limit)
    if limit is not None:
        body["max_tokens"] = limit
    system = write_system(request, pen)
    if system is not None:
        body["system"] = system
    body["messages"] = write_messages(request, pen)
    _write_tools(request, pen, body)
    if thinking:
        body["thinking"] = thinking
    _write_output(request, pen, body, effort=effort)
    _write_sampling(request, pen, body, traits=traits, is_thinking=bool(thinking) and thinking["type"] != "disabled")
    _write_rest(request, pen, body)
    return body


def _write_limit(request: Request, target: Target, pen: Pen) -> int | None:
    pen.manifest.take(request, "max_output_tokens")
    if request.max_output_tokens is not None or pen.is_own:
        return request.max_output_tokens
    pen.manifest.adapt("+max_tokens")
    return target.output_limit or _OUTPUT_LIMIT


def _write_tools(request: Request, pen: Pen, body: Object) -> None:
    tools = [written for tool in request.tools if (written := write_tool(tool, pen)) is not None]
    if tools or pen.manifest.has_form(request, "tools"):
        body["tools"] = tools
    choice = write_choice(request, pen)
    if choice is not None:
        body["tool_choice"] = choice


def _write_output(request: Request, pen: Pen, body: Object, *, effort: str | None) -> None:
    config: Object = {} if effort is None else {"effort": effort}
    wanted = write_format(request.output, pen) if request.output is not None else None
    if wanted is not None:
        if pen.manifest.has_form(request, "output_format"):
            body["output_format"] = wanted
        else:
            config["format"] = wanted
    if config or pen.manifest.has_form(request, "output_config"):
        body["output_config"] = config


def _write_sampling(request: Request, pen: Pen, body: Object, *, traits: ModelTraits, is_thinking: bool) -> None:
    if not pen.is_own and (is_thinking or not traits.takes_sampling):
        _leave_out_sampling(request, pen, is_thinking=is_thinking)
        return
    temperature = request.temperature
    pen.manifest.take(request, "temperature", "top_p", "top_k")
    if temperature is not None and temperature > _MOST_TEMPERATURE and not pen.is_own:
        pen.manifest.approximate(request, "temperature", "Anthropic's highest is 1, so 1 is sent.")
        temperature = _MOST_TEMPERATURE
    for name, value in (("temperature", temperature), ("top_p", request.top_p), ("top_k", request.top_k)):
        if value is not None:
            body[name] = value


def _leave_out_sampling(request: Request, pen: Pen, *, is_thinking: bool) -> None:
    reason = "A model of Anthropic's that thinks takes none." if is_thinking else "This model takes none."
    for name, is_neutral in (
        ("temperature", request.temperature == _MOST_TEMPERATURE),
        ("top_p", request.top_p is not None and request.top_p >= _LEAST_TOP_P),
        ("top_k", False),
    ):
        if is_neutral:
            pen.manifest.leave_out(request, name)
        elif getattr(request, name) is not None:
            pen.manifest.lose(request, name, reason)


def _write_rest(request: Request, pen: Pen, body: Object) -> None:
    _write_stop(request, pen, body)
    if request.user is not None or pen.manifest.has_form(request, "metadata"):
        body["metadata"] = {} if request.user is None else {"user_id": request.user}
        pen.manifest.take(request, "user")
    tier = _TIERS_BACK.get(request.service_tier or "")
    if tier is not None:
        body["service_tier"] = tier
        pen.manifest.take(request, "service_tier")
    if request.is_stream or pen.manifest.has_form(request, "stream"):
        body["stream"] = request.is_stream


def _write_stop(request: Request, pen: Pen, body: Object) -> None:
    if not (request.stop or pen.manifest.has_form(request, "stop_sequences")):
        return
    if not pen.is_own and not all(stop.strip() for stop in request.stop):
        pen.manifest.lose(request, "stop", "Anthropic takes no stop sequence that is white space only.")
        return
    pen.manifest.take(request, "stop")
    body["stop_sequences"] = request.stop
