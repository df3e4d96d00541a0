"""A host that misbehaves on WebSockets as the model's name says, over plain sockets; a client that can do so, too."""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import threading
from collections.abc import Iterator

from hortus.framing.websocket import accept_of

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
CONTINUATION, TEXT, BINARY, CLOSE, PING = 0, 1, 2, 8, 9
FIN = 0x80
MIB = 2**20


def frame(opcode: int, data: bytes = b"", *, is_masked: bool = True, fin: int = FIN) -> bytes:
    """Return a frame of up to 64 KiB."""
    mask = FIN if is_masked else 0
    length = bytes([mask | len(data)]) if len(data) < 126 else bytes([mask | 126]) + len(data).to_bytes(2, "big")
    return bytes([fin | opcode]) + length + (bytes(4) if is_masked else b"") + data


def opening(
    path: str, auth: bytes, *, lines: bytes | None = None, method: bytes = b"GET", version: bytes = b"1.1"
) -> bytes:
    """Return a request for a WebSocket."""
    usual = (
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n"
    )
    head = b"%b %b HTTP/%b\r\nHost: x\r\n" % (method, path.encode(), version)
    return head + auth + (usual if lines is None else lines) + b"\r\n"


class Talker(socketserver.StreamRequestHandler):
    """One conversation."""

    server: TalkingHost

    def handle(self) -> None:
        head = b""
        while (line := self.rfile.readline()) not in {b"\r\n", b""}:
            head += line
        found = re.search(rb"model=([^ &]+)", head)
        key = re.search(rb"sec-websocket-key: (\S+)", head)
        if found is None or key is None:
            return
        self.server.heads.append(head)
        self.server.note_open(1)
        try:
            self.talk(found[1].decode(), accept_of(key[1]) or b"")
        finally:
            self.server.note_open(-1)

    def talk(self, model: str, accept: bytes) -> None:
        switched = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
        switched += b"sec-websocket-accept: %b\r\n\r\n" % accept
        with contextlib.suppress(OSError):
            if model == "silent":  # never answers
                self.rfile.read()
                return
            self.wfile.write(switched)
            if model in FLOODS:
                first, again = FLOODS[model]
                self.wfile.write(first)
                while True:
                    self.wfile.write(again)
            if model == "deaf":  # never reads
                self.server.over.wait(60)
                return
            self.wfile.write(frame(TEXT, b'{"type":"session.created"}', is_masked=False))
            while (opcode := self.read_frame()) != CLOSE:
                if model == "answering" and opcode == TEXT:
                    for event in ANSWER:
                        self.wfile.write(frame(TEXT, event, is_masked=False))
            self.wfile.write(frame(CLOSE, is_masked=False))

    def read_frame(self) -> int:
        """Take one frame and note what it holds; a connection that ends is one that closes."""
        head = self.rfile.read(2)
        if len(head) < 2:
            return CLOSE
        size = head[1] & 0x7F
        if size > 125:
            size = int.from_bytes(self.rfile.read(2 if size == 126 else 8), "big")
        mask, data = self.rfile.read(4), self.rfile.read(size)
        repeated = (mask * (size // 4 + 1))[: len(data)]
        self.server.heard += (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(data), "big")
        return head[0] & 0x0F


FLOODS = {
    "gibibyte": (bytes([FIN | BINARY, 127]) + (2**30).to_bytes(8, "big"), bytes(65_536)),
    "fragments": (frame(TEXT, b"a", is_masked=False, fin=0), frame(CONTINUATION, b"a", is_masked=False, fin=0) * 9_000),
    "pings": (b"", frame(PING, b"x" * 125, is_masked=False) * 500),
    "closes": (b"", frame(CLOSE, b"\x03\xe8", is_masked=False) * 9_000),
    "masked": (b"", frame(TEXT, b"{}", is_masked=True) * 9_000),
    "texts": (b"", frame(TEXT, b'{"type":"x","y":"' + b"y" * 60_000 + b'"}', is_masked=False)),
    "empties": (b"", frame(TEXT, is_masked=False) * 9_000),
}
"""What a host sends once, and then for ever."""


ANSWER = (
    b'{"type":"response.created","response":{"id":"resp_1"}}',
    b'{"type":"response.done","response":{"id":"resp_1","status":"completed","usage":{"input_tokens":3}}}',
)


class TalkingHost(socketserver.ThreadingTCPServer):
    """Counts who talks to it."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Talker)
        self.heads: list[bytes] = []
        self.heard = bytearray()
        self.open = 0
        self.over = threading.Event()
        self._lock = threading.Lock()

    def note_open(self, step: int) -> None:
        with self._lock:
            self.open += step

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


@contextlib.contextmanager
def talking_host() -> Iterator[TalkingHost]:
    with TalkingHost() as host:
        threading.Thread(target=host.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield host
        host.over.set()
        host.shutdown()


@contextlib.contextmanager
def talking(port: int, data: bytes) -> Iterator[tuple[socket.socket, bytes]]:
    """Open a conversation by a request; give the connection and what came with the answer's head."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(data)
        received = b""
        while b"\r\n\r\n" not in received:
            part = connection.recv(1)
            assert part, received
            received += part
        yield connection, received


def read_to_end(connection: socket.socket) -> bytes:
    """Return everything that comes."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65_536):
            received += part
    return received


def send_until_held(connection: socket.socket, data: bytes, *, most_bytes: int) -> int:
    """Send again and again, until the other side takes no more or is gone, or has had enough; return how much went."""
    connection.settimeout(1)
    sent = 0
    with contextlib.suppress(OSError):
        while sent < most_bytes:
            sent += connection.send(data)
    return sent
