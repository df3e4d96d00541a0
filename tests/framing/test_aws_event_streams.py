"""AWS's event streams that arrive in pieces, whole or broken: the same messages for every split, and every fault named."""

from __future__ import annotations

import struct
from itertools import pairwise
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hortus.canon.errors import BrokenStream
from hortus.framing import aws_event_stream
from hortus.framing.aws_event_stream import EventStreamSplitter, Header, Kind, read_message, text, write_message

WORDS = st.text(st.characters(codec="utf-8"), max_size=12)


def integers(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


HEADERS = st.one_of(
    st.sampled_from([Header(Kind.TRUE, value=True), Header(Kind.FALSE, value=False)]),
    st.builds(Header, st.just(Kind.BYTE), integers(8)),
    st.builds(Header, st.just(Kind.SHORT), integers(16)),
    st.builds(Header, st.just(Kind.INTEGER), integers(32)),
    st.builds(Header, st.sampled_from([Kind.LONG, Kind.TIMESTAMP]), integers(64)),
    st.builds(Header, st.just(Kind.BYTES), st.binary(max_size=20)),
    st.builds(Header, st.just(Kind.UUID), st.binary(min_size=16, max_size=16)),
    st.builds(text, WORDS),
)
MESSAGES = st.tuples(st.dictionaries(WORDS.filter(bool), HEADERS, max_size=4), st.binary(max_size=40))
EMPTY = bytes.fromhex("00000010 00000000 05c248eb 7d98c8ff")


def messages_of(parts: list[bytes]) -> list[tuple[dict[str, Header], bytes, bytes]]:
    splitter = EventStreamSplitter()
    found = [(one.headers, one.payload, one.raw) for part in parts for one in splitter.feed(part)]
    splitter.close()
    return found


def framed(headers: bytes, payload: bytes = b"", *, lengths: tuple[int, int] | None = None) -> bytes:
    """Frame headers that may be no headers at all; the checksums are right."""
    total, length = lengths or (16 + len(headers) + len(payload), len(headers))
    prelude = struct.pack(">II", total, length)
    message = prelude + struct.pack(">I", crc32(prelude)) + headers + payload
    return message + struct.pack(">I", crc32(message))


@given(wanted=st.lists(MESSAGES, max_size=4), places=st.lists(st.integers(0, 800)))
def test_every_split_gives_the_same_messages(wanted: list[tuple[dict[str, Header], bytes]], places: list[int]) -> None:
    written = [write_message(headers, payload) for headers, payload in wanted]
    data = b"".join(written)
    marks = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    found = messages_of([data[start:end] for start, end in pairwise(marks)])
    assert found == [(headers, payload, raw) for (headers, payload), raw in zip(wanted, written, strict=True)]
    assert found == messages_of([data[i : i + 1] for i in range(len(data))])


@given(message=MESSAGES, place=st.integers(0))
def test_every_flipped_bit_is_found(message: tuple[dict[str, Header], bytes], place: int) -> None:
    data = bytearray(write_message(*message))
    place %= len(data) * 8
    data[place // 8] ^= 1 << place % 8
    with pytest.raises(BrokenStream):
        messages_of([bytes(data)])
    with pytest.raises(BrokenStream):
        read_message(bytes(data))


@given(data=st.binary(max_size=60))
def test_bytes_that_are_no_messages_break_the_stream(data: bytes) -> None:
    with pytest.raises(BrokenStream):
        messages_of([b"\xff" + data])


@given(headers=st.binary(max_size=30))
def test_headers_that_are_none_break_the_stream_or_are_what_is_written_for_them(headers: bytes) -> None:
    data = framed(headers)
    try:
        (message,) = EventStreamSplitter().feed(data)
    except BrokenStream:
        return
    assert write_message(message.headers, b"") == data


# Known to botocore's readers too, whose own cases they are (tests/unit/test_eventstream.py), read 2026-11.
KNOWN = {
    "nothing": (EMPTY, {}, b""),
    "content": (bytes.fromhex("0000001d 00000000 fd528c5a 7b27666f6f273a27626172277d c3653936"), {}, b"{'foo':'bar'}"),
    "a number": (
        bytes.fromhex("0000002d 00000010 41c424b8 0a6576656e742d74797065 04 0000a00c")
        + b"{'foo':'bar'}"
        + bytes.fromhex("36f480a0"),
        {"event-type": Header(Kind.INTEGER, 0xA00C)},
        b"{'foo':'bar'}",
    ),
    "a text": (
        bytes.fromhex("0000003d 00000020 07fd8396 0c636f6e74656e742d74797065 07 0010")
        + b"application/json{'foo':'bar'}"
        + bytes.fromhex("8d9c08b1"),
        {"content-type": text("application/json")},
        b"{'foo':'bar'}",
    ),
}


@pytest.mark.parametrize("case", KNOWN)
def test_known_messages_are_read_and_written_so(case: str) -> None:
    data, headers, payload = KNOWN[case]
    assert messages_of([data]) == [(headers, payload, data)]
    assert write_message(headers, payload) == data


NAME = b"\x01a"
WRONG_HEADERS = {
    "no name": (b"\x00\x00", "a header without a name"),
    "a name twice": (b"\x01a\x00\x01a\x01", "two headers of the same name"),
    "a name over the end": (b"\x05a", "longer than all of them may be"),
    "no type": (NAME, "longer than all of them may be"),
    "an unknown type": (NAME + b"\x0a", "the unknown type 10"),
    "a number over the end": (NAME + b"\x04\x00", "longer than all of them may be"),
    "a length over the end": (NAME + b"\x07\x00", "longer than all of them may be"),
    "a text over the end": (NAME + b"\x07\x00\x02b", "longer than all of them may be"),
    "a text that is too long": (NAME + b"\x07\x80\x00" + b"b" * 32_768, "a header of 32768 bytes; 32767 is the most"),
    "a text that is none": (NAME + b"\x07\x00\x01\xff", "a header that is not UTF-8"),
    "a name that is none": (b"\x01\xff\x00", "a header that is not UTF-8"),
}


@pytest.mark.parametrize("case", WRONG_HEADERS)
def test_headers_that_are_wrong_are_said_to_be(case: str) -> None:
    headers, words = WRONG_HEADERS[case]
    with pytest.raises(BrokenStream, match=words):
        messages_of([framed(headers)])


WRONG_LENGTHS = {
    "shorter than itself": ((15, 0), "a message of 15 bytes that says its headers have 0"),
    "headers longer than all": ((20, 5), "a message of 20 bytes that says its headers have 5"),
    "too many headers": ((2**20, 131_073), "131073 bytes of headers; 131072 is the most"),
    "too much content": ((2**32 - 1, 0), "4294967279 bytes of content; 25165824 is the most"),
}


@pytest.mark.parametrize("case", WRONG_LENGTHS)
def test_lengths_that_cannot_be_are_refused_before_what_they_announce(case: str) -> None:
    lengths, words = WRONG_LENGTHS[case]
    with pytest.raises(BrokenStream, match=words):
        list(EventStreamSplitter().feed(framed(b"", lengths=lengths)[:12]))


def test_a_checksum_of_lengths_that_is_wrong_is_told_from_one_of_the_message() -> None:
    with pytest.raises(BrokenStream, match="lengths do not match their checksum"):
        list(EventStreamSplitter().feed(EMPTY[:8] + b"\0" + EMPTY[9:]))
    with pytest.raises(BrokenStream, match="does not match its checksum"):
        list(EventStreamSplitter().feed(EMPTY[:-1] + b"\0"))


def test_messages_before_a_broken_one_come_and_the_break_is_said_again_and_again() -> None:
    splitter = EventStreamSplitter()
    whole = iter(splitter.feed(EMPTY + EMPTY[:-1] + b"\0"))
    assert next(whole).raw == EMPTY
    for look in (whole, splitter.feed(b""), splitter.feed(EMPTY)):
        with pytest.raises(BrokenStream):
            next(look)
    with pytest.raises(BrokenStream, match="ended inside a message"):
        splitter.close()


def test_messages_that_were_not_looked_at_come_with_the_next_bytes() -> None:
    splitter = EventStreamSplitter()
    splitter.feed(EMPTY)
    assert [one.raw for one in splitter.feed(EMPTY)] == [EMPTY, EMPTY]


def test_a_stream_that_ends_inside_a_message_is_broken() -> None:
    splitter = EventStreamSplitter()
    assert list(splitter.feed(EMPTY + EMPTY[:5])) != []
    with pytest.raises(BrokenStream, match="after 5 bytes of it"):
        splitter.close()


def test_one_message_is_read_whole_or_not_at_all() -> None:
    assert read_message(EMPTY).payload == b""
    with pytest.raises(BrokenStream, match="of 20 bytes that says it has 16"):
        read_message(EMPTY + b"more")
    with pytest.raises(BrokenStream, match="of 15 bytes that says it has 16"):
        read_message(EMPTY[:-1])
    with pytest.raises(BrokenStream, match="a message of 4 bytes"):
        read_message(EMPTY[:4])


def test_texts_are_found_by_name() -> None:
    message = read_message(write_message({":event-type": text("metadata"), "n": Header(Kind.BYTE, 1)}, b""))
    assert [message.text(name) for name in (":event-type", "n", "other")] == ["metadata", None, None]


UNWRITABLE = {
    "no name": ({"": text("a")}, "name has 0 bytes"),
    "a long name": ({"a" * 256: text("a")}, "name has 256 bytes"),
    "a long text": ({"a": text("b" * 32_768)}, "a header has 32768 bytes"),
    "long bytes": ({"a": Header(Kind.BYTES, bytes(32_768))}, "a header has 32768 bytes"),
    "half a character": ({"a": text("\ud800")}, "half of a character"),
    "a large number": ({"a": Header(Kind.BYTE, 128)}, "too large for BYTE"),
    "a text as number": ({"a": Header(Kind.LONG, "1")}, "no LONG"),
    "yes as no": ({"a": Header(Kind.FALSE, value=True)}, "no FALSE"),
    "half a UUID": ({"a": Header(Kind.UUID, b"12345678")}, "no UUID"),
    "too many": ({f"{n}": text("b" * 30_000) for n in range(5)}, "150025 bytes of headers"),
}


@pytest.mark.parametrize("case", UNWRITABLE)
def test_what_no_reader_would_take_is_not_written(case: str) -> None:
    headers, words = UNWRITABLE[case]
    with pytest.raises(BrokenStream, match=words):
        write_message(headers, b"")


def test_content_over_the_limit_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_event_stream, "PAYLOAD_LIMIT_BYTES", 3)
    with pytest.raises(BrokenStream, match="0 bytes of headers and 4 of content"):
        write_message({}, b"1234")
