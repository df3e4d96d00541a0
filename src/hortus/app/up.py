"""`hortus up`: prepares the ground, opens the sockets, starts the children and stops them in order."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import msgspec

import hortus
from hortus.app.children import Child, ChildSpec
from hortus.app.clock import SystemClock
from hortus.app.context import hand_settings
from hortus.app.ground import listen, lock_home, prepare_home, require_control, sweep_home, url_of, write_private
from hortus.app.home import Home
from hortus.app.secrets import ensure_admin_token, ensure_secret
from hortus.app.settings import Loaded
from hortus.base.errors import ConfigurationError, InstallationError
from hortus.base.time import Clock

_START_WITHIN_S = 60.0
_RESTARTS_AT_START = 4
"""A child that ended more often before everything was ready will not do better."""

_POLL_S = 0.02
_ASK_WITHIN_S = 2.0
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- text of addresses, nothing is bound


class Steps(Protocol):
    """Where progress is shown."""

    def step(self, text: str) -> None:
        """Something has begun."""
        ...

    def warn(self, text: str) -> None:
        """Something needs attention."""
        ...


class Running(msgspec.Struct, frozen=True):
    """A Hortus that is up.

    Attributes:
        new_admin_token: Set when this start made it; shown once.
    """

    home: Home
    door_url: str
    admin_url: str
    admin_token: str
    new_admin_token: str | None


class Addresses(msgspec.Struct, frozen=True):
    """Contents of `run/hortus.json`."""

    door: str
    admin: str
    pid: int
    version: str


async def serve(loaded: Loaded, *, steps: Steps, when_ready: Callable[[Running], Awaitable[bool]]) -> None:
    """Run Hortus until it is told to stop.

    Args:
        loaded: Resolved settings.
        steps: Where progress is shown.
        when_ready: Called once everything answers; returns False to stop at once.

    Raises:
        ConfigurationError: The certificate cannot be used.
        InstallationError: The ground is not fit, or a child says that it cannot run.
    """
    require_control()
    home = Home(loaded.home)
    check_certificate(loaded.settings.tls_cert, loaded.settings.tls_key)
    prepare_home(home)
    lock = lock_home(home)
    sweep_home(home)
    sockets = _open_sockets(loaded)
    try:
        ensure_secret(home)
        token, is_new = ensure_admin_token(home, given=loaded.environment.get("HORTUS_ADMIN_TOKEN"))
        hand_settings(home, loaded)
        is_tls = loaded.settings.tls_cert is not None
        running = Running(
            home=home,
            door_url=url_of(sockets[0], is_tls=is_tls),
            admin_url=url_of(sockets[1], is_tls=is_tls),
            admin_token=token,
            new_admin_token=token if is_new else None,
        )
        await _Garden(loaded, running, steps=steps, sockets=sockets).live(when_ready)
    finally:
        for listener in sockets:
            listener.close()
        home.addresses.unlink(missing_ok=True)
        os.close(lock)


def check_certificate(certificate: str | None, key: str | None) -> None:
    """Find out whether certificate and key can be used, before a child stumbles over them.

    Raises:
        ConfigurationError: A file cannot be read, or is not what it should be.
    """
    if certificate is None or key is None:
        return
    for setting, file in (("tls_cert", certificate), ("tls_key", key)):
        try:
            Path(file).read_bytes()
        except OSError as error:
            raise ConfigurationError(
                f"the file of {setting} cannot be read: {error.strerror}.", path=file, hint="Check name and rights."
            ) from error
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=_refuse_password)
    except (ssl.SSLError, ValueError) as error:
        raise ConfigurationError(
            f"certificate and key ({key}) cannot be used together.",
            path=certificate,
            hint="tls_cert takes the chain and tls_key its private key, both PEM, the key without a password.",
        ) from error


def _refuse_password() -> str:
    raise ValueError


def _open_sockets(loaded: Loaded) -> tuple[socket.socket, socket.socket]:
    settings = loaded.settings
    door = listen(settings.host, settings.port, purpose="door")
    try:
        return door, listen(settings.admin_host, settings.actual_admin_port, purpose="admin API")
    except InstallationError:
        door.close()
        raise


class _Garden:
    """The children of one `hortus up`."""

    def __init__(
        self, loaded: Loaded, running: Running, *, steps: Steps, sockets: tuple[socket.socket, socket.socket]
    ) -> None:
        self._running = running
        self._steps = steps
        self._clock: Clock = SystemClock()
        self._stop = asyncio.Event()
        self._fatal: str | None = None
        self._is_ready = False
        self._sockets = sockets
        self._is_tls = loaded.settings.tls_cert is not None
        environment = {
            **loaded.environment,
            "PROMETHEUS_MULTIPROC_DIR": str(running.home.metrics),
            "PYTHONUNBUFFERED": "1",
        }
        self._children = [
            Child(spec, environment=environment, clock=self._clock, on_restart=self._child_ended)
            for spec in child_specs(loaded, door=sockets[0].fileno(), admin=sockets[1].fileno())
        ]

    async def live(self, when_ready: Callable[[Running], Awaitable[bool]]) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        try:
            for child in self._children:
                await child.start()
            self._steps.step("starting")
            if not await self._becomes_ready():
                return
            self._announce()
            ready = asyncio.ensure_future(when_ready(self._running))
            stopped = asyncio.ensure_future(self._stop.wait())
            await asyncio.wait({ready, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                ready.cancel()
            elif ready.result():
                await stopped
            stopped.cancel()
        finally:
            await self._stop_children()

    def _child_ended(self, name: str, code: int) -> None:
        if self._is_ready:
            return
        restarts = next(child.restarts for child in self._children if child.spec.name == name)
        if code == 78 or restarts > _RESTARTS_AT_START:  # noqa: PLR2004 -- EXIT_UNFIT of __main__, which cannot be imported
            self._fatal = name

    async def _becomes_ready(self) -> bool:
        deadline_s = self._clock.monotonic_s() + _START_WITHIN_S
        for listener, url in zip(self._sockets, (self._running.door_url, self._running.admin_url), strict=True):
            while not await _is_ready(listener, is_tls=self._is_tls):
                if self._stop.is_set():
                    return False
                if self._fatal:
                    raise InstallationError(
                        f"{self._fatal} cannot run here; its own words are above.",
                        hint="`hortus doctor` may know more.",
                    )
                if self._clock.monotonic_s() > deadline_s:
                    raise InstallationError(
                        f"not ready after {_START_WITHIN_S:.0f} s.", path=url, hint="The log lines above say why."
                    )
                await asyncio.sleep(_POLL_S)
        self._is_ready = True
        return True

    def _announce(self) -> None:
        addresses = Addresses(
            door=self._running.door_url, admin=self._running.admin_url, pid=os.getpid(), version=hortus.__version__
        )
        write_private(self._running.home.addresses, msgspec.json.encode(addresses))

    async def _stop_children(self) -> None:
        """Workers finish their requests first; the ledger goes last, for it takes in what they wrote."""
        self._steps.step("stopping")
        for group in ("worker", "supervisor", "control", "ledger"):
            members = [child for child in self._children if child.spec.name.startswith(group)]
            await asyncio.gather(*(child.stop() for child in members))


async def _is_ready(listener: socket.socket, *, is_tls: bool) -> bool:
    """Ask one of our own sockets; the certificate is not judged, for its name is that of the public address."""
    context = ssl._create_unverified_context() if is_tls else None  # noqa: S323, SLF001 -- our own socket on this machine
    host, port = listener.getsockname()[:2]
    try:
        async with asyncio.timeout(_ASK_WITHIN_S):
            reader, writer = await asyncio.open_connection(_ANY_ADDRESS.get(host, host), port, ssl=context)
            try:
                writer.write(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


def child_specs(loaded: Loaded, *, door: int, admin: int) -> list[ChildSpec]:
    """Return the processes of this node in the order of their start.

    Args:
        door: Descriptor of the door's listening socket.
        admin: Descriptor of the admin API's.
    """
    settings = loaded.settings

    def spec(name: str, *sockets: int, stop_within_s: float = 10.0) -> ChildSpec:
        fixed = ("--name", name, "--home", str(loaded.home), "--parent", str(os.getpid()))
        inherited = tuple(text for number in sockets for text in ("--socket", str(number)))
        return ChildSpec(
            name=name,
            arguments=(name.split("-", maxsplit=1)[0], *fixed, *inherited),
            sockets=sockets,
            stop_within_s=stop_within_s,
        )

    drain_s = settings.drain_s + 5.0
    workers = [spec(f"worker-{number}", door, stop_within_s=drain_s) for number in range(1, settings.worker_count + 1)]
    return [spec("ledger"), spec("control", admin), spec("supervisor"), *workers]
