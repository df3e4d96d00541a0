"""A home with store, journal, secrets and a ledger, all in this process, for tests of backup and restore."""

from __future__ import annotations

import os
from pathlib import Path

from hortus.app.backup import make_backup
from hortus.app.backupfile import Manifest
from hortus.app.copying import Wanted
from hortus.app.home import Home
from hortus.app.secrets import confirm_secret, ensure_admin_token, ensure_secret
from hortus.base.secrets import digest_key
from hortus.ledger.transfer import Transfer
from hortus.receipts.journal import JournalWriter
from hortus.receipts.records import Receipt
from hortus.snapshot.declared import ProjectSpec
from hortus.store.absorbing import JournalTable
from hortus.store.access import AccessTable
from hortus.store.database import Store, open_store
from hortus.store.receipts import ReceiptTable
from hortus.store.secretchecks import SecretCheckTable
from receipts.journal_examples import StepClock

CLOCK = StepClock()


class Silent:
    """Shows no progress."""

    def begin(self, _what: str, _total_bytes: int) -> None:
        pass

    def advance(self, _count_bytes: int) -> None:
        pass


class Ground:
    """What one installation's processes would do, a step at a time."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        for place in (root, self.home.journal, self.home.run, self.home.credentials):
            place.mkdir(parents=True, exist_ok=True)
        self.secrets = ensure_secret(self.home)
        ensure_admin_token(self.home)
        self.store: Store = open_store(self.home.store, clock=CLOCK)
        confirm_secret(self.secrets, SecretCheckTable(self.store), path=self.home.secret_key)
        self.writers: list[JournalWriter] = []
        self.ledger = Transfer(self.home.journal, JournalTable(self.store), clock=CLOCK)

    def new_writer(self, *, segment_bytes: int = 16 * 1024) -> JournalWriter:
        name = f"worker-{len(self.writers)}"
        self.writers.append(JournalWriter(self.home.journal, name, clock=CLOCK, segment_bytes=segment_bytes))
        return self.writers[-1]

    def kill(self, writer: JournalWriter) -> None:
        """End a writer as kill -9 does: its lock goes, nothing is cut or synced."""
        segment, writer._segment = writer._segment, None
        writer.close()
        self.writers.remove(writer)
        assert segment is not None
        os.close(segment.descriptor)

    def add_key(self, text: str, *, version: int = 1, expires_at_ms: int | None = None) -> str:
        """Make a key under a version of the secret; return its id."""
        access = AccessTable(self.store, CLOCK)
        access.organisation()
        if access.project("default") is None:
            access.put_project(ProjectSpec(name="default", routes=("*",)), origin="api")
        record = access.add_key(
            project="default",
            name=f"program {text}",
            digest=digest_key(text, self.secrets.by_version[version]),
            hint="abcd",
            secret_version=version,
            expires_at_ms=expires_at_ms,
        )
        return record.id

    def back_up(self, file: Path, *, wanted: Wanted | None = None) -> Manifest:
        return make_backup(self.home, file, wanted=wanted or Wanted(), clock=CLOCK, progress=Silent())

    def close(self) -> None:
        for writer in self.writers:
            writer.close()
        self.store.close()


def receipts_after_start(home: Home) -> dict[str, Receipt]:
    """Let a ledger take in what a restored home holds, and return all receipts; what lies there twice fails."""
    home.journal.mkdir(exist_ok=True)  # an empty one is in no backup; `hortus up` makes it
    store = open_store(home.store, clock=CLOCK)
    try:
        Transfer(home.journal, JournalTable(store), clock=CLOCK).run_once()
        found = ReceiptTable(store).receipts(limit=1_000_000)
    finally:
        store.close()
    assert len({receipt.receipt_id for receipt in found}) == len(found)
    return {receipt.receipt_id: receipt for receipt in found}
