"""The runner of jobs: carries out orders, one process for each step, and starts again what was killed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

import hortus
from hortus.base.time import Clock
from hortus.jobs.folders import JobFolder
from hortus.jobs.orders import read_orders
from hortus.jobs.reporting import Reporter, read_reports
from hortus.jobs.reports import Checkpoint, Done, Ended, Failed, Progress, Report
from hortus.jobs.running import MOST_CRASHES, End, Held, Start, plan
from hortus.jobs.steps import Step, StepWork, step_of

_PACKAGE_ROOT = str(Path(hortus.__file__).resolve().parent.parent)

_PATIENCE_S = 8.0
"""Between SIGTERM and SIGKILL: a trainer may write a checkpoint."""

_FIRST_RETRY_S = 0.5
_LONGEST_RETRY_S = 30.0

_FIXED = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_WAIT_POLICY": "PASSIVE",  # threads that wait for one another would keep the door from its processors
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # without it sums on a GPU come out differently each time
}
"""Steps fetch nothing, for what they load lies on this machine; and the same work gives the same result."""

_PASSED_ON = (
    "CUDA_VISIBLE_DEVICES",
    "COVERAGE_PROCESS_START",
    "COVERAGE_PROCESS_CONFIG",
    "LD_LIBRARY_PATH",
    "OMP_NUM_THREADS",
    "TZ",
)

_log = logging.getLogger("hortus.runner")


class _Entry:
    """One job's processes, one after another."""

    def __init__(self) -> None:
        self.step: Step | None = None
        self.work: StepWork | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.is_over = False
        self.crashes = 0
        self.runs = 0
        self.retry_at_s = 0.0
        self.kill_at_s: float | None = None
        self.reports = Path()
        self.seen = 0

    def held(self) -> Held:
        return Held(
            self.step,
            is_running=self.process is not None,
            is_ending=self.kill_at_s is not None,
            is_over=self.is_over,
            retry_at_s=self.retry_at_s,
            work=self.work,
        )


class Runner:
    """The jobs of one supervisor; for the task that calls `follow`, on the main thread: children follow it in death.

    Args:
        orders: Folder of the orders.
        clock: Tells the time.
        environment: This process's, of which a few variables are passed on.
    """

    def __init__(self, orders: Path, *, clock: Clock, environment: Mapping[str, str]) -> None:
        self._orders = orders
        self._clock = clock
        self._passed_on = {name: environment[name] for name in _PASSED_ON if name in environment}
        self._entries: dict[str, _Entry] = {}

    def follow(self) -> None:
        """Bring what runs one step nearer to what is ordered; never waits."""
        now_s = self._clock.monotonic_s()
        for job_id, entry in self._entries.items():
            self._look_at(job_id, entry, now_s=now_s)
        orders = read_orders(self._orders)
        held = {job_id: entry.held() for job_id, entry in self._entries.items()}
        for action in plan(orders, held, now_s=now_s):
            match action:
                case Start():
                    self._start(action.job_id, action.work)
                case End():
                    self._end(self._entries[action.job_id], now_s=now_s)
        for job_id in [one for one, entry in self._entries.items() if entry.process is None and one not in orders]:
            del self._entries[job_id]

    async def stop_all(self) -> None:
        """End every process: they go on from their checkpoints when this node comes back."""
        now_s = self._clock.monotonic_s()
        running = [entry for entry in self._entries.values() if entry.process is not None]
        for entry in running:
            self._end(entry, now_s=now_s)
        while any(entry.process is not None for entry in running):
            for job_id, entry in self._entries.items():
                self._look_at(job_id, entry, now_s=self._clock.monotonic_s())
            await asyncio.sleep(0.02)

    def _start(self, job_id: str, work: StepWork) -> None:
        step = step_of(work)
        entry = self._entries.setdefault(job_id, _Entry())
        folder = JobFolder(Path(work.folder))
        if entry.step != step:
            entry.step, entry.crashes, entry.runs, entry.is_over = step, 0, 0, False
            entry.reports, entry.seen = folder.reports(step), 0
        if self._news(entry):  # it ended while nobody looked
            entry.is_over = True
            return
        entry.runs += 1
        entry.work = work
        entry.kill_at_s = None
        entry.process = _spawn(job_id, work, log=folder.log(step), environment={**_FIXED, **self._passed_on})
        _log.info("step started", extra={"job": job_id, "step": step, "pid": entry.process.pid})

    def _look_at(self, job_id: str, entry: _Entry, *, now_s: float) -> None:
        """Notice that a process has ended; end at last what was told to and does not."""
        process = entry.process
        if process is None:
            return
        code = process.poll()
        if code is None:
            if entry.kill_at_s is not None and now_s >= entry.kill_at_s:
                _signal(process, signal.SIGKILL)
            return
        _signal(process, signal.SIGKILL)  # whatever it has left behind
        entry.process = None
        was_told, entry.kill_at_s = entry.kill_at_s is not None, None
        _log.info("step ended", extra={"job": job_id, "step": entry.step, "status": code})
        entry.is_over = self._news(entry)
        if not entry.is_over and not was_told:
            self._take_crash(job_id, entry, code=code, now_s=now_s)

    def _take_crash(self, job_id: str, entry: _Entry, *, code: int, now_s: float) -> None:
        """It neither said that it is done nor why it is not: try again, unless that has no point."""
        entry.crashes += 1
        entry.retry_at_s = now_s + min(_LONGEST_RETRY_S, _FIRST_RETRY_S * 2 ** (entry.crashes - 1))
        self._say(entry, Ended(code, run=entry.runs))
        if entry.crashes >= MOST_CRASHES:
            reason = "was killed, perhaps because memory ran out" if code == -signal.SIGKILL else f"ended with {code}"
            message = f"The step {entry.step} {reason}, {entry.crashes} times in a row."
            hint = f"Its log is `jobs/{job_id}/{entry.step}/log.txt` in HORTUS_HOME; a smaller batch_size needs less."
            self._say(entry, Failed("crashed", message, hint=hint))
            entry.is_over = True
            _log.error("step failed", extra={"job": job_id, "step": entry.step, "reason": message})

    def _news(self, entry: _Entry) -> bool:
        """Read what the step has said meanwhile; tell whether it is over. Getting further forgives crashes."""
        lines, entry.seen = read_reports(entry.reports, offset=entry.seen)
        if any(isinstance(line.report, Checkpoint | Progress) for line in lines):
            entry.crashes = 0
        return any(isinstance(line.report, Done | Failed) for line in lines)

    def _say(self, entry: _Entry, report: Report) -> None:
        reporter = Reporter(entry.reports, clock=self._clock)
        try:
            reporter.say(report)
        finally:
            reporter.close()

    @staticmethod
    def _end(entry: _Entry, *, now_s: float) -> None:
        if entry.process is not None and entry.kill_at_s is None:
            entry.kill_at_s = now_s + _PATIENCE_S
            _signal(entry.process, signal.SIGTERM)


def _spawn(job_id: str, work: StepWork, *, log: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    log.parent.mkdir(parents=True, exist_ok=True)
    home = log.parent.parent
    bare = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": _PACKAGE_ROOT, "HOME": str(home)}
    arguments = ["--parent", str(os.getpid()), "--name", f"{job_id}:{step_of(work)}"]
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        process = subprocess.Popen(  # noqa: S603 -- our own interpreter and module; the name is data after --name
            [sys.executable, "-P", "-m", "hortus.app.step", *arguments],
            stdin=subprocess.PIPE,
            stdout=descriptor,
            stderr=descriptor,
            env={**bare, **environment},
            cwd=home,
            process_group=0,
        )
    finally:
        os.close(descriptor)
    assert process.stdin is not None  # noqa: S101 -- asked for above
    with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
        pipe.write(msgspec.json.encode(work))
    return process


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    """Signal the process's group; its id stays ours until the leader is reaped, later only while members live."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
