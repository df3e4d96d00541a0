"""How several GPUs train together: one process each on this machine, joined by torch, led by the step's own process.

The first of them reports and writes; one that fails ends all, and what it said why is handed on.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from multiprocessing.context import SpawnContext
from typing import Protocol

import msgspec
import torch.distributed
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from hortus.base.time import Clock
from hortus.jobs.errors import StepError
from hortus.jobs.reports import Failed, Report
from hortus.jobs.steps import TrainStep
from hortus.tuning.failures import explained
from hortus.tuning.preparing import lay_ground
from hortus.tuning.stepping import make_steps

_LAST_WORDS_S = 5.0
"""For reports that are still on their way when the processes have ended."""
_LISTEN_S = 0.1

Guard = Callable[[int], object]
"""Makes a process end with the one whose number it is given."""


class Channel(Protocol):
    """Where the processes put what they say."""

    def put(self, item: Report) -> None:
        """Say something."""

    def get(self) -> Report:
        """Take the oldest."""

    def empty(self) -> bool:
        """Whether nothing waits."""


def make_steps_together(
    work: TrainStep, *, processes: int, report: Callable[[Report], None], clock: Clock, guard: Guard
) -> None:
    """Train to the last step in several processes.

    Raises:
        StepError: What one of them said.
        ChildFailedError: One of them ended without a word.
    """
    channel: Channel = SpawnContext().SimpleQueue()
    said: list[Failed] = []
    ended = threading.Event()
    listener = threading.Thread(target=_listen, args=(channel, report, said, ended), daemon=True)
    listener.start()
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=work.job.id,
        rdzv_backend="c10d",
        rdzv_endpoint="127.0.0.1:0",
        max_restarts=0,
        monitor_interval=_LISTEN_S,
        start_method="spawn",
    )
    try:
        elastic_launch(config, _member)(msgspec.json.encode(work), processes, channel, clock, guard, os.getpid())
    except ChildFailedError:
        ended.set()
        listener.join(_LAST_WORDS_S)
        if not said:
            raise
        raise StepError(said[0].message, reason=said[0].code, path=said[0].path, hint=said[0].hint) from None
    ended.set()
    listener.join(_LAST_WORDS_S)


def _listen(channel: Channel, report: Callable[[Report], None], said: list[Failed], ended: threading.Event) -> None:
    while not (ended.is_set() and channel.empty()):
        if channel.empty():
            ended.wait(_LISTEN_S)
            continue
        one = channel.get()
        if isinstance(one, Failed):
            said.append(one)
        else:
            report(one)


def _member(encoded: bytes, processes: int, channel: Channel, clock: Clock, guard: Guard, parent: int) -> None:
    """Be one of the processes."""
    guard(parent)
    work = msgspec.json.decode(encoded, type=TrainStep)

    def report(one: Report) -> None:
        if torch.distributed.is_initialized() and torch.distributed.get_rank() == 0:
            channel.put(one)

    try:
        ground = lay_ground(work, report=report, clock=clock, processes=processes)
        with explained(ground.recipe, phase="training"):
            make_steps(ground)
    except StepError as error:
        channel.put(Failed(error.reason, error.message, hint=error.hint or "", path=error.path))
        raise
