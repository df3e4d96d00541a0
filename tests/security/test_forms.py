"""Forms under attack: what could be read in two ways reaches no host, the worker stays small and keeps no files."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from framing.forms import BOUNDARY, CONTENT_TYPE, field, file, form
from gateway.workplace import Workplace, endpoint, wait_until
from hortus.receipts.records import Opened, Settled
from security.doors import AUTH, exchange, statuses
from security.sink import SinkHost, sink_host

PATH = b"/v1/audio/transcriptions"
MIB = 2**20
LIMIT_MIB = 24
ROOM_MIB = 48
DELIMITER = b"--" + BOUNDARY


@pytest.fixture(scope="module")
def host() -> Iterator[SinkHost]:
    with sink_host() as one:
        yield one


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, host: SinkHost) -> Iterator[Workplace]:
    one = Workplace(tmp_path_factory.mktemp("home"), upload_limit_mib=LIMIT_MIB)
    base_url = f"http://127.0.0.1:{host.server_address[1]}/v1"
    more = {"dialects": ("openai_audio",), "operations": ("transcriptions",)}
    one.add_route("r", endpoint("r", base_url, "up", **more))
    one.add_route("dear", endpoint("dear", base_url, "dear", **more))
    try:
        one.start()
        yield one
    finally:
        one.close()


def head_of(length: int | None, *, content_type: bytes = CONTENT_TYPE, more: bytes = b"") -> bytes:
    framing = b"transfer-encoding: chunked" if length is None else b"content-length: %d" % length
    return b"POST %b HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: %b\r\n%b\r\n%b%b\r\n" % (
        *(PATH, content_type, framing, AUTH, more),
    )


def send(place: Workplace, body: bytes, **more: bytes) -> int:
    (status,) = statuses(exchange(place.port, head_of(len(body), **more) + body))
    return status


def figure(place: Workplace, name: str) -> int:
    return int(Path(f"/proc/{place.pid}/status").read_text("ascii").split(f"{name}:")[1].split()[0]) // 1024


def spools(place: Workplace) -> list[str]:
    """Return the files without a name that the worker holds open."""
    links = []
    for one in Path(f"/proc/{place.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            links.append(str(one.readlink()))
    return [link for link in links if link.endswith("(deleted)") and str(place.home.root) in link]


def opened(place: Workplace) -> int:
    return sum(isinstance(one, Opened) for one in place.records())


def assert_all_settled(place: Workplace) -> None:
    wait_until(lambda: opened(place) == sum(isinstance(one, Settled) for one in place.records()))
    wait_until(lambda: spools(place) == [])


SOUND = file("file", b"RIFF....WAVE")
MODEL = field("model", b"r")
PART = b'Content-Disposition: form-data; name="%b"\r\n'

REFUSED: dict[str, bytes] = {
    "two models": form(MODEL, SOUND, field("model", b"dear")),
    "two models in two spellings": form(MODEL, SOUND, field("Model", b"dear")),
    "a list of models": form(MODEL, SOUND, field("model[]", b"dear")),
    "a model that is a file": form(MODEL, SOUND, file("model", b"dear")),
    "two streams": form(MODEL, SOUND, field("stream", b"true"), field("stream", b"false")),
    "a model with two names": form(PART % b'model"; name="x' + b"\r\nr", SOUND),
    "a model in another part's head": form(PART % b"x" + PART % b"model" + b"\r\nr", SOUND),
    "a form within a form": form(MODEL, PART % b"x" + b"Content-Type: multipart/mixed; boundary=y\r\n\r\n--y--"),
    "a field in another alphabet": form(PART % b"model" + b"Content-Type: text/plain; charset=utf-7\r\n\r\nr", SOUND),
    "a field in base64": form(PART % b"model" + b"Content-Transfer-Encoding: base64\r\n\r\ncg==", SOUND),
    "a name with a line end": form(PART % b"mo\r\ndel" + b"\r\nr", SOUND),
    "a name with a way up": form(MODEL, PART % b"../../etc" + b"\r\nr"),
    "a name with NUL": form(PART % b"mo\0del" + b"\r\nr", SOUND),
    "a file's name with an escaped quote": form(
        MODEL, PART % b"file" + b'Content-Disposition: form-data; name="file"; filename="a\\".wav"\r\n\r\nx'
    ),
    "a line of a head that is folded": form(PART.replace(b"; ", b";\r\n ") % b"model" + b"\r\nr", SOUND),
    "heads ended by line feeds": form(MODEL, SOUND).replace(b"\r\n\r\nr", b"\n\nr"),
    "a delimiter ended by a line feed": form(MODEL, SOUND).replace(DELIMITER + b"\r\n", DELIMITER + b"\n"),
    "a delimiter behind a line feed": form(MODEL, file("file", b"x\n" + DELIMITER + b"\r\n" + field("model", b"dear"))),
    "a delimiter behind a carriage return": form(MODEL, file("file", b"x\r" + DELIMITER + b"--\r\n")),
    "a delimiter at the beginning of a content": form(MODEL, file("file", DELIMITER + b"\r\nx")),
    "a delimiter with more behind it": form(MODEL, file("file", b"x\r\n" + DELIMITER + b"z")),
    "a preamble": b"hello\r\n" + form(MODEL, SOUND),
    "an epilogue": form(MODEL, SOUND) + form(field("model", b"dear")),
    "a length that is another": form(PART % b"model" + b"Content-Length: 9\r\n\r\nr", SOUND),
    "no end": form(MODEL, SOUND)[: -len(BOUNDARY) - 6],
    "half an end": form(MODEL, SOUND)[:-4],
    "no part's head": DELIMITER + b"\r\n\r\nr\r\n" + DELIMITER + b"--\r\n",
    "a head of 9 KiB": form(MODEL, PART % b"x" + b"X-A: " + b"a" * 9_000 + b"\r\n\r\nx"),
    "100 000 lines in a head": form(MODEL, PART % b"x" + b"a:b\r\n" * 100_000 + b"\r\nx"),
    "100 000 parts": form(MODEL, *[field("x", b"")] * 100_000),
    "100 000 parts without heads": DELIMITER + b"\r\n" + (b"\r\n" + DELIMITER) * 100_000 + b"--\r\n",
    "a field of 2 MiB": form(MODEL, field("prompt", b"x" * 2 * MIB)),
    "fields of 2 MiB together": form(MODEL, *[field(f"x{number}", b"x" * 20_000) for number in range(110)]),
    "no model": form(SOUND),
    "an empty form": form(),
    "nothing": b"",
    "JSON": b'{"model":"r"}',
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_be_read_in_two_ways_or_is_too_much_reaches_no_host(
    place: Workplace, host: SinkHost, name: str
) -> None:
    before, room = len(host.seen), figure(place, "VmRSS")
    body = REFUSED[name]
    answers = statuses(exchange(place.port, head_of(len(body)) + body))
    assert answers == [400] or (
        not answers and len(body) > 65_536
    )  # what was not read is thrown back, at times with it
    assert len(host.seen) == before
    assert figure(place, "VmRSS") < room + ROOM_MIB
    assert spools(place) == []


TYPES: dict[str, tuple[bytes, int]] = {
    "no boundary": (b"multipart/form-data", 400),
    "an empty boundary": (b'multipart/form-data; boundary=""', 400),
    "two boundaries": (CONTENT_TYPE + b"; boundary=x", 400),
    "another kind": (CONTENT_TYPE.replace(b"form-data", b"mixed"), 415),
    "a longer boundary": (b"multipart/form-data; boundary=" + b"x" * 71, 400),
    "another boundary": (b"multipart/form-data; boundary=x", 400),
    "a boundary with a line end": (b'multipart/form-data; boundary="a\tb"', 400),
    "another alphabet": (CONTENT_TYPE + b"; charset=utf-16", 400),
    "plain text": (b"text/plain", 415),
}


@pytest.mark.parametrize("name", TYPES)
def test_a_form_that_is_declared_wrongly_reaches_no_host(place: Workplace, host: SinkHost, name: str) -> None:
    content_type, status = TYPES[name]
    before = len(host.seen)
    assert send(place, form(MODEL, SOUND), content_type=content_type) == status
    assert len(host.seen) == before


@pytest.mark.parametrize(
    "filename", ["../../etc/passwd", "C:\\x\\y.wav", "a;b.wav", "%2e%2e%2f", "\u202egpj.wav", "a" * 4000]
)
def test_a_file_s_name_goes_out_as_it_came_and_names_nothing_here(
    place: Workplace, host: SinkHost, filename: str
) -> None:
    sent = file("file", b"x", filename=filename)
    assert send(place, form(MODEL, sent)) == 200
    assert sent in host.seen[-1][1]
    assert not list(place.home.root.rglob("*passwd*"))


@pytest.mark.parametrize("name", ["a\r\nX-Injected: yes", "a\nb", 'a"b'])
def test_a_file_s_name_that_ends_its_line_reaches_no_host(place: Workplace, host: SinkHost, name: str) -> None:
    before = len(host.seen)
    assert send(place, form(MODEL, file("file", b"x", filename=name))) == 400
    assert len(host.seen) == before


def test_a_form_that_says_it_is_too_long_is_not_read(place: Workplace) -> None:
    data = head_of(LIMIT_MIB * MIB + 1, more=b"expect: 100-continue\r\n")
    received = exchange(place.port, data)
    assert statuses(received) == [413]
    assert b"100 Continue" not in received


def endless(place: Workplace, start: bytes, again: bytes, *, most_bytes: int) -> bytes:
    """Send chunks until the door has had enough."""

    def chunk(data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data)

    sent, received = 0, b""
    with socket.create_connection(("127.0.0.1", place.port), timeout=20) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(head_of(None) + chunk(start))
            while sent < most_bytes:
                connection.sendall(chunk(again))
                sent += len(again)
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(65_536):
                received += part
    return received


OPEN = DELIMITER + b"\r\n"
ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "a file": (form(MODEL)[: -len(BOUNDARY) - 6] + OPEN + file("file", b""), b"x" * 65_536),
    "a file of delimiters": (form(MODEL)[: -len(BOUNDARY) - 6] + OPEN + file("file", b"x"), DELIMITER * 1_000),
    "a field": (OPEN + PART % b"model" + b"\r\n", b"x" * 65_536),
    "a head": (OPEN + PART % b"model", b"X-A: b\r\n" * 8_000),
    "a line of a head": (OPEN, b"x" * 65_536),
    "parts": (OPEN + field("a", b""), (b"\r\n" + OPEN + field("a", b"")) * 500),
    "line ends": (OPEN + file("file", b""), b"\r\n" * 30_000),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_is_cut_and_takes_little_room(place: Workplace, host: SinkHost, name: str) -> None:
    before, room = len(host.seen), figure(place, "VmRSS")
    start, again = ENDLESS[name]
    received = endless(place, start, again, most_bytes=2 * LIMIT_MIB * MIB)
    assert statuses(received) in (
        [400],
        [413],
        [],
    )  # what was not read any more is thrown back, at times with it
    assert figure(place, "VmRSS") < room + ROOM_MIB
    wait_until(lambda: spools(place) == [])
    assert len(host.seen) == before


def test_a_client_that_leaves_midway_leaves_no_file_and_no_attempt(place: Workplace, host: SinkHost) -> None:
    before, attempts = len(host.seen), opened(place)
    connections = [socket.create_connection(("127.0.0.1", place.port), timeout=20) for _ in range(10)]
    for connection in connections:
        connection.sendall(head_of(20 * MIB) + form(MODEL)[: -len(BOUNDARY) - 6] + OPEN + file("file", b"x" * MIB))
    wait_until(lambda: len(spools(place)) == len(connections))
    for number, connection in enumerate(connections):
        if number % 2:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset
        connection.close()
    wait_until(lambda: spools(place) == [])
    assert (len(host.seen), opened(place)) == (before, attempts)


def test_twenty_forms_at_once_take_little_room(place: Workplace, host: SinkHost) -> None:
    before, room = len(host.seen), figure(place, "VmRSS")
    body = form(MODEL, file("file", b"x" * 8 * MIB))
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: send(place, body), range(20)))
    assert answers == [200] * 20
    assert [left for _, _, left in host.seen[before:]] == [0] * 20
    assert figure(place, "VmHWM") < room + 20 * 2 + ROOM_MIB  # 160 MiB have passed
    assert_all_settled(place)
