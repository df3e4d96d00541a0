"""Which request with an `Idempotency-Key` came first, and how it stands: what passes between worker and ledger."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

KEPT_MS = 24 * 3600 * 1000
"""How long it is remembered that a request with a key has succeeded."""

State = Literal["yours", "running", "done"]


class Claim(msgspec.Struct, frozen=True, gc=False):
    """A request says that it is the one with this key.

    Attributes:
        digest: Keyed digest of the client's key.
        receipt: The request's receipt.
        writer: Who journals it; with its death, an unfinished request has failed.
    """

    project: str
    digest: str
    receipt: str
    writer: str


class Claimed(msgspec.Struct, frozen=True, gc=False):
    """The answer: `yours`, or how the one that came first stands.

    Attributes:
        receipt: Of the one that came first.
    """

    state: State
    receipt: str


class ClaimStore(Protocol):
    """Where claims lie; each call is one transaction. Any may raise StoreUnavailable."""

    def claim(self, claim: Claim) -> Claimed:
        """Take the key, unless a request that runs or has succeeded has it."""
        ...

    def end(self, claim: Claim, *, is_done: bool) -> None:
        """The request is over: it has succeeded and keeps the key, or it has not and leaves it to others."""
        ...

    def forget(self, before_ms: int) -> None:
        """Forget what has ended before an instant."""
        ...
