"""How is an engine on this machine asked something small? One HTTP call on a connection of its own."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

_LONGEST_ANSWER = 4 * 1024 * 1024


class Answer(msgspec.Struct, frozen=True):
    """What an engine answered."""

    status: int
    body: bytes = b""


async def ask(
    port: int, path: str, *, key: str = "", body: bytes | None = None, timeout_s: float, wants_body: bool = True
) -> Answer | None:
    """Ask an engine; None where no answer came in time.

    Args:
        port: Where it listens on 127.0.0.1.
        path: With its query.
        key: The engine's; none is sent where empty.
        body: JSON to post; without it the call is a GET.
        timeout_s: For everything.
        wants_body: Whether to wait for more than the status.
    """
    faults = (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError)
    with contextlib.suppress(*faults):
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(_request(path, key=key, body=body))
                return await _answer(reader, wants_body=wants_body)
            finally:
                _drop(writer)
    return None


def _request(path: str, *, key: str, body: bytes | None) -> bytes:
    lines = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", "host: 127.0.0.1", "connection: close"]
    if key:
        lines.append(f"authorization: Bearer {key}")
    if body is not None:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + (body or b"")


async def _answer(reader: StreamReader, *, wants_body: bool) -> Answer | None:
    status = (await reader.readuntil(b"\r\n")).split(b" ", 2)
    if not status[0].startswith(b"HTTP/1.") or len(status) < 2:  # noqa: PLR2004 - version and status
        return None
    code = int(status[1])
    if not wants_body:
        return Answer(code)
    while (await reader.readuntil(b"\r\n")) != b"\r\n":
        pass  # headers; the end of the connection is the end of the body
    parts: list[bytes] = []
    while (part := await reader.read(_LONGEST_ANSWER)) and sum(map(len, parts)) < _LONGEST_ANSWER:
        parts.append(part)
    return Answer(code, b"".join(parts))


def _drop(writer: StreamWriter) -> None:
    """Close without a farewell: a hung engine would never answer it."""
    writer.transport.abort()
