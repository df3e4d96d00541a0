"""May the product be promoted? Pure: figures and the job's rules in, one check for each condition out.

Whatever is missing bars: no references, no held-out questions, no answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from hortus.evals.likeness import is_alike, likely_cause
from hortus.evals.statistics import Interval
from hortus.evals.verdict import Check, Difference, Gain, ReferenceFigures, Score, SuiteFigures
from hortus.jobs.spec import GateRules

NO_TRAINER = "No answers of a trainer were compared: a host has tuned the model and keeps them."
"""Why the check `references` is left out of a verdict."""

_ROUNDING = 1e-9
"""Sums of floats may miss an allowed loss by so much."""
_NAMED = 3
"""Differences that the sentence names; the verdict lists more."""


def check_references(figures: ReferenceFigures, rules: GateRules) -> Check:
    """Return whether the engine gave the trainer's greedy answers, every one."""
    name = "references"
    if not figures.asked:
        why = "gate.references is 0." if rules.references < 1 else "Training has left none."
        return Check(
            name,
            passed=False,
            sentence=f"There is no reference answer of the trainer to hold the served product against. {why}",
            measured=0.0,
            needed=1.0,
        )
    same = figures.asked - figures.differing
    sentence = f"The engine gave {same} of {figures.asked} of the trainer's greedy answers."
    if figures.counted:
        sentence += f" It read {figures.counted} prompts whose tokens the trainer had counted."
    if figures.apart is not None:
        sentence += (
            f" Of {figures.weighed} it told how likely the first tokens were: {figures.apart:.4f} apart in the middle,"
            f" {figures.allowed:g} is allowed."
        )
    if not is_alike(figures):
        places = " ".join(_place(one) for one in figures.differences[:_NAMED])
        sentence += f" {likely_cause(figures)} {places}".rstrip()
    return Check(
        name, passed=is_alike(figures), sentence=sentence, measured=same / figures.asked, bound=None, needed=1.0
    )


def check_gain(figures: SuiteFigures, rules: GateRules, *, has_base: bool) -> Check:
    """Return whether the lower bound of the gain over the base, from scratch of the score, is above the margin."""
    shown = _shown(figures)
    if has_base and figures.gain is None:
        sentence = f"{shown} The base is not served, so no gain over it can be shown."
        return Check("gain", passed=False, sentence=sentence, needed=rules.margin)
    if figures.items and figures.base_misses.refused == figures.items:
        sentence = f"{shown} The base's route refused every question, so no gain over it can be shown."
        return Check("gain", passed=False, sentence=sentence, needed=rules.margin)
    if figures.gain is None:
        name, value, bounds, what = "score", figures.product.value, figures.product.bounds, "score"
    else:
        name, value, bounds, what = "gain", figures.gain.value, figures.gain.bounds, "gain"
    passed = figures.items > 0 and bounds.low > rules.margin
    sentence = (
        f"{shown} The lower bound of the {what} is {_points(bounds.low)}; it must be above {_points(rules.margin)}."
    )
    if not passed:
        sentence += _too_few(figures, rules.margin)
    if figures.same_answers:
        sentence += " Product and base gave the same answer to every question: is the base served in its place?"
    return Check(name, passed, sentence + _missing(figures), measured=value, bound=bounds.low, needed=rules.margin)


def conclusion(checks: Sequence[Check]) -> str:
    """Return the finding in short."""
    barring = [one for one in checks if not one.passed]
    if not barring:
        return f"The product has passed the gate: {len(checks)} of {len(checks)} checks."
    return "The gate bars the product. " + " ".join(f"{one.name}: {one.sentence}" for one in barring)


def check_suite(figures: SuiteFigures, rules: GateRules) -> Check:
    """Return whether the product is not worse than its base by more than the tolerance; the bounds are shown only."""
    if figures.gain is None:
        sentence = f"{_shown(figures)} There is no base to be worse than."
        return Check(figures.key, passed=True, sentence=sentence + _missing(figures), measured=figures.product.value)
    passed = figures.items > 0 and figures.gain.value >= -rules.tolerance - _ROUNDING
    sentence = (
        f"{_shown(figures)} {'Not worse' if passed else 'Worse'} by the rule: "
        f"a loss of up to {_points(rules.tolerance)} is allowed."
    )
    return Check(
        figures.key,
        passed,
        sentence + _missing(figures),
        measured=figures.gain.value,
        bound=figures.gain.bounds.low,
        needed=0.0 - rules.tolerance,
    )


def _shown(figures: SuiteFigures) -> str:
    asked = f"{figures.items}" if figures.of == figures.items else f"{figures.items} of {figures.of}"
    start = f"{asked} questions, judged by `{figures.grader}`: product {percent(figures.product)}"
    if figures.base is None or figures.gain is None:
        return f"{start}."
    return f"{start}, base {percent(figures.base)}, gain {_gained(figures.gain)}."


def _gained(gain: Gain) -> str:
    likely = "" if gain.p is None else f", p = {gain.p:.2g}"
    return f"{_points(gain.value)} ({_between(gain.bounds)}{likely})"


def percent(score: Score) -> str:
    """Return a score with its bounds as people read it, such as `92.5 % (88.0 to 95.4)`."""
    return f"{100 * score.value:.1f} % ({_between(score.bounds)})"


def _between(bounds: Interval) -> str:
    return f"{100 * bounds.low:.1f} to {100 * bounds.high:.1f}"


def _points(share: float) -> str:
    return f"{100 * share:.1f} points"


def _too_few(figures: SuiteFigures, margin: float) -> str:
    """Say that no product could have passed, where that is so."""
    if not figures.items:
        return " There is no held-out question: bring examples with answers, or a validation file."
    if figures.best > margin:
        return ""
    over = " over this base" if figures.base is not None else ""
    return (
        f" With {figures.items} questions even a product without any fault would reach a lower bound of "
        f"{_points(figures.best)}{over}: bring more held-out examples, or a lower margin."
    )


def _missing(figures: SuiteFigures) -> str:
    said = ""
    for who, misses in (("product", figures.product_misses), ("base", figures.base_misses)):
        if misses.refused:
            said += f" The {who}'s route refused {misses.refused} questions, which count as wrong."
        if misses.unanswered:
            said += f" {misses.unanswered} questions to the {who} had no answer, which counts against the product."
    return said


def _place(one: Difference) -> str:
    match one.kind:
        case "unanswered":
            return f"Reference {one.index}: no answer."
        case "prompt_tokens":
            return f"Reference {one.index}: a prompt of {one.expected_length} tokens was read as {one.got_length}."
        case "calls":
            return f"Reference {one.index}: a call of a tool instead of text."
        case "finish":
            return f"Reference {one.index}: it ended by `{one.got}` instead of `{one.expected}`."
        case "text":
            return (
                f"Reference {one.index}: {one.got_length} instead of {one.expected_length} characters, "
                f"different from character {(one.place or 0) + 1} on."
            )
