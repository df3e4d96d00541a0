"""The step that judges a product: asks base and product through the door that will serve them, and says what it found.

It writes into the job's folder `evaluate` only: answers as they come, and at the end items, verdict and picture, whole.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from hortus.evals.answers import Answers, Given, joined
from hortus.evals.asking import Asker, Asking, Question, Sleep
from hortus.evals.comparing import base_score, figures_of, latency_of
from hortus.evals.items import item_lines
from hortus.evals.likeness import APART, APART_ROUNDED, likeness, room_for
from hortus.evals.plots import draw
from hortus.evals.ports import Inference
from hortus.evals.rules import NO_TRAINER, check_gain, check_references, check_suite, conclusion, percent
from hortus.evals.suitefiles import Item
from hortus.evals.suites import Questions, held_out, read_suite
from hortus.evals.verdict import Verdict
from hortus.jobs.errors import StepError
from hortus.jobs.folders import FACTS, PRODUCT_GGUF, REFERENCES, JobFolder
from hortus.jobs.references import Reference, read_references
from hortus.jobs.reports import Note, Progress, Report
from hortus.jobs.spec import MOST_ITEMS
from hortus.jobs.steps import EvaluateStep
from hortus.jobs.wholefiles import write_whole

VERDICT = "verdict.json"
PICTURE = "verdict.svg"
ITEMS = "items.jsonl"
ANSWERS = "answers.jsonl"
_FOLDER = "evaluate"
_REPORTS = 50
"""Of one round: enough for a bar."""

Role = Literal["base", "product"]


class _Work(msgspec.Struct, frozen=True):
    """Everything that is asked, read before the first question."""

    step: EvaluateStep
    suites: tuple[Questions, ...]
    references: tuple[Reference, ...]
    product: str
    """Hash of what training has written about its product; of a host's, of its name there."""

    @property
    def about(self) -> str:
        """Name this evaluation: answers to any other one must not be taken for its own."""
        said = [
            self.step.base_route,
            self.step.product_route,
            self.step.job,
            [one.hash for one in self.suites],
            self.product,
        ]
        return hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()


class _Rounds(msgspec.Struct, frozen=True):
    """What was given, in the order of what was asked; suites one after the other."""

    references: list[Given]
    base: list[Given] | None
    product: list[Given]


async def run(
    work: EvaluateStep,
    *,
    report: Callable[[Report], None],
    inference: Inference,
    asking: Asking = Asking(),  # noqa: B008 -- frozen
    sleep: Sleep = asyncio.sleep,
) -> Verdict:
    """Return the verdict on a job's product; a step that was killed goes on with the answers that it has.

    Raises:
        StepError: Suites or settings cannot be used, or a route does not answer at all.
    """
    ready = _ready(work)
    for suite in ready.suites:
        if suite.without_answer:
            report(Note(f"{suite.without_answer} held-out examples are plain text: nothing can be asked of them."))
    answers = Answers(_folder(work) / ANSWERS, about=ready.about)
    try:
        rounds = await _ask(ready, Asker(inference, answers, asking=asking, sleep=sleep), report)
    finally:
        answers.close()
    verdict = _judge(ready, rounds)
    _write(ready, rounds, verdict)
    for check in verdict.checks:
        report(Note(f"Gate, {check.name}: {check.sentence}", level="info" if check.passed else "warn"))
    return verdict


def _folder(work: EvaluateStep) -> Path:
    return Path(work.folder) / _FOLDER


def _ready(work: EvaluateStep) -> _Work:
    rules, longest = work.job.gate, work.job.recipe.max_tokens
    if not 0.5 <= rules.confidence < 1:  # noqa: PLR2004 -- below it the bounds would change sides
        raise StepError(
            "The confidence of the gate must be at least 0.5 and below 1.",
            reason="bad_setting",
            path="gate.confidence",
            hint="0.95 is usual.",
        )
    absent = sorted(set(rules.suites) - {one.name for one in work.suites})
    if absent:
        raise StepError(
            f"There is no suite {', '.join(absent)}.",
            reason="bad_suite",
            path="gate.suites",
            hint="Bring its file, or leave it out of the job.",
        )
    most = MOST_ITEMS if rules.most_items is None else max(rules.most_items, 0)
    questions = held_out(Path(work.dataset), grader=rules.grader, most=most, longest=longest)
    suites = [read_suite(Path(one.path), name=one.name, longest=longest) for one in work.suites]
    product = JobFolder(Path(work.folder)).product
    if work.is_at_host:
        return _Work(work, (questions, *suites), (), hashlib.sha256(work.product_route.encode()).hexdigest())
    references = read_references(product / REFERENCES) if rules.references > 0 else []
    return _Work(work, (questions, *suites), tuple(references), _papers(product))


def _papers(product: Path) -> str:
    found = hashlib.sha256()
    for name in (FACTS, REFERENCES):
        path = product / name
        content = path.read_bytes() if path.is_file() else b""
        found.update(hashlib.sha256(content).digest())
    return found.hexdigest()


async def _ask(ready: _Work, asker: Asker, report: Callable[[Report], None]) -> _Rounds:
    """Ask for the references first, one by one: nothing that runs beside them may change how the engine rounds."""
    work = ready.step
    references = await asker.ask(
        [
            Question(
                f"reference {index}", work.product_route, one.messages, room_for(one), one.tools, len(one.likeliest)
            )
            for index, one in enumerate(ready.references)
        ],
        progress=_progress("references", report),
        concurrency=1,
    )
    base = None
    if work.base_route is not None:
        base = await asker.ask(_questions(ready, "base", work.base_route), progress=_progress("base", report))
        report(_held_out_note(ready, base))
    product = await asker.ask(_questions(ready, "product", work.product_route), progress=_progress("product", report))
    return _Rounds(references, base, product)


def _held_out_note(ready: _Work, base: Sequence[Given]) -> Note:
    """Say at once what the base can do: the gain is what the product adds to that."""
    questions = ready.suites[0]
    found = base_score(questions, base[: len(questions.items)], confidence=ready.step.job.gate.confidence)
    return Note(f"Base, {found.items} held-out questions, judged by `{questions.grader}`: {percent(found)}.")


def _questions(ready: _Work, role: Role, route: str) -> list[Question]:
    is_to_new = role == "product" and ready.step.is_at_host

    def question(suite: Questions, item: Item) -> Question:
        key = f"{role} {suite.key} {item.id}"
        return Question(key, route, item.messages, suite.max_tokens, item.tools, is_to_new=is_to_new)

    return [question(suite, item) for suite in ready.suites for item in suite.items]


def _progress(phase: str, report: Callable[[Report], None]) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        if done in {0, total} or done % max(1, total // _REPORTS) == 0:
            report(Progress(phase, done, total))

    return progress


def _judge(ready: _Work, rounds: _Rounds) -> Verdict:
    rules = ready.step.job.gate
    references = likeness(ready.references, rounds.references, allowed=_allowed(ready.step))
    product, base = _split(ready, rounds.product), _split(ready, rounds.base)
    figures = tuple(
        figures_of(suite, ours, theirs, confidence=rules.confidence)
        for suite, ours, theirs in zip(ready.suites, product, base, strict=True)
        if ours is not None
    )
    at_host = ready.step.is_at_host
    checks = (
        *(() if at_host else (check_references(references, rules),)),
        check_gain(figures[0], rules, has_base=ready.step.job.method != "scratch"),
        *(check_suite(one, rules) for one in figures[1:]),
    )
    said = [*rounds.references, *rounds.product]
    return Verdict(
        passed=all(one.passed for one in checks),
        sentence=f"{conclusion(checks)} {NO_TRAINER}" if at_host else conclusion(checks),
        checks=checks,
        confidence=rules.confidence,
        references=references,
        suites=figures,
        product=ready.product,
        product_latency=latency_of(rounds.product),
        base_latency=latency_of(rounds.base or ()),
        engines=tuple(sorted({one.answer.engine for one in said if one.answer and one.answer.engine})),
    )


def _allowed(work: EvaluateStep) -> float:
    """Return how far likelihoods may lie apart on the engine that serves the product."""
    has_gguf = (JobFolder(Path(work.folder)).product / PRODUCT_GGUF).is_file()
    return APART if has_gguf and work.job.engine in {"auto", "llamacpp"} else APART_ROUNDED


def _split(ready: _Work, given: Sequence[Given] | None) -> list[Sequence[Given] | None]:
    """Return the answers suite by suite."""
    if given is None:
        return [None for _ in ready.suites]
    parts: list[Sequence[Given] | None] = []
    start = 0
    for suite in ready.suites:
        parts.append(given[start : start + len(suite.items)])
        start += len(suite.items)
    return parts


def _write(ready: _Work, rounds: _Rounds, verdict: Verdict) -> None:
    folder = _folder(ready.step)
    lines: list[bytes] = []
    for role, given in (("base", rounds.base), ("product", rounds.product)):
        for suite, part in zip(ready.suites, _split(ready, given), strict=True):
            lines += item_lines(suite, part or (), role=role)
    write_whole(folder / ITEMS, joined(lines))
    write_whole(folder / PICTURE, joined([draw(verdict).encode()]))
    write_whole(folder / VERDICT, joined([msgspec.json.encode(verdict)]))
