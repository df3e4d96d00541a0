"""Clients that smuggle, flood and stall: each is refused or bounded, and the others are served meanwhile."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import httpx2
import pytest

from garden import Hortus, wait_for
from hortus.testkit.replay_host import ReplayHost

pytestmark = pytest.mark.slow

CHAT = "/v1/chat/completions"
BODY = b'{"model":"replay","messages":[]}'
CHUNKED = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
LENGTH = b"content-length: %d\r\n" % len(BODY)
TE = b"transfer-encoding: chunked\r\n"


@pytest.fixture(scope="module")
def key(hortus: Hortus) -> bytes:
    return hortus.new_key().encode()


@pytest.fixture(scope="module")
def auth(key: bytes) -> bytes:
    return b"authorization: Bearer " + key + b"\r\n"


def connect(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def exchange(url: str, request: bytes) -> bytes:
    """Send bytes, return everything that comes until the door closes."""
    with connect(url) as connection:
        connection.sendall(request)
        received = b""
        try:
            while part := connection.recv(65536):
                received += part
        except ConnectionResetError:
            pass  # what was not read any more is thrown back; the answer came before it
        return received


def post(headers: bytes, body: bytes, *, version: bytes = b"1.1", connection: bytes = b"close") -> bytes:
    line = b"POST %b HTTP/%b\r\nhost: x\r\n" % (CHAT.encode(), version)
    return b"%bconnection: %b\r\ncontent-type: application/json\r\n%b\r\n%b" % (line, connection, headers, body)


def takes_mib_of(url: str, start: bytes) -> int:
    """Send `start` and then rubbish; return how many MiB of it were taken before the connection was cut, at most 64."""
    taken = 0
    with connect(url) as connection, contextlib.suppress(OSError):
        connection.sendall(start)
        while taken < 64:
            connection.sendall(b"b" * 2**20)
            taken += 1
    return taken


def is_alive(hortus: Hortus) -> bool:
    return httpx2.get(f"{hortus.door}/healthz").status_code == 200


def memory_mib(hortus: Hortus) -> int:
    """Return the largest resident size that a worker has had."""
    pids = [pid for name, pid in hortus.children().items() if name.startswith("worker")]
    texts = [Path(f"/proc/{pid}/status").read_text("ascii") for pid in pids]
    return max(int(text.split("VmHWM:")[1].split()[0]) for text in texts) // 1024


def assert_serves(hortus: Hortus, key: bytes) -> None:
    headers = {"authorization": f"Bearer {key.decode()}"}
    answer = httpx2.post(f"{hortus.door}{CHAT}", json={"model": "replay", "messages": []}, headers=headers, timeout=20)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (LENGTH + LENGTH, BODY),
        (LENGTH + b"content-length: 3\r\n", BODY),
        (b"content-length: +%d\r\n" % len(BODY), BODY),
        (b"content-length: %d, %d\r\n" % (len(BODY), len(BODY)), BODY),
        (b"content-length : %d\r\n" % len(BODY), BODY),
        (LENGTH + TE, CHUNKED),
        (b"transfer-encoding: gzip, chunked\r\n", CHUNKED),
        (b"transfer-encoding: identity\r\n" + TE, CHUNKED),
        (b"transfer-encoding: chunked, identity\r\n", CHUNKED),
        (b"transfer-encoding: xchunked\r\n", CHUNKED),
        (b"transfer-encoding:\r\n chunked\r\n", CHUNKED),
        (b"transfer-encoding : chunked\r\n", CHUNKED),
        (TE, b"0x" + CHUNKED),
        (TE, b"+" + CHUNKED),
        (TE, CHUNKED.replace(b"\r\n", b"\n")),
        (TE, b"10000000000000001\r\n" + BODY),
        (LENGTH + b"x-a: b\r\n folded: c\r\n", BODY),
        (LENGTH + b"x-a: b\nx-c: d\r\n", BODY),
        (LENGTH + b"x-a: b\x00c\r\n", BODY),
        (LENGTH + b"x a: b\r\n", BODY),
        (LENGTH + b"host: y\r\n", BODY),
        (LENGTH + b"content-type: text/plain\r\n", BODY),
        (LENGTH + b"content-encoding: gzip\r\ncontent-encoding: identity\r\n", BODY),
        (LENGTH + b"authorization: Bearer other\r\n", BODY),
    ],
)
def test_what_two_programs_could_read_differently_is_refused(
    hortus: Hortus, replay_host: ReplayHost, auth: bytes, headers: bytes, body: bytes
) -> None:
    before = len(replay_host.seen)
    answer = exchange(hortus.door, post(auth + headers, body))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"invalid_http"' in answer
    assert answer.count(b"HTTP/1.1 ") == 1
    assert len(replay_host.seen) == before


def test_chunks_are_of_http_1_1(hortus: Hortus, auth: bytes) -> None:
    assert exchange(hortus.door, post(auth + TE, CHUNKED, version=b"1.0")).startswith(b"HTTP/1.1 400 ")


def test_a_key_in_a_trailer_opens_nothing(hortus: Hortus, auth: bytes) -> None:
    answer = exchange(hortus.door, post(TE, CHUNKED[:-2] + auth + b"x-request-id: from-a-trailer\r\n\r\n"))
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"from-a-trailer" not in answer


@pytest.mark.parametrize("place", ["query", "cookie", "basic"])
def test_a_key_counts_only_where_sdks_put_it(hortus: Hortus, key: bytes, place: str) -> None:
    headers = {
        "cookie": b"cookie: authorization=Bearer " + key + b"\r\n",
        "basic": b"authorization: Basic " + key + b"\r\n",
    }
    request = post(headers.get(place, b"") + LENGTH, BODY)
    if place == "query":
        request = request.replace(b" HTTP/", b"?api_key=" + key + b" HTTP/", 1)
    assert exchange(hortus.door, request).startswith(b"HTTP/1.1 401 ")


def test_a_wish_for_http_2_is_declined_by_answering(hortus: Hortus, auth: bytes) -> None:
    """As Java's client sends with each first request on a connection."""
    wish = auth + LENGTH + b"upgrade: h2c\r\nhttp2-settings: AAMAAABkAAQ\r\n"
    first = post(wish, BODY, connection=b"Upgrade, HTTP2-Settings")
    answer = exchange(hortus.door, first + post(auth + LENGTH, BODY))
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 2


@pytest.mark.parametrize("start", [b"GET / HTTP/1.1\r\nx-a: ", b"GET / HTTP/1.1\r\nx-a", b"GET /", b"x" * 10])
def test_an_endless_head_is_cut_early(hortus: Hortus, key: bytes, start: bytes) -> None:
    assert takes_mib_of(hortus.door, start) < 64
    assert_serves(hortus, key)


@pytest.mark.parametrize("start", [b"GET / HTTP/1.1\r\nx-a: ", b"GET /"])
def test_an_endless_head_is_cut_early_at_the_admin_port_too(hortus: Hortus, start: bytes) -> None:
    assert takes_mib_of(hortus.admin, start) < 64
    assert httpx2.get(f"{hortus.admin}/healthz").status_code == 200


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (TE, b"0\r\nauthorization: Bearer %b\r\n\r\n", b"401"),
        (b"authorization: Bearer %b\r\nauthorization: Bearer x\r\n", b"", b"400"),
        (b"authorization: Bearer %b\r\ntransfer-encoding: gzip, chunked\r\n", b"0\r\n\r\n", b"400"),
        (b"authorization: Bearer %b\r\n", b"", b"200"),
    ],
)
def test_the_admin_port_takes_the_token_in_one_header_of_a_plain_head(
    hortus: Hortus, headers: bytes, body: bytes, status: bytes
) -> None:
    token = (hortus.home / "admin-token").read_bytes().strip()
    request = b"GET /admin/v1/status HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" + headers + b"\r\n" + body
    answer = exchange(hortus.admin, request.replace(b"%b", token))
    assert answer.startswith(b"HTTP/1.1 %b " % status)


def test_requests_sent_ahead_without_reading_take_no_memory(hortus: Hortus, key: bytes) -> None:
    before = memory_mib(hortus)
    flood = b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n" * 40_000
    connections = [connect(hortus.door) for _ in range(8)]
    for connection in connections:
        connection.settimeout(1)
        with contextlib.suppress(OSError):  # cut, or not read any further: both are fine
            connection.sendall(flood)
    assert_serves(hortus, key)
    for connection in connections:
        connection.close()
    assert memory_mib(hortus) < before + 64


def test_a_thousand_idle_clients_leave_room_for_others(hortus: Hortus, key: bytes) -> None:
    connections = [connect(hortus.door) for _ in range(1000)]
    try:
        for connection in connections:
            connection.sendall(b"GET / HT")
        assert_serves(hortus, key)
    finally:
        for connection in connections:
            connection.close()


def test_clients_that_never_read_a_stream_take_no_memory(start_hortus, replay_host: ReplayHost) -> None:
    toml = f"""
[[project]]
name = "default"
routes = ["*"]

[[endpoint]]
name = "flood"
model = "fake"
host = "openai-compatible"
base_url = "{replay_host.base_url}"
private_address = true
upstream_model = "fake:chunks=200000,answer={"x" * 900}"
credential = "env:REPLAY_KEY"

[[route]]
name = "flood"
endpoints = ["flood"]
"""
    garden = start_hortus(toml=toml, environment={"REPLAY_KEY": "sk-r", "HORTUS_SEEDLING": "false"})
    auth = b"authorization: Bearer " + garden.new_key().encode() + b"\r\n"
    before = memory_mib(garden)
    body = b'{"model":"flood","stream":true,"messages":[]}'
    connections = [connect(garden.door) for _ in range(10)]
    for connection in connections:
        connection.sendall(post(auth + b"content-length: %d\r\n" % len(body), body))
    streams = wait_for(lambda: len([one for one in replay_host.seen if one.deltas_sent > 300]) >= 10, within_s=60)
    assert streams
    sent = -1
    while sent != (sent := sum(one.deltas_sent for one in replay_host.seen)):
        wait_for(lambda: is_alive(garden))
    for connection in connections:
        connection.close()
    assert memory_mib(garden) < before + 64


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("x-request-id", "a" * 10_240),
        ("x-request-id", "a%0d%0ab"),
        ("x-request-id", '"quoted"'),
        ("traceparent", "00-zz"),
        ("traceparent", f"00-{'0' * 32}-{'b' * 16}-01"),
        ("traceparent", f"00-{'a' * 32}-{'0' * 16}-01"),
        ("traceparent", f"ff-{'a' * 32}-{'b' * 16}-01"),
    ],
)
def test_ids_that_are_none_go_nowhere(
    hortus: Hortus, replay_host: ReplayHost, key: bytes, header: str, value: str
) -> None:
    headers = {"authorization": f"Bearer {key.decode()}", header: value}
    answer = httpx2.post(f"{hortus.door}{CHAT}", json={"model": "replay", "messages": []}, headers=headers)
    assert answer.status_code == 200
    assert answer.headers.get(header) != value
    assert replay_host.seen[-1].headers.get(header) != value
    assert value not in hortus.log_path.read_text("utf-8")


def test_the_model_that_was_judged_is_the_one_that_is_sent(
    hortus: Hortus, replay_host: ReplayHost, auth: bytes
) -> None:
    for body in (
        b'{"model":"no-such","model":"replay","messages":[]}',
        b'{"model":"no-such","mod\\u0065l":"replay","messages":[]}',
    ):
        answer = exchange(hortus.door, post(auth + b"content-length: %d\r\n" % len(body), body))
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"no-such" not in replay_host.seen[-1].body
    body = b'{"model":"replay","model":"no-such","messages":[]}'
    answer = exchange(hortus.door, post(auth + b"content-length: %d\r\n" % len(body), body))
    assert answer.startswith(b"HTTP/1.1 404 ")
