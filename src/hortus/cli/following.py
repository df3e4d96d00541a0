"""Following a job: a bar for each phase and the curve of its loss on a terminal, else a line for each event."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.text import Text

from hortus.cli.jobcalls import WorkshopAdmin
from hortus.cli.jobreplies import Event, Job
from hortus.cli.screen import disarm, note
from hortus.jobs.curves import curves_of, terminal
from hortus.jobs.reports import Metric

_LOOK_EVERY_S = 0.5
_CURVE_WIDTH, _CURVE_HEIGHT = 78, 12
_FEWEST_POINTS = 2
_LINES_OF_METRICS = 20
"""Where nobody watches, so many of a run's steps are written at most."""

PHASES: Final = {
    "check": "Checking the examples",
    "train": "Training",
    "serve": "Starting the engines",
    "evaluate": "Asking base and product",
    "promote": "Serving the product",
    "host": "Trained by the host",
}

OnLook = Callable[[Job, list[Event]], None]


def follow(admin: WorkshopAdmin, job_id: str) -> Job:
    """Show how a job goes until it is over, on standard error; return how it ended. Raises as `Admin`.

    Raises:
        KeyboardInterrupt: Somebody pressed Ctrl-C.
    """
    with interrupts() as is_interrupted, _view() as on_look:
        seen = 0
        while True:
            if is_interrupted():
                raise KeyboardInterrupt
            job = admin.job(job_id)
            events = admin.events(job_id, newer_than=seen)
            seen = events[-1].number if events else seen
            on_look(job, [one for one in events if one.level != "error"])  # these are told at the end, as a table
            if job.is_over:
                return job
            time.sleep(_LOOK_EVERY_S)


def metrics_of(events: list[Event]) -> list[Metric]:
    """Return the figures of steps among events."""
    return [msgspec.json.decode(one.data, type=Metric) for one in events if one.kind == "metrics"]


def say_figures(metric: Metric) -> str:
    """Return a step's figures for people.

    >>> say_figures(Metric(step=3, steps=9, loss=0.5, learning_rate=0.001, tokens_per_s=5470.0))
    'step 3 of 9 · loss 0.5000 · 5,470 tokens/s'
    """
    parts = [f"step {metric.step} of {metric.steps}", f"loss {metric.loss:.4f}"]
    if metric.held_out_loss is not None:
        parts.append(f"held out {metric.held_out_loss:.4f}")
    if metric.tokens_per_s is not None:
        parts.append(f"{metric.tokens_per_s:,.0f} tokens/s")
    if metric.memory_bytes is not None:
        parts.append(f"{metric.memory_bytes / (1 << 20):,.0f} MiB")
    if metric.energy_j is not None:
        parts.append(f"{metric.energy_j:,.0f} J")
    return " · ".join(parts)


@contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Remember Ctrl-C: where it falls into a destructor, Python drops the exception and goes on."""
    is_pressed = False

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal is_pressed
        is_pressed = True
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield lambda: is_pressed
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _view() -> Iterator[OnLook]:
    if not sys.stderr.isatty():
        yield _Lines().look
        return
    console = Console(stderr=True)
    screen = _Screen(console)
    with Live(screen, console=console, refresh_per_second=4) as live:

        def look(job: Job, events: list[Event]) -> None:
            screen.look(job, events)
            live.refresh()

        yield look


class _Lines:
    """One line for each event; of steps only some."""

    def look(self, _job: Job, events: list[Event]) -> None:
        for event in events:
            if event.kind != "metrics" or self._is_shown(event):
                note(escape(disarm(event.message)))

    @staticmethod
    def _is_shown(event: Event) -> bool:
        metric = msgspec.json.decode(event.data, type=Metric)
        return metric.step == metric.steps or metric.step % max(1, metric.steps // _LINES_OF_METRICS) == 0


class _Screen:
    """Bars, curve and figures of a job, drawn anew at each look."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bars = Bars(*columns, console=console, auto_refresh=False)
        self._tasks: dict[str, TaskID] = {}
        self._metrics: list[Metric] = []

    def __rich__(self) -> Group:
        """Return what is shown now."""
        parts: list[Bars | Text] = [self._bars]
        if len(self._metrics) >= _FEWEST_POINTS:
            width = min(_CURVE_WIDTH, self._console.width - 1)
            curve = "\n".join(terminal(curves_of(self._metrics), width=width, height=_CURVE_HEIGHT))
            parts.append(Text(curve, no_wrap=True))
        if self._metrics:
            parts.append(Text(say_figures(self._metrics[-1]), style="dim"))
        return Group(*parts)

    def look(self, job: Job, events: list[Event]) -> None:
        self._metrics.extend(metrics_of(events))
        for event in events:
            if event.kind == "message":
                style = "[yellow]" if event.level == "warn" else "[dim]"
                self._console.print(f"{style}{escape(disarm(event.message))}[/]", highlight=False)
        label = PHASES.get(job.phase)
        if label is not None:
            self._show_phase(label, job)
        elif job.state == "succeeded":
            for task in self._tasks.values():
                self._end(task)

    def _show_phase(self, label: str, job: Job) -> None:
        name, done, total = "starting", 0, None
        if job.progress is not None:
            name, done, total = job.progress.phase, job.progress.done, job.progress.total or None
        text = f"{label}: {name}" if name != job.phase else label
        if text not in self._tasks:
            for task in self._tasks.values():
                self._end(task)
            self._tasks[text] = self._bars.add_task(text, total=total)
        self._bars.update(self._tasks[text], completed=done, total=total)

    def _end(self, task: TaskID) -> None:
        total = self._bars.tasks[self._bars.task_ids.index(task)].total or 1
        self._bars.update(task, completed=total, total=total)
