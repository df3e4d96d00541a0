"""The CLI's calls over HTTP: which trust and which socket each takes; the client itself is `hortus.transport`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from hortus.app.clock import SystemClock
from hortus.base.errors import HortusError
from hortus.cli import talk
from hortus.snapshot.model import Timeouts
from hortus.transport.client import Client, Fetched
from hortus.transport.settings import TransportSettings

if TYPE_CHECKING:
    from hortus.cli.place import Installation

_PATIENCE = Timeouts(connect_s=5.0, first_byte_s=120.0, idle_s=120.0, total_s=600.0)
_GLANCE = Timeouts(connect_s=2.0, first_byte_s=5.0, idle_s=5.0, total_s=5.0)

_READY_WITHIN_S = 5.0
_ASK_AGAIN_EVERY_S = 0.1


class UnreachableError(HortusError):
    """Nobody answers at an address that should be Hortus."""

    code = "unreachable"


def call_admin(
    installation: Installation, method: str, path: str, *, headers: dict[str, str], body: bytes = b""
) -> Fetched:
    """Send one request to the admin API: over its socket on this machine, else over its port.

    Raises:
        UnreachableError: Nobody answers there.
    """
    home = installation.home
    socket = str(home.control_socket) if home is not None and home.control_socket.exists() else None
    settings = TransportSettings(ca_bundle=installation.ca_bundle, unix_socket=socket)
    base = "http://localhost" if socket else installation.admin
    return _fetch(f"{base}{path}", method, settings=settings, headers=headers, body=body)


def ask_status(url: str, *, ca_bundle: str | None = None) -> int:
    """Return the HTTP status of an address, within seconds.

    Raises:
        UnreachableError: Nobody answers there.
    """
    return _fetch(url, "GET", settings=TransportSettings(ca_bundle=ca_bundle), timeouts=_GLANCE).status


def ask_door(
    question: talk.Question,
    key: str,
    *,
    ca_bundle: str | None = None,
    on_text: Callable[[str], None] = lambda _: None,
) -> talk.Heard:
    """Ask the door and return the answer; asks again for a moment while the door is not ready. Raises as `talk.ask`."""

    async def run() -> talk.Heard:
        clock = SystemClock()
        deadline_s = clock.monotonic_s() + _READY_WITHIN_S
        async with Client(TransportSettings(ca_bundle=ca_bundle)) as client:
            while True:
                try:
                    return await talk.ask(question, key, client=client, on_text=on_text)
                except talk.RefusalError as error:
                    if not error.is_passing or clock.monotonic_s() > deadline_s:
                        raise
                await asyncio.sleep(_ASK_AGAIN_EVERY_S)

    return asyncio.run(run())


def _fetch(
    url: str,
    method: str,
    *,
    settings: TransportSettings,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    timeouts: Timeouts = _PATIENCE,
) -> Fetched:
    async def run() -> Fetched:
        async with Client(settings, timeouts=timeouts) as client:
            return await client.fetch(url, method, headers=headers, body=body)

    try:
        return asyncio.run(run())
    except HortusError as error:
        raise UnreachableError(
            error.message.rstrip(".") + ".", path=url, hint="`hortus doctor` looks at what is wrong."
        ) from error
