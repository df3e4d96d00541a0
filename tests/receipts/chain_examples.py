"""A chain in a real store, its export as lines, and keys and checkpoints held outside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from hortus.ledger.notary import USUAL_KEEPING, Gauges, Keeping, Notary, Signer
from hortus.ledger.ports import Batch
from hortus.receipts.checkpoint import Checkpoint, SigningKey, Span
from hortus.receipts.exporting import Footing, Wanted, head_line
from hortus.receipts.records import Caller, JournalRecord
from hortus.receipts.segment import START, Position
from hortus.receipts.verdict import Trust
from hortus.snapshot.declared import ProjectSpec, RouteSpec
from hortus.store.absorbing import JournalTable
from hortus.store.access import AccessTable
from hortus.store.chain import ChainTable
from hortus.store.chainreading import ChainReader
from hortus.store.database import Store, open_store
from hortus.store.objects import ObjectTable
from receipts.journal_examples import StepClock, opened, refused, settled

KEY = SigningKey(bytes(range(32)))
OTHER_KEY = SigningKey(bytes(range(1, 33)))
DAY_S = 86_400
ALL = Wanted()


class Ledger:
    """A store with its chain, and what looks after it."""

    def __init__(self, directory: Path, *, keeping: Keeping = USUAL_KEEPING, life: int = 1) -> None:
        self.clock = StepClock()
        self.key = KEY
        self._segment = f"w-{life}.journal"
        self.store: Store = open_store(directory / "store.sqlite", clock=self.clock)
        self.access = AccessTable(self.store, self.clock)
        self.objects = ObjectTable(self.store, self.clock)
        self.chain = ChainReader(self.store)
        self.installation = self.access.organisation().id
        self._journal = JournalTable(self.store)
        self._position = START
        self.notary = self.make_notary(keeping)

    def make_notary(self, keeping: Keeping, *, gauges: Gauges | None = None) -> Notary:
        signer = Signer(self.installation, lambda: self.key)
        return Notary(ChainTable(self.store), signer, clock=self.clock, keeping=keeping, gauges=gauges)

    def absorb(self, *records: JournalRecord) -> None:
        end = Position(self._position.offset + 1, "hash")
        self._journal.absorb(Batch(self._segment, "w", self._position, end, records))
        self._position = end

    def ask(self, *names: str, project_id: str = "prj_1") -> None:
        """Take in the receipts of completed requests."""
        caller = Caller("key_1", project_id)
        at_ms = self.clock.now_ms()
        self.absorb(
            *[
                record
                for name in names
                for record in (replace(opened(name), caller=caller, at_ms=at_ms), settled(name, cost="0.25"))
            ]
        )

    def checkpoint(self) -> Checkpoint:
        """Return a checkpoint of now, as it would be held outside."""
        place = self.chain.place()
        return Checkpoint(self.installation, place.seq, place.hash.hex(), self.clock.now_ms())

    def export(self, wanted: Wanted = ALL, *, page: int = 3) -> list[bytes]:
        """Return the lines of an export, as the CLI would write them."""
        extent = self.chain.extent(wanted)
        assert extent is not None
        span = Span(
            installation=self.installation,
            first_seq=extent.before.seq + 1,
            last_seq=extent.end.seq,
            previous=extent.before.hash.hex(),
            hash=extent.end.hash.hex(),
            shown=extent.shown,
            at_ms=self.clock.now_ms(),
            public_keys=self.key.public_keys,
            project=wanted.project,
            since_ms=wanted.since_ms,
            until_ms=wanted.until_ms,
        )
        lines, after = [head_line(self.key.sign(span))], extent.before.seq
        while after < extent.end.seq:
            some, after = self.chain.lines(wanted, after=after, last=extent.end.seq, limit=page)
            lines += some
        return with_tail(lines)

    def close(self) -> None:
        self.store.close()


def with_tail(lines: Sequence[bytes]) -> list[bytes]:
    """Return lines with the last line that fits them: anybody can write that."""
    footing = Footing()
    for line in lines:
        footing.add(line)
    return [*lines, footing.tail_line()]


def trust_in(*checkpoints: Checkpoint, key: SigningKey | None = KEY) -> Trust:
    """Return what is known from outside."""
    keys = {key.id: key.public} if key is not None else {}
    return Trust(checkpoints, keys, are_all_keys=key is not None)


def usual_chain(ledger: Ledger) -> Checkpoint:
    """Fill a chain with every kind of entry but stubs; return a checkpoint of its end."""
    ledger.access.put_project(ProjectSpec("team", ("a",)), origin="api")
    ledger.ask("one", "two")
    ledger.notary.run_if_due()
    ledger.objects.put(RouteSpec("a", ("e",)), origin="api", where=None)
    ledger.ask("three")
    ledger.absorb(refused("four"))
    ledger.notary.run_if_due(is_last=True)
    ledger.ask("five")
    return ledger.checkpoint()


def records_of(lines: Sequence[bytes]) -> list[msgspec.Raw]:
    return [msgspec.json.decode(line, type=dict[str, msgspec.Raw]).get("record", msgspec.Raw()) for line in lines[1:-1]]
