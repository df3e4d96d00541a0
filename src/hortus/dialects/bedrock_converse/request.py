"""A request of Converse and ConverseStream to the canonical chat and back; the model stands in the path."""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw, UnsetType

from hortus.canon.errors import InvalidRequest
from hortus.canon.habits import apply_habits
from hortus.canon.request import ReasoningWish, Request
from hortus.canon.translation import Call, Target, Written
from hortus.dialects.bedrock_converse.messages import read_message, read_system, write_messages, write_system
from hortus.dialects.bedrock_converse.models import is_claude, place_of_top_k
from hortus.dialects.bedrock_converse.pen import Object, Pen, pen_for
from hortus.dialects.bedrock_converse.thinking import THINKING, read_wish, write_wish
from hortus.dialects.bedrock_converse.tools import read_choice, read_format, read_tools, write_format, write_tools
from hortus.dialects.bedrock_converse.vocabulary import ADDITIONAL
from hortus.dialects.bedrock_converse.wire import NAME, InferenceConfig, OutputConfig, RequestBody, ServiceTier, given
from hortus.framing.claude import traits_of
from hortus.framing.objects import finish_body
from hortus.framing.opening import Notes
from hortus.framing.paths import join_name, put_back
from hortus.framing.shallow import check_text

_MOST_TEMPERATURE = 1.0
_LEAST_TOP_P = 0.99
"""Above this every model takes it: it changes nothing."""

_TIERS = frozenset(("default", "priority", "flex"))
_METADATA = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,\-.]{0,256}")
_MOST_METADATA = 16
_FIELDS = {
    "inferenceConfig": "max_output_tokens",
    "toolConfig": "tools",
    "outputConfig": "output",
    "requestMetadata": "metadata",
    "serviceTier": "service_tier",
}
_OBJECT = msgspec.json.Decoder(dict[str, Raw]).decode
_INTEGER = msgspec.json.Decoder(int).decode
_STRINGS = msgspec.json.Decoder(dict[str, str]).decode
_ENCODE = msgspec.json.Encoder().encode


def read_request(body: bytes, call: Call) -> Request:
    """Return what a client asks.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: A member is missing, or of the wrong type.
    """
    check_text(body)
    return read_chat(body, call, Notes(NAME, ""))


def read_chat(body: bytes | Raw, call: Call, notes: Notes) -> Request:
    """Return the chat in a body; `notes` are the request's."""
    wire = notes.open(body, RequestBody)
    notes.form("own")
    _note_forms(wire, notes)
    config = wire.inference_config if isinstance(wire.inference_config, InferenceConfig) else InferenceConfig()
    output = wire.output_config if isinstance(wire.output_config, OutputConfig) else OutputConfig()
    reasoning, top_k = _read_additional(wire.additional_model_request_fields, given(output.effort), notes)
    messages = given(wire.messages) or []
    return Request(
        model=call.route or "",
        messages=read_system(wire.system, notes)
        + tuple(read_message(one, f"messages[{i}]") for i, one in enumerate(messages)),
        tools=read_tools(wire.tool_config, notes),
        tool_choice=read_choice(wire.tool_config, notes),
        output=read_format(output.text_format, notes),
        max_output_tokens=given(config.max_tokens),
        stop=tuple(given(config.stop_sequences) or ()),
        temperature=given(config.temperature),
        top_p=given(config.top_p),
        top_k=top_k,
        reasoning=reasoning,
        metadata=_read_metadata(wire.request_metadata, notes),
        service_tier=_read_tier(wire.service_tier, notes),
        is_stream=bool(call.is_stream),
        wants_usage=bool(call.is_stream),  # its streams always report it
        extras=notes.extras(),
    )


def _note_forms(wire: RequestBody, notes: Notes) -> None:
    if not isinstance(wire.prompt_variables, UnsetType):
        notes.keep("promptVariables", wire.prompt_variables)
    elif isinstance(wire.messages, UnsetType):
        raise InvalidRequest("This member is missing.", path="messages")
    if isinstance(wire.messages, UnsetType):
        notes.form("-messages")
    if isinstance(wire.inference_config, InferenceConfig):
        notes.form("inferenceConfig")
        if wire.inference_config.stop_sequences == []:
            notes.form("stopSequences")
    if isinstance(wire.output_config, OutputConfig):
        notes.form("outputConfig")


def _read_additional(raw: Raw | UnsetType, effort: str | None, notes: Notes) -> tuple[ReasoningWish | None, int | None]:
    """Return what a model's own fields wish, beside the effort; the others are kept."""
    fields = _open_additional(raw, notes)
    reasoning, top_k = read_wish(fields.get(THINKING), effort), _read_top_k(fields.get("top_k"))
    taken = {"top_k"} if top_k is not None else set()
    if reasoning is not None and reasoning.is_on is not None:
        taken.add(THINKING)
    for name, value in fields.items():
        if name not in taken:
            notes.keep(join_name(ADDITIONAL, name), value)
    return reasoning, top_k


def _open_additional(raw: Raw | UnsetType, notes: Notes) -> dict[str, Raw]:
    if isinstance(raw, UnsetType):
        return {}
    try:
        members = _OBJECT(raw)
    except msgspec.DecodeError:
        notes.keep(ADDITIONAL, raw)  # any JSON may stand here
        return {}
    notes.form("additional")
    return members


def _read_top_k(raw: Raw | None) -> int | None:
    try:
        return None if raw is None else _INTEGER(raw)
    except msgspec.DecodeError:
        return None


def _read_metadata(raw: Raw | UnsetType, notes: Notes) -> Raw | None:
    if isinstance(raw, UnsetType):
        return None
    if bytes(memoryview(raw)[:1]) != b"{":
        notes.keep("requestMetadata", raw)
        return None
    return raw


def _read_tier(tier: ServiceTier | UnsetType | None, notes: Notes) -> str | None:
    if not isinstance(tier, ServiceTier):
        return None
    if tier.type in _TIERS:
        return tier.type
    notes.keep("serviceTier.type", Raw(_ENCODE(tier.type)))
    return None


def write_request(request: Request, target: Target) -> Written:
    """Return the request as Bedrock gets it."""
    pen = pen_for(request, target.source, is_answer=False, model=target.model, reclassified=target.habits.weights)
    return finish(write_body(request, pen), request, target, pen=pen)


def finish(body: Object, request: Request, target: Target, *, pen: Pen) -> Written:
    """Return a body with what only this dialect knows put back, as the host wants it."""
    put_back(body, pen.manifest.members(request))
    apply_habits(body, target.habits, manifest=pen.manifest, root=request, fields=_FIELDS)
    return finish_body(body, pen.manifest)


def write_body(request: Request, pen: Pen) -> Object:
    """Return the body without what only this dialect knows."""
    has_form = pen.manifest.has_form
    body: Object = {}
    messages = write_messages(request, pen)
    if messages or not has_form(request, "-messages"):
        body["messages"] = messages
    system = write_system(request, pen)
    if system is not None:
        body["system"] = system
    tools = write_tools(request, pen)
    if tools or has_form(request, "toolConfig"):
        body["toolConfig"] = tools
    thinking, effort = write_wish(request, pen)
    is_thinking = isinstance(thinking, dict) and thinking["type"] != "disabled"
    inference = _write_inference(request, pen, is_thinking=is_thinking)
    if inference or has_form(request, "inferenceConfig"):
        body["inferenceConfig"] = inference
    _write_additional(request, pen, body, thinking=thinking, is_thinking=is_thinking)
    _write_output(request, pen, body, effort=effort)
    _write_rest(request, pen, body)
    return body


def _write_inference(request: Request, pen: Pen, *, is_thinking: bool) -> Object:
    temperature, top_p = _sampling(request, pen, is_thinking=is_thinking)
    pen.manifest.take(request, "max_output_tokens")
    members = (("maxTokens", request.max_output_tokens), ("temperature", temperature), ("topP", top_p))
    written: Object = {name: value for name, value in members if value is not None}
    if request.stop or pen.manifest.has_form(request, "stopSequences"):
        if not pen.is_own and not all(stop.strip() for stop in request.stop):
            pen.manifest.lose(request, "stop", "Bedrock's models take no stop sequence that is white space only.")
        else:
            pen.manifest.take(request, "stop")
            written["stopSequences"] = request.stop
    return written


def _sampling(request: Request, pen: Pen, *, is_thinking: bool) -> tuple[float | None, float | None]:
    temperature, top_p = request.temperature, request.top_p
    pen.manifest.take(request, "temperature", "top_p")
    if pen.is_own:
        return temperature, top_p
    if _is_fixed(pen, is_thinking=is_thinking):
        return _left_out(request, pen)
    if temperature is not None and temperature > _MOST_TEMPERATURE:
        pen.manifest.approximate(request, "temperature", "Bedrock's highest is 1, so 1 is sent.")
        temperature = _MOST_TEMPERATURE
    return temperature, top_p


def _left_out(request: Request, pen: Pen) -> tuple[None, None]:
    reason = "A model of Anthropic's takes none while it thinks, and its newest never do."
    for name, is_neutral in (
        ("temperature", request.temperature == _MOST_TEMPERATURE),
        ("top_p", request.top_p is not None and request.top_p >= _LEAST_TOP_P),
    ):
        if is_neutral:
            pen.manifest.leave_out(request, name)
        elif getattr(request, name) is not None:
            pen.manifest.lose(request, name, reason)
    return None, None


def _write_additional(
    request: Request, pen: Pen, body: Object, *, thinking: Object | Raw | None, is_thinking: bool
) -> None:
    fields: Object = {} if thinking is None else {THINKING: thinking}
    place = _place_of_top_k(pen, is_thinking=is_thinking)
    if request.top_k is not None and place:
        pen.manifest.take(request, "top_k")
        *above, last = place
        inner: Object = {last: request.top_k}
        fields |= {above[0]: inner} if above else inner
    if fields or pen.manifest.has_form(request, "additional"):
        body[ADDITIONAL] = fields


def _place_of_top_k(pen: Pen, *, is_thinking: bool) -> tuple[str, ...]:
    """Return where `top_k` stands, nothing where the model takes none."""
    if pen.is_own:
        return ("top_k",)
    return () if _is_fixed(pen, is_thinking=is_thinking) else place_of_top_k(pen.model)


def _is_fixed(pen: Pen, *, is_thinking: bool) -> bool:
    """Tell whether the model draws its answer as it likes: Anthropic's do while they think, its newest always."""
    return is_claude(pen.model) and (is_thinking or not traits_of(pen.model).takes_sampling)


def _write_output(request: Request, pen: Pen, body: Object, *, effort: str | None) -> None:
    config: Object = {} if effort is None else {"effort": effort}
    wanted = write_format(request.output, pen) if request.output is not None else None
    if wanted is not None:
        config["textFormat"] = wanted
    if config or pen.manifest.has_form(request, "outputConfig"):
        body["outputConfig"] = config


def _write_rest(request: Request, pen: Pen, body: Object) -> None:
    if request.metadata is not None and (pen.is_own or _fits(request.metadata)):
        body["requestMetadata"] = request.metadata
        pen.manifest.take(request, "metadata")
    if request.service_tier in _TIERS and (pen.is_own or request.service_tier != "default"):
        body["serviceTier"] = {"type": request.service_tier}
        pen.manifest.take(request, "service_tier")


def _fits(metadata: Raw) -> bool:
    """Tell whether Bedrock takes these notes on a request."""
    try:
        pairs = _STRINGS(metadata)
    except msgspec.DecodeError:
        return False
    words = (word for pair in pairs.items() for word in pair)
    return 0 < len(pairs) <= _MOST_METADATA and all(pairs) and all(_METADATA.fullmatch(word) for word in words)
