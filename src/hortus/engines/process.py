"""One engine's process: started in its own group, heard through a pipe, ended with everything it started.

The child dies with this process (parent-death signal), so `spawn` must be called on the main thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import msgspec

import hortus
from hortus.engines.driver import Opening, Report
from hortus.engines.logs import open_log

_PACKAGE_ROOT = str(Path(hortus.__file__).resolve().parent.parent)

STOP_PATIENCE_S = 3.0
"""Between SIGTERM and SIGKILL. An engine has nothing to save."""

_LONGEST_REPORT = 64 * 1024


class EngineProcess:
    """A running engine. `spawn` makes it, `end` must be awaited whatever happens."""

    def __init__(
        self, process: subprocess.Popen[bytes], reports: asyncio.StreamReader, pipe: asyncio.ReadTransport
    ) -> None:
        self._process = process
        self._reports = reports
        self._pipe = pipe

    @classmethod
    async def spawn(
        cls, opening: Opening, *, module: str, log: Path, environment: Mapping[str, str] | None = None
    ) -> EngineProcess:
        """Start an engine; its output goes to `log`.

        Args:
            opening: What the child gets to know.
            module: The driver's child module.
            log: Appended to.
            environment: Added to a bare one; nothing is inherited, for ours may hold credentials.

        Raises:
            OSError: The log or the process cannot be made.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("engines are started from the main thread: the parent-death signal follows the thread.")
        reading, writing = os.pipe()
        try:
            process = _popen(opening, module=module, log=log, reporting=writing, environment=environment or {})
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        _tell(process, msgspec.json.encode(opening))
        reports = asyncio.StreamReader(limit=_LONGEST_REPORT)
        pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reports), os.fdopen(reading, "rb", buffering=0)
        )
        return cls(process, reports, pipe)

    @property
    def pid(self) -> int:
        """Process id, also the id of its group."""
        return self._process.pid

    async def report(self) -> Report | None:
        """Wait for the child's line; None when it ended without one."""
        try:
            line = await self._reports.readline()
            return msgspec.json.decode(line, type=Report) if line.endswith(b"\n") else None
        except (ValueError, msgspec.DecodeError):
            return None

    async def ended(self) -> int:
        """Wait until the process has ended (its end of the pipe closes) and return its exit status."""
        while await self._reports.read(_LONGEST_REPORT):
            pass
        return await self._reap()

    async def _reap(self) -> int:
        while (code := self._process.poll()) is None:  # noqa: ASYNC110 - the kernel sets no event of ours
            await asyncio.sleep(0.005)  # the pipe closes a moment before the kernel has the status ready
        return code

    def cpu_s(self) -> float | None:
        """Return the processor time used so far, None when the process is gone."""
        with contextlib.suppress(OSError, IndexError):
            fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime, stime of proc(5)
        return None

    def memory_bytes(self) -> int | None:
        """Return the resident memory, None when the process is gone."""
        with contextlib.suppress(OSError, IndexError):
            pages = int(Path(f"/proc/{self.pid}/statm").read_text("ascii").split()[1])
            return pages * os.sysconf("SC_PAGE_SIZE")
        return None

    def own_bytes(self) -> int:
        """Return the memory that is free again when the process has ended: what it shares with files is so already."""
        with contextlib.suppress(OSError, IndexError):
            pages = [int(one) for one in Path(f"/proc/{self.pid}/statm").read_text("ascii").split()[1:3]]
            return (pages[0] - pages[1]) * os.sysconf("SC_PAGE_SIZE")
        return 0

    async def end(self, *, patience_s: float = STOP_PATIENCE_S) -> int:
        """End the process and its group: SIGTERM, patience, SIGKILL. Returns the exit status."""
        self._signal(signal.SIGTERM)
        try:
            code = await asyncio.wait_for(self._reap(), patience_s)
        except TimeoutError:
            self._signal(signal.SIGKILL)
            code = await self._reap()
        finally:
            self._signal(signal.SIGKILL)
            self._pipe.close()
        return code

    def _signal(self, number: int) -> None:
        """Signal the group; its id stays ours until the leader is reaped, later only while members live."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def _popen(
    opening: Opening, *, module: str, log: Path, reporting: int, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    arguments = ["--parent", str(os.getpid()), "--reporting", str(reporting), "--name", opening.deployment.name]
    bare = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": _PACKAGE_ROOT}
    with open_log(log) as output:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module; the name is data after --name
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env={**bare, **environment},
            cwd="/",
            pass_fds=(reporting,),
            process_group=0,
        )


def _tell(process: subprocess.Popen[bytes], text: bytes) -> None:
    """Write the opening; it fits into a pipe's buffer, so this never waits."""
    if process.stdin is None:
        raise RuntimeError("the child was started without a pipe to its standard input.")
    with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
        pipe.write(text)
