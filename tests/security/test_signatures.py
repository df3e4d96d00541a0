"""Signed requests under attack: what was not signed just so reaches no host, and nothing is read that need not be."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from gateway.workplace import Workplace, wait_until
from hortus.base.secrets import PairName, pair_secret, write_pair_name
from hortus.receipts.records import Opened
from hortus.snapshot.grants import Grant
from hortus.testkit.replay_host import ReplayHost
from hortus.transport.signing.sigv4 import KeyPair, Scope, Signable, hash_body, sign
from security.doors import exchange, make_place, statuses

LIMIT_MIB = 1
ROOM_MIB = 64
PATH = "/bedrock/model/plain/converse"
BODY = msgspec.json.encode({"messages": [{"role": "user", "content": [{"text": "hello"}]}]})
OTHER = BODY.replace(b"hello", b"jello")
HOST = (b"host", b"door")
TYPE = (b"content-type", b"application/json")
SCOPE = Scope("eu-west-1", "bedrock")

Headers = list[tuple[bytes, bytes]]


class Sent(msgspec.Struct):
    """A request that was signed, to be spoilt."""

    headers: Headers
    method: str = "POST"
    target: str = PATH
    body: bytes = BODY

    def write(self) -> bytes:
        lines = b"".join(b"%b: %b\r\n" % pair for pair in self.headers)
        return f"{self.method} {self.target} HTTP/1.1\r\n".encode() + lines + b"\r\n" + self.body

    def say(self, name: bytes) -> bytes:
        return next(value for given, value in self.headers if given == name)

    def change(self, name: bytes, value: bytes) -> None:
        self.headers = [(given, value if given == name else old) for given, old in self.headers]

    def claim(self, old: bytes, new: bytes) -> None:
        """Change what the signature says of itself."""
        said = self.say(b"authorization")
        assert old in said
        self.change(b"authorization", said.replace(old, new))


@pytest.fixture(scope="module")
def host() -> Iterator[ReplayHost]:
    with ReplayHost() as one:
        yield one


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, host: ReplayHost) -> Iterator[Workplace]:
    one = make_place(tmp_path_factory.mktemp("home"), host, body_limit_mib=LIMIT_MIB)
    for key_id in ("key_a", "key_b"):
        name = write_pair_name(PairName(key_id, one.secrets.current.version))
        one.ledger.grants[name] = Grant(key_id, "test", "prj_1", "default", ("*",))
    try:
        one.start()
        yield one
    finally:
        one.close()


def pair_of(place: Workplace, key_id: str = "key_a") -> KeyPair:
    secret = place.secrets.current
    return KeyPair(write_pair_name(PairName(key_id, secret.version)), pair_secret(key_id, secret))


def signed(
    place: Workplace, *, target: str = PATH, keys: KeyPair | None = None, scope: Scope = SCOPE, skew_s: int = 0
) -> Sent:
    now_ms = int(time.time() * 1000) + skew_s * 1000
    named = (HOST, TYPE)
    request = Signable("POST", target, named, hash_body(BODY))
    added = sign(request, keys or pair_of(place), scope=scope, now_ms=now_ms)
    length = (b"content-length", b"%d" % len(BODY))
    return Sent([*named, *added, length, (b"connection", b"close")], target=target)


def test_what_is_signed_is_answered(place: Workplace, host: ReplayHost) -> None:
    before = len(host.seen)
    assert statuses(exchange(place.port, signed(place).write())) == [200]
    assert len(host.seen) == before + 1


@pytest.mark.parametrize("target", [f"{PATH}?a=1&b=2", f"{PATH}?b=2&a=1", f"{PATH}?a=&a", f"{PATH}?a=%7e&b=~"])
def test_a_query_in_another_order_is_the_same(place: Workplace, target: str) -> None:
    sent = signed(place, target=f"{PATH}?{'&'.join(sorted(target.partition('?')[2].split('&')))}")
    sent.target = target
    assert statuses(exchange(place.port, sent.write())) == [200]


PATHS = (
    "/" + PATH,
    PATH.replace("/model", "//model"),
    PATH + "/",
    PATH + "/.",
    "/x/.." + PATH,
    "/." + PATH,
    PATH.replace("plain", "other/../plain"),
    PATH.replace("plain", "other/converse/../../plain"),
    PATH.replace("/converse", "/./converse"),
    PATH.replace("/converse", "/x/..//converse"),
    PATH.replace("plain", "pl%61in"),
    PATH.replace("plain", "pl%2561in"),
    PATH.replace("plain", "plain%2F"),
    PATH.replace("plain", "%2e%2e/plain"),
    PATH.replace("/converse", "%2Fconverse"),
    PATH.replace("/converse", "/converse-stream"),
    PATH.replace("plain", "openai_chat"),
    PATH.removeprefix("/bedrock"),
    "/v1/chat/completions",
    PATH + "?a=1",
    PATH + "?X-Amz-Security-Token=x",
    "http://door" + PATH + "?a=1",
    "http://elsewhere" + PATH + "/",
)


@pytest.mark.parametrize("target", PATHS)
def test_a_signature_is_good_for_no_other_address(place: Workplace, host: ReplayHost, target: str) -> None:
    sent, before = signed(place), len(host.seen)
    sent.target = target
    (status,) = statuses(exchange(place.port, sent.write()))
    assert status in {400, 401, 403, 404, 405}
    assert len(host.seen) == before


def swap_body(sent: Sent) -> None:
    sent.body = OTHER


def swap_body_for_chunks(sent: Sent) -> None:
    sent.headers = [pair for pair in sent.headers if pair[0] != b"content-length"]
    sent.headers.append((b"transfer-encoding", b"chunked"))
    sent.body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(OTHER), OTHER)


def stream_of_amazon(sent: Sent) -> None:
    sent.headers.append((b"x-amz-content-sha256", b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD"))
    sent.headers.append((b"content-encoding", b"aws-chunked"))


def unsigned_body(sent: Sent) -> None:
    sent.headers.append((b"x-amz-content-sha256", b"UNSIGNED-PAYLOAD"))


def unsigned_hash(sent: Sent) -> None:
    sent.headers.append((b"x-amz-content-sha256", hash_body(OTHER).encode()))
    sent.body = OTHER


def as_put(sent: Sent) -> None:
    sent.method = "PUT"


def claims(old: bytes, new: bytes) -> Callable[[Sent], None]:
    return lambda sent: sent.claim(old, new)


def changes(name: bytes, value: bytes) -> Callable[[Sent], None]:
    return lambda sent: sent.change(name, value)


def adds(name: bytes, value: bytes) -> Callable[[Sent], None]:
    return lambda sent: sent.headers.append((name, value))


SPOILT: dict[str, Callable[[Sent], None]] = {
    "another body": swap_body,
    "another body in chunks": swap_body_for_chunks,
    "amazon's own chunks": stream_of_amazon,
    "a body that is not signed": unsigned_body,
    "a hash that is not signed": unsigned_hash,
    "another method": as_put,
    "another host": changes(b"host", b"elsewhere"),
    "another type": changes(b"content-type", b"application/json; x=y"),
    "a second host": adds(b"host", b"door"),
    "a second authorization": adds(b"authorization", b"Bearer x"),
    "a second date": adds(b"x-amz-date", b"20150830T123600Z"),
    "a second type": adds(b"content-type", b"text/plain"),
    "a folded date": changes(b"x-amz-date", b"\r\n 20150830T123600Z"),
    "a session token": adds(b"x-amz-security-token", b"x"),
    "another target": adds(b"x-amz-target", b"Bedrock.Other"),
    "an older date": changes(b"x-amz-date", b"20150830T123600Z"),
    "a date that is none": changes(b"x-amz-date", b"20159999T999999Z"),
    "another region": claims(b"eu-west-1", b"us-east-1"),
    "another service": claims(b"/bedrock/", b"/s3/"),
    "another terminator": claims(b"aws4_request", b"aws3_request"),
    "another algorithm": claims(b"AWS4-HMAC-SHA256", b"AWS4-HMAC-SHA1"),
    "no host among the signed": claims(b"host;", b""),
    "the host twice among the signed": claims(b"host;", b"host;host;"),
    "an empty name among the signed": claims(b"host;", b"host;;"),
    "a capital among the signed": claims(b"host;", b"Host;"),
    "a name that did not come": claims(b"host;", b"host;x-nothing;"),
    "no date among the signed": claims(b";x-amz-date", b""),
    "another version": claims(b"hortus_ak_1_", b"hortus_ak_2_"),
    "version nothing": claims(b"hortus_ak_1_", b"hortus_ak_0_"),
    "a version of nine digits": claims(b"hortus_ak_1_", b"hortus_ak_999999999_"),
    "a version of ten digits": claims(b"hortus_ak_1_", b"hortus_ak_9999999999_"),
    "another key": claims(b"_a/", b"_b/"),
    "an unknown key": claims(b"_a/", b"_c/"),
    "a key with a way up": claims(b"_a/", b"_../"),
    "a key of 10 kB": claims(b"_a/", b"_" + b"a" * 10_000 + b"/"),
    "a key of bytes": claims(b"_a/", b"_\xc3\xa4/"),
    "no signature": lambda sent: sent.change(b"authorization", sent.say(b"authorization").partition(b"Signature=")[0]),
    "a signature in capitals": lambda sent: sent.change(b"authorization", sent.say(b"authorization")[:-64] + b"A" * 64),
    "half a signature": lambda sent: sent.change(b"authorization", sent.say(b"authorization")[:-32]),
    "a second signature in it": lambda sent: sent.change(
        b"authorization", sent.say(b"authorization") + b", Signature=" + b"0" * 64
    ),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_spoilt_reaches_no_host(place: Workplace, host: ReplayHost, name: str) -> None:
    sent, before = signed(place), len(host.seen)
    SPOILT[name](sent)
    received = exchange(place.port, sent.write())
    (status,) = statuses(received)
    assert status in {400, 401, 403, 404, 405, 415}
    assert len(host.seen) == before
    assert not any(isinstance(one, Opened) and one.receipt_id.encode() in received for one in place.records())
    for key_id in ("key_a", "key_b"):
        assert pair_of(place, key_id).secret_access_key.encode() not in received


@pytest.mark.parametrize("skew_s", [-330, 330, -86_400, 86_400])
def test_a_request_is_good_for_minutes(place: Workplace, host: ReplayHost, skew_s: int) -> None:
    before = len(host.seen)
    assert statuses(exchange(place.port, signed(place, skew_s=skew_s).write())) == [403]
    assert len(host.seen) == before


def test_a_key_that_is_revoked_signs_nothing_any_more(place: Workplace, host: ReplayHost) -> None:
    keys = pair_of(place, "key_b")
    assert statuses(exchange(place.port, signed(place, keys=keys).write())) == [200]
    grant = place.ledger.grants.pop(keys.access_key_id)
    place.ledger.push_forget([keys.access_key_id])
    wait_until(lambda: statuses(exchange(place.port, signed(place, keys=keys).write())) == [403])
    before = len(host.seen)
    assert statuses(exchange(place.port, signed(place, keys=keys).write())) == [403]
    assert len(host.seen) == before
    place.ledger.grants[keys.access_key_id] = grant


def test_a_long_body_is_not_asked_for(place: Workplace) -> None:
    sent = signed(place)
    sent.change(b"content-length", b"%d" % (LIMIT_MIB * 2**20 + 1))
    sent.headers.append((b"expect", b"100-continue"))
    sent.body = b""
    received = exchange(place.port, sent.write())
    assert statuses(received) == [413]
    assert b"100 Continue" not in received


def test_bodies_of_strangers_take_little_room(place: Workplace) -> None:
    """Whoever knows the name of a pair, and not its secret, makes us read a body before we can tell."""

    def resident_mib() -> int:
        return int(Path(f"/proc/{place.pid}/status").read_text("ascii").split("VmRSS:")[1].split()[0]) // 1024

    sent, before = signed(place), resident_mib()
    sent.claim(sent.say(b"authorization")[-64:], b"0" * 64)
    sent.change(b"content-length", b"%d" % (LIMIT_MIB * 2**20))
    sent.body = b"x" * (LIMIT_MIB * 2**20 - 1)
    connections = []
    try:
        for _ in range(20):
            connection = socket.create_connection(("127.0.0.1", place.port), timeout=20)
            connections.append(connection)
            connection.sendall(sent.write())
        assert resident_mib() < before + 20 * LIMIT_MIB + ROOM_MIB
        for connection in connections:
            connection.sendall(b"x")
            assert statuses(connection.recv(65_536)) == [403]
    finally:
        for connection in connections:
            connection.close()
