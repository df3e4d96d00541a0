"""A check of a dataset that is killed: `python killed_check.py WORK PHASE REPORT`, after so many reports of a phase."""

from __future__ import annotations

import os
import signal
import sys

import msgspec

from hortus.jobs.reports import Progress, Report
from hortus.jobs.steps import CheckStep
from hortus.tuning.checking import check


class Nobody:
    def kinds_in(self, _text: str) -> dict[str, int]:
        return {}


class Doom:
    """Counts reports down."""

    def __init__(self, phase: str, report: int) -> None:
        self._phase = phase
        self._left = report

    def say(self, report: Report) -> None:
        if isinstance(report, Progress) and report.phase == self._phase:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    work = msgspec.json.decode(sys.argv[1], type=CheckStep)
    check(work, report=Doom(sys.argv[2], int(sys.argv[3])).say, recognise=Nobody())
