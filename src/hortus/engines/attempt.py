"""One start of one engine: check, admit, spawn, watch, end. Says how it ended, never retries."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path

import msgspec

from hortus.base.time import Clock
from hortus.engines.asking import ask
from hortus.engines.draining import DRAIN_S, GRACE_S
from hortus.engines.driver import Broken, Driver, Opening, Ready, Report
from hortus.engines.drivers import driver_for
from hortus.engines.errors import EngineError, MemoryShortError
from hortus.engines.health import PROBE_INTERVAL_S, PROBE_TIMEOUT_S, Pulse, probe
from hortus.engines.logs import bound_log, log_file, tail_of
from hortus.engines.memory import admit
from hortus.engines.process import STOP_PATIENCE_S, EngineProcess
from hortus.engines.sources import model_file, with_defaults
from hortus.snapshot.model import Deployment

_log = logging.getLogger("hortus.engines")

START_TIMEOUT_S = 900.0
"""Reading tens of gigabytes from a slow disk takes minutes."""


class Ground(msgspec.Struct, frozen=True):
    """What engines stand on.

    Attributes:
        addresses: Folder of the address files.
        logs: Folder of the logs.
        available_bytes: Memory that a new process may take now.
        environment: Added to an engine's bare environment.
        grace_s: How long an engine that was replaced is left alone.
        drain_s: How long it may then still work.
    """

    addresses: Path
    logs: Path
    clock: Clock
    make_key: Callable[[], str]
    available_bytes: Callable[[], int]
    environment: Mapping[str, str] = {}
    grace_s: float = GRACE_S
    drain_s: float = DRAIN_S


class Ending(msgspec.Struct, frozen=True):
    """How an attempt ended.

    Attributes:
        is_fatal: Trying again unchanged is useless.
        is_short_of_memory: Trying again soon is useless.
        ready_for_s: How long it had served.
        lacking_bytes: Memory that was missing.
    """

    message: str
    is_fatal: bool = False
    is_short_of_memory: bool = False
    ready_for_s: float = 0.0
    lacking_bytes: int = 0


class Attempt:
    """One start of one engine; `run` is its whole life and may be cancelled at any time."""

    def __init__(
        self, deployment: Deployment, *, ground: Ground, reserved_bytes: Callable[[], int], port: int, key: str
    ) -> None:
        self._deployment = with_defaults(deployment)
        self._ground = ground
        self._reserved_bytes = reserved_bytes
        self._wished_port = port
        self._key = key
        self._process: EngineProcess | None = None
        self._ready_at_s: float | None = None
        self._needed_bytes = 0
        self._driver: Driver | None = None
        self.base_url = ""
        self.port = port
        self.load_s: float | None = None
        self.warm_s: float | None = None

    @property
    def reserved_bytes(self) -> int:
        """Memory that it was admitted with and has not taken yet."""
        return self._needed_bytes if self._ready_at_s is None else 0

    @property
    def is_ready(self) -> bool:
        """Whether it serves."""
        return self._ready_at_s is not None

    @property
    def pid(self) -> int | None:
        """Process id once it has one."""
        return self._process.pid if self._process else None

    def memory_bytes(self) -> int | None:
        """Return its resident memory."""
        return self._process.memory_bytes() if self._process else None

    def own_bytes(self) -> int:
        """Return the memory that its end would free."""
        return self._process.own_bytes() if self._process else 0

    async def run(self, *, on_ready: Callable[[], None]) -> Ending:
        """Live until the engine ends, hangs or cannot start; on cancellation end it."""
        try:
            return await self._run(on_ready)
        except MemoryShortError as error:
            return Ending(str(error), is_short_of_memory=True, lacking_bytes=error.lacking_bytes)
        except EngineError as error:
            return Ending(str(error), is_fatal=error.is_fatal)
        except OSError as error:
            return Ending(f"the engine's process could not be started: {error}.")

    async def _run(self, on_ready: Callable[[], None]) -> Ending:
        name = self._deployment.name
        driver, model = driver_for(self._deployment), model_file(self._deployment)
        self._driver = driver
        needs = await asyncio.to_thread(driver.check, self._deployment, model)
        for note in needs.notes:
            _log.info("deployment adapted", extra={"deployment": name, "note": note})
        admit(needs.memory_bytes, available=self._ground.available_bytes(), reserved=self._reserved_bytes(), name=name)
        self._needed_bytes = needs.memory_bytes
        log = log_file(self._ground.logs, name)
        bound_log(log)
        log_start = log.stat().st_size if log.exists() else 0
        opening = Opening(self._deployment, model_path=str(model), port=self._wished_port, key=self._key)
        process = self._process = await EngineProcess.spawn(
            opening, module=driver.child_module, log=log, environment={**self._ground.environment, **driver.environment}
        )
        patience_s = STOP_PATIENCE_S
        try:
            report = await _first_report(process)
            if not isinstance(report, Ready):
                code = await process.end()
                return _failed_start(report, driver.explain(tail_of(log, since=log_start)), code=code)
            self.port, self.load_s = report.port, report.load_s
            self.warm_s = await self._warm_up(driver)
            if self.warm_s is None:
                code = await process.end()
                unanswered = Broken("it did not answer its first request", is_fatal=False)
                return _failed_start(unanswered, driver.explain(tail_of(log, since=log_start)), code=code)
            self._note_ready(driver)
            on_ready()
            ending = await self._watch(process, health_path=driver.health_path, log=log)
            patience_s = 0.0
            return ending
        finally:
            await process.end(patience_s=patience_s)

    async def count_running(self) -> int | None:
        """Return the requests that the engine works on, None where it does not say."""
        if self._driver is None or not self._driver.running:
            return None
        answer = await ask(self.port, "/metrics", key=self._key, timeout_s=PROBE_TIMEOUT_S)
        return sum_of(self._driver.running, answer.body) if answer is not None else None

    async def _warm_up(self, driver: Driver) -> float | None:
        """Have a tiny request answered, so that no client pays for a cold start; return how long that took."""
        begin_s = self._ground.clock.monotonic_s()
        body = driver.warm_up(self._deployment)
        answer = await ask(
            self.port, f"{driver.api_path}/chat/completions", key=self._key, body=body, timeout_s=START_TIMEOUT_S
        )
        if answer is None:
            return None
        if answer.status != HTTPStatus.OK:
            extra = {"deployment": self._deployment.name, "status": answer.status}
            _log.warning("engine refused its first request", extra=extra)
        return round(self._ground.clock.monotonic_s() - begin_s, 3)

    def _note_ready(self, driver: Driver) -> None:
        self._ready_at_s = self._ground.clock.monotonic_s()
        self.base_url = f"http://127.0.0.1:{self.port}{driver.api_path}"
        _log.info(
            "engine ready",
            extra={
                "deployment": self._deployment.name,
                "pid": self.pid,
                "port": self.port,
                "load_s": self.load_s,
                "warm_s": self.warm_s,
            },
        )

    async def _watch(self, process: EngineProcess, *, health_path: str, log: Path) -> Ending:
        now_s = self._ground.clock.monotonic_s
        started_s = now_s()
        pulse = Pulse.first(started_s, cpu_s=process.cpu_s() or 0.0)
        ended = asyncio.create_task(process.ended(), name=f"end of engine {self._deployment.name}")
        try:
            while not (await asyncio.wait({ended}, timeout=PROBE_INTERVAL_S))[0]:
                bound_log(log)
                answered = await probe(self.port, path=health_path)
                pulse = pulse.after_probe(answered=answered, cpu_s=process.cpu_s() or 0.0, now_s=now_s())
                if pulse.is_hung():
                    return Ending("the engine no longer answered and was killed.", ready_for_s=now_s() - started_s)
            return Ending(f"the engine {_describe_end(ended.result())}.", ready_for_s=now_s() - started_s)
        finally:
            ended.cancel()


def sum_of(names: tuple[str, ...], metrics: bytes) -> int | None:
    r"""Return the sum of some figures of Prometheus' text format, None where one of them is not there.

    >>> sum_of(("a", "b"), b'# TYPE a gauge\na{slot="1"} 2\na{slot="2"} 1.0\nb 0\n')
    3
    """
    found: dict[str, float] = {}
    for line in metrics.decode("utf-8", "replace").splitlines():
        name, _, value = line.rpartition(" ")
        bare = name.partition("{")[0]
        if bare in names:
            found[bare] = found.get(bare, 0.0) + float(value)
    return int(sum(found.values())) if found.keys() == set(names) else None


async def _first_report(process: EngineProcess) -> Report | None:
    try:
        return await asyncio.wait_for(process.report(), START_TIMEOUT_S)
    except TimeoutError:
        return Broken(f"it was not ready within {START_TIMEOUT_S:.0f} s", is_fatal=False)


def _failed_start(report: Report | None, explained: Broken | None, *, code: int) -> Ending:
    told = report if isinstance(report, Broken) else None
    if told is not None and told.is_fatal:
        cause = told
    else:
        cause = explained or told or Broken(f"it {_describe_end(code)}", is_fatal=False)
    return Ending(f"the engine could not start: {cause.reason.rstrip('.')}.", is_fatal=cause.is_fatal)


def _describe_end(code: int) -> str:
    """Return an exit status in words.

    >>> _describe_end(3), _describe_end(-15)
    ('ended with status 3', 'was ended by SIGTERM')
    """
    if code >= 0:
        return f"ended with status {code}"
    if code == -signal.SIGKILL:
        return "was killed (SIGKILL: by hand, or because memory ran out)"
    return f"was ended by {signal.Signals(-code).name}"
