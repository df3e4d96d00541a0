"""Asks many questions at once, but never too many, and again where a route is busy; answers are kept as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from hortus.evals.answers import Answers, Given
from hortus.evals.ports import AskFailed, Inference
from hortus.jobs.errors import StepError


class Asking(msgspec.Struct, frozen=True):
    """How questions are asked.

    Attributes:
        concurrency: At once.
        tries: For one question.
        first_wait_s: Before the second try where the door does not say how long; doubled with each further one.
        longest_wait_s: Even where the door says more.
        in_a_row: So many questions in a row, or all of them, without any answer: the route is not there, the step ends.
    """

    concurrency: int = 4
    tries: int = 8
    first_wait_s: float = 0.5
    longest_wait_s: float = 15.0
    in_a_row: int = 12


class Question(msgspec.Struct, frozen=True):
    """One request; `key` names it among all of an evaluation, `likeliest` first tokens are wanted if the engine can.

    Attributes:
        is_to_new: Whether the route is so new that its host may not know it everywhere yet: asked later, it may.
    """

    key: str
    route: str
    messages: list[dict[str, Any]]
    max_tokens: int
    tools: list[dict[str, Any]] | None = None
    likeliest: int = 0
    is_to_new: bool = False

    def may_be_answered_after(self, failed: AskFailed) -> bool:
        """Whether asking again may help."""
        return failed.may_pass or (self.is_to_new and failed.is_unknown)


Sleep = Callable[[float], Awaitable[None]]


class Asker:
    """Asks the questions that have no answer yet.

    Args:
        inference: Reaches the routes.
        answers: What is known already, and where new answers are kept.
        asking: How.
        sleep: Waits between tries.
    """

    def __init__(self, inference: Inference, answers: Answers, *, asking: Asking, sleep: Sleep = asyncio.sleep) -> None:
        self._inference = inference
        self._answers = answers
        self._asking = asking
        self._sleep = sleep
        self._failed_in_a_row = 0
        self._lost_after = asking.in_a_row
        self._closed: AskFailed | None = None
        self._last = ""

    async def ask(
        self, questions: Sequence[Question], *, progress: Callable[[int, int], None], concurrency: int | None = None
    ) -> list[Given]:
        """Return what was given to each question, in their order.

        Raises:
            StepError: The route does not answer at all.
        """
        waiting = [one for one in questions if one.key not in self._answers.known]
        given = {one.key: self._answers.known[one.key] for one in questions if one.key in self._answers.known}
        progress(len(given), len(questions))
        self._failed_in_a_row, self._lost_after = 0, min(self._asking.in_a_row, len(questions))
        left = iter(waiting)

        async def work() -> None:
            for question in left:
                if self._is_lost:
                    return
                given[question.key] = await self._once(question)
                progress(len(given), len(questions))

        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency or self._asking.concurrency, len(waiting))):
                group.create_task(work())
        if waiting and self._is_lost:
            raise self._lost(waiting[0].route)
        return [given[one.key] for one in questions]

    def _lost(self, route: str) -> StepError:
        if self._closed is not None:
            return StepError(
                f"The route {route} may not be asked: {self._closed.message}",
                reason="route_refused",
                hint="Deployment, the project's rules and its budget decide that; the evaluation goes on then.",
            )
        return StepError(
            f"The route {route} did not answer {self._failed_in_a_row} questions in a row, at last: {self._last}",
            reason="route_unavailable",
            hint="See `hortus deployments` and the engine's log; the evaluation goes on where it was once it runs.",
        )

    @property
    def _is_lost(self) -> bool:
        return self._closed is not None or self._failed_in_a_row >= self._lost_after

    async def _once(self, question: Question) -> Given:
        """Ask one question, again where that may help; an answer or a refusal is kept, a silence is not."""
        given = await self._tried(question)
        if given.unanswered is not None:
            self._failed_in_a_row += 1
            self._last = given.unanswered
            return given
        self._failed_in_a_row = 0
        self._answers.keep(given)
        return given

    async def _tried(self, question: Question) -> Given:
        wait_s = self._asking.first_wait_s
        for number in range(1, self._asking.tries + 1):
            try:
                answer = await self._inference.ask(
                    question.route,
                    question.messages,
                    max_tokens=question.max_tokens,
                    tools=question.tools,
                    likeliest=question.likeliest,
                )
            except AskFailed as failed:
                if failed.is_refusal and question.likeliest:
                    return await self._tried(msgspec.structs.replace(question, likeliest=0))
                if failed.is_refusal:
                    return Given(question.key, refused=failed.message)
                if not question.may_be_answered_after(failed):
                    self._closed = failed
                    return Given(question.key, unanswered=failed.message)
                if number == self._asking.tries or self._is_lost:
                    return Given(question.key, unanswered=failed.message)
                asked_s = wait_s if failed.retry_after_s is None else failed.retry_after_s
                await self._sleep(min(max(asked_s, 0.0), self._asking.longest_wait_s))
                wait_s *= 2
            else:
                return Given(question.key, answer)
        raise AssertionError("a question is tried at least once")
