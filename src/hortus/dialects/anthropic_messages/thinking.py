"""How much to think: `thinking` and `output_config.effort`, and what other makers' wishes become of them."""

from __future__ import annotations

import msgspec
from msgspec import Raw, UnsetType

from hortus.canon.effort import budget_of, effort_of
from hortus.canon.nodes import Extras
from hortus.canon.request import ReasoningWish, Request
from hortus.dialects.anthropic_messages.pen import Object, Pen
from hortus.dialects.anthropic_messages.wire import NAME, OutputConfig, RequestBody, ThinkingConfig, given
from hortus.framing.claude import ModelTraits
from hortus.framing.opening import Notes

LEAST_BUDGET = 1024
"""Fewest tokens that a budget may name."""

_ADAPTIVE = -1
_SHOWN, _HIDDEN = "summarized", "omitted"
_DEFAULT = "no_display"
"""Notation: thoughts are shown because nothing was said of it."""

_SHOWS = {_SHOWN: "auto", _HIDDEN: "none"}
_EFFORTS = frozenset(("low", "medium", "high", "xhigh", "max"))
_ENCODE = msgspec.json.Encoder().encode


def read_wish(body: RequestBody, notes: Notes) -> ReasoningWish | None:
    """Return the wish; `notes` are the request's, as it stands in two of its members."""
    config = _open_thinking(body.thinking, notes)
    effort = given(body.output_config.effort) if isinstance(body.output_config, OutputConfig) else None
    if config is None:
        return None if effort is None else ReasoningWish(effort=effort, at="output_config")
    is_on, budget, shows = config.type != "disabled", given(config.budget_tokens), given(config.display)
    is_default = is_on and shows is None
    return ReasoningWish(
        is_on=is_on,
        effort=effort,
        budget_tokens=_ADAPTIVE if config.type == "adaptive" else budget,
        shows=_SHOWS[_SHOWN] if is_default else _read_display(shows, notes),
        at="thinking",
        extras=Extras(NAME, forms=(_DEFAULT,)) if is_default else None,
    )


def _open_thinking(raw: Raw | UnsetType, notes: Notes) -> ThinkingConfig | None:
    if isinstance(raw, UnsetType):
        return None
    if bytes(raw) == b"null":
        notes.keep("thinking", raw)
        return None
    return notes.open(raw, ThinkingConfig, under="thinking")


def _read_display(display: str | None, notes: Notes) -> str | None:
    if display is None or display in _SHOWS:
        return _SHOWS.get(display or "")
    notes.keep("thinking.display", Raw(_ENCODE(display)))
    return None


def write_wish(request: Request, pen: Pen, *, traits: ModelTraits, limit: int | None) -> tuple[Object, str | None]:
    """Return `thinking` (empty: none) and the effort for a request whose answer may be `limit` tokens long."""
    wish = request.reasoning
    if wish is None:
        return {}, None
    if pen.is_own:
        pen.manifest.take_all(wish)
        return _write_own(wish, pen), wish.effort
    choice = request.tool_choice
    if choice is not None and choice.mode == "required":
        pen.manifest.lose(wish, "", "Anthropic's models do not think where a tool must be called.")
        return {}, None
    if wish.is_on is False or wish.effort == "none" or wish.budget_tokens == 0:
        pen.manifest.take_all(wish)
        return {"type": "disabled"}, None
    thinking, effort = _write_foreign(wish, pen, traits=traits, limit=limit)
    if thinking:
        _write_display(wish, pen, thinking)
    return thinking, effort


def _write_own(wish: ReasoningWish, pen: Pen) -> Object:
    if wish.is_on is None:
        return {}
    if not wish.is_on:
        return {"type": "disabled"}
    thinking: Object = {"type": "adaptive"}
    if wish.budget_tokens != _ADAPTIVE:
        thinking = {"type": "enabled"}
        if wish.budget_tokens is not None:
            thinking["budget_tokens"] = wish.budget_tokens
    if wish.shows is not None and not pen.manifest.has_form(wish, _DEFAULT):
        thinking["display"] = _HIDDEN if wish.shows == "none" else _SHOWN
    return thinking


def _write_foreign(
    wish: ReasoningWish, pen: Pen, *, traits: ModelTraits, limit: int | None
) -> tuple[Object, str | None]:
    pen.manifest.take(wish, "is_on", "budget_tokens", "effort")
    budget = None if wish.budget_tokens == _ADAPTIVE else wish.budget_tokens
    if traits.takes_budget and (budget is not None or not traits.takes_effort):
        sent = wish.effort if traits.takes_effort and wish.effort in _EFFORTS else None
        if budget is not None and wish.effort != sent:
            pen.manifest.approximate(wish, "effort", "The number of tokens says it here.")
        return _write_budget(wish, pen, limit=limit), sent
    effort = wish.effort
    if budget is not None:
        effort = effort_of(budget)
        pen.manifest.approximate(wish, "budget_tokens", f"This model takes no budget; written as effort {effort}.")
    return {"type": "adaptive"}, _fitting(effort, wish, pen)


def _fitting(effort: str | None, wish: ReasoningWish, pen: Pen) -> str | None:
    if effort is None or effort in _EFFORTS:
        return effort
    pen.manifest.approximate(wish, "effort", "Anthropic's least effort is low.")
    return "low"


def _write_budget(wish: ReasoningWish, pen: Pen, *, limit: int | None) -> Object:
    wanted = wish.budget_tokens
    if wanted is None or wanted == _ADAPTIVE:
        wanted = budget_of(wish.effort or "medium") or LEAST_BUDGET
        pen.manifest.approximate(wish, "effort", f"This model takes a budget only; written as {wanted} tokens.")
    most = wanted if limit is None else limit - 1
    if most < LEAST_BUDGET and limit is not None:
        pen.manifest.lose(wish, "", f"Thinking takes at least {LEAST_BUDGET} tokens, more than the answer may have.")
        return {}
    budget = max(LEAST_BUDGET, min(wanted, most))
    if budget != wanted:
        pen.manifest.approximate(wish, "budget_tokens", f"Written as {budget}, the nearest that this request allows.")
    return {"type": "enabled", "budget_tokens": budget}


def _write_display(wish: ReasoningWish, pen: Pen, thinking: Object) -> None:
    if wish.shows is None:  # elsewhere thoughts are shown to those who ask for them
        pen.manifest.adapt("+thinking.display")
    thinking["display"] = _HIDDEN if wish.shows in {None, "none"} else _SHOWN
    if wish.shows is None or wish.shows in _SHOWS.values():
        pen.manifest.take(wish, "shows")
    else:
        pen.manifest.approximate(wish, "shows", "Anthropic shows a summary or nothing.")
