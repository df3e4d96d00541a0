"""How the answer is drawn: `generationConfig`, read and written.

https://ai.google.dev/api/generate-content#generationconfig, read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from hortus.canon.effort import budget_of
from hortus.canon.loss import NEUTRAL
from hortus.canon.request import OutputFormat, ReasoningWish, Request
from hortus.dialects.gemini.members import Object, Opened, Pen, silent_of
from hortus.dialects.gemini.schema import to_json_schema

_NUMBERS: Mapping[str, str] = {
    "temperature": "temperature",
    "topP": "top_p",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
}
_INTEGERS: Mapping[str, str] = {
    "topK": "top_k",
    "seed": "seed",
    "candidateCount": "choices",
    "maxOutputTokens": "max_output_tokens",
    "logprobs": "top_logprobs",
}
PLAIN: Mapping[str, str] = {**_NUMBERS, **_INTEGERS, "responseLogprobs": "has_logprobs", "stopSequences": "stop"}
"""Member to the field of the canonical request that means the same."""

_JSON, _PLAIN_TEXT = "application/json", "text/plain"
_OUTPUT = "generationConfig.responseMimeType"
_TEXT_ONLY = ["TEXT"]
_PRIVATE = "_responseJsonSchema"
_KEPT = frozenset(("generationConfig.responseSchema", f"generationConfig.{_PRIVATE}"))
"""Where a schema stands that is kept as it was."""

_LEVELS = frozenset(("minimal", "low", "medium", "high"))
_LEVELS_AS_WRITTEN = frozenset(level.upper() for level in _LEVELS)
_SHOWS: Mapping[bool | None, str | None] = {None: None, True: "auto", False: "none"}
_MOST_BUDGET = 24_576
"""Most tokens that every model with a budget takes. https://ai.google.dev/gemini-api/docs/thinking, read 2026-11."""

_LEVELLED = re.compile(r"gemini-(?:[3-9]|\d\d)")
"""Models that are told a level of thinking; those before them know a budget only. Same source."""


def read_settings(wire: Opened | None) -> dict[str, object]:
    """Return the fields of the canonical request that `generationConfig` sets.

    Raises:
        InvalidRequest: A member has the wrong type.
    """
    if wire is None:
        return {}
    fields: dict[str, object] = {field: wire.number(name) for name, field in _NUMBERS.items()}
    fields |= {field: wire.integer(name) for name, field in _INTEGERS.items()}
    fields["has_logprobs"] = wire.flag("responseLogprobs")
    stop = wire.texts("stopSequences")
    if stop == []:
        wire.keep("stopSequences", msgspec.Raw(b"[]"), is_silent=True)
    fields["stop"] = tuple(stop or ())
    fields["output"] = _read_output(wire)
    fields["reasoning"] = _read_reasoning(wire.inner("thinkingConfig"))
    _read_modalities(wire)
    return fields


def write_settings(request: Request, pen: Pen, *, model: str) -> Object:
    """Return `generationConfig`, empty where nothing is set."""
    body: Object = {}
    for name, field in PLAIN.items():
        value: object = getattr(request, field)
        is_needless = not pen.is_own and value in NEUTRAL.get(f"Request.{field}", ())
        if value is None or value == () or is_needless:
            continue
        body[name] = value
        pen.manifest.take(request, field)
    if request.output is not None:
        _write_output(request, request.output, body=body, pen=pen)
    if request.reasoning is not None:
        thinking = _write_reasoning(request.reasoning, pen, model=model)
        if thinking:
            body["thinkingConfig"] = thinking
    return body


def _read_output(wire: Opened) -> OutputFormat | None:
    media_type = wire.text("responseMimeType")
    if media_type not in {None, _JSON, _PLAIN_TEXT}:
        wire.keep("responseMimeType", msgspec.Raw(msgspec.json.encode(media_type)))
        return None  # such as text/x.enum: the schema, too, stays what it is
    schema = _read_schema(wire)
    if media_type is None and schema is not None:
        wire.form("untyped")
    if schema is not None:
        return OutputFormat(kind="schema", schema=schema, at=_OUTPUT)
    if media_type is None:
        return None
    return OutputFormat(kind="json" if media_type == _JSON else "text", at=_OUTPUT)


def _read_schema(wire: Opened) -> msgspec.Raw | None:
    schema = wire.raw("responseJsonSchema")
    if schema is None:
        schema = wire.raw(_PRIVATE)  # so the REST reference calls it
        if schema is not None:
            wire.keep(_PRIVATE, schema, is_silent=True)
    if schema is not None:
        return schema
    own = wire.raw("responseSchema")
    if own is None:
        return None
    converted = to_json_schema(own)
    wire.keep("responseSchema", own, is_silent=converted is not None)
    return converted


def _write_output(request: Request, output: OutputFormat, *, body: Object, pen: Pen) -> None:
    forms = request.extras.forms if pen.is_own and request.extras is not None else ()
    pen.manifest.take(output, "kind", "schema")
    if output.kind == "text" and not pen.is_own:
        return
    if "untyped" not in forms:
        body["responseMimeType"] = _PLAIN_TEXT if output.kind == "text" else _JSON
    if output.schema is not None:
        if output.is_strict:
            pen.manifest.leave_out(output, "is_strict")  # what Gemini writes by a schema always fits it
        if not silent_of(request).keys() & _KEPT:
            body["responseJsonSchema"] = output.schema


def _read_reasoning(wire: Opened | None) -> ReasoningWish | None:
    if wire is None:
        return None
    budget, shows = wire.integer("thinkingBudget"), wire.flag("includeThoughts")
    return ReasoningWish(
        is_on=False if budget == 0 else None,
        effort=_read_level(wire),
        budget_tokens=budget or None,
        shows=_SHOWS[shows],
        at="generationConfig.thinkingConfig",
    )


def _read_level(wire: Opened) -> str | None:
    level = wire.text("thinkingLevel")
    if level is None or level in _LEVELS_AS_WRITTEN:
        return None if level is None else level.lower()
    effort = level.lower() if level.lower() in _LEVELS else None
    wire.keep("thinkingLevel", msgspec.Raw(msgspec.json.encode(level)), is_silent=effort is not None)
    return effort


def _write_reasoning(wish: ReasoningWish, pen: Pen, *, model: str) -> Object:
    body: Object = {}
    if wish.is_on is False and not pen.is_own:
        pen.manifest.take(wish, "is_on", "effort", "budget_tokens")
        body["thinkingBudget"] = 0
    else:
        _write_amount(wish, body, pen=pen, has_levels=_LEVELLED.search(model) is not None)
    if wish.shows is not None:
        pen.manifest.take(wish, "shows")
        body["includeThoughts"] = wish.shows != "none"
        if wish.shows in {"full", "concise", "detailed"}:
            pen.manifest.approximate(wish, "shows", "Gemini shows summaries of its thoughts, of its own length.")
    return body


def _write_amount(wish: ReasoningWish, body: Object, *, pen: Pen, has_levels: bool) -> None:
    effort, budget = wish.effort, 0 if wish.is_on is False else wish.budget_tokens
    if budget is not None:
        body["thinkingBudget"] = _write_budget(wish, budget, pen=pen)
    if effort in _LEVELS and (has_levels or pen.is_own):
        pen.manifest.take(wish, "effort", "is_on")
        body["thinkingLevel"] = str(effort).upper()
    elif effort is not None and budget is None:
        pen.manifest.take(wish, "is_on")
        _approximate(wish, effort, body=body, pen=pen)
    elif wish.is_on and budget is None:
        pen.manifest.take(wish, "is_on")
        body["thinkingBudget"] = -1


def _write_budget(wish: ReasoningWish, budget: int, *, pen: Pen) -> int:
    pen.manifest.take(wish, "budget_tokens", "is_on")
    if budget <= _MOST_BUDGET or pen.is_own:
        return budget
    reason = f"Gemini's models think with {_MOST_BUDGET} tokens at most: that many are asked for."
    pen.manifest.approximate(wish, "budget_tokens", reason)
    return _MOST_BUDGET


def _approximate(wish: ReasoningWish, effort: str, *, body: Object, pen: Pen) -> None:
    budget = budget_of(effort)
    if budget is None:
        return
    if budget == 0:
        pen.manifest.take(wish, "effort")
    else:
        pen.manifest.approximate(
            wish, "effort", "This Gemini knows a budget of tokens only: one that is near is asked for."
        )
    body["thinkingBudget"] = min(budget, _MOST_BUDGET)


def _read_modalities(wire: Opened) -> None:
    """Keep what kinds of answer are wanted; text alone is what every target gives by itself."""
    raw = wire.raw("responseModalities")
    if raw is not None:
        is_text = msgspec.json.decode(raw) == _TEXT_ONLY
        wire.keep("responseModalities", raw, is_silent=is_text)
