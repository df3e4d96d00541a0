"""How does the gate's verdict stand in the product's papers?"""

from __future__ import annotations

import msgspec

from hortus.evals.verdict import SuiteFigures, Verdict
from hortus.tuning.facts import Score, VerdictRecord


def record_of(verdict: Verdict) -> VerdictRecord:
    """Return a verdict as model card and facts have it, the whole document within."""
    references = verdict.references
    return VerdictRecord(
        passed=verdict.passed,
        reasons=(verdict.sentence, *(each.sentence for each in verdict.checks)),
        scores=tuple(_score(each) for each in verdict.suites),
        references=references.asked,
        references_equal=references.asked - references.differing,
        engine=", ".join(verdict.engines) or None,
        document=msgspec.Raw(msgspec.json.encode(verdict)),
    )


def _score(figures: SuiteFigures) -> Score:
    gain = figures.gain
    bounds = gain.bounds if gain else figures.product.bounds
    return Score(
        name=figures.key,
        items=figures.items,
        product=figures.product.value,
        base=figures.base.value if figures.base else None,
        low=bounds.low,
        high=bounds.high,
        bounds_of="gain" if gain else "product",
        metric=figures.grader,
    )
