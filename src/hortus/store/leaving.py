"""Lets whole segments of the chain go whose time is over, each for the signed stub that stands in its place.

A segment that is not what was chained stays: its stub would swear to what it cannot know.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select, update

from hortus.base.money import EXACT
from hortus.ledger.notary import Leaving
from hortus.receipts.chain import ACT, CHECKPOINT, RECEIPT, Place
from hortus.receipts.checkpoint import Checkpoint, Signed, Stub, read_statement
from hortus.receipts.records import Receipt
from hortus.store.chainreading import PAGE, Entry, Gone, follow, read_entries
from hortus.store.schema import acts, attempts, chain, chain_notes, chain_segments, receipts


class _Sums(msgspec.Struct):
    receipts: int = 0
    acts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    costs: dict[str, Decimal] = msgspec.field(default_factory=dict)
    without_cost: int = 0
    checkpoints: list[tuple[int, str]] = msgspec.field(default_factory=list)

    def add(self, one: Entry) -> None:
        if one.receipt is not None:
            self._add_receipt(one.receipt)
        elif one.code == ACT:
            self.acts += 1
        elif one.code == CHECKPOINT and one.record is not None:
            statement = read_statement(msgspec.json.decode(one.record, type=Signed))
            if isinstance(statement, Checkpoint):
                self.checkpoints.append((statement.seq, statement.hash))

    def _add_receipt(self, receipt: Receipt) -> None:
        self.receipts += 1
        if receipt.usage is not None:
            self.input_tokens += receipt.usage.input_tokens
            self.output_tokens += receipt.usage.output_tokens
        if receipt.cost is None or receipt.currency is None:
            self.without_cost += 1
        else:
            before = self.costs.get(receipt.currency, Decimal(0))
            self.costs[receipt.currency] = EXACT.add(before, receipt.cost)


def find_leaving(connection: Connection, before_ms: int) -> Leaving | None:
    """Return the oldest segment that is still here, if all of it was written before an instant."""
    later = chain_segments.alias("later")
    chosen = (
        select(chain_segments.c.number, chain_segments.c.first_seq, chain_segments.c.previous)
        .add_columns(later.c.first_seq.label("end"), later.c.previous.label("hash"))
        .join_from(chain_segments, later, later.c.number == chain_segments.c.number + 1)
        .where(chain_segments.c.stub.is_(None), later.c.began_at_ms <= before_ms)
        .order_by(chain_segments.c.number)
        .limit(1)
    )
    row: Any = connection.execute(chosen).first()
    if row is None:
        return None
    sums, fault = _Sums(), None
    here = Place(row.first_seq - 1, row.previous)
    while fault is None and here.seq < row.end - 1:
        some = read_entries(connection, here.seq, last=row.end - 1, limit=PAGE)
        here, fault = _go_over(here, some, sums)
    if fault is None and here.hash != row.hash:
        fault = f"entry {here.seq}: the next segment names another hash before it"
    stub = Stub(
        installation="",
        segment=row.number,
        first_seq=row.first_seq,
        last_seq=row.end - 1,
        previous=row.previous.hex(),
        hash=row.hash.hex(),
        at_ms=0,
        receipts=sums.receipts,
        acts=sums.acts,
        input_tokens=sums.input_tokens,
        output_tokens=sums.output_tokens,
        costs=sums.costs,
        without_cost=sums.without_cost,
        checkpoints=tuple(sums.checkpoints),
    )
    return Leaving(stub, fault)


def _go_over(here: Place, some: Sequence[Entry | Gone], sums: _Sums) -> tuple[Place, str | None]:
    if not some:
        return here, f"entry {here.seq + 1}: it is missing"
    end, flaw = follow(here, some)
    if flaw is not None:
        return end, f"entry {flaw.seq}: {flaw.why}"
    for one in some:
        if isinstance(one, Entry):
            sums.add(one)
    return end, None


def replace_by_stub(connection: Connection, stub: Stub, record: bytes) -> None:
    """Delete what a segment holds, and keep its stub."""
    own = chain.c.seq.between(stub.first_seq, stub.last_seq)
    taken = select(chain.c.record_id).where(own, chain.c.code == RECEIPT)
    done = select(chain.c.record_id).where(own, chain.c.code == ACT)
    connection.execute(delete(attempts).where(attempts.c.receipt_id.in_(taken)))
    connection.execute(delete(receipts).where(receipts.c.receipt_id.in_(taken)))
    connection.execute(delete(acts).where(acts.c.act_id.in_(done)))
    connection.execute(delete(chain_notes).where(chain_notes.c.seq.between(stub.first_seq, stub.last_seq)))
    connection.execute(delete(chain).where(own))
    connection.execute(update(chain_segments).where(chain_segments.c.number == stub.segment).values(stub=record))
