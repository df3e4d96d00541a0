"""How much to think: Anthropic's `thinking` among a model's own fields, and `outputConfig.effort`.

Other models have fields of their own for it, which stay as they came. A wish from elsewhere is written for Anthropic's
models, and as effort where it names one.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from hortus.canon.effort import budget_of, effort_of
from hortus.canon.nodes import Extras
from hortus.canon.request import ReasoningWish, Request
from hortus.dialects.bedrock_converse.models import is_claude
from hortus.dialects.bedrock_converse.pen import Object, Pen
from hortus.dialects.bedrock_converse.vocabulary import ADDITIONAL
from hortus.dialects.bedrock_converse.wire import NAME
from hortus.framing.claude import traits_of

THINKING = "thinking"
_LEAST_BUDGET = 1024
_ADAPTIVE = -1
_EFFORTS = frozenset(("low", "medium", "high", "xhigh", "max"))


class _Thinking(msgspec.Struct, frozen=True):
    type: str
    budget_tokens: int | None = None
    display: str | None = None


_DECODE = msgspec.json.Decoder(_Thinking).decode


def read_wish(thinking: Raw | None, effort: str | None) -> ReasoningWish | None:
    """Return the wish in a model's own field and an effort, None where neither says one."""
    if thinking is not None:
        try:
            config = _DECODE(thinking)
        except msgspec.DecodeError:
            config = _Thinking("")
        if config.type in {"enabled", "adaptive", "disabled"}:
            is_on = config.type != "disabled"
            return ReasoningWish(
                is_on=is_on,
                effort=effort,
                budget_tokens=_ADAPTIVE if config.type == "adaptive" else config.budget_tokens,
                shows=("none" if config.display == "omitted" else "auto") if is_on else None,
                at=f"{ADDITIONAL}.{THINKING}",
                extras=Extras(NAME, silent={THINKING: thinking}),
            )
    return None if effort is None else ReasoningWish(effort=effort, at="outputConfig")


def write_wish(request: Request, pen: Pen) -> tuple[Object | Raw | None, str | None]:
    """Return `thinking` and the effort; None where there is none."""
    wish = request.reasoning
    if wish is None:
        return None, None
    if pen.is_own:
        pen.manifest.take_all(wish)
        return pen.manifest.silent(wish).get(THINKING), wish.effort
    if not is_claude(pen.model):
        return None, _write_effort(wish, pen)
    choice = request.tool_choice
    if choice is not None and choice.mode == "required":
        pen.manifest.lose(wish, "", "Anthropic's models do not think where a tool must be called.")
        return None, None
    if wish.is_on is False or wish.effort == "none" or wish.budget_tokens == 0:
        pen.manifest.take_all(wish)
        return {"type": "disabled"}, None
    return _write_foreign(wish, pen, limit=request.max_output_tokens)


def _write_effort(wish: ReasoningWish, pen: Pen) -> str | None:
    if wish.effort not in _EFFORTS:
        return None
    pen.manifest.take(wish, "effort", "is_on")
    return wish.effort


def _write_foreign(wish: ReasoningWish, pen: Pen, *, limit: int | None) -> tuple[Object | None, str | None]:
    traits = traits_of(pen.model)
    budget = None if wish.budget_tokens == _ADAPTIVE else wish.budget_tokens
    pen.manifest.take(wish, "is_on", "budget_tokens", "effort", "shows")
    if not traits.takes_effort or (traits.takes_budget and budget is not None):
        return _write_budget(wish, pen, limit=limit), None
    effort = wish.effort
    if budget is not None:
        effort = effort_of(budget)
        pen.manifest.approximate(wish, "budget_tokens", f"This model takes no budget; written as effort {effort}.")
    if effort is not None and effort not in _EFFORTS:
        pen.manifest.approximate(wish, "effort", "The least effort is low.")
        effort = "low"
    display = "omitted" if wish.shows in {None, "none"} else "summarized"
    return {"type": "adaptive", "display": display}, effort


def _write_budget(wish: ReasoningWish, pen: Pen, *, limit: int | None) -> Object | None:
    wanted = wish.budget_tokens
    if wanted is None or wanted == _ADAPTIVE:
        wanted = budget_of(wish.effort or "medium") or _LEAST_BUDGET
        pen.manifest.approximate(wish, "effort", f"This model takes a budget only; written as {wanted} tokens.")
    most = wanted if limit is None else limit - 1
    if most < _LEAST_BUDGET and limit is not None:
        pen.manifest.lose(wish, "", f"Thinking takes at least {_LEAST_BUDGET} tokens, more than the answer may have.")
        return None
    budget = max(_LEAST_BUDGET, min(wanted, most))
    if budget != wanted:
        pen.manifest.approximate(wish, "budget_tokens", f"Written as {budget}, the nearest that this request allows.")
    return {"type": "enabled", "budget_tokens": budget}
