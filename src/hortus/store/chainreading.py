"""Reads the chain: its entries with their records as they stand in the store now, its stubs, and whether they fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select
from sqlalchemy.sql.elements import ColumnElement

from hortus.access.acts import Act
from hortus.receipts.chain import (
    ACT,
    CHECKPOINT,
    NO_HASH,
    NOWHERE,
    RECEIPT,
    Flaw,
    Place,
    canonical,
    digest_of,
    link,
)
from hortus.receipts.checkpoint import NOT_READABLE, Signed, Stub, read_statement
from hortus.receipts.exporting import Extent, Wanted, entry_line, stub_line
from hortus.receipts.records import Receipt
from hortus.store.database import Store
from hortus.store.receipts import load_receipts
from hortus.store.schema import acts, chain, chain_notes, chain_segments, receipts

PAGE = 500
"""Entries that are read at once."""


class Entry(msgspec.Struct, frozen=True):
    """One entry as it stands in the store.

    Attributes:
        record: Its bytes, as they follow from what the store says now; None where the store has lost it.
        receipt: The same of a receipt, as a value; and so on.
    """

    seq: int
    code: int
    record_id: str
    hash: bytes
    record: bytes | None
    receipt: Receipt | None = None
    act: Act | None = None


class Gone(msgspec.Struct, frozen=True):
    """A segment of which only the signed stub is left."""

    first_seq: int
    stub: bytes

    @property
    def statement(self) -> Stub:
        """What was signed."""
        statement = read_statement(msgspec.json.decode(self.stub, type=Signed))
        assert isinstance(statement, Stub)  # noqa: S101 -- nothing else is written there
        return statement


class ChainReader:
    """The chain for people and exports."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def place(self) -> Place:
        """Return where the chain stands."""
        with self._store.reading() as connection:
            return _tail(connection)

    def extent(self, wanted: Wanted) -> Extent | None:
        """Return the part of the chain that holds all that is wanted, None where that is nothing.

        It ends with a checkpoint, where there is one after it.
        """
        with self._store.reading() as connection:
            tail = _tail(connection)
            is_all_time = wanted.since_ms is None and wanted.until_ms is None
            found = (1, tail.seq) if is_all_time else _range_of(connection, wanted)
            if found is None or not tail.seq:
                return None
            first = 1 if wanted.since_ms is None else found[0]
            last = tail.seq if wanted.until_ms is None else _next_checkpoint(connection, found[1]) or tail.seq
            before, end = place_at(connection, first - 1), place_at(connection, last)
            assert before is not None  # noqa: S101 -- chosen from what there is
            assert end is not None  # noqa: S101 -- see above
            return Extent(before, end, _shown_in(connection, wanted, last))

    def lines(self, wanted: Wanted, *, after: int, last: int, limit: int = PAGE) -> tuple[list[bytes], int]:
        """Return the lines of an export for what stands after an entry, and the last entry that they stand for.

        Args:
            wanted: Which records are shown.
            after: The entry before the first line.
            last: The last entry of the export.
            limit: How many entries at most.
        """
        with self._store.reading() as connection:
            some = read_entries(connection, after, last=last, limit=limit)
        lines = [_line_of(one, wanted) for one in some]
        if not some:
            return lines, last
        end = some[-1]
        return lines, end.statement.last_seq if isinstance(end, Gone) else end.seq

    def find_flaw(self, *, newest: int) -> Flaw | None:
        """Check the newest entries against their records; return the first that does not fit."""
        with self._store.reading() as connection:
            tail = _tail(connection)
            oldest = connection.execute(select(func.min(chain.c.seq))).scalar() or 1
            after = max(tail.seq - newest, oldest - 1)
            here = place_at(connection, after)
            while here is not None and here.seq < tail.seq:
                some = read_entries(connection, here.seq, last=tail.seq, limit=PAGE)
                here, flaw = follow(here, some)
                if flaw is not None:
                    return flaw
        return None if here is not None else Flaw(after, "", "what stands before it is missing")


def _line_of(one: Entry | Gone, wanted: Wanted) -> bytes:
    if isinstance(one, Gone):
        return stub_line(one.first_seq, one.statement.hash, stub=one.stub)
    digest = digest_of(one.record) if one.record is not None else None
    record = one.record if _is_shown(one, wanted) else None
    return entry_line(one.seq, one.code, entry_hash=one.hash, record=record, digest=digest)


def _is_shown(one: Entry, wanted: Wanted) -> bool:
    if one.receipt is not None:
        is_own = wanted.project is None or one.receipt.caller.project_id == wanted.project_id
        return is_own and wanted.has_instant(one.receipt.opened_at_ms)
    if one.act is not None:
        return (wanted.project is None or one.act.project == wanted.project) and wanted.has_instant(one.act.at_ms)
    return one.code not in {RECEIPT, ACT}


def follow(here: Place, entries: Sequence[Entry | Gone]) -> tuple[Place, Flaw | None]:
    """Go over entries from a place; return where they end, and the first that does not fit."""
    for one in entries:
        if isinstance(one, Gone):
            here = Place(one.statement.last_seq, bytes.fromhex(one.statement.hash))
            continue
        if one.seq != here.seq + 1:
            return here, Flaw(here.seq + 1, "", "it is missing")
        if one.record is None:
            return here, Flaw(one.seq, one.record_id, "its record is missing")
        if link(here.hash, one.seq, code=one.code, digest=digest_of(one.record)) != one.hash:
            return here, Flaw(one.seq, one.record_id, "its record is not the one that was chained")
        here = Place(one.seq, one.hash)
    return here, None


def place_at(connection: Connection, seq: int) -> Place | None:
    """Return how the chain stood after an entry, also where that is the last one of a segment that is gone."""
    if not seq:
        return NOWHERE
    own = connection.execute(select(chain.c.hash).where(chain.c.seq == seq)).scalar()
    if own is None:  # then the segment that comes next says it
        own = connection.execute(
            select(chain_segments.c.previous).where(chain_segments.c.first_seq == seq + 1)
        ).scalar()
    return Place(seq, own) if own is not None else None


def read_entries(connection: Connection, after: int, *, last: int, limit: int) -> list[Entry | Gone]:
    """Return what stands after an entry, up to `last`, in order."""
    columns = (chain.c.seq, chain.c.code, chain.c.record_id, chain.c.hash)
    chosen = select(*columns).where(chain.c.seq > after, chain.c.seq <= last).order_by(chain.c.seq).limit(limit)
    rows: Any = connection.execute(chosen).all()
    until = rows[-1].seq if len(rows) == limit else last
    found: list[Entry | Gone] = [*_gone_between(connection, after, until), *_entries_of(connection, rows)]
    return sorted(found, key=lambda one: one.first_seq if isinstance(one, Gone) else one.seq)


def _entries_of(connection: Connection, rows: Sequence[Any]) -> Iterator[Entry]:
    taken = load_receipts(connection, [row.record_id for row in rows if row.code == RECEIPT])
    done = _load_acts(connection, [row.record_id for row in rows if row.code == ACT])
    notes = _load_notes(connection, rows)
    for row in rows:
        if row.code == RECEIPT:
            receipt = taken.get(row.record_id)
            record, act = canonical(receipt) if receipt is not None else None, None
        else:
            receipt, record = None, done.get(row.record_id) if row.code == ACT else notes.get(row.seq)
            act = _read_act(record) if row.code == ACT else None
        yield Entry(row.seq, row.code, row.record_id, row.hash, record, receipt=receipt, act=act)


def _read_act(record: bytes | None) -> Act | None:
    """Return an act, None where its bytes are lost or were changed into none."""
    try:
        return msgspec.json.decode(record, type=Act) if record is not None else None
    except NOT_READABLE:
        return None


def _load_acts(connection: Connection, ids: Sequence[str]) -> dict[str, bytes]:
    if not ids:
        return {}
    rows = connection.execute(select(acts.c.act_id, acts.c.record).where(acts.c.act_id.in_(ids)))
    return {act_id: record for act_id, record in rows}  # noqa: C416 -- rows are no pairs to the type checker


def _load_notes(connection: Connection, rows: Sequence[Any]) -> dict[int, bytes]:
    seqs = [row.seq for row in rows if row.code not in {RECEIPT, ACT}]
    if not seqs:
        return {}
    found = connection.execute(select(chain_notes.c.seq, chain_notes.c.record).where(chain_notes.c.seq.in_(seqs)))
    return {seq: record for seq, record in found}  # noqa: C416 -- see above


def _gone_between(connection: Connection, after: int, until: int) -> list[Gone]:
    between = (chain_segments.c.first_seq > after, chain_segments.c.first_seq <= until)
    chosen = select(chain_segments.c.first_seq, chain_segments.c.stub).where(chain_segments.c.stub.is_not(None))
    return [Gone(first_seq, stub) for first_seq, stub in connection.execute(chosen.where(*between))]


def _tail(connection: Connection) -> Place:
    row = connection.execute(select(chain.c.seq, chain.c.hash).order_by(chain.c.seq.desc()).limit(1)).first()
    return Place(row.seq, row.hash) if row else Place(0, NO_HASH)


def _range_of(connection: Connection, wanted: Wanted) -> tuple[int, int] | None:
    """Return the first and the last place of what is wanted."""
    ends = []
    for column, conditions in ((receipts.c.seq, _wanted_receipts(wanted)), (acts.c.seq, _wanted_acts(wanted))):
        row = connection.execute(select(func.min(column), func.max(column)).where(*conditions)).one()
        ends += [end for end in row if end is not None]
    return (min(ends), max(ends)) if ends else None


def _shown_in(connection: Connection, wanted: Wanted, last: int) -> int:
    count = 0
    for column, conditions in ((receipts.c.seq, _wanted_receipts(wanted)), (acts.c.seq, _wanted_acts(wanted))):
        count += connection.execute(select(func.count()).where(column <= last, *conditions)).scalar_one()
    return count


def _wanted_receipts(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    yield receipts.c.seq.is_not(None)
    yield from _between(receipts.c.opened_at_ms, wanted)
    if wanted.project is not None:
        yield receipts.c.project_id == wanted.project_id


def _wanted_acts(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    yield acts.c.seq.is_not(None)
    yield from _between(acts.c.at_ms, wanted)
    if wanted.project is not None:
        yield acts.c.project == wanted.project


def _between(column: ColumnElement[int], wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.since_ms is not None:
        yield column >= wanted.since_ms
    if wanted.until_ms is not None:
        yield column < wanted.until_ms


def _next_checkpoint(connection: Connection, seq: int) -> int | None:
    joined = select(func.min(chain.c.seq)).join_from(chain_notes, chain, chain.c.seq == chain_notes.c.seq)
    return connection.execute(joined.where(chain_notes.c.seq >= seq, chain.c.code == CHECKPOINT)).scalar()
