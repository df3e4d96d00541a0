"""From answers to figures: scores of base and product, the gain between them, and the bounds of all. Pure.

A question that a route refused is wrong. One that could not be asked counts against the product: wrong for it, right
for its base; so an engine that falls over can bar a product and never promote one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil, fsum
from statistics import median

from hortus.evals.answers import Given
from hortus.evals.items import score
from hortus.evals.statistics import Pairs, bootstrap, mcnemar, paired_difference, wilson
from hortus.evals.suites import Questions
from hortus.evals.verdict import Gain, Group, Latency, Misses, Score, SuiteFigures

_MOST_GROUPS = 50


def figures_of(
    questions: Questions, product: Sequence[Given], base: Sequence[Given] | None, *, confidence: float
) -> SuiteFigures:
    """Return the figures of a suite; answers in the order of its questions, `base` None where there is none."""
    ours = _scores(questions, product, otherwise=0.0)
    theirs = None if base is None else _base_scores(questions, base)
    is_binary = questions.judge.is_binary
    return SuiteFigures(
        key=questions.key,
        hash=questions.hash,
        grader=questions.grader,
        items=len(questions.items),
        of=questions.of,
        product=score_of(ours, is_binary=is_binary, confidence=confidence),
        best=_best(theirs, len(ours), is_binary=is_binary, confidence=confidence),
        base=None if theirs is None else score_of(theirs, is_binary=is_binary, confidence=confidence),
        gain=None if theirs is None else gain_of(ours, theirs, is_binary=is_binary, confidence=confidence),
        product_misses=_misses(product),
        base_misses=_misses(base or ()),
        groups=_groups(questions, ours, theirs, confidence=confidence),
        same_answers=base is not None and _same(product, base),
    )


def base_score(questions: Questions, given: Sequence[Given], *, confidence: float) -> Score:
    """Return what the base can do, as `figures_of` counts it."""
    return score_of(_base_scores(questions, given), is_binary=questions.judge.is_binary, confidence=confidence)


def score_of(scores: Sequence[float], *, is_binary: bool, confidence: float) -> Score:
    """Return the mean of scores with its bounds: Wilson's for right and wrong, drawn ones for others."""
    count = len(scores)
    total = fsum(scores)
    if is_binary:
        bounds = wilson(total, count, confidence=confidence)
    else:
        bounds = bootstrap(scores, confidence=confidence, lowest=0.0, highest=1.0)
    return Score(total / count if count else 0.0, bounds, count)


def gain_of(product: Sequence[float], base: Sequence[float], *, is_binary: bool, confidence: float) -> Gain:
    """Return product minus base, question by question, with its bounds."""
    if not is_binary:
        differences = [ours - theirs for ours, theirs in zip(product, base, strict=True)]
        bounds = bootstrap(differences, confidence=confidence, lowest=-1.0, highest=1.0)
        return Gain(fsum(differences) / len(differences) if differences else 0.0, bounds, "bootstrap")
    pairs = _pairs(product, base)
    value = (pairs.product_only - pairs.base_only) / pairs.count if pairs.count else 0.0
    bounds = paired_difference(pairs, confidence=confidence)
    return Gain(value, bounds, "newcombe", pairs, mcnemar(pairs.product_only, pairs.base_only))


def latency_of(given: Iterable[Given]) -> Latency | None:
    """Return how long answers took, None where there is none."""
    times = sorted(one.answer.latency_ms for one in given if one.answer is not None)
    return Latency(median(times), times[ceil(0.95 * len(times)) - 1]) if times else None


def _base_scores(questions: Questions, given: Sequence[Given]) -> list[float]:
    return _scores(questions, given, otherwise=1.0)


def _scores(questions: Questions, given: Sequence[Given], *, otherwise: float) -> list[float]:
    """Return the score of each question; `otherwise` for those that could not be asked."""
    known = (score(questions, item, one) for item, one in zip(questions.items, given, strict=True))
    return [otherwise if one is None else one for one in known]


def _pairs(product: Sequence[float], base: Sequence[float]) -> Pairs:
    seen = [(ours > 0, theirs > 0) for ours, theirs in zip(product, base, strict=True)]
    return Pairs(
        both=seen.count((True, True)),
        product_only=seen.count((True, False)),
        base_only=seen.count((False, True)),
        neither=seen.count((False, False)),
    )


def _best(base: Sequence[float] | None, count: int, *, is_binary: bool, confidence: float) -> float:
    """Return the lower bound of a product that is right everywhere: of its gain, or of its score without a base."""
    perfect = [1.0] * count
    if base is None:
        return score_of(perfect, is_binary=is_binary, confidence=confidence).bounds.low
    return gain_of(perfect, base, is_binary=is_binary, confidence=confidence).bounds.low


def _groups(
    questions: Questions, product: Sequence[float], base: Sequence[float] | None, *, confidence: float
) -> tuple[Group, ...]:
    places: dict[str, list[int]] = {}
    for index, item in enumerate(questions.items):
        if item.group is not None:
            places.setdefault(item.group, []).append(index)
    is_binary = questions.judge.is_binary

    def group(name: str) -> Group:
        ours = [product[index] for index in places[name]]
        theirs = None if base is None else [base[index] for index in places[name]]
        return Group(
            name,
            score_of(ours, is_binary=is_binary, confidence=confidence),
            None if theirs is None else score_of(theirs, is_binary=is_binary, confidence=confidence),
            None if theirs is None else gain_of(ours, theirs, is_binary=is_binary, confidence=confidence),
        )

    return tuple(group(name) for name in sorted(places)[:_MOST_GROUPS])


def _misses(given: Iterable[Given]) -> Misses:
    rows = list(given)
    return Misses(
        refused=sum(one.refused is not None for one in rows),
        unanswered=sum(one.unanswered is not None for one in rows),
        cut=sum(one.answer is not None and one.answer.finish_reason == "length" for one in rows),
    )


def _same(product: Sequence[Given], base: Sequence[Given]) -> bool:
    said = [one.answer and (one.answer.text, one.answer.tool_calls) for one in product]
    return bool(said) and said == [one.answer and (one.answer.text, one.answer.tool_calls) for one in base]
