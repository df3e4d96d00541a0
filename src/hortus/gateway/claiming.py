"""Is this request the only one under its `Idempotency-Key`? Claimed before it runs, given up or marked done after."""

from __future__ import annotations

from collections.abc import Callable

from hortus.base.secrets import Secret
from hortus.canon.errors import AlreadyDone, AlreadyRunning
from hortus.gateway.settle import Books
from hortus.gateway.visit import Visit
from hortus.receipts.claims import Claims, digest_idempotency_key

IDEMPOTENCY_KEY = b"idempotency-key"
"""The header's name."""


async def claim(visit: Visit, project_id: str, *, claims: Claims, secret: Callable[[], Secret], books: Books) -> None:
    """See that no request runs twice where the client says which one it is.

    Raises:
        AlreadyRunning: The same one is being answered.
        AlreadyDone: It has succeeded.
    """
    key = visit.received.get(IDEMPOTENCY_KEY)
    if key is None:
        return
    digest = digest_idempotency_key(key, secret())
    first = await claims.claim(project_id, digest, receipt_id=visit.receipt_id)
    match first.state:
        case "yours":
            visit.idempotency = digest
        case "running":
            books.note_conflict("running")
            raise AlreadyRunning(
                f"A request with this Idempotency-Key is being answered (receipt {first.receipt}).",
                hint="Wait for it; should it fail, send this one again.",
            )
        case "done":
            books.note_conflict("done")
            raise AlreadyDone(
                f"The request with this Idempotency-Key has succeeded (receipt {first.receipt}).",
                hint="Nothing was sent or billed again. Use another key for another request.",
            )


def end_claim(visit: Visit, project_id: str, claims: Claims) -> None:
    """Give the claim up, or mark it done where the answer was complete."""
    if visit.idempotency is not None:
        is_done = visit.is_completed
        claims.end(project_id, visit.idempotency, receipt_id=visit.receipt_id, is_done=is_done)
