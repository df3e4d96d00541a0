"""A job whose product waits for the gate, and models that answer from tables instead of an engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from hortus.evals.asking import Asking
from hortus.evals.gate import run
from hortus.evals.ports import Answer, AskFailed
from hortus.evals.verdict import Check, Verdict
from hortus.jobs.examples import HELD_OUT, Example, write_examples
from hortus.jobs.folders import REFERENCES, JobFolder
from hortus.jobs.references import Reference
from hortus.jobs.reports import Report
from hortus.jobs.spec import GateRules, JobSpec
from hortus.jobs.steps import EvaluateStep, Suite

LABELS = ("waste", "roads", "parks")
Model = Callable[[str], Answer | str]
"""What a route answers to the last message."""


Fails = Callable[[str, str, int], AskFailed | None]
_GATE = GateRules()
_ASKING = Asking()


def question(number: int) -> str:
    return f"Message {number} of a citizen"


def label(number: int) -> str:
    return LABELS[number % len(LABELS)]


def right(text: str) -> str:
    """The product as it was trained."""
    return label(int(text.split()[1]))


def wrong(text: str) -> str:
    return "I am a small model."


class Tables:
    """Routes that answer from tables; `fails` may refuse or break a question, told how often it was asked."""

    def __init__(self, routes: Mapping[str, Model], *, fails: Fails | None = None) -> None:
        self.routes = routes
        self.asked: list[tuple[str, str]] = []
        self.at_once = self.most_at_once = 0
        self.limits: list[int] = []
        self.likeliest: list[int] = []
        self.refuses_likelihoods = False
        self._fails = fails

    async def ask(
        self,
        route: str,
        messages: Sequence[dict[str, Any]],
        *,
        max_tokens: int,
        temperature: float = 0,
        tools: Sequence[dict[str, Any]] | None = None,
        likeliest: int = 0,
    ) -> Answer:
        assert temperature == 0
        assert tools is None or tools
        text = messages[-1]["content"]
        self.asked.append((route, text))
        self.limits.append(max_tokens)
        self.likeliest.append(likeliest)
        if likeliest and self.refuses_likelihoods:
            raise AskFailed("No such thing.", status=400)
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            await asyncio.sleep(0)
            failed = self._fails and self._fails(route, text, self.asked.count((route, text)))
            if failed:
                raise failed
            answer = self.routes[route](text)
            return Answer(answer, latency_ms=2.0) if isinstance(answer, str) else answer
        finally:
            self.at_once -= 1


class Bench:
    """A trained job in a folder; in one that has it already, the same job once more."""

    def __init__(self, root: Path, *, items: int = 60, gate: GateRules = _GATE, references: int = 6) -> None:
        self.root = root
        self.gate = gate
        self.folder = JobFolder(root / "job")
        self.dataset = root / "dataset"
        self.suites: list[Suite] = []
        self.scratch = False
        self.has_base = True
        self.reports: list[Report] = []
        self.waits: list[float] = []
        if self.dataset.exists():
            return
        self.folder.product.mkdir(parents=True)
        self.dataset.mkdir()
        self.hold_out(example(question(number), label(number)) for number in range(items))
        self.refer(
            Reference([{"role": "user", "content": question(number)}], label(number), prompt_tokens=9, max_tokens=32)
            for number in range(references)
        )

    def hold_out(self, examples) -> None:
        (self.dataset / HELD_OUT).unlink(missing_ok=True)
        write_examples(self.dataset / HELD_OUT, list(examples))

    def refer(self, references) -> None:
        lines = [msgspec.json.encode(one) + b"\n" for one in references]
        (self.folder.product / REFERENCES).write_bytes(b"".join(lines))

    def add_suite(self, name: str, chats: Sequence[tuple[str, str]], **more: str) -> None:
        path = self.root / f"{name}.jsonl"
        path.write_bytes(b"".join(msgspec.json.encode({"messages": chat(*one), **more}) + b"\n" for one in chats))
        self.suites.append(Suite(name, str(path)))
        self.gate = msgspec.structs.replace(self.gate, suites=(*self.gate.suites, name))

    @property
    def work(self) -> EvaluateStep:
        job = JobSpec(
            id="ftjob-1",
            project_id="proj-1",
            base="tiny",
            training="file-1",
            gate=self.gate,
            method="scratch" if self.scratch else "supervised",
        )
        return EvaluateStep(
            job,
            base_route="base" if self.has_base and not self.scratch else None,
            product_route="product",
            dataset=str(self.dataset),
            folder=str(self.folder.root),
            door="http://127.0.0.1:1",
            key="made-up",
            suites=tuple(self.suites),
        )

    @property
    def evaluate(self) -> Path:
        return self.folder.root / "evaluate"

    async def judge(self, inference: Tables, *, asking: Asking = _ASKING) -> Verdict:
        async def wait(seconds: float) -> None:
            self.waits.append(seconds)

        return await run(self.work, report=self.reports.append, inference=inference, asking=asking, sleep=wait)

    async def judge_models(self, product: Model, base: Model = wrong) -> Verdict:
        return await self.judge(Tables({"product": product, "base": base}))


def example(asked: str, answer: str, **more: Any) -> Example:
    content = f"{asked}\n{answer}"
    return Example(content, 1, [{"role": "user", "content": asked}], {"role": "assistant", "content": answer}, **more)


def chat(asked: str, answer: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]


def check(verdict: Verdict, name: str) -> Check:
    return next(one for one in verdict.checks if one.name == name)
