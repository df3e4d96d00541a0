"""Which step's process should be started or ended now? A pure function of orders and of what runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from hortus.jobs.steps import HostStep, Order, Step, StepWork, Wish, step_of

MOST_CRASHES = 5
"""A step whose process ended so often in a row without saying why, and without getting any further, has failed."""


AT_ONCE: Mapping[Step, int] = {"check": 2, "train": 1, "evaluate": 2, "host": 32}
"""Processes of one step at the same time: whoever brings a thousand jobs gets a queue, not a thousand processes."""


class Held(msgspec.Struct, frozen=True):
    """What the runner knows of one job.

    Attributes:
        step: The step whose process runs, or ran last.
        work: What it was given; None where that does not matter.
        is_running: Whether it has a process.
        is_ending: Whether that has been told to end.
        is_over: Whether the step has said `done` or `failed`.
        retry_at_s: When it may be started again, on the monotonic clock.
    """

    step: Step | None = None
    is_running: bool = False
    is_ending: bool = False
    is_over: bool = False
    retry_at_s: float = 0.0
    work: StepWork | None = None


class Start(msgspec.Struct, frozen=True):
    """Start a step's process."""

    job_id: str
    work: StepWork


class End(msgspec.Struct, frozen=True):
    """End a job's process."""

    job_id: str


Action = Start | End


def plan(orders: Mapping[str, Order], held: Mapping[str, Held], *, now_s: float) -> list[Action]:
    """Return what to do; ends come first, for what starts may need what they free."""
    ends = [
        End(job_id)
        for job_id, one in held.items()
        if one.is_running and not one.is_ending and not _is_wanted(orders.get(job_id), one)
    ]
    return [*ends, *_starts(orders, held, now_s=now_s)]


def _starts(orders: Mapping[str, Order], held: Mapping[str, Held], *, now_s: float) -> Iterator[Start]:
    """Yield what is to be started, jobs in the order of their ids, which is that of their age."""
    busy = Counter(one.step for one in held.values() if one.is_running)
    for job_id, order in sorted(orders.items()):
        work = order.work
        if work is None or not _may_start(work, order.wish, held.get(job_id, Held()), now_s=now_s):
            continue
        step = step_of(work)
        if busy[step] < AT_ONCE[step] or (isinstance(work, HostStep) and work.is_cancelled):
            busy[step] += 1
            yield Start(job_id, work)


def _may_start(work: StepWork, wish: Wish, held: Held, *, now_s: float) -> bool:
    if wish != "run" or held.is_running:
        return False
    is_same = held.step == step_of(work)
    return not is_same or not (held.is_over or now_s < held.retry_at_s)


def _is_wanted(order: Order | None, held: Held) -> bool:
    if order is None or order.wish != "run" or order.work is None:
        return False
    return order.work == held.work if held.work is not None else step_of(order.work) == held.step
