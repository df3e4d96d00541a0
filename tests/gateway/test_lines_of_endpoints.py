"""Who may call an endpoint next: bounds, fairness, and that no place is ever lost."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hortus.gateway.queueing import Gate, Share

LONG_S = 60.0


async def settle() -> None:
    """Let every task that can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


def line_up(gate: Gate, *projects: str, order: list[str]) -> list[asyncio.Task[bool]]:
    async def ask(name: str, project: str) -> bool:
        is_in = await gate.enter(project, within_s=LONG_S)
        if is_in:
            order.append(name)
        return is_in

    counted: Counter[str] = Counter()
    tasks = []
    for project in projects:
        counted[project] += 1
        tasks.append(asyncio.ensure_future(ask(f"{project}{counted[project]}", project)))
    return tasks


async def end(tasks: list[asyncio.Task[bool]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("workers", range(1, 9))
@given(total=st.integers(1, 1000))
def test_the_shares_of_all_workers_are_the_whole_or_one_each(workers: int, total: int) -> None:
    shares = [Share(workers, number).of(total) for number in range(1, workers + 1)]
    assert sum(shares) == max(total, workers)
    assert max(shares) - min(shares) <= 1


async def test_no_more_than_so_many_are_inside() -> None:
    gate = Gate(2, places=9)
    assert [gate.try_enter() for _ in range(3)] == [True, True, False]


async def test_without_a_bound_nobody_waits() -> None:
    gate = Gate(None, places=0)
    assert all([await gate.enter("p", within_s=0.0) for _ in range(100)])


async def test_projects_take_turns_and_within_one_the_oldest_goes_first() -> None:
    gate, order = Gate(1, places=9), []
    gate.try_enter()
    tasks = line_up(gate, "a", "a", "a", "b", "c", "b", order=order)
    await settle()
    for _ in tasks:
        gate.leave()
        await settle()
    assert order == ["a1", "b1", "c1", "a2", "b2", "a3"]
    await end(tasks)


async def test_who_comes_later_does_not_pass_those_who_wait() -> None:
    gate, order = Gate(1, places=9), []
    gate.try_enter()
    tasks = line_up(gate, "a", order=order)
    await settle()
    gate.leave()
    assert not gate.try_enter()
    await end(tasks)


async def test_a_full_line_takes_nobody_else() -> None:
    gate, order = Gate(1, places=2), []
    gate.try_enter()
    tasks = line_up(gate, "a", "a", order=order)
    await settle()
    assert not await gate.enter("a", within_s=LONG_S)
    assert gate.waiting == 2
    await end(tasks)


async def test_a_project_that_fills_the_line_makes_place_for_another() -> None:
    gate, order = Gate(1, places=3), []
    gate.try_enter()
    tasks = line_up(gate, "a", "a", "a", "b", order=order)
    await settle()
    assert [task.done() for task in tasks] == [False, False, True, False]
    assert tasks[2].result() is False
    gate.leave()
    await settle()
    gate.leave()
    await settle()
    assert order == ["a1", "b1"]
    await end(tasks)


async def test_who_waits_too_long_is_told_so_and_leaves_no_trace() -> None:
    gate = Gate(1, places=9)
    gate.try_enter()
    assert not await gate.enter("a", within_s=0.0)
    assert (gate.waiting, gate.running) == (0, 1)
    gate.leave()
    assert gate.try_enter()


async def test_who_leaves_at_the_moment_of_its_turn_hands_it_on() -> None:
    gate, order = Gate(1, places=9), []
    gate.try_enter()
    tasks = line_up(gate, "a", "b", order=order)
    await settle()
    gate.leave()  # the first has its turn, and does not know it yet
    tasks[0].cancel()
    await settle()
    assert order == ["b1"]
    await end(tasks)


async def test_a_bound_that_is_raised_lets_more_in() -> None:
    gate, order = Gate(1, places=9), []
    gate.try_enter()
    tasks = line_up(gate, "a", "a", "a", order=order)
    await settle()
    gate.resize(3, places=9)
    await settle()
    assert (order, gate.running) == (["a1", "a2"], 3)
    await end(tasks)


class Crowd:
    """Requests that come, wait, leave, are cancelled and run out of time, in an order drawn by a number."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.gate = Gate(self.draw.randint(1, 3), places=self.draw.randint(0, 5))
        self.inside: list[asyncio.Event] = []
        self.most = 0

    async def visit(self, project: str, within_s: float) -> None:
        if not await self.gate.enter(project, within_s=within_s):
            return
        done = asyncio.Event()
        self.inside.append(done)
        self.most = max(self.most, len(self.inside))
        try:
            await done.wait()
        finally:
            self.inside.remove(done)
            self.gate.leave()

    async def go(self) -> None:
        draw, tasks = self.draw, []
        for _ in range(60):
            match draw.choice(("come", "come", "come", "leave", "cancel", "wait", "resize")):
                case "come":
                    within_s = draw.choice((0.0, LONG_S))
                    tasks.append(asyncio.ensure_future(self.visit(draw.choice("abc"), within_s)))
                case "leave" if self.inside:
                    draw.choice(self.inside).set()
                case "cancel" if tasks:
                    draw.choice(tasks).cancel()
                case "resize":
                    self.gate.resize(draw.choice((1, 2, 3)), places=draw.randint(0, 5))
                case _:
                    await settle()
        await self.empty(tasks)

    async def empty(self, tasks: list[asyncio.Task[None]]) -> None:
        while any(not task.done() for task in tasks):
            await settle()
            for one in self.inside:
                one.set()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("seed", range(60))
async def test_no_place_is_lost_and_the_bound_holds_whatever_order_things_come_in(seed: int) -> None:
    crowd = Crowd(seed)
    await crowd.go()
    assert (crowd.gate.running, crowd.gate.waiting, crowd.inside) == (0, 0, [])
    assert crowd.most <= 3
