"""One real worker process on loopback, with a ledger made for the test; receipts are read from its journal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from hortus.app.context import hand_settings
from hortus.app.ground import listen, prepare_home
from hortus.app.home import Home
from hortus.app.secrets import ensure_secret
from hortus.app.settings import load_settings
from hortus.base.secrets import digest_key
from hortus.catalog.pricerows import PriceRow
from hortus.receipts.records import Opened, Refused, Settled
from hortus.snapshot.grants import Grant
from hortus.snapshot.model import Candidate, Endpoint, Route, Snapshot, Spoken
from hortus.snapshot.writing import publish

KEY = "hortus_sk_" + "k" * 40
NARROW_KEY = "hortus_sk_" + "n" * 40
EXPIRED_KEY = "hortus_sk_" + "e" * 40


def wait_until(condition: Callable[[], Any], *, within_s: float = 15.0) -> Any:
    """Poll until `condition` returns something true, and return that."""
    deadline = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)
    return found


class FakeLedger:
    """Answers grants over a Unix socket from a dictionary, in a thread of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.grants: dict[str, Grant] = {}
        self.asked: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def _call(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def start(self) -> None:
        self._call(self._start())

    def stop(self) -> None:
        self._call(self._stop())

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def push_forget(self, digests: list[str] | str = "all") -> None:
        self._call(self._push(digests))

    async def _start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, str(self.path))

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
            self.path.unlink(missing_ok=True)
        for _ in range(3):  # a task that is cancelled before it began never closes the connection that it was given
            await asyncio.sleep(0)
        for writer in tuple(self._writers):
            writer.transport.abort()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:  # connections taken in at the last moment too
            for task in others:
                task.cancel()
            await asyncio.wait(others)
        for _ in range(3):  # closed transports let go of their sockets a step later
            await asyncio.sleep(0)

    async def _push(self, digests: list[str] | str) -> None:
        for writer in self._writers:
            writer.write(msgspec.json.encode({"forget": digests}) + b"\n")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                digest = msgspec.json.decode(line).get("digest")
                if digest is None:
                    continue  # about leases or claims: no test here has any
                self.asked.append(digest)
                grant = self.grants.get(digest)
                writer.write(msgspec.json.encode({"digest": digest, "grant": grant}) + b"\n")
        except (ConnectionError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()


class Workplace:
    """A home with one worker in it."""

    def __init__(self, root: Path, **settings: object) -> None:
        self.home = Home(root)
        prepare_home(self.home)
        self.secrets = ensure_secret(self.home)
        self.environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(self.home.metrics), "HOST_KEY": "sk-host"}
        loaded = load_settings(
            {"log_format": "json", "breaker_failures": 0, **settings},
            environment={"HORTUS_HOME": str(root)},
            directory=root,
        )
        hand_settings(self.home, loaded)
        self.ledger = FakeLedger(self.home.ledger_socket)
        for key, routes, expires in ((KEY, ("*",), None), (NARROW_KEY, ("plain",), None), (EXPIRED_KEY, ("*",), 1)):
            self.grant(key, routes, expires_at_ms=expires)
        self.ledger.start()
        self.log_path = root / "worker.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.socket: socket.socket | None = None
        self.snapshot = Snapshot(
            version=1, compiled_at_ms=1, organisation="test", endpoints={}, routes={}, deployments={}
        )

    def grant(self, key: str, routes: tuple[str, ...], **more: Any) -> None:
        fields = {"project_id": "prj_1", "project": "default", **more}
        self.ledger.grants[self.digest(key)] = Grant(key_id=f"key_{key[10]}", key_name="test", routes=routes, **fields)

    def digest(self, key: str) -> str:
        return digest_key(key, self.secrets.current)

    def add_route(self, name: str, *endpoints: Endpoint, strategy: str = "ordered") -> None:
        """Put a route and its endpoints into the snapshot to come."""
        candidates = tuple(Candidate(endpoint.name) for endpoint in endpoints)
        self.snapshot.endpoints.update({endpoint.name: endpoint for endpoint in endpoints})
        self.snapshot.routes[name] = Route(name=name, candidates=candidates, strategy=strategy)

    def publish(self) -> None:
        publish(self.snapshot, self.home.snapshot)

    def start(self) -> None:
        self.publish()
        self.socket = listen("127.0.0.1", 0, purpose="door")
        self.spawn()
        wait_until(lambda: self.is_ready() or self._process.poll() is not None)
        assert self._process.poll() is None, self.log_path.read_text()

    def spawn(self) -> None:
        number = self.socket.fileno()
        command = [sys.executable, "-m", "hortus.app", "worker", "--name", "worker-1", "--home", str(self.home.root)]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--parent", str(os.getpid()), "--socket", str(number)],
                pass_fds=[number],
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def url(self) -> str:
        host, port = self.socket.getsockname()
        return f"http://{host}:{port}"

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def is_ready(self) -> bool:
        return b"200 OK" in self.ask_raw(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")

    def ask_raw(self, request: bytes) -> bytes:
        """Send bytes, return everything that comes until the door closes."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
                connection.sendall(request)
                return b"".join(iter(lambda: connection.recv(65536), b""))
        except OSError:
            return b""

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(timeout=20)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self.ledger.close()
        if self.socket is not None:
            self.socket.close()

    def records(self) -> list[Opened | Settled | Refused]:
        """Everything in the journal, oldest first."""
        found = []
        decoder = msgspec.json.Decoder(Opened | Settled | Refused)
        for path in sorted(self.home.journal.glob("*.journal")):
            for line in path.read_bytes().split(b"\0", 1)[0].splitlines()[1:]:
                found.append(decoder.decode(line.split(b" ", 3)[3]))
        return found

    def records_of(self, receipt_id: str, *, count: int = 2) -> list[Any]:
        """Wait for that many records of a receipt; return them by attempt, each as it was opened and settled."""

        def find() -> list[Any] | None:
            mine = [one for one in self.records() if one.receipt_id == receipt_id]
            return sorted(mine, key=lambda one: getattr(one, "attempt", 0)) if len(mine) >= count else None

        return wait_until(find)

    def log_lines(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(line) for line in self.log_path.read_bytes().splitlines() if line.startswith(b"{")]


PRICE = PriceRow(
    id="test/1",
    currency="EUR",
    input_per_million="2.00",
    output_per_million="10.00",
    source="made up",
    as_of="2026-11-01",
)


OPENED: dict[str, dict[str, Any]] = {
    "anthropic_messages": {"auth": "x-api-key", "headers": {"anthropic-version": "2023-06-01"}},
    "gemini": {"auth": "x-goog-api-key"},
}
"""What a host wants beside the bearer that is usual."""


def endpoint(
    name: str, base_url: str, model: str, *, dialects: tuple[str, ...] = ("openai_chat",), **more: Any
) -> Endpoint:
    """Return an endpoint at a host of the test that speaks all dialects at one address."""
    fields: dict[str, Any] = {
        "operations": ("chat", "embeddings"),
        "credential": "env:HOST_KEY",
        "may_be_private": True,
        **more,
    }
    spoken = tuple(Spoken(dialect, base_url, **OPENED.get(dialect, {})) for dialect in dialects)
    return Endpoint(
        name=name, model="fake", maker="nobody", host="test", upstream_model=model, **{"spoken": spoken, **fields}
    )
