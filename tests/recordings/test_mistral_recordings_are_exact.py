"""Every recorded exchange with Mistral, read and written again as Mistral's own dialect, is what it was."""

from __future__ import annotations

import exactness
import pytest

from exchanges import Exchange, exchanges_with
from hortus.dialects.mistral import DIALECT

NOT_WANTED = False
EXCHANGES = list(exchanges_with("mistral"))


@pytest.mark.parametrize("exchange", EXCHANGES, ids=[exchange.id for exchange in EXCHANGES])
def test_read_and_written_again_as_mistrals_own_it_is_what_it_was(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(exactness.TRANSLATIONS, DIALECT.name, DIALECT.translation)
    assert list(exactness.faults_of(exchange)) == []


@pytest.mark.parametrize(
    "exchange", [one for one in EXCHANGES if one.is_framed], ids=[one.id for one in EXCHANGES if one.is_framed]
)
def test_a_stream_passes_byte_for_byte_and_its_usage_is_read(exchange: Exchange) -> None:
    for parts in exactness.splits_of(exchange.answer, exchange.id):
        stream = DIALECT.open_stream(NOT_WANTED)
        assert b"".join([stream.feed(part) for part in parts]) + stream.close() == exchange.answer
        assert (stream.is_finished, stream.is_failed, stream.usage is not None) == (True, False, True)
