"""Claims in the store: one request per key at a time, and none after it has succeeded. See `receipts.claims`."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select, update

from hortus.receipts.claims import Claim, Claimed
from hortus.receipts.records import Receipt
from hortus.store.database import Store
from hortus.store.schema import claims

_RUNNING, _DONE, _FAILED = "running", "done", "failed"
_COMPLETED = "completed"


class ClaimTable:
    """Implements `ledger.ports.ClaimStore`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def claim(self, claim: Claim) -> Claimed:
        """Take the key, unless a request that runs or has succeeded has it."""
        here = (claims.c.project_id == claim.project) & (claims.c.digest == claim.digest)
        values: dict[str, str | int] = {"receipt_id": claim.receipt, "writer": claim.writer, "state": _RUNNING}
        values["at_ms"] = self._store.clock.now_ms()
        with self._store.writing() as connection:
            first = connection.execute(select(claims.c.state, claims.c.receipt_id).where(here)).first()
            if first is None:
                connection.execute(
                    insert(claims).values(values | {"project_id": claim.project, "digest": claim.digest})
                )
            elif first.state == _DONE:
                return Claimed("done", first.receipt_id)
            elif first.state == _RUNNING and first.receipt_id != claim.receipt:
                return Claimed("running", first.receipt_id)
            else:
                connection.execute(update(claims).where(here).values(values))
        return Claimed("yours", claim.receipt)

    def end(self, claim: Claim, *, is_done: bool) -> None:
        """The request is over: it has succeeded and keeps the key, or it has not and leaves it to others."""
        with self._store.writing() as connection:
            _end(connection, claim.receipt, project_id=claim.project, digest=claim.digest, is_done=is_done)

    def forget(self, before_ms: int) -> None:
        """Forget what has ended before an instant."""
        with self._store.writing() as connection:
            connection.execute(delete(claims).where(claims.c.at_ms < before_ms, claims.c.state != _RUNNING))


def end_claims(connection: Connection, done: Iterable[Receipt]) -> None:
    """Let receipts say how their requests ended, in the transaction that writes them."""
    for receipt in done:
        if receipt.idempotency is not None:
            is_done = receipt.status == _COMPLETED
            project_id = receipt.caller.project_id or ""
            _end(connection, receipt.receipt_id, project_id=project_id, digest=receipt.idempotency, is_done=is_done)


def bury_claims(connection: Connection, writer: str) -> None:
    """A writer is dead, and all its receipts are written: what it still ran has failed."""
    here = (claims.c.writer == writer) & (claims.c.state == _RUNNING)
    connection.execute(update(claims).where(here).values(state=_FAILED))


def _end(connection: Connection, receipt_id: str, *, project_id: str, digest: str, is_done: bool) -> None:
    here = (claims.c.project_id == project_id) & (claims.c.digest == digest) & (claims.c.receipt_id == receipt_id)
    connection.execute(
        update(claims).where(here, claims.c.state == _RUNNING).values(state=_DONE if is_done else _FAILED)
    )
