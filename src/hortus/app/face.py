"""The workshop's face in the control process: its loopback port, its key, and the file that tells the gateway."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from pathlib import Path

from starlette.types import ASGIApp

from hortus.app.clock import random_bytes
from hortus.base.time import Clock
from hortus.control.plane import Plane
from hortus.control.workshop.face import BASE, build_face
from hortus.control.workshop.opening import workshop_of
from hortus.engines.addresses import EngineAddress, read_address, remove_address, write_address
from hortus.snapshot.model import WORKSHOP

_KEY_BYTES = 24
_BACKLOG = 128
_LOOK_EVERY_S = 0.5

_log = logging.getLogger("hortus.control")


class Face:
    """The listening port and what the gateway must know of it.

    Args:
        plane: What is behind it.
        engines: Folder of the addresses.
        clock: Tells since when.
    """

    def __init__(self, plane: Plane, engines: Path, *, clock: Clock) -> None:
        key = random_bytes(_KEY_BYTES).hex()
        workshop = workshop_of(plane)
        if left := workshop.sweep():
            _log.info("files that were cut off are removed", extra={"count": left})
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        self.listener.setblocking(False)  # noqa: FBT003 -- the standard library's signature
        self.app: ASGIApp = build_face(workshop, key=key, clock=clock, entropy=plane.ports.entropy)
        self._engines = engines
        self._address = EngineAddress(
            name=WORKSHOP,
            state="ready",
            base_url=f"http://127.0.0.1:{self.listener.getsockname()[1]}{BASE}",
            key=key,
            pid=os.getpid(),
            since_ms=clock.now_ms(),
        )

    def tell(self) -> None:
        """Write the address down where it is not: a supervisor may have begun anew. Raises OSError."""
        if read_address(self._engines, WORKSHOP) != self._address:
            write_address(self._engines, self._address)

    async def keep_telling(self) -> None:
        """See to it that the address stays written down for as long as this process lives."""
        while True:
            try:
                await asyncio.to_thread(self.tell)
            except OSError as error:
                _log.error("cannot write down where the workshop is", extra={"reason": str(error)})
            await asyncio.sleep(_LOOK_EVERY_S)

    def close(self) -> None:
        """Take the address back."""
        if read_address(self._engines, WORKSHOP) == self._address:
            remove_address(self._engines, WORKSHOP)
        self.listener.close()
