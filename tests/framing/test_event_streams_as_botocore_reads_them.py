"""What we write, AWS's own SDK reads alike; run where it is installed, as a client of tests."""

from __future__ import annotations

import pytest

from hortus.framing.aws_event_stream import Header, Kind, text, write_message

eventstream = pytest.importorskip("botocore.eventstream", reason="botocore is not installed")

HEADERS = {
    "yes": Header(Kind.TRUE, value=True),
    "no": Header(Kind.FALSE, value=False),
    "byte": Header(Kind.BYTE, -128),
    "short": Header(Kind.SHORT, -2),
    "integer": Header(Kind.INTEGER, 2**31 - 1),
    "long": Header(Kind.LONG, -(2**63)),
    "bytes": Header(Kind.BYTES, b"\0\xff"),
    ":event-type": text("métadonnées"),
    "instant": Header(Kind.TIMESTAMP, 1_795_000_000_000),
    "id": Header(Kind.UUID, bytes(range(16))),
}


@pytest.mark.parametrize("payload", [b"", b"{}", bytes(100_000)])
def test_the_sdk_reads_what_we_write(payload: bytes) -> None:
    data = write_message(HEADERS, payload)
    buffer = eventstream.EventStreamBuffer()
    buffer.add_data(data[:11])
    buffer.add_data(data[11:])
    (event,) = list(buffer)
    assert event.payload == payload
    assert event.headers == {name: header.value for name, header in HEADERS.items()}
