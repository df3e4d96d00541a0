"""Takes records of the journal into the store: receipts, what still waits, and the position, in one transaction each.

So that killing the ledger at any moment loses no record and counts none twice. Implements `ledger.ports.ReceiptStore`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from hortus.ledger.ports import Absorbed, Batch, Misplaced
from hortus.receipts.folding import fold
from hortus.receipts.records import JournalRecord, Opened, Receipt, Refused, Settled
from hortus.receipts.segment import START, Position
from hortus.store.chain import Chain
from hortus.store.claims import bury_claims, end_claims
from hortus.store.database import Store
from hortus.store.poolbooks import PoolAccounts
from hortus.store.prepared import Lookup, Prepared, Row, prepare_insert
from hortus.store.rollups import RollUps
from hortus.store.rows import Mark, attempt_row, receipt_row, waiting_row
from hortus.store.schema import attempts, receipts, segments, waiting

_DECODER: msgspec.json.Decoder[Opened | Settled | Refused] = msgspec.json.Decoder(Opened | Settled | Refused)

_POSITION = select(segments.c.end_offset, segments.c.end_chain).where(segments.c.name == bindparam("segment"))
_MOVE_ON = (
    update(segments)
    .where(segments.c.name == bindparam("segment"))
    .values(
        end_offset=bindparam("offset"), end_chain=bindparam("chain"), records=segments.c.records + bindparam("count")
    )
)


class JournalTable:
    """The store as the ledger sees it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        dialect = store.dialect
        self._position = Prepared(_POSITION, dialect)
        self._move_on = Prepared(_MOVE_ON, dialect)
        self._forget = Prepared(delete(segments).where(segments.c.name == bindparam("segment")), dialect)
        self._known = Lookup(select(receipts.c.receipt_id), receipts.c.receipt_id, dialect)
        self._waited = Lookup(select(waiting.c.record), waiting.c.receipt_id, dialect)
        self._chain = Chain(dialect)
        self._add_receipts = prepare_insert(receipts, dialect)
        self._add_attempts = prepare_insert(attempts, dialect)
        self._add_waiting = prepare_insert(waiting, dialect)
        self._roll_ups = RollUps(dialect)
        self._pools = PoolAccounts(dialect)
        self._stop_waiting = Prepared(delete(waiting).where(waiting.c.receipt_id == bindparam("id")), dialect)

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
            self._advance(connection, batch)
            return self._take(connection, batch.records, writer=batch.writer)

    def waiting_writers(self) -> frozenset[str]:
        """Return the writers of records whose requests are not over."""
        with self._store.reading() as connection:
            return frozenset(connection.execute(select(waiting.c.writer).distinct()).scalars())

    def bury(self, writer: str) -> Absorbed:
        """A writer is dead and all it wrote is absorbed: what still waits becomes `interrupted`."""
        with self._store.writing() as connection:
            groups = _by_receipt(
                _DECODER.decode(record)
                for record in connection.execute(select(waiting.c.record).where(waiting.c.writer == writer)).scalars()
            )
            known = self._known_among(connection, groups)
            folded = [fold(group, is_writer_dead=True) for name, group in groups.items() if name not in known]
            done = [receipt for receipt in folded if receipt is not None]
            self._write(connection, done)
            connection.execute(delete(waiting).where(waiting.c.writer == writer))
            self._pools.charge(connection, done, writer=writer)
            self._pools.end(connection, writer)
            bury_claims(connection, writer)
        return Absorbed(receipts=len(done), done=tuple(done))

    def archive(self, segment: str) -> None:
        """Remember that nothing more will come from a segment."""
        now_ms = self._store.clock.now_ms()
        with self._store.writing() as connection:
            connection.execute(update(segments).where(segments.c.name == segment).values(archived_at_ms=now_ms))

    def archived_before(self, instant_ms: int) -> Mapping[str, bool]:
        """Return the segments that were archived before an instant, oldest first, and whether each was damaged."""
        query = select(segments.c.name, segments.c.damage.is_not(None)).where(segments.c.archived_at_ms < instant_ms)
        with self._store.reading() as connection:
            rows = connection.execute(query.order_by(segments.c.archived_at_ms, segments.c.name)).all()
        return {name: bool(is_damaged) for name, is_damaged in rows}

    def forget(self, names: Sequence[str]) -> None:
        """Remember no longer that there were these archived segments: their files are gone."""
        with self._store.writing() as connection:
            self._forget.run_for_each(connection, [(name,) for name in names])

    def _advance(self, connection: Connection, batch: Batch) -> None:
        row: Sequence[Any] | None = self._position.run(connection, {"segment": batch.segment}).first()
        here = Position(*row) if row else START
        if here != batch.start:
            raise Misplaced(batch.segment, here)
        if row is None:
            nowhere = {"name": batch.segment, "writer": batch.writer, "end_offset": 0, "end_chain": "", "records": 0}
            connection.execute(insert(segments).values(nowhere))
        place = {"segment": batch.segment, "offset": batch.end.offset, "chain": batch.end.chain}
        self._move_on.run(connection, place | {"count": len(batch.records)})
        if batch.damage:
            _add_damage(connection, batch.segment, batch.damage)

    def _take(self, connection: Connection, records: Sequence[JournalRecord], *, writer: str) -> Absorbed:
        groups = _by_receipt(records)
        known = self._known_among(connection, groups)
        waited = _by_receipt(_DECODER.decode(record) for (record,) in self._waited.rows(connection, list(groups)))
        done: list[Receipt] = []
        fresh: list[Row] = []
        doubled = 0
        for receipt_id, group in groups.items():
            if receipt_id in known:
                doubled += len(group)
                continue
            before = waited.get(receipt_id, [])
            receipt = fold(before + group)
            if receipt is not None:
                done.append(receipt)
                doubled += len(before) + len(group) - _records_in(receipt)
                continue
            after = _first_of_each(group, before)
            doubled += len(group) - len(after)
            fresh += [waiting_row(record, mark, writer=writer) for mark, record in after.items()]
        self._write(connection, done)
        self._pools.charge(connection, done, writer=writer)
        over = [(receipt.receipt_id,) for receipt in done if receipt.receipt_id in waited]
        self._stop_waiting.run_for_each(connection, over)
        self._add_waiting.run_for_each(connection, fresh)
        return Absorbed(receipts=len(done), doubled=doubled, done=tuple(done))

    def _write(self, connection: Connection, done: Sequence[Receipt]) -> None:
        tried = [attempt_row(receipt.receipt_id, attempt) for receipt in done for attempt in receipt.attempts]
        places = self._chain.extend(connection, done, now_ms=self._store.clock.now_ms())
        self._add_receipts.run_for_each(connection, list(map(receipt_row, done, places)))
        self._add_attempts.run_for_each(connection, tried)
        self._roll_ups.add(connection, done)
        end_claims(connection, done)

    def _known_among(self, connection: Connection, ids: Iterable[str]) -> set[object]:
        return {receipt_id for (receipt_id,) in self._known.rows(connection, list(ids))}


def _add_damage(connection: Connection, segment: str, damage: str) -> None:
    here = segments.c.name == segment
    before = connection.execute(select(segments.c.damage).where(here)).scalar_one()
    connection.execute(update(segments).where(here).values(damage=f"{before}\n{damage}" if before else damage))


def _by_receipt(records: Iterable[JournalRecord]) -> dict[str, list[JournalRecord]]:
    groups: dict[str, list[JournalRecord]] = {}
    for record in records:
        groups.setdefault(record.receipt_id, []).append(record)
    return groups


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
