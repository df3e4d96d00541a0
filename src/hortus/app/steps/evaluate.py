"""The step that evaluates: asks base and product through the door, judges, and puts the verdict into the papers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec

from hortus.app.steps.asking import Door
from hortus.evals import gate
from hortus.evals.verdict import SuiteFigures, Verdict
from hortus.jobs.folders import JobFolder
from hortus.jobs.reporting import Reporter
from hortus.jobs.steps import EvaluateStep, StepWork
from hortus.tuning.facts import Score, VerdictRecord
from hortus.tuning.papers import add_verdict


def run(work: StepWork, reporter: Reporter) -> Verdict:
    """Evaluate, and return the verdict. Raises StepError."""
    assert isinstance(work, EvaluateStep)  # noqa: S101 -- `app.step` chooses by the work's kind
    verdict = asyncio.run(_evaluate(work, reporter))
    if work.is_at_host:
        return verdict  # a host's product has no papers here
    add_verdict(JobFolder(Path(work.folder)).product, record_of(verdict))
    return verdict


async def _evaluate(work: EvaluateStep, reporter: Reporter) -> Verdict:
    async with Door(work.door, work.key, ca_bundle=work.ca_bundle) as door:
        return await gate.run(work, report=reporter.say, inference=door)


def record_of(verdict: Verdict) -> VerdictRecord:
    """Return a verdict as a product's papers have it."""
    references = verdict.references
    return VerdictRecord(
        passed=verdict.passed,
        reasons=tuple(check.sentence for check in verdict.checks),
        scores=tuple(_scores(verdict.suites)),
        references=references.asked,
        references_equal=references.asked - references.differing,
        engine=", ".join(verdict.engines) or None,
        document=msgspec.Raw(msgspec.json.encode(verdict)),
    )


def _scores(suites: tuple[SuiteFigures, ...]) -> Iterator[Score]:
    for suite in suites:
        bounds = suite.gain.bounds if suite.gain is not None else suite.product.bounds
        yield Score(
            name=suite.key,
            items=suite.items,
            product=suite.product.value,
            base=suite.base.value if suite.base is not None else None,
            low=bounds.low,
            high=bounds.high,
            bounds_of="gain" if suite.gain is not None else "product",
            metric=suite.grader,
        )
