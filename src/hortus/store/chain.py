"""Writes the chain: each entry in the transaction that writes its record, by the ledger alone.

Implements `ledger.notary.ChainStore`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, Dialect, bindparam, func, select, update

from hortus.ledger.notary import Leaving, Standing
from hortus.receipts.chain import (
    ACT,
    BEGIN,
    CHECKPOINT,
    NOWHERE,
    RECEIPT,
    SEGMENT_ENTRIES,
    STUB,
    Begin,
    Place,
    digest_of,
    is_over,
    link,
    spell_into,
)
from hortus.receipts.checkpoint import NOT_READABLE, Signed, Stub, read_statement
from hortus.receipts.records import Receipt
from hortus.store.database import Store
from hortus.store.leaving import find_leaving, replace_by_stub
from hortus.store.prepared import Prepared, Row, prepare_insert
from hortus.store.schema import acts, chain, chain_notes, chain_segments, receipts

_ACTS_AT_ONCE = 1000


class Chain:
    """Extends the chain within a transaction of its caller, who must be the only one to write it."""

    def __init__(self, dialect: Dialect) -> None:
        last = select(func.max(chain.c.seq)).scalar_subquery()
        self._tail = Prepared(select(chain.c.seq, chain.c.hash).where(chain.c.seq == last), dialect)
        newest = select(func.max(chain_segments.c.number)).scalar_subquery()
        columns = (chain_segments.c.number, chain_segments.c.first_seq, chain_segments.c.began_at_ms)
        self._segment = Prepared(select(*columns).where(chain_segments.c.number == newest), dialect)
        self._add = prepare_insert(chain, dialect)
        self._add_notes = prepare_insert(chain_notes, dialect)
        self._add_segments = prepare_insert(chain_segments, dialect)

    def extend(self, connection: Connection, done: Sequence[Receipt], *, now_ms: int) -> list[int]:
        """Chain receipts that are about to be written, in their order; return the place of each."""
        if not done:
            return []
        pen = self._pen(connection, now_ms)
        places, record = [], bytearray()
        for receipt in done:
            spell_into(record, receipt)
            places.append(pen.put(RECEIPT, receipt.receipt_id, record))
        self._write(connection, pen)
        return places

    def append(self, connection: Connection, entries: Sequence[tuple[int, str, bytes]], *, now_ms: int) -> list[int]:
        """Chain other records (code, id, bytes); those of acts stand in their own table. Return the place of each."""
        pen = self._pen(connection, now_ms)
        places = []
        for code, record_id, record in entries:
            places.append(pen.put(code, record_id, record))
            if code != ACT:
                pen.notes.append((places[-1], record))
        self._write(connection, pen)
        return places

    def tail(self, connection: Connection) -> Place:
        """Return where the chain stands."""
        row = self._tail.run(connection, {}).first()
        return Place(*row) if row else NOWHERE  # type: ignore[arg-type]  # the driver's own values

    def _pen(self, connection: Connection, now_ms: int) -> _Pen:
        row = self._segment.run(connection, {}).first()
        pen = _Pen(self.tail(connection), row, now_ms=now_ms)
        if row is None:
            pen.unchained = connection.execute(select(func.count()).select_from(receipts)).scalar_one()
        return pen

    def _write(self, connection: Connection, pen: _Pen) -> None:
        self._add_segments.run_for_each(connection, pen.segments)
        self._add.run_for_each(connection, pen.rows)
        self._add_notes.run_for_each(connection, pen.notes)


class _Pen:
    """The chain's end while one transaction adds to it."""

    def __init__(self, tail: Place, segment: Sequence[object] | None, *, now_ms: int) -> None:
        self.seq, self.hash = tail.seq, tail.hash
        self.rows: list[Row] = []
        self.notes: list[Row] = []
        self.segments: list[Row] = []
        self.unchained = 0
        self._now_ms = now_ms
        self._number, self._last_seq = 0, 0  # no segment yet
        if segment is not None:
            number, first_seq, began_at_ms = segment
            assert isinstance(number, int)  # noqa: S101 -- integer columns, as the next two
            assert isinstance(first_seq, int)  # noqa: S101 -- see above
            assert isinstance(began_at_ms, int)  # noqa: S101 -- see above
            self._number = number
            if not is_over(entries=tail.seq - first_seq + 1, began_at_ms=began_at_ms, now_ms=now_ms):
                self._last_seq = first_seq + SEGMENT_ENTRIES - 1

    def put(self, code: int, record_id: str, record: bytes | bytearray) -> int:
        """Add an entry, and before it the beginning of a segment where that is due; return its place."""
        if self.seq >= self._last_seq:
            self._begin()
        self.seq = seq = self.seq + 1
        self.hash = entry = link(self.hash, seq, code=code, digest=digest_of(record))
        self.rows.append((seq, code, record_id, entry))
        return seq

    def _begin(self) -> None:
        self._number += 1
        first_seq = self.seq + 1
        self._last_seq = first_seq + SEGMENT_ENTRIES - 1
        self.segments.append((self._number, first_seq, self._now_ms, self.hash, None))
        begin = Begin(self._number, self._now_ms, self.hash.hex(), self.unchained)
        self.unchained = 0
        record = msgspec.json.encode(begin)
        self.notes.append((self.put(BEGIN, "", record), record))


_LAST_CHECKPOINT = (
    select(chain_notes.c.record)
    .join_from(chain_notes, chain, chain.c.seq == chain_notes.c.seq)
    .where(chain.c.code == CHECKPOINT)
    .order_by(chain_notes.c.seq.desc())
    .limit(1)
)


def _instant_of(record: bytes) -> int | None:
    """Return when a checkpoint was made; None where its bytes were changed into none."""
    try:
        statement = read_statement(msgspec.json.decode(record, type=Signed))
    except NOT_READABLE:
        return None
    return statement.at_ms if statement is not None else None


class ChainTable:
    """The chain as the ledger sees it, beside the receipts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._chain = Chain(store.dialect)

    def standing(self) -> Standing:
        """Return where the chain stands, and whether anything came after its last checkpoint."""
        with self._store.reading() as connection:
            place = self._chain.tail(connection)
            code = connection.execute(select(chain.c.code).where(chain.c.seq == place.seq)).scalar()
            record = connection.execute(_LAST_CHECKPOINT).scalar()
        has_news = code is not None and code != CHECKPOINT
        return Standing(place, has_news, checkpoint_at_ms=_instant_of(record) if record is not None else None)

    def take_acts(self) -> int:
        """Give acts that have none their places in the chain, oldest first; return how many."""
        waiting = select(acts.c.act_id, acts.c.record).where(acts.c.seq.is_(None))
        with self._store.reading() as connection:
            if connection.execute(waiting.limit(1)).first() is None:
                return 0
        with self._store.writing() as connection:
            rows = connection.execute(waiting.order_by(acts.c.at_ms, acts.c.act_id).limit(_ACTS_AT_ONCE)).all()
            entries = [(ACT, act_id, record) for act_id, record in rows]
            places = self._chain.append(connection, entries, now_ms=self._store.clock.now_ms())
            chosen = update(acts).where(acts.c.act_id == bindparam("this")).values(seq=bindparam("place"))
            pairs = zip(rows, places, strict=True)
            connection.execute(chosen, [{"this": row[0], "place": place} for row, place in pairs])
        return len(rows)

    def add_checkpoint(self, record: bytes, after: Place) -> bool:
        """Write a checkpoint of a place into the chain, unless the chain has gone on; tell whether it was written."""
        with self._store.writing() as connection:
            if self._chain.tail(connection) != after:
                return False
            self._chain.append(connection, [(CHECKPOINT, "", record)], now_ms=self._store.clock.now_ms())
        return True

    def leaving(self, before_ms: int) -> Leaving | None:
        """Return the oldest segment that is still here, if all of it came before an instant."""
        with self._store.reading() as connection:
            return find_leaving(connection, before_ms)

    def let_go(self, stub: Stub, record: bytes) -> None:
        """Delete what a segment held, put its stub in its place, and chain the stub."""
        with self._store.writing() as connection:
            replace_by_stub(connection, stub, record)
            self._chain.append(connection, [(STUB, "", record)], now_ms=self._store.clock.now_ms())
