"""Every recorded stream of Mistral passes as it came, and what it says of itself is read."""

from __future__ import annotations

import exactness
import pytest

from exchanges import Exchange, exchanges_with, own_exchanges
from hortus.dialects.mistral import DIALECT

NOT_WANTED = False
OWN = (one for one in own_exchanges() if one.dialect == DIALECT.name)
STREAMS = [one for one in (*exchanges_with("mistral"), *OWN) if one.is_framed]


@pytest.mark.parametrize("exchange", STREAMS, ids=[one.id for one in STREAMS])
def test_a_stream_passes_byte_for_byte_and_its_usage_is_read(exchange: Exchange) -> None:
    for parts in exactness.splits_of(exchange.answer, exchange.id):
        stream = DIALECT.open_stream(NOT_WANTED)
        assert b"".join([stream.feed(part) for part in parts]) + stream.close() == exchange.answer
        assert (stream.is_finished, stream.is_failed, stream.usage is not None) == (True, False, True)
