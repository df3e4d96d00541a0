"""Hands out grants over the ledger's socket, and tells everybody to forget them when keys or projects change.

Newline-delimited JSON. Asked `{"ask":"grant","digest":HEX}`, answers `{"digest":HEX,"grant":{…}|null}`; in the place
of a key's digest may stand the access key id of its pair. Pushes `{"forget":"all"}` at any time. While the store cannot
be used, a grant that is not known here is not answered at all: null would say that the key is wrong. Other kinds of
`ask` go to other desks.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import msgspec

from hortus.base.errors import InstallationError
from hortus.ledger.desks import Client, Desk, InThread
from hortus.ledger.ports import GrantStore
from hortus.snapshot.grants import Grant

KNOWN_GRANTS = 100_000
"""Grants remembered for the time when the store cannot be used."""

_WATCH_EVERY_S = 0.1
_RETRY_S = (0.05, 2.0)  # first and longest wait for a store that cannot be used
_ASKS_AT_ONCE = 256  # of one client; the next ones wait in its socket
_LONGEST_LINE_BYTES = 64 * 1024
_LONGEST_PATH_BYTES = 107  # sun_path holds 108 with its end; man 7 unix
_BACKLOG = 128

_NO_DESKS: Mapping[str, Desk] = MappingProxyType({})
_log = logging.getLogger("hortus.ledger")


class _Kind(msgspec.Struct, frozen=True):
    ask: str


class Ask(msgspec.Struct, frozen=True):
    """What a client sends."""

    ask: Literal["grant"]
    digest: str


class Reply(msgspec.Struct, frozen=True):
    """The grant under a digest; None for an unknown or revoked key."""

    digest: str
    grant: Grant | None


class Forget(msgspec.Struct, frozen=True):
    """What a client must ask for again."""

    forget: Literal["all"] = "all"


class GrantServer:
    """Serves grants to the workers of this machine.

    Args:
        store: Where grants come from.
        in_thread: Runs its blocking calls.
        desks: Who takes other kinds of `ask`.
    """

    def __init__(self, store: GrantStore, in_thread: InThread, *, desks: Mapping[str, Desk] = _NO_DESKS) -> None:
        self._store = store
        self._in_thread = in_thread
        self._desks = desks
        self._announced: int | None = None
        self._known: OrderedDict[str, Grant] = OrderedDict()
        self._clients: set[Client] = set()
        self._kind_decoder = msgspec.json.Decoder(_Kind)
        self._ask_decoder = msgspec.json.Decoder(Ask)

    async def serve(self, path: Path) -> None:
        """Answer on a socket at `path`, which replaces what lies there, until cancelled.

        Raises:
            InstallationError: No socket can be made there.
        """
        server = await asyncio.start_unix_server(self._talk, sock=_bind(path), limit=_LONGEST_LINE_BYTES)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(server.serve_forever())
                group.create_task(self._watch())
                for desk in self._desks.values():
                    group.create_task(desk.run())
        finally:
            server.close()
            for client in tuple(self._clients):
                client.close()

    async def _watch(self) -> None:
        while True:
            version = await self._ask_store(self._store.access_version)
            if version != self._announced:
                self._announced = version
                self._known.clear()
                for client in tuple(self._clients):
                    client.send(Forget())
            await asyncio.sleep(_WATCH_EVERY_S)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Client(writer)
        self._clients.add(client)
        slots = asyncio.Semaphore(_ASKS_AT_ONCE)
        try:
            async with asyncio.TaskGroup() as group:
                while line := await reader.readline():
                    desk = self._desks.get(self._kind_decoder.decode(line).ask)
                    if desk is not None:
                        desk.hear(client, line)
                        continue
                    ask = self._ask_decoder.decode(line)
                    await slots.acquire()
                    answering = group.create_task(self._answer(ask.digest, client))
                    answering.add_done_callback(lambda _: slots.release())
                raise _Gone  # noqa: TRY301 -- ends the answers that are still being looked for
        except* (_Gone, ConnectionError):
            pass
        except* (msgspec.DecodeError, ValueError) as group_of_errors:
            _log.warning(
                "a client of the ledger's socket does not speak its language", extra={"why": str(group_of_errors)}
            )
        finally:
            self._clients.discard(client)
            for desk in self._desks.values():
                desk.leave(client)
            client.close()

    async def _answer(self, digest: str, client: Client) -> None:
        client.send(Reply(digest, await self._find(digest)))
        await client.drain()

    async def _find(self, digest: str) -> Grant | None:
        """Return a grant that is as fresh as what clients were last told to forget."""
        wait_s = _RETRY_S[0]
        while True:
            try:
                version, grant = await self._in_thread(
                    lambda: (self._store.access_version(), self._store.grant(digest))
                )
            except InstallationError:  # the transfer, which also needs the store, says so in the log
                if digest in self._known:
                    return self._known[digest]
            else:
                # Read before a change that was announced meanwhile: what it says may be over
                if self._announced is None or version >= self._announced:
                    self._remember(digest, grant)
                    return grant
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _RETRY_S[1])

    async def _ask_store(self, call: Callable[[], int]) -> int:
        wait_s = _RETRY_S[0]
        while True:
            with contextlib.suppress(InstallationError):
                return await self._in_thread(call)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _RETRY_S[1])

    def _remember(self, digest: str, grant: Grant | None) -> None:
        if grant is None:
            self._known.pop(digest, None)
            return
        self._known[digest] = grant
        self._known.move_to_end(digest)
        if len(self._known) > KNOWN_GRANTS:
            self._known.popitem(last=False)


class _Gone(Exception):  # noqa: N818 -- ends a conversation
    """The client has closed its end: what it still waits for is of no use."""


def _bind(path: Path) -> socket.socket:
    if len(str(path).encode()) > _LONGEST_PATH_BYTES:
        raise InstallationError(
            f"the path of this socket is longer than {_LONGEST_PATH_BYTES} bytes.",
            path=str(path),
            hint="Set HORTUS_HOME to a directory with a shorter path.",
        )
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise InstallationError(
            f"cannot make a socket: {error.strerror}.", path=str(path), hint="Give this user the right to write there."
        ) from error
    listener.setblocking(False)  # noqa: FBT003 -- the standard library's own signature
    return listener
