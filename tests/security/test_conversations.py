"""Conversations over WebSockets under attack: what is refused reaches no host, floods stay small, nothing is left."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from gateway.workplace import KEY, Workplace, endpoint, wait_until
from hortus.policy.rules import Policy
from hortus.receipts.records import Opened, Settled
from security.doors import AUTH, exchange, statuses
from security.smuggling import PROBE
from security.talking import (
    CLOSE,
    CONTINUATION,
    FLOODS,
    MIB,
    PING,
    TEXT,
    TalkingHost,
    frame,
    opening,
    read_to_end,
    send_until_held,
    talking,
    talking_host,
)

ROOM_MIB = 96
MODELS = ("plain", "answering", "deaf", "silent", *FLOODS)
SPARE_KEY = "hortus_sk_" + "s" * 40
MIDWAY_KEY = "hortus_sk_" + "m" * 40
ROUTE = "/v1/realtime?model={}"
LIVE = "/gemini/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
K = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
V = b"Sec-WebSocket-Version: 13\r\n"
U = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"


@pytest.fixture(scope="module")
def host() -> Iterator[TalkingHost]:
    with talking_host() as one:
        yield one


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, host: TalkingHost) -> Iterator[Workplace]:
    one = Workplace(tmp_path_factory.mktemp("home"))
    for name in MODELS:
        talker = endpoint(name, host.base_url, name, dialects=("openai_realtime",), operations=("realtime",))
        one.add_route(name, talker)
    one.grant(SPARE_KEY, ("*",))
    try:
        one.start()
        yield one
    finally:
        one.close()


def figure(place: Workplace, name: str) -> int:
    status = Path(f"/proc/{place.pid}/status").read_text("ascii")
    return int(status.split(f"{name}:")[1].split()[0]) // 1024


def descriptors(place: Workplace) -> int:
    """Count a worker's sockets; its files of figures are opened when they are first needed."""
    found = 0
    for entry in Path(f"/proc/{place.pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            found += str(entry.readlink()).startswith("socket:")
    return found


def unsettled(place: Workplace) -> set[tuple[str, int]]:
    records = place.records()
    opened = {(one.receipt_id, one.attempt) for one in records if isinstance(one, Opened)}
    return opened - {(one.receipt_id, one.attempt) for one in records if isinstance(one, Settled)}


def assert_nothing_is_left(place: Workplace, host: TalkingHost, *, descriptors_before: int) -> None:
    wait_until(lambda: host.open == 0)
    wait_until(lambda: not unsettled(place))
    wait_until(lambda: descriptors(place) <= descriptors_before + 2)
    assert place.is_ready()


WRONG_OPENINGS: dict[str, tuple[bytes, bytes, bytes]] = {
    "with a body": (b"GET", b"1.1", U + V + K + b"Content-Length: 9\r\n"),
    "with a body in chunks": (b"GET", b"1.1", U + V + K + b"Transfer-Encoding: chunked\r\n"),
    "with two keys": (b"GET", b"1.1", U + V + K + K),
    "with two versions": (b"GET", b"1.1", U + V + V + K),
    "with two wishes": (b"GET", b"1.1", U + b"Upgrade: websocket\r\n" + V + K),
    "with a wish for something else, too": (b"GET", b"1.1", U.replace(b"websocket", b"h2c, websocket") + V + K),
    "of an older version": (b"GET", b"1.1", U + b"Sec-WebSocket-Version: 8\r\n" + K),
    "without a version": (b"GET", b"1.1", U + K),
    "without a key": (b"GET", b"1.1", U + V),
    "with a short key": (b"GET", b"1.1", U + V + b"Sec-WebSocket-Key: c2hvcnQ=\r\n"),
    "with a key that is none": (b"GET", b"1.1", U + V + b"Sec-WebSocket-Key: %%%\r\n"),
    "that the connection does not hear of": (
        b"GET",
        b"1.1",
        b"Connection: keep-alive\r\nUpgrade: websocket\r\n" + V + K,
    ),
    "in HTTP/1.0": (b"GET", b"1.0", U + V + K),
    "as a POST": (b"POST", b"1.1", U + V + K + b"Content-Length: 0\r\n"),
    "as a HEAD": (b"HEAD", b"1.1", U + V + K),
}


@pytest.mark.parametrize("path", [ROUTE.format("plain"), LIVE], ids=["openai", "google"])
@pytest.mark.parametrize("name", WRONG_OPENINGS)
def test_an_opening_that_is_none_opens_nothing_and_reaches_no_host(
    place: Workplace, host: TalkingHost, name: str, path: str
) -> None:
    method, version, lines = WRONG_OPENINGS[name]
    before = len(host.heads)
    body = b"123456789" if b"Length: 9" in lines else b"0\r\n\r\n" if b"chunked" in lines else b""
    with talking(place.port, opening(path, AUTH, lines=lines, method=method, version=version) + body) as (_, head):
        assert statuses(head)[0] in {400, 404, 405}
    assert len(host.heads) == before


@pytest.mark.parametrize(
    ("path", "auth", "status"),
    [
        (ROUTE.format("plain"), b"", 401),
        (ROUTE.format("plain"), b"Authorization: Bearer hortus_sk_" + b"x" * 40 + b"\r\n", 401),
        (ROUTE.format("plain"), b"Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.sk-x\r\n", 401),
        (ROUTE.format("nobody"), AUTH, 404),
        (ROUTE.format("plain%0d%0aX-Injected:%20yes"), AUTH, 404),
        (ROUTE.format("plain/../silent"), AUTH, 404),
        ("/v1/realtime", AUTH, 400),
        ("/v1/realtime?model=", AUTH, 400),
        (LIVE, b"", 401),
    ],
)
def test_who_may_not_talk_is_told_over_http_and_reaches_no_host(
    place: Workplace, host: TalkingHost, path: str, auth: bytes, status: int
) -> None:
    before = len(host.heads)
    with talking(place.port, opening(path, auth)) as (_, head):
        assert statuses(head) == [status]
    assert len(host.heads) == before


def test_requests_sent_ahead_behind_a_wish_for_a_websocket_are_not_requests(
    place: Workplace, host: TalkingHost
) -> None:
    before = len(host.heads)
    answer = exchange(
        place.port, opening(ROUTE.format("plain"), AUTH) + opening(ROUTE.format("plain"), AUTH) * 3 + PROBE
    )
    assert statuses(answer) == [400, 400, 400, 400, 200]
    assert len(host.heads) == before


def test_frames_sent_ahead_of_the_switch_are_nobodys(place: Workplace, host: TalkingHost) -> None:
    heard = len(host.heard)
    answer = exchange(place.port, opening(ROUTE.format("plain"), AUTH) + frame(TEXT, b'{"type":"response.create"}') * 3)
    assert 101 not in statuses(answer)
    wait_until(lambda: host.open == 0 and not unsettled(place))
    assert len(host.heard) == heard


WRONG_FRAMES: dict[str, tuple[bytes, int]] = {
    "unmasked": (frame(TEXT, b"{}", is_masked=False), 1002),
    "with a reserved bit": (b"\xf1\x80\0\0\0\0", 1002),
    "of an unknown kind": (b"\x83\x80\0\0\0\0", 1002),
    "a long ping": (frame(PING, b"x" * 126), 1002),
    "a ping in fragments": (frame(PING, b"x", fin=0), 1002),
    "the end of nothing": (frame(CONTINUATION, b"x"), 1002),
    "a text within a text": (frame(TEXT, b"a", fin=0) + frame(TEXT, b"b"), 1002),
    "a text that is none": (frame(TEXT, b"\xff\xfe"), 1007),
    "half a surrogate": (frame(TEXT, b"\xed\xa0\x80"), 1007),
    "a close of one byte": (frame(CLOSE, b"\x03"), 1002),
    "a close that nobody may send": (frame(CLOSE, b"\x03\xee"), 1002),
    "a length of 2 to the 63": (b"\x81\xff" + b"\xff" * 8 + bytes(4), 1002),
    "a message of 17 MiB": (
        frame(TEXT, b"x" * 65_000, fin=0) + frame(CONTINUATION, b"x" * 65_000, fin=0) * 274,
        1009,
    ),
    "no JSON": (frame(TEXT, b"hello"), 1008),
    "another model": (frame(TEXT, b'{"type":"session.update","session":{"model":"dear"}}'), 1008),
    "another model in other letters": (frame(TEXT, b'{"type":"session.update","session":{"Model":"dear"}}'), 1008),
    "another model in an escape": (frame(TEXT, b'{"\\u0073ession":{"mod\\u0065l":"dear"}}'), 1008),
    "another model above": (frame(TEXT, b'{"type":"session.update","model":"dear"}'), 1008),
    "a model that is no name": (frame(TEXT, b'{"type":"session.update","session":{"model":["dear"]}}'), 1008),
    "a number that only some can read": (frame(TEXT, b'{"x":NaN,"session":{"model":"dear"}}'), 1008),
}


@pytest.mark.parametrize("name", WRONG_FRAMES)
def test_a_client_that_breaks_the_rules_is_told_by_a_close_and_nothing_is_left(
    place: Workplace, host: TalkingHost, name: str
) -> None:
    data, code = WRONG_FRAMES[name]
    heard = len(host.heard)
    with talking(place.port, opening(ROUTE.format("plain"), AUTH)) as (connection, _):
        with contextlib.suppress(ConnectionError):
            connection.sendall(data)
        received = read_to_end(connection)
    assert b"\x88" in received
    assert received[received.rindex(b"\x88") :][2:4] == code.to_bytes(2, "big") or len(data) > MIB
    wait_until(lambda: host.open == 0 and not unsettled(place))
    assert b"dear" not in host.heard[heard:]


def test_a_doubled_member_goes_out_as_it_was_judged(place: Workplace, host: TalkingHost) -> None:
    heard = len(host.heard)
    said = b'{"session":{"model":"dear"},"type":"session.update","session":{"voice":"x","model":"plain"}}'
    with talking(place.port, opening(ROUTE.format("plain"), AUTH)) as (connection, _):
        connection.sendall(frame(TEXT, said) + frame(CLOSE, b"\x03\xe8"))
        read_to_end(connection)
    wait_until(lambda: host.open == 0)
    assert host.heard[heard:].startswith(b'{"session":{"voice":"x","model":"plain"},"type":"session.update"}')


FLOODS_OF_CLIENTS = {
    "pings": frame(PING, b"x" * 125) * 500,
    "pings in tiny frames": frame(PING) * 9_000,
    "empty messages": frame(TEXT) * 9_000,
    "empty messages of bytes": frame(2) * 9_000,
    "fragments of nothing": frame(TEXT, fin=0) + frame(CONTINUATION, fin=0) * 9_000,
    "fragments of two bytes": frame(CONTINUATION, b"ab", fin=0) * 9_000,
    "long messages": frame(TEXT, b'{"type":"x","y":"' + b"y" * 60_000 + b'"}') * 8,
}


@pytest.mark.parametrize("model", ["deaf", "plain"])
@pytest.mark.parametrize("name", FLOODS_OF_CLIENTS)
def test_a_flood_from_a_client_that_reads_nothing_stays_small(
    place: Workplace, host: TalkingHost, name: str, model: str
) -> None:
    before = figure(place, "VmRSS")
    start = frame(TEXT, b"{}", fin=0) if name.startswith("fragments of two") else b""
    with talking(place.port, opening(ROUTE.format(model), AUTH)) as (connection, _):
        with contextlib.suppress(ConnectionError):
            connection.sendall(start)
        send_until_held(
            connection,
            FLOODS_OF_CLIENTS[name],
            most_bytes=2 * MIB if len(FLOODS_OF_CLIENTS[name]) < 10**5 else 64 * MIB,
        )
        assert figure(place, "VmRSS") < before + ROOM_MIB
        host.over.set()  # a client that is not read is missed only at the next beat
    wait_until(lambda: not unsettled(place))
    host.over.clear()


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_from_a_host_stays_small(place: Workplace, host: TalkingHost, flood: str) -> None:
    before, opened = figure(place, "VmRSS"), descriptors(place)
    with talking(place.port, opening(ROUTE.format(flood), AUTH)) as (connection, _):
        connection.settimeout(1)
        received = 0
        with contextlib.suppress(OSError):
            while received < (24 if flood in {"gibibyte", "texts"} else 0.05) * MIB and (
                part := connection.recv(65_536)
            ):
                received += len(part)
        assert figure(place, "VmRSS") < before + ROOM_MIB
    assert_nothing_is_left(place, host, descriptors_before=opened)


def test_a_client_that_reads_nothing_makes_the_host_wait(place: Workplace, host: TalkingHost) -> None:
    before, opened = figure(place, "VmRSS"), descriptors(place)
    with talking(place.port, opening(ROUTE.format("texts"), AUTH)):
        assert place.is_ready()
        assert figure(place, "VmRSS") < before + ROOM_MIB
    assert_nothing_is_left(place, host, descriptors_before=opened)


def test_a_client_that_leaves_while_the_host_is_asked_ends_that_at_once(place: Workplace, host: TalkingHost) -> None:
    opened = descriptors(place)
    with socket.create_connection(("127.0.0.1", place.port), timeout=20) as connection:
        connection.sendall(opening(ROUTE.format("silent"), AUTH))
        wait_until(lambda: host.open == 1)
    assert_nothing_is_left(place, host, descriptors_before=opened)
    last = [one for one in place.records() if isinstance(one, Settled)][-1]
    assert last.status == "cancelled"


def test_three_hundred_conversations_that_are_dropped_leave_nothing(place: Workplace, host: TalkingHost) -> None:
    opened, before, heads = descriptors(place), figure(place, "VmRSS"), len(host.heads)
    for _ in range(6):
        with contextlib.ExitStack() as stack:
            for number in range(50):
                sock = stack.enter_context(socket.create_connection(("127.0.0.1", place.port), timeout=20))
                sock.sendall(opening(ROUTE.format("plain"), AUTH))
                if number % 2:
                    sock.recv(1)
                if number % 5 == 0:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset
    assert len(host.heads) > heads
    assert_nothing_is_left(place, host, descriptors_before=opened)
    assert figure(place, "VmRSS") < before + ROOM_MIB


@pytest.mark.parametrize(
    "change",
    [
        Policy("strict", secrets="refuse"),
        Policy("strict", blocked_words=("zebra",)),
        Policy("strict", tools=("function",)),
        Policy("strict", largest_request_kib=1),
        Policy("strict", stateless=True),
        Policy("strict", makers=("somebody-else",)),
        Policy("strict", own_machines=True),
        None,
    ],
    ids=["secrets", "words", "tools", "length", "stateless", "makers", "machines", "route"],
)
def test_a_rule_made_midway_ends_the_conversation_after_the_answer_and_opens_no_other(
    place: Workplace, host: TalkingHost, change: Policy | None
) -> None:
    place.grant(MIDWAY_KEY, ("*",))
    place.ledger.push_forget()
    auth = b"Authorization: Bearer " + MIDWAY_KEY.encode() + b"\r\n"
    with talking(place.port, opening(ROUTE.format("answering"), auth)) as (connection, _):
        if change is None:
            place.grant(MIDWAY_KEY, ("plain",))
        else:
            place.grant(MIDWAY_KEY, ("*",), policy="strict")
            place.snapshot = msgspec.structs.replace(
                place.snapshot, version=place.snapshot.version + 1, policies={"strict": change}
            )
            place.publish()
        place.ledger.push_forget()
        received = b""
        with contextlib.suppress(ConnectionError):
            while b"\x88" not in received:
                connection.sendall(frame(TEXT, b'{"type":"response.create"}'))
                received += connection.recv(65_536)
    wait_until(lambda: host.open == 0 and not unsettled(place))
    assert b'"type":"error"' in received
    heads = len(host.heads)
    with talking(place.port, opening(ROUTE.format("answering"), auth)) as (_, head):
        assert statuses(head)[0] in {403, 404}
    assert len(host.heads) == heads


def test_no_key_and_no_message_stands_in_the_log_or_the_journal(place: Workplace, host: TalkingHost) -> None:
    auth = b"Sec-WebSocket-Protocol: realtime, openai-insecure-api-key." + SPARE_KEY.encode() + b"\r\n"
    said = b'{"type":"conversation.item.create","item":"canary-in-a-conversation-8812"}'
    with talking(place.port, opening(ROUTE.format("plain"), auth)) as (connection, head):
        assert b"sec-websocket-protocol: realtime\r\n" in head.lower()
        assert SPARE_KEY.encode() not in head
        connection.sendall(frame(TEXT, said) + frame(CLOSE, b"\x03\xe8"))
        read_to_end(connection)
    wait_until(lambda: host.open == 0 and not unsettled(place))
    kept = place.log_path.read_bytes() + msgspec.json.encode(place.records())
    assert b"canary-in-a-conversation-8812" not in kept
    assert SPARE_KEY.encode() not in kept
    assert KEY.encode() not in kept
    assert SPARE_KEY.encode() not in b"".join(host.heads)
