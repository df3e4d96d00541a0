"""How much does a worker grow while it passes on long forms? Prints its memory (PSS) before, at most, and after.

python tests/bench/uploads.py [UPLOADS] [MIB]
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "gateway")]

from workplace import KEY, Workplace, endpoint  # noqa: E402 -- likewise

from framing.forms import BOUNDARY, CONTENT_TYPE, field  # noqa: E402 -- found by the line above

MIB = 1 << 20
ANSWER = b'{"text":"Yes."}'
FILE_HEAD = b'Content-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'


def pss_kib(pid: int) -> int:
    """Return a process's share of memory."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be a host that keeps nothing of what it gets."""
    head = await reader.readuntil(b"\r\n\r\n")
    left = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length"))
    while left:
        left -= len(await reader.read(min(left, MIB)))
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(ANSWER))
    writer.write(ANSWER)
    writer.close()


async def upload(port: int, size_bytes: int) -> bytes:
    """Send a form with a file of this length; return the first line of the answer."""
    delimiter = b"--" + BOUNDARY + b"\r\n"
    before = delimiter + field("model", b"sink") + b"\r\n" + delimiter + FILE_HEAD
    after = b"\r\n--" + BOUNDARY + b"--\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"POST /v1/audio/transcriptions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
        f"content-type: {CONTENT_TYPE.decode()}\r\ncontent-length: {len(before) + size_bytes + len(after)}\r\n\r\n"
    )
    writer.write(head.encode() + before)
    piece = bytes(range(256)) * 1024
    for _ in range(size_bytes // len(piece)):
        writer.write(piece)
        await writer.drain()
    writer.write(after)
    line = await reader.readline()
    writer.close()
    return line


async def measure(place: Workplace, *, uploads: int, size_bytes: int) -> None:
    """Upload at once and look at the worker meanwhile."""
    await upload(place.port, MIB)  # what is loaded and opened once is not growth
    before = most = pss_kib(place.pid)
    running = [asyncio.create_task(upload(place.port, size_bytes)) for _ in range(uploads)]
    while not all(task.done() for task in running):
        most = max(most, pss_kib(place.pid))
        await asyncio.sleep(0.02)
    lines = {line.decode().strip() for line in await asyncio.gather(*running)}
    after = pss_kib(place.pid)
    print(f"{uploads} uploads of {size_bytes // MIB} MiB at once: {lines}")  # noqa: T201 -- that is its purpose
    grown = f"at most +{most - before} KiB, after +{after - before} KiB"
    print(f"PSS before {before} KiB, {grown}")  # noqa: T201 -- likewise


def main(uploads: int = 8, mib: int = 200) -> None:
    """Measure once."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    starting = asyncio.run_coroutine_threadsafe(asyncio.start_server(swallow, "127.0.0.1", 0), loop)
    port = starting.result(10).sockets[0].getsockname()[1]
    with tempfile.TemporaryDirectory() as directory:
        place = Workplace(Path(directory))
        base_url = f"http://127.0.0.1:{port}/v1"
        sink = endpoint("sink", base_url, "sink", dialects=("openai_audio",), operations=("transcriptions",))
        place.add_route("sink", sink)
        try:
            place.start()
            asyncio.run(measure(place, uploads=uploads, size_bytes=mib * MIB))
        finally:
            place.close()
    loop.call_soon_threadsafe(loop.stop)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
