"""A hub on loopback with the paths of Hugging Face's: lists, redirects to a second address, ranges, and faults."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from typing import TYPE_CHECKING, Self

import msgspec

if TYPE_CHECKING:
    from types import TracebackType

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Asked(msgspec.Struct):
    """One request as the hub saw it."""

    path: str
    headers: dict[str, str]


class FakeHub:
    """Serves one repository, `maker/model`, at `url`; files lie at a second address, as with the real one."""

    def __init__(self, files: dict[str, bytes], *, token: str | None = None) -> None:
        self.files = files
        self.token = token
        self.digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        self.cuts: list[int] = []
        """Bytes after which the next downloads are cut."""
        self.knows_ranges = True
        self.listed_sizes: dict[str, int] = {}
        self.redirect: str | None = None
        self.asked: list[Asked] = []
        self.stored: list[Asked] = []
        self.url = self.storage_url = ""
        self._servers: list[asyncio.Server] = []
        self._open = 0

    async def __aenter__(self) -> Self:
        for answer, asked in ((self._answer, self.asked), (self._answer_file, self.stored)):
            server = await asyncio.start_server(self._serving(answer, asked), "127.0.0.1", 0)
            self._servers.append(server)
        self.url, self.storage_url = (
            f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in self._servers
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.close()
            await server.wait_closed()
        while self._open:  # noqa: ASYNC110 - polled at the end of a test
            await asyncio.sleep(0.005)

    def _serving(self, answer, asked):  # type: ignore[no-untyped-def]  # plumbing of a test
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._open += 1
            try:
                with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                    headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
                    request = Asked(head[0].split(" ")[1], headers)
                    asked.append(request)
                    await answer(request, writer)
                    await writer.drain()
            finally:
                writer.transport.close()
                self._open -= 1

        return serve

    async def _answer(self, request: Asked, writer: asyncio.StreamWriter) -> None:
        if self.token and request.headers.get("authorization") != f"bearer {self.token}":
            return _send(writer, 401, b"{}")
        if request.path.startswith("/api/models/maker/model/revision/main?"):
            siblings = [
                {
                    "rfilename": name,
                    "size": self.listed_sizes.get(name, len(content)),
                    "lfs": {"sha256": self.digests[name], "size": self.listed_sizes.get(name, len(content))},
                }
                for name, content in self.files.items()
            ]
            return _send(writer, 200, msgspec.json.encode({"sha": COMMIT, "siblings": siblings}))
        prefix = f"/maker/model/resolve/{COMMIT}/"
        if request.path.startswith(prefix):
            target = self.redirect or f"{self.storage_url}/{request.path.removeprefix(prefix)}"
            return _send(writer, 302, b"", location=target)
        return _send(writer, 404, b"{}")

    async def _answer_file(self, request: Asked, writer: asyncio.StreamWriter) -> None:
        content = self.files[request.path.removeprefix("/")]
        begin = int(request.headers.get("range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        begin = begin if self.knows_ranges else 0
        extra = {"content-range": f"bytes {begin}-{len(content) - 1}/{len(content)}"} if begin else {}
        _head(writer, 206 if begin else 200, len(content) - begin, extra)
        if self.cuts:
            writer.write(content[begin : begin + self.cuts.pop(0)])
            await writer.drain()
            writer.write_eof()
        else:
            writer.write(content[begin:])


def _send(writer: asyncio.StreamWriter, status: int, body: bytes, **headers: str) -> None:
    _head(writer, status, len(body), headers)
    writer.write(body)


def _head(writer: asyncio.StreamWriter, status: int, length: int, headers: dict[str, str]) -> None:
    lines = [f"HTTP/1.1 {status} x", f"content-length: {length}", "connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
