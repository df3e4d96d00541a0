"""Bodies that are too long, compressed, too deep or too clever are refused, and the worker stays small."""

from __future__ import annotations

import contextlib
import gzip
import socket
import socketserver
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx2
import msgspec
import pytest

from gateway.workplace import KEY, Workplace, endpoint
from hortus.testkit.replay_host import ReplayHost
from security.doors import AUTH, DIALECTS, asking, exchange, make_place, statuses

OPENED = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
LIMIT_BYTES = 2**20
ROOM_MIB = 64

_ZEROS = bytes(2**20)


def _bomb(kind: int) -> bytes:
    """Return some 200 KiB that unpack to 200 MiB."""
    packer = zlib.compressobj(9, wbits=kind)
    return b"".join([*(packer.compress(_ZEROS) for _ in range(200)), packer.flush()])


GZIP, DEFLATE = _bomb(31), _bomb(15)

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%b\r\n%b"
BOMBS = {
    "gzip": _ANSWER % (len(GZIP), b"content-encoding: gzip\r\n", GZIP),
    "gzip-in-capitals": _ANSWER % (len(GZIP), b"Content-Encoding: GZIP\r\n", GZIP),
    "x-gzip": _ANSWER % (len(GZIP), b"content-encoding: x-gzip\r\n", GZIP),
    "deflate": _ANSWER % (len(DEFLATE), b"content-encoding: deflate\r\n", DEFLATE),
    "twice": _ANSWER % (len(GZIP), b"content-encoding: identity\r\ncontent-encoding: gzip\r\n", GZIP),
    "brotli": _ANSWER % (2, b"content-encoding: br\r\n", b"xx"),
    "zstd": _ANSWER % (2, b"content-encoding: zstd\r\n", b"xx"),
    "on-the-way": b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
    % (len(GZIP), GZIP),
    "stream": b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\n\r\n" + GZIP,
    "error": (_ANSWER % (len(GZIP), b"content-encoding: gzip\r\n", GZIP)).replace(b"200 OK", b"400 No"),
}


class Bomber(socketserver.StreamRequestHandler):
    """Answers with what the model's name says."""

    def handle(self) -> None:
        length = 0
        while (line := self.rfile.readline()) not in {b"\r\n", b""}:
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        if length:
            with contextlib.suppress(ConnectionError):
                self.wfile.write(BOMBS[msgspec.json.decode(self.rfile.read(length))["model"]])


@pytest.fixture(scope="module")
def host() -> Iterator[ReplayHost]:
    with ReplayHost() as one:
        yield one


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, host: ReplayHost) -> Iterator[Workplace]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Bomber) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        one = make_place(tmp_path_factory.mktemp("home"), host, body_limit_mib=LIMIT_BYTES // 2**20)
        for name in BOMBS:
            one.add_route(name, endpoint(name, f"http://127.0.0.1:{server.server_address[1]}", name))
        try:
            one.start()
            yield one
        finally:
            one.close()
            server.shutdown()


def peak_mib(place: Workplace) -> int:
    status = Path(f"/proc/{place.pid}/status").read_text("ascii")
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def send(place: Workplace, path: str, body: bytes, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.post(f"{place.url}{path}", content=body, headers=OPENED | named, timeout=30)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_body_that_says_it_is_too_long_is_not_read(place: Workplace, host: ReplayHost, dialect: str) -> None:
    path, _ = asking(dialect)
    before = len(host.seen)
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-type: application/json\r\n".encode()
    with socket.create_connection(("127.0.0.1", place.port), timeout=20) as connection:
        connection.sendall(head + AUTH + b"content-length: 9999999999\r\n\r\n")
        answer = connection.recv(65536)
    assert statuses(answer) == [413]
    assert b"100 Continue" not in answer
    assert len(host.seen) == before


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_body_that_becomes_too_long_is_cut(place: Workplace, host: ReplayHost, dialect: str) -> None:
    path, _ = asking(dialect)
    before, peak = len(host.seen), peak_mib(place)
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n".encode()
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    with socket.create_connection(("127.0.0.1", place.port), timeout=20) as connection:
        connection.sendall(head + AUTH + b"\r\n" + chunk * 17)
        answer = connection.recv(65536)
    assert statuses(answer) == [413]
    assert len(host.seen) == before
    assert peak_mib(place) < peak + ROOM_MIB


@pytest.mark.parametrize(
    "coding", ["gzip", "GZIP", "x-gzip", "deflate", "br", "zstd", "compress", "identity, gzip", "aes128gcm"]
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_compressed_body_is_refused_and_not_unpacked(
    place: Workplace, host: ReplayHost, dialect: str, coding: str
) -> None:
    path, _ = asking(dialect)
    before, peak = len(host.seen), peak_mib(place)
    assert send(place, path, GZIP, content_encoding=coding).status_code == 415
    assert len(host.seen) == before
    assert peak_mib(place) < peak + ROOM_MIB


def test_a_body_that_is_packed_but_does_not_say_so_is_not_json(place: Workplace) -> None:
    assert send(place, "/v1/chat/completions", gzip.compress(b"{}")).status_code == 400


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_packed_answer_is_refused_and_not_unpacked(place: Workplace, bomb: str) -> None:
    peak = peak_mib(place)
    answer = send(place, "/v1/chat/completions", msgspec.json.encode({"model": bomb, "messages": []}))
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "broken_stream")
    assert "127.0.0.1" not in answer.text
    assert peak_mib(place) < peak + ROOM_MIB


MEMBERS: dict[str, bytes] = {
    "129 lists deep": b'"x":' + b"[" * 129 + b"]" * 129,
    "129 objects deep": b'"x":' + b'{"a":' * 129 + b"1" + b"}" * 129,
    "100 000 lists deep": b'"x":' + b"[" * 100_000 + b"]" * 100_000,
    "100 000 lists deep and not closed": b'"x":' + b"[" * 100_000,
    "100 000 objects deep": b'"x":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "half a surrogate pair": rb'"x":"\ud800"',
    "the other half": rb'"x":"\udc00 "',
    "halves in the wrong order": rb'"x":"\udc00\ud800"',
    "half of one in a name": rb'"\ud800":1',
    "bytes that are not UTF-8": b'"x":"\xff\xfe"',
    "an overlong slash": b'"x":"\xc0\xaf"',
    "a surrogate in UTF-8": b'"x":"\xed\xa0\x80"',
    "a character beyond Unicode": b'"x":"\xf5\x80\x80\x80"',
    "a bare line break in a text": b'"x":"a\nb"',
    "a NUL in a text": b'"x":"a\0b"',
    "no number": b'"x":NaN',
    "no end": b'"x":-Infinity',
    "hexadecimal": b'"x":0x10',
    "a comment": b'"x":1/* */',
    "single quotes": b"'x':1",
    "a comma too many": b'"x":1,',
    "a leading zero": b'"x":01',
    "a second object": b'"x":1}{"y":2',
}
"""What no JSON may hold, as a member of an otherwise right request."""


@pytest.mark.parametrize("member", MEMBERS.values(), ids=MEMBERS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_no_sane_json_is_refused(place: Workplace, host: ReplayHost, dialect: str, member: bytes) -> None:
    path, body = asking(dialect)
    before = len(host.seen)
    assert send(place, path, msgspec.json.encode(body)[:-1] + b"," + member + b"}").status_code == 400
    assert len(host.seen) == before


LARGE: dict[str, bytes] = {
    "a number of 500 000 digits": b'"x":' + b"9" * 500_000,
    "an exponent of 500 000 digits": b'"x":1e' + b"9" * 500_000,
    "a fraction of 500 000 digits": b'"x":0.' + b"9" * 500_000,
    "a limit of 500 000 digits": b'"max_tokens":' + b"9" * 500_000,
    "a limit that is a power": b'"max_output_tokens":1e308',
    "a temperature beyond doubles": b'"temperature":1e999',
    "100 000 members": b",".join(b'"m%d":1' % number for number in range(50_000)),
    "100 000 times the same member": b",".join([b'"x":1'] * 100_000),
    "a text of backslashes": b'"x":"' + b"\\\\" * 400_000 + b'"',
    "a text of brackets": b'"x":"' + b"[" * 900_000 + b'"',
    "escaped quotes and brackets": b'"x":"' + b'\\"[' * 200_000 + b'"',
    "blanks": b'"x":' + b" " * 900_000 + b"1",
}


@pytest.mark.parametrize("member", LARGE.values(), ids=LARGE)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_large_is_passed_on_or_refused_and_never_a_fault_of_ours(
    place: Workplace, host: ReplayHost, dialect: str, member: bytes
) -> None:
    path, body = asking(dialect)
    before, peak = len(host.seen), peak_mib(place)
    answer = send(place, path, msgspec.json.encode(body)[:-1] + b"," + member + b"}")
    assert answer.status_code in {200, 400, 503}  # 503: it was passed on, and this host cannot read such a number
    assert len(host.seen) - before == (answer.status_code != 400)
    assert peak_mib(place) < peak + ROOM_MIB


def test_a_million_header_lines_are_cut_early(place: Workplace) -> None:
    peak = peak_mib(place)
    answer = exchange(place.port, b"GET /v1/models HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 1_000_000 + b"\r\n")
    assert statuses(answer) in ([431], [])  # what was not read any more is thrown back, at times with the answer
    assert peak_mib(place) < peak + ROOM_MIB
    assert place.is_ready()
