"""The CLI's calls over HTTP: which trust and which socket each takes; the client itself is `hortus.transport`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from hortus.app.clock import SystemClock
from hortus.base.errors import HortusError
from hortus.canon.errors import HostUnavailable
from hortus.cli import talk
from hortus.cli.place import Installation, is_alive
from hortus.gateway.ports import Body
from hortus.snapshot.model import Timeouts
from hortus.transport.client import Client, Fetched
from hortus.transport.settings import TransportSettings

_PATIENCE = Timeouts(connect_s=5.0, first_byte_s=120.0, idle_s=120.0, total_s=600.0)
_GLANCE = Timeouts(connect_s=2.0, first_byte_s=5.0, idle_s=5.0, total_s=5.0)

_READY_WITHIN_S = 5.0
_BACK_WITHIN_S = 20.0
"""How long `hortus up` may take to start its control process again."""

_ASK_AGAIN_EVERY_S = 0.1


class UnreachableError(HortusError):
    """Nobody answers at an address that should be Hortus.

    Attributes:
        was_asked: Whether the request may have arrived all the same.
    """

    code = "unreachable"

    def __init__(self, message: str, *, path: str, was_asked: bool) -> None:
        super().__init__(message, path=path, hint="`hortus doctor` looks at what is wrong.")
        self.was_asked = was_asked


def call_admin(
    installation: Installation, method: str, path: str, *, headers: dict[str, str], body: Body = b""
) -> Fetched:
    """Send one request to the admin API: over its socket on this machine, else over its port.

    A control process that is being started again is waited for; what it may have heard already is not said twice.

    Raises:
        UnreachableError: Nobody answers there.
    """
    clock = SystemClock()
    deadline_s = clock.monotonic_s() + _BACK_WITHIN_S
    while True:
        try:
            return _call_admin_once(installation, method, path, headers=headers, body=body)
        except UnreachableError as error:
            may_ask_again = method == "GET" or not error.was_asked
            comes_back = installation.pid is not None and is_alive(installation.pid)
            if not (may_ask_again and comes_back) or clock.monotonic_s() > deadline_s:
                raise
        time.sleep(_ASK_AGAIN_EVERY_S)


def _call_admin_once(
    installation: Installation, method: str, path: str, *, headers: dict[str, str], body: Body
) -> Fetched:
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
        async with Client(TransportSettings(ca_bundle=ca_bundle), may_be_private=True) as client:
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
    body: Body = b"",
    timeouts: Timeouts = _PATIENCE,
) -> Fetched:
    async def run() -> Fetched:
        async with Client(settings, timeouts=timeouts, may_be_private=True) as client:
            return await client.fetch(url, method, headers=headers, body=body)

    try:
        return asyncio.run(run())
    except HortusError as error:
        was_asked = not isinstance(error, HostUnavailable) or error.may_have_cost
        raise UnreachableError(error.message.rstrip(".") + ".", path=url, was_asked=was_asked) from error
