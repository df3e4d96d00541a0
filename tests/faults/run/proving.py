"""What is written down, read from outside: receipts in the store, segments of the journal, the chain in an export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from faults.run.place import Place
from faults.run.reconcile import Finding
from hortus.app.clock import SystemClock
from hortus.receipts.records import Receipt
from hortus.receipts.verify import verify_journal
from hortus.store.database import open_store
from hortus.store.receipts import ReceiptTable

_PAGE = 1000


def read_receipts(place: Place, *, since_ms: int = 0) -> list[Receipt]:
    """Return every receipt of the installation, or those of requests that began since then."""
    store = open_store(place.hortus.home / "store.sqlite", clock=SystemClock(), busy_timeout_s=30.0)
    found: list[Receipt] = []
    try:
        table = ReceiptTable(store)
        while True:
            page = table.receipts(limit=_PAGE, since_ms=since_ms, before=found[-1].receipt_id if found else None)
            found += page
            if len(page) < _PAGE:
                return found
    finally:
        store.close()


def verify_segments(place: Place) -> list[Finding]:
    """Check every segment of the journal."""
    found = verify_journal([place.journal, place.journal / "done"])
    return [Finding("journal", fault.file, f"at {fault.offset}: {fault.why}") for fault in found.faults]


class _Shown(msgspec.Struct):
    receipt_id: str = ""


class _Line(msgspec.Struct):
    kind: str = ""
    record: _Shown | None = None


def verify_chain(place: Place) -> Iterator[Finding]:
    """Export all receipts, verify the file with keys and a checkpoint held outside, and see that all are in it."""
    keys, mark, file = (place.directory / name for name in ("keys.json", "checkpoint.json", "receipts.jsonl"))
    hortus = place.hortus
    hortus.cli("receipts", "public-key", "--out", str(keys))
    hortus.cli("receipts", "checkpoint", "--out", str(mark))
    hortus.cli("receipts", "export", str(file))
    known = ("--public-key", str(keys), "--checkpoint", str(mark))
    done = hortus.cli("receipts", "verify", str(file), *known, check=False)
    if done.returncode != 0:
        yield Finding("chain", file.name, f"verify ended with {done.returncode}: {done.stdout.strip()[-600:]}")
    decode = msgspec.json.Decoder(_Line).decode
    lines = [decode(line) for line in file.read_bytes().splitlines()]
    exported = Counter(line.record.receipt_id for line in lines if line.kind == "receipt" and line.record)
    stored = {receipt.receipt_id for receipt in read_receipts(place)}
    for receipt_id in stored ^ exported.keys():
        yield Finding("chain", receipt_id, "in the store or in the export, not in both")
    for receipt_id, count in exported.items():
        if count > 1:
            yield Finding("chain", receipt_id, f"{count} times in the export")
