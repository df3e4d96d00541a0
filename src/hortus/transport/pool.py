"""Which connections are open, and which of them wait for work: the last one used is the first one taken."""

from __future__ import annotations

import asyncio

from hortus.transport.connection import Connection, PoolKey
from hortus.transport.settings import TransportSettings

_MARGIN_S = 1.0
"""A connection is given up this much before the host says that it will close it."""


class Pool:
    """The connections of one client; idle ones by key."""

    def __init__(self, settings: TransportSettings) -> None:
        self._settings = settings
        self._idle: dict[PoolKey, list[Connection]] = {}
        self._idle_count = 0
        self._open: set[Connection] = set()
        self._is_closed = False
        self._emptied: asyncio.Future[None] | None = None

    @property
    def idle_count(self) -> int:
        """Connections that wait for work."""
        return self._idle_count

    @property
    def open_count(self) -> int:
        """Connections that exist."""
        return len(self._open)

    def add(self, connection: Connection) -> None:
        """Know of a new connection."""
        if not connection.is_lost:
            self._open.add(connection)

    def take(self, key: PoolKey) -> Connection | None:
        """Return the connection that was used last, or None."""
        waiting = self._idle.get(key)
        while waiting:
            connection = waiting.pop()
            self._idle_count -= 1
            if not waiting:
                del self._idle[key]
            if connection.is_usable() and not connection.has_unasked():
                return connection
            connection.abort()
        return None

    def put(self, connection: Connection, *, keep_alive_s: float | None) -> None:
        """Keep a connection for the next request, or close it where none more is kept."""
        lifetime_s = self._settings.idle_lifetime_s
        if keep_alive_s is not None:
            lifetime_s = min(lifetime_s, keep_alive_s - _MARGIN_S)
        if self._is_closed or lifetime_s <= 0 or not connection.is_usable() or self._settings.max_idle_per_host < 1:
            connection.abort()
            return
        connection.idle_until_s = connection.loop.time() + lifetime_s
        waiting = self._idle.setdefault(connection.key, [])
        waiting.append(connection)
        self._idle_count += 1
        if len(waiting) > self._settings.max_idle_per_host:
            self._drop(waiting[0])
        elif self._idle_count > self._settings.max_idle:
            self._drop(min((each[0] for each in self._idle.values()), key=lambda oldest: oldest.idle_until_s))

    def forget(self, connection: Connection) -> None:
        """Hear that a connection is no more."""
        self._open.discard(connection)
        self._remove_idle(connection)
        if not self._open and self._emptied is not None and not self._emptied.done():
            self._emptied.set_result(None)

    def expire(self, now_s: float) -> None:
        """Close what has waited too long."""
        for waiting in list(self._idle.values()):
            for connection in [each for each in waiting if each.idle_until_s <= now_s]:
                self._drop(connection)

    async def close(self, timeout_s: float) -> None:
        """Cut every connection and wait until they are gone."""
        self._is_closed = True
        for connection in list(self._open):
            answer = connection.answer
            if answer is not None:
                answer.close()
            connection.abort()
        if self._open:
            self._emptied = asyncio.get_running_loop().create_future()
            await asyncio.wait({self._emptied}, timeout=timeout_s)

    def _drop(self, connection: Connection) -> None:
        self._remove_idle(connection)
        connection.abort()

    def _remove_idle(self, connection: Connection) -> None:
        waiting = self._idle.get(connection.key)
        if waiting is not None and connection in waiting:
            waiting.remove(connection)
            self._idle_count -= 1
            if not waiting:
                del self._idle[connection.key]
