"""WebSocket frames: whole messages out of any pieces, bounds, and what ends a connection; against a library apart."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from hortus.framing.websocket import Closing, Frames, accept_of

MESSAGES = st.one_of(st.text(max_size=400), st.binary(max_size=400))


def server(most_bytes: int = 1000) -> Frames:
    return Frames(is_client=False, most_bytes=most_bytes)


def masked(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return bytes(Frame(opcode, data, fin=fin).serialize(mask=True))


@given(st.lists(MESSAGES, max_size=6), st.randoms(use_true_random=False))
def test_messages_come_out_whole_however_their_bytes_are_cut(
    messages: list[str | bytes], chance: random.Random
) -> None:
    client = Frames(is_client=True, most_bytes=1000)
    data = b"".join(client.write(message) for message in messages)
    frames, found = server(), []
    while data:
        size = chance.randint(1, len(data))
        some, reply = frames.feed(data[:size])
        found += some
        assert reply == b""
        data = data[size:]
    assert found == messages


@given(st.binary(max_size=300))
def test_any_bytes_give_messages_or_an_end_and_nothing_after_it(data: bytes) -> None:
    frames = server()
    found, _ = frames.feed(data)
    closings = [one for one in found if isinstance(one, Closing)]
    assert len(closings) <= 1
    if closings:
        assert found[-1] is closings[0]
        assert frames.feed(masked(Opcode.TEXT, b"more")) == ([], b"")


def test_a_message_in_fragments_with_a_ping_between_is_one_message_and_one_pong() -> None:
    frames = server()
    data = masked(Opcode.TEXT, b"The ", fin=False) + masked(Opcode.PING, b"?") + masked(Opcode.CONT, b"lamp.")
    found, reply = frames.feed(data)
    assert found == ["The lamp."]
    assert reply == bytes(Frame(Opcode.PONG, b"?").serialize(mask=False))


@pytest.mark.parametrize("parts", [[b"x" * 1001], [b"x" * 600, b"x" * 401]])
def test_a_message_that_is_too_long_closes_with_1009(parts: list[bytes]) -> None:
    frames = server()
    data = masked(Opcode.BINARY, parts[0], fin=len(parts) == 1)
    data += b"".join(masked(Opcode.CONT, part) for part in parts[1:])
    (closing,), reply = frames.feed(data)
    assert isinstance(closing, Closing)
    assert closing.code == 1009
    assert b"\x03\xf1" in reply


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (bytes(Frame(Opcode.TEXT, b"unmasked").serialize(mask=False)), 1002),
        (masked(Opcode.TEXT, b"\xff\xfe"), 1007),
        (masked(Opcode.CONT, b"of nothing"), 1002),
        (b"\xf1\x80\x00\x00\x00\x00", 1002),
        (masked(Opcode.CLOSE, b"\x03"), 1002),
    ],
    ids=["unmasked", "no UTF-8", "a part of nothing", "a reserved bit", "half a code"],
)
def test_broken_rules_close_with_the_code_for_them(data: bytes, code: int) -> None:
    (closing,), reply = server().feed(data)
    assert isinstance(closing, Closing)
    assert closing.code == code
    assert reply[:1] == b"\x88"


def test_a_code_that_may_not_stand_in_a_frame_is_not_sent() -> None:
    (closing,), reply = server().feed(masked(Opcode.CLOSE, b""))
    assert closing == Closing(1005)
    assert b"\x03\xed" not in reply


def test_a_long_reason_is_cut_between_characters() -> None:
    sent = server().close(1008, "ü" * 100)
    assert len(sent) <= 127
    assert sent[4:].decode() == "ü" * 61


def test_after_a_close_nothing_is_sent() -> None:
    frames = server()
    frames.close(1000)
    assert frames.write("more") == frames.ping() == frames.close(1000) == b""


def test_the_accept_key_is_the_one_that_a_client_expects() -> None:
    client = ClientProtocol(parse_uri("ws://host.example/"))
    key = client.connect().headers["Sec-WebSocket-Key"]
    accepted = accept_of(key.encode())
    assert accepted is not None
    assert accept_of(b"too short") is None
    assert accept_of(b"dGhlIHNhbXBsZSBub25jZQ==") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, 1.3
