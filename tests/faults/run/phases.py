"""What is done to Hortus, one phase after the other, while clients ask: kills, a full disk, a store that is away."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from typing import NamedTuple

from faults.run.asking import Question, draw_big_question, draw_question
from faults.run.killing import Fault, Kill, run_schedule, wait_until
from faults.run.load import Load
from faults.run.place import Place
from faults.run.watching import Mark, Watch

KILLS = "kills"
"""Name of the phases that follow the schedule."""

_MOST_REFUSALS = 40
_WHILE_AWAY = 250  # records of the journal
_SUCCESSES_AFTER = 10


class Stage(NamedTuple):
    """What a phase works with; `note` hears of every fault, and after `ends_s` no kill begins."""

    place: Place
    watch: Watch
    load: Load
    seed: int
    note: Callable[[Fault], None]
    ends_s: float


class Phase(NamedTuple):
    """One phase; `may_interrupt`: whether attempts may end without being settled."""

    name: str
    play: Callable[[Stage], Awaitable[None]]
    may_interrupt: bool = True


def kills(planned: list[Kill]) -> Phase:
    """Return the phase of a schedule of kills."""

    async def play(stage: Stage) -> None:
        await run_schedule(stage.place, stage.watch, planned, note=stage.note, ends_s=stage.ends_s)
        await _some_successes(stage)

    return Phase(KILLS, play)


async def full_disk(stage: Stage) -> None:
    """Fill the disk under the journal, and the segments that are there, until requests are refused; then make room."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    stage.load.use(partial(_mostly_big, seed=stage.seed))
    stage.place.fill_disk()
    try:
        is_full = partial(_is_refusing, stage.load, began_s)
        await stage.watch.reach(Mark("records", 10**9), unless=is_full)
    finally:
        stage.place.make_room()
    stage.load.use(partial(draw_question, seed=stage.seed))
    stage.note(Fault(f"full disk ({stage.place.disk})", began_s, loop.time(), None))
    await _some_successes(stage)


def _mostly_big(number: int, *, seed: int) -> Question:
    return draw_big_question(number, seed=seed) if number % 4 else draw_question(number, seed=seed)


def _is_refusing(load: Load, since_s: float) -> bool:
    recent = [one for one in load.outcomes[-400:] if one.began_s >= since_s]
    return sum(1 for one in recent if one.status == 503 and "retry-after" in one.headers) >= _MOST_REFUSALS


async def locked_store(stage: Stage) -> None:
    """Hold the store's lock in another program."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    with closing(sqlite3.connect(stage.place.hortus.home / "store.sqlite", isolation_level=None, timeout=30)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        await stage.watch.reach(Mark("records", _WHILE_AWAY), unless=partial(_is_refusing, stage.load, began_s))
        holder.execute("ROLLBACK")
    stage.note(Fault("store locked", began_s, loop.time(), None))
    await _some_successes(stage)


async def stopped_ledger(stage: Stage) -> None:
    """Stop the ledger where it is, and let it go on."""
    began_s, ended_s = await _while_ledger_stands(stage)
    stage.note(Fault("ledger stopped", began_s, ended_s, None))
    await _some_successes(stage)


async def stopped_ledger_and_a_new_worker(stage: Stage) -> None:
    """Do the same, and kill a worker meanwhile: the new one knows no key and holds no lease."""
    killed_s: list[float] = []

    def kill_worker() -> None:
        killed_s.append(asyncio.get_running_loop().time())
        os.kill(stage.place.children()["worker-1"], signal.SIGKILL)

    _, ended_s = await _while_ledger_stands(stage, kill_worker)
    stage.note(Fault("ledger stopped, worker killed", killed_s[0], ended_s, None, workers=True, processes=1))
    await _some_successes(stage)


async def _while_ledger_stands(stage: Stage, do: Callable[[], None] = lambda: None) -> tuple[float, float]:
    """Stop the ledger, do something, wait, and let it go on; return when it stopped and when it went on."""
    loop = asyncio.get_running_loop()
    await wait_until(stage.place.is_whole, what="every process")
    pid = stage.place.children()["ledger"]
    began_s = loop.time()
    os.kill(pid, signal.SIGSTOP)
    try:
        do()
        await stage.watch.reach(Mark("records", _WHILE_AWAY), unless=partial(_is_refusing, stage.load, began_s))
    finally:
        os.kill(pid, signal.SIGCONT)
    return began_s, loop.time()


async def _some_successes(stage: Stage) -> None:
    wanted = stage.load.successes + _SUCCESSES_AFTER
    await wait_until(lambda: stage.load.successes >= wanted, what="answers after the fault")


LASTING = (
    Phase("full disk", full_disk, may_interrupt=False),
    Phase("store locked", locked_store, may_interrupt=False),
    Phase("ledger stopped", stopped_ledger, may_interrupt=False),
    Phase("ledger stopped, worker killed", stopped_ledger_and_a_new_worker),
)
