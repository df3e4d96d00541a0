"""A host on loopback that does what each request's act says, and counts durably what it made.

Three dialects below `/ENDPOINT/v1…`; the first part of the path names the endpoint in its book. Run it as a process of
its own, `python -m hortus.testkit.fault_host --port N --book FILE --seed N`, so that it outlives whatever is killed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import re
import signal
import socket
import struct
from collections import Counter
from pathlib import Path

import msgspec

from hortus.testkit.faults.acts import act_for, mark_in
from hortus.testkit.faults.book import Book, Ended, Made, Seen
from hortus.testkit.faults.steps import Finish, Forever, Pause, Send, Step, Task, steps_for
from hortus.testkit.listening import Incoming, Listener, read_request

_ENDLESS_PAUSE_S = 0.005
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time
_LIMIT = re.compile(rb'"(?:max_tokens|max_completion_tokens|maxOutputTokens)":\s*(\d+)')
_GEMINI = re.compile(r"/models/([^:]+):(\w+)")
_BYTES_PER_TOKEN = 5
"""Of the host's own way of counting input, which is nobody else's."""


class _Gone(Exception):  # noqa: N818 -- how an answer ends, not an error
    """The connection is of no further use; `how` says who ended it."""

    def __init__(self, how: str) -> None:
        self.how = how


class FaultHost:
    """The host.

    Args:
        book: Where it counts.
        seed: Draws acts for prompts that name none, and the words of answers.
    """

    def __init__(self, book: Book, *, seed: int) -> None:
        self._book = book
        self._seed = seed
        self._number = book.last_number
        self._times: Counter[str] = Counter()
        self._listener = Listener(self._talk, ends=_Gone)

    async def start(self, port: int) -> int:
        """Listen on loopback; return the port."""
        return await self._listener.start(port)

    async def stop(self) -> None:
        """Cut every connection."""
        await self._listener.stop()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nth = 0
        while (asked := await read_request(reader)) is not None:
            nth += 1
            await self._answer(asked, reader, writer, nth=nth)

    async def _answer(
        self, asked: Incoming, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, nth: int
    ) -> None:
        self._number += 1
        number = self._number
        mark = mark_in(asked.body) or "none"
        self._times[mark] += 1
        draw = random.Random(f"{self._seed}/{mark}/{self._times[mark]}")  # noqa: S311 -- seeded on purpose
        act = act_for(asked.body, nth=self._times[mark], draw=draw)
        endpoint, task = _read_task(asked)
        limit = _LIMIT.search(asked.body)
        seen = Seen(
            n=number,
            mark=mark,
            endpoint=endpoint,
            dialect=task.dialect,
            act=act,
            is_stream=task.is_stream,
            input_tokens=task.input_tokens,
            nth_on_connection=nth,
            output_limit=int(limit.group(1)) if limit else None,
            request_id=asked.headers.get("x-request-id", ""),
        )
        self._book.write(seen)
        player = _Player(self._book, reader, writer, number=number)
        how = "cut"
        try:
            await player.play(steps_for(task, act, draw=draw))
            how = "complete"
        except _Gone as gone:
            how = gone.how
            raise
        finally:
            self._book.write(Ended(number, how, player.sent_bytes))  # type: ignore[arg-type]  # `_Gone` carries no other


class _Player:
    """Plays the steps of one answer."""

    def __init__(self, book: Book, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, number: int) -> None:
        self._book = book
        self._reader = reader
        self._writer = writer
        self._number = number
        self._tokens = 0
        self.sent_bytes = 0

    async def play(self, steps: list[Step]) -> None:
        """Do one step after the other. Raises _Gone where the connection is over."""
        for step in steps:
            match step:
                case Send():
                    await self._send(step.data, step.tokens)
                case Pause():
                    await asyncio.sleep(step.seconds)
                case Forever():
                    while True:
                        await self._send(step.data, step.tokens)
                        await asyncio.sleep(_ENDLESS_PAUSE_S)
                case Finish():
                    await self._finish(step)

    async def _send(self, data: bytes, tokens: int) -> None:
        if self._is_left():
            raise _Gone("cut")
        if tokens:
            self._tokens += tokens
            self._book.write(Made(self._number, self._tokens))
        if data:
            self._writer.write(data)
            try:
                await self._writer.drain()
            except ConnectionError as error:
                raise _Gone("cut") from error
            self.sent_bytes += len(data)
            self._book.add_sent(len(data))

    def _is_left(self) -> bool:
        """Tell whether the other side has closed or cut the connection."""
        return self._writer.transport.is_closing() or self._reader.at_eof()

    async def _finish(self, step: Finish) -> None:
        transport = self._writer.transport
        match step.how:
            case "keep":
                return
            case "stall":
                while not self._is_left():  # noqa: ASYNC110 -- a stream has no event for both ways of leaving
                    await asyncio.sleep(0.01)
                raise _Gone("act")
            case "reset":
                raw = transport.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                transport.abort()
                raise _Gone("act")
            case "close":
                transport.close()
                raise _Gone("act")


def _read_task(asked: Incoming) -> tuple[str, Task]:
    """Return the endpoint, and what is asked there."""
    path = asked.path
    endpoint = path.split("/")[1]
    tokens = -(-len(asked.body) // _BYTES_PER_TOKEN)
    in_path = _GEMINI.search(path)
    if in_path is not None:
        is_stream = in_path.group(2) == "streamGenerateContent"
        return endpoint, Task("gemini", is_stream, in_path.group(1), tokens)
    body = msgspec.json.decode(asked.body, type=dict[str, object])
    dialect = "anthropic_messages" if path.split("?")[0].endswith("/messages") else "openai_chat"
    options = body.get("stream_options")
    wants_usage = dialect != "openai_chat" or (isinstance(options, dict) and bool(options.get("include_usage")))
    return endpoint, Task(dialect, bool(body.get("stream")), str(body["model"]), tokens, wants_usage)


async def _run(port: int, book: Path, *, seed: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    written = Book(book)
    host = FaultHost(written, seed=seed)
    await host.start(port)
    with contextlib.closing(written):
        await stop.wait()
        await host.stop()


def main() -> None:
    """Run the host until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--book", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    asyncio.run(_run(arguments.port, arguments.book, seed=arguments.seed))


if __name__ == "__main__":
    main()
