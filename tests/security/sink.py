"""A host that takes whatever is sent, notes it, and says yes."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from collections.abc import Iterator


class Sink(socketserver.StreamRequestHandler):
    """Takes a body of the length that it says, and notes it."""

    server: SinkHost

    def handle(self) -> None:
        head = b""
        while (line := self.rfile.readline()) not in {b"\r\n", b""}:
            head += line
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        kept, left = b"", length
        while left and (part := self.rfile.read(min(left, 65_536))):
            left -= len(part)
            kept = kept + part if len(kept) < 65_536 else kept
        self.server.seen.append((head, kept, left))
        answer = b'{"text":"yes"}'
        with contextlib.suppress(OSError):
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
                % (len(answer), answer)
            )


class SinkHost(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Sink)
        self.seen: list[tuple[bytes, bytes, int]] = []


@contextlib.contextmanager
def sink_host() -> Iterator[SinkHost]:
    """Run one."""
    with SinkHost() as one:
        threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield one
        one.shutdown()
