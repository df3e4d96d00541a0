"""Who is killed when? A schedule drawn by a seed, in records and bytes, and the kills themselves."""

from __future__ import annotations

import asyncio
import os
import random
import select
import signal
from collections.abc import Callable
from typing import NamedTuple

from faults.run.place import Place
from faults.run.watching import Mark, Watch

ALL = "everything"
PARENT = "parent"
_EVERY = 10
"""One kill in so many ends the parent too: what runs again after it starts from nothing but the disk."""

_VICTIMS: dict[tuple[str, ...], int] = {
    ("worker-1",): 4,
    ("worker-2",): 4,
    ("ledger",): 4,
    ("control",): 2,
    ("supervisor",): 1,
    ("worker-1", "worker-2"): 2,
    ("worker-1", "ledger"): 2,
    ("worker-2", "control"): 1,
    ("worker-1", "worker-2", "ledger", "control", "supervisor"): 1,
}
_WHOLE_WITHIN_S = 60.0
_LOOK_EVERY_S = 0.01


class Kill(NamedTuple):
    """One entry of the schedule.

    Attributes:
        after: Since the kill before.
        is_patient: The next one waits until every process is back.
    """

    victims: tuple[str, ...]
    after: Mark
    is_patient: bool

    @property
    def label(self) -> str:
        """For people."""
        names = sorted({name.split("-")[0] for name in self.victims})
        return "all workers" if self.victims == ("worker-1", "worker-2") else " + ".join(names)


class Fault(NamedTuple):
    """Something that was done to Hortus, on the loop's clock.

    Attributes:
        label: What, for people.
        began_s: From then on clients may notice.
        ended_s: The fault is over: kills are at once; a full disk lasts.
        whole_s: Every process is there again; None where the next fault came first.
        workers: Whether a worker died by it.
        is_total: The door itself was away.
        processes: How many were killed.
    """

    label: str
    began_s: float
    ended_s: float
    whole_s: float | None
    workers: bool = False
    is_total: bool = False
    processes: int = 0


def schedule(count: int, *, seed: int) -> list[Kill]:
    """Return the kills of a run: always the same ones for a seed."""
    draw = random.Random(f"kills:{seed}")
    found = []
    for number in range(1, count + 1):
        if number % _EVERY == 0:
            victims: tuple[str, ...] = (ALL,) if draw.random() < 0.7 else (PARENT,)
        else:
            victims = draw.choices(list(_VICTIMS), list(_VICTIMS.values()))[0]
        after = (
            Mark("records", draw.randint(5, 160)) if draw.random() < 0.5 else Mark("bytes", draw.randint(500, 30_000))
        )
        found.append(Kill(victims, after, is_patient=draw.random() < 0.7))
    return found


async def kill(place: Place, planned: Kill) -> Fault:
    """Kill, and see to it that everything comes back."""
    loop = asyncio.get_running_loop()
    is_total = planned.victims in {(ALL,), (PARENT,)}
    if not is_total:  # a victim of the kill before may not be back yet
        await wait_until(lambda: set(planned.victims) <= set(place.children()), what=f"{planned.victims} to kill")
    children = place.children()
    if is_total:
        pids = [place.hortus.pid, *(children.values() if planned.victims == (ALL,) else ())]
    else:
        pids = [children[name] for name in planned.victims if name in children]
    began_s = loop.time()
    killed = sum(_end(pid) for pid in pids)
    workers = is_total or any(name.startswith("worker") for name in planned.victims)
    fault = Fault(planned.label, began_s, loop.time(), None, workers, is_total, killed)
    if is_total:
        await asyncio.to_thread(place.hortus.stop)
        await asyncio.to_thread(_wait_for_the_dead, tuple(children.values()))
        await asyncio.to_thread(place.start_hortus)
        return fault._replace(whole_s=loop.time())
    if planned.is_patient:
        await wait_until(lambda: place.is_whole(but=pids), what="every process")
        return fault._replace(whole_s=loop.time())
    return fault


async def run_schedule(
    place: Place, watch: Watch, kills: list[Kill], *, note: Callable[[Fault], None], ends_s: float
) -> None:
    """Do one kill after the other until `ends_s` on the loop's clock; `note` hears of each."""
    loop = asyncio.get_running_loop()
    for planned in kills:
        if loop.time() > ends_s:
            break
        await watch.reach(planned.after)
        note(await kill(place, planned))
    await wait_until(place.is_whole, what="every process")


async def wait_until(condition: Callable[[], bool], *, what: str, within_s: float = _WHOLE_WITHIN_S) -> None:
    """Look again and again.

    Raises:
        AssertionError: It does not come true.
    """
    loop = asyncio.get_running_loop()
    ends_s = loop.time() + within_s
    while not condition():
        if loop.time() > ends_s:
            raise AssertionError(f"{what} did not come within {within_s:.0f} s")
        await asyncio.sleep(_LOOK_EVERY_S)


def _end(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _wait_for_the_dead(pids: tuple[int, ...]) -> None:
    """Wait until orphans are gone: they may hold the door's socket for a moment."""
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            select.select([descriptor], [], [], 10)
        finally:
            os.close(descriptor)
