"""Takes records of the journal into the store: receipts, what still waits, and the position, in one transaction each.

So that killing the ledger at any moment loses no record and counts none twice. Implements `ledger.ports.ReceiptStore`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from hortus.ledger.ports import Absorbed, Batch, Misplaced
from hortus.receipts.folding import fold
from hortus.receipts.records import JournalRecord, Opened, Receipt, Refused, Settled
from hortus.receipts.segment import START, Position
from hortus.store.database import Store
from hortus.store.rows import Mark, Row, RowInsert, attempt_row, receipt_row, waiting_row
from hortus.store.schema import attempts, receipts, segments, waiting

_IDS_AT_ONCE = 900  # SQLite before 3.32 took 999 variables a statement, and no plan gains from more

_DECODER: msgspec.json.Decoder[Opened | Settled | Refused] = msgspec.json.Decoder(Opened | Settled | Refused)


class JournalTable:
    """The store as the ledger sees it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._insert_receipts = RowInsert(receipts, store.dialect)
        self._insert_attempts = RowInsert(attempts, store.dialect)
        self._insert_waiting = RowInsert(waiting, store.dialect)

    def positions(self) -> Mapping[str, Position]:
        """Return how far each segment that is not archived has been absorbed."""
        query = select(segments.c.name, segments.c.end_offset, segments.c.end_chain)
        with self._store.reading() as connection:
            rows = connection.execute(query.where(segments.c.archived_at_ms.is_(None))).all()
        return {name: Position(offset=offset, chain=chain) for name, offset, chain in rows}

    def absorb(self, batch: Batch) -> Absorbed:
        """Write what the batch completes, keep what still runs, and remember where it ended.

        Raises:
            Misplaced: The store's position is not the batch's start.
        """
        with self._store.writing() as connection:
            _advance(connection, batch)
            return self._take(connection, batch.records, writer=batch.writer)

    def waiting_writers(self) -> frozenset[str]:
        """Return the writers of records whose requests are not over."""
        with self._store.reading() as connection:
            return frozenset(connection.execute(select(waiting.c.writer).distinct()).scalars())

    def bury(self, writer: str) -> Absorbed:
        """A writer is dead and all it wrote is absorbed: what still waits becomes `interrupted`."""
        with self._store.writing() as connection:
            rows = connection.execute(
                select(waiting.c.receipt_id, waiting.c.record).where(waiting.c.writer == writer)
            ).all()
            groups: dict[str, list[JournalRecord]] = {}
            for receipt_id, record in rows:
                groups.setdefault(receipt_id, []).append(_DECODER.decode(record))
            known = _known_receipts(connection, list(groups))
            folded = [fold(group, is_writer_dead=True) for name, group in groups.items() if name not in known]
            done = [receipt for receipt in folded if receipt is not None]
            self._write(connection, done)
            connection.execute(delete(waiting).where(waiting.c.writer == writer))
        return Absorbed(receipts=len(done))

    def archive(self, segment: str) -> None:
        """Remember that nothing more will come from a segment."""
        now_ms = self._store.clock.now_ms()
        with self._store.writing() as connection:
            connection.execute(update(segments).where(segments.c.name == segment).values(archived_at_ms=now_ms))

    def _take(self, connection: Connection, records: Sequence[JournalRecord], *, writer: str) -> Absorbed:
        groups: dict[str, list[JournalRecord]] = {}
        for record in records:
            groups.setdefault(record.receipt_id, []).append(record)
        known = _known_receipts(connection, list(groups))
        waited = _waiting_records(connection, list(groups))
        done: list[Receipt] = []
        fresh: list[Row] = []
        doubled = 0
        for receipt_id, group in groups.items():
            if receipt_id in known:
                doubled += len(group)
                continue
            before = waited.get(receipt_id, [])
            receipt = fold([*before, *group])
            if receipt is not None:
                done.append(receipt)
                doubled += len(before) + len(group) - _records_in(receipt)
                continue
            after = _first_of_each(group, before)
            doubled += len(group) - len(after)
            fresh += [waiting_row(record, mark, writer=writer) for mark, record in after.items()]
        self._write(connection, done)
        _stop_waiting(connection, [receipt.receipt_id for receipt in done if receipt.receipt_id in waited])
        self._insert_waiting.run(connection, fresh)
        return Absorbed(receipts=len(done), doubled=doubled)

    def _write(self, connection: Connection, done: Sequence[Receipt]) -> None:
        self._insert_receipts.run(connection, [receipt_row(receipt) for receipt in done])
        tried = [attempt_row(receipt.receipt_id, attempt) for receipt in done for attempt in receipt.attempts]
        self._insert_attempts.run(connection, tried)


def _advance(connection: Connection, batch: Batch) -> None:
    row = connection.execute(select(segments).where(segments.c.name == batch.segment)).mappings().first()
    here = Position(offset=row["end_offset"], chain=row["end_chain"]) if row else START
    if here != batch.start:
        raise Misplaced(batch.segment, here)
    values: dict[str, Any] = {"end_offset": batch.end.offset, "end_chain": batch.end.chain}
    if row is None:
        connection.execute(
            insert(segments).values(
                name=batch.segment, writer=batch.writer, records=len(batch.records), damage=batch.damage, **values
            )
        )
        return
    damage = "\n".join(text for text in (row["damage"], batch.damage) if text) or None
    values |= {"records": row["records"] + len(batch.records), "damage": damage}
    connection.execute(update(segments).where(segments.c.name == batch.segment).values(values))


def _known_receipts(connection: Connection, ids: Sequence[str]) -> set[str]:
    known: set[str] = set()
    for some in _portions(ids):
        known.update(connection.execute(select(receipts.c.receipt_id).where(receipts.c.receipt_id.in_(some))).scalars())
    return known


def _waiting_records(connection: Connection, ids: Sequence[str]) -> dict[str, list[JournalRecord]]:
    found: dict[str, list[JournalRecord]] = {}
    for some in _portions(ids):
        query = select(waiting.c.receipt_id, waiting.c.record).where(waiting.c.receipt_id.in_(some))
        for receipt_id, data in connection.execute(query):
            found.setdefault(receipt_id, []).append(_DECODER.decode(data))
    return found


def _stop_waiting(connection: Connection, ids: Sequence[str]) -> None:
    for some in _portions(ids):
        connection.execute(delete(waiting).where(waiting.c.receipt_id.in_(some)))


def _portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(ids), _IDS_AT_ONCE):
        yield ids[begin : begin + _IDS_AT_ONCE]


def _records_in(receipt: Receipt) -> int:
    """Return of how many records a receipt was made that is complete: two an attempt, one for a refusal."""
    return 2 * len(receipt.attempts) or 1


def _first_of_each(group: Sequence[JournalRecord], before: Sequence[JournalRecord]) -> dict[Mark, JournalRecord]:
    """Return the records of `group` that are no doubles, of each other or of those that came before."""
    known = {_mark(record) for record in before}
    return {mark: record for record in reversed(group) if (mark := _mark(record)) not in known}


def _mark(record: JournalRecord) -> Mark:
    if isinstance(record, Refused):
        return "refused", 0
    return ("opened" if isinstance(record, Opened) else "settled"), record.attempt
