"""What hosts said in the recordings that they used, as the relay reads it and as the translation does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from exchanges import Exchange, own_exchanges, shared_exchanges
from hortus.canon.dialect import Dialect, Operation
from hortus.canon.events import UsageReported
from hortus.canon.usage import Usage
from hortus.dialects import DIALECTS
from proof_of_dialects import TRANSLATIONS

_DIALECTS = {dialect.name: dialect for dialect in DIALECTS}
_USES = {"chat", "embeddings"}


class Recorded(NamedTuple):
    """One answer, and what it used."""

    exchange: Exchange
    usage: Usage


def answered() -> Iterator[Exchange]:
    """Return the exchanges whose answer may say what it used."""
    for exchange in (*shared_exchanges(), *own_exchanges()):
        if exchange.status < 300 and exchange.operation in _USES:
            yield exchange


def recorded() -> Iterator[Recorded]:
    """Return every usage that a host reported, as the relay reads it."""
    for exchange in answered():
        usage = relayed(exchange)
        if usage is not None:
            yield Recorded(exchange, usage)


def relayed(exchange: Exchange) -> Usage | None:
    """Return what the relay takes from an answer, None where the host reports nothing."""
    dialect = _DIALECTS[exchange.dialect]
    if exchange.is_framed:
        stream = dialect.open_stream(True)  # noqa: FBT003 -- as the record calls it
        stream.feed(exchange.answer)
        stream.close()
        return stream.usage
    usage = dialect.read_answer(_operation(dialect, exchange.operation), exchange.answer, 0).usage
    return None if usage.is_estimated else usage


def translated(exchange: Exchange) -> Usage | None:
    """Return the same as the translation takes it.

    Raises:
        BrokenStream: The translation cannot read the answer.
        HostFault: It says itself that it failed.
    """
    translation = TRANSLATIONS[exchange.dialect]
    if exchange.operation == "embeddings":
        assert translation.embeddings is not None
        return translation.embeddings.read_response(exchange.answer).usage
    if not exchange.is_framed:
        return translation.chat.read_response(exchange.answer).usage
    reader = translation.chat.open_reader()
    events = [*reader.feed(exchange.answer), *reader.close()]
    return next((event.usage for event in reversed(events) if isinstance(event, UsageReported)), None)


def _operation(dialect: Dialect, name: str) -> Operation:
    return next(operation for operation in dialect.operations if operation.name == name)
