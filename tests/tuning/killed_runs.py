"""Trains in processes of its own that are killed where they are told to: a program, run by test_killed_training.py.

Reads a JSON list of runs on standard input: work, file of reports, and where to be killed. Torch is imported once, each
run is a fork that computes alone. Prints the list of their exit statuses.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import msgspec
from torch.optim.optimizer import register_optimizer_step_pre_hook

from hortus.app.clock import SystemClock
from hortus.jobs.reporting import Reporter
from hortus.jobs.steps import TrainStep
from hortus.tuning.training import train


class Run(msgspec.Struct):
    """One process.

    Attributes:
        reports: Where its reports go.
        killed_in_step: Between gradient and update of this step, counted in this process.
        killed_at_file: When a file whose path has this end is opened for writing.
        killed_at_rename: When a path with this end gets its final name.
    """

    work: TrainStep
    reports: str
    killed_in_step: int = 0
    killed_at_file: str = ""
    killed_at_rename: str = ""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(run: Run) -> None:
    """Let this process be killed where the run says, by the kernel and without a last word."""
    if run.killed_in_step:
        left = iter(range(run.killed_in_step - 1, 0, -1))

        def before_update(*_: object) -> None:
            if next(left, None) is None:
                die()

        register_optimizer_step_pre_hook(before_update)

    def listen(event: str, arguments: tuple[object, ...]) -> None:
        opened = event == "open" and run.killed_at_file and "w" in str(arguments[1])
        if opened and str(arguments[0]).endswith(run.killed_at_file):
            die()
        if event == "os.rename" and run.killed_at_rename and str(arguments[1]).endswith(run.killed_at_rename):
            die()

    sys.addaudithook(listen)


def carry_out(run: Run) -> int:
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    arm(run)
    reporter = Reporter(Path(run.reports), clock=SystemClock())
    train(run.work, report=reporter.say, clock=SystemClock())
    os._exit(0)


def main() -> None:
    runs = msgspec.json.decode(sys.stdin.buffer.read(), type=list[Run])
    sys.stdout.buffer.write(msgspec.json.encode([carry_out(one) for one in runs]))


if __name__ == "__main__":
    main()
