"""The ledger's socket has several desks: each takes its own kind of message and answers when it can."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import msgspec

_UNREAD_BYTES = 1024 * 1024  # of pushes and answers; a client that reads no more is cut off and asks anew
_encode = msgspec.json.Encoder().encode
_Answer = TypeVar("_Answer")


class InThread(Protocol):
    """Runs a blocking call beside the event loop."""

    def __call__(self, call: Callable[[], _Answer], /) -> Awaitable[_Answer]:
        """Return what the call returns, or raise what it raises."""
        ...


class Client:
    """A worker at the other end of a connection."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def send(self, message: msgspec.Struct) -> None:
        """Say something, as one line; to a client that has gone, nothing."""
        if self._writer.is_closing():
            return
        if self._writer.transport.get_write_buffer_size() > _UNREAD_BYTES:
            self._writer.transport.abort()
            return
        self._writer.write(_encode(message) + b"\n")

    async def drain(self) -> None:
        """Wait until the client has read most of what was said."""
        await self._writer.drain()

    def close(self) -> None:
        """End the conversation."""
        self._writer.close()


class Desk(Protocol):
    """Takes the messages whose `ask` is its name."""

    def hear(self, client: Client, line: bytes) -> None:
        """Take a message, in the order in which they come; answer with `client.send`, now or later.

        Raises:
            ValueError: This is not its language (`msgspec.DecodeError` is one); the client is cut off.
        """
        ...

    def leave(self, client: Client) -> None:
        """The client has gone: what it still waits for is of no use."""
        ...

    async def run(self) -> None:
        """Work for ever, beside the conversations."""
        ...
