"""What the ledger does for the chain beside writing receipts into it: acts, checkpoints, and letting old segments go.

Every step may be the last (kill -9): each is one transaction, and is done again where it was not done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

import msgspec

from hortus.base.time import Clock
from hortus.receipts.chain import Place
from hortus.receipts.checkpoint import Checkpoint, SigningKey, Stub

_LOOK_EVERY_S = 3600.0
_DAY_MS = 86_400_000

_log = logging.getLogger("hortus.ledger")


class Standing(msgspec.Struct, frozen=True):
    """Where the chain stands.

    Attributes:
        has_news: Its last entry is no checkpoint.
        checkpoint_at_ms: When it was signed last, None for never.
    """

    place: Place
    has_news: bool
    checkpoint_at_ms: int | None = None


class Leaving(msgspec.Struct, frozen=True):
    """A segment whose time is over.

    Attributes:
        stub: What will be said of it, without installation and instant.
        fault: Why it must stay: what it holds is not what was chained.
    """

    stub: Stub
    fault: str | None = None


class ChainStore(Protocol):
    """The chain, for its one writer. Any of them may raise StoreUnavailable."""

    def standing(self) -> Standing:
        """Return where the chain stands."""
        ...

    def take_acts(self) -> int:
        """Give acts that have none their places in the chain; return how many."""
        ...

    def add_checkpoint(self, record: bytes, after: Place) -> bool:
        """Write a checkpoint of a place, unless the chain has gone on; tell whether it was written."""
        ...

    def leaving(self, before_ms: int) -> Leaving | None:
        """Return the oldest segment that is still here if all of it came before an instant."""
        ...

    def let_go(self, stub: Stub, record: bytes) -> None:
        """Delete what a segment held and put its stub in its place."""
        ...


class Keeping(msgspec.Struct, frozen=True):
    """How often a checkpoint is made, and how long receipts are kept (0: for ever)."""

    checkpoint_minutes: int = 10
    receipts_days: int = 0


USUAL_KEEPING = Keeping()


class Signer(msgspec.Struct, frozen=True):
    """Who signs.

    Attributes:
        installation: Its id, in every statement.
        key_of: Returns its key; asked each time, for keys change.
    """

    installation: str
    key_of: Callable[[], SigningKey]

    def sign(self, statement: Checkpoint | Stub) -> bytes:
        """Return a signed statement as it is written down."""
        return msgspec.json.encode(self.key_of().sign(statement))


class Gauges(Protocol):
    """Where figures of the chain are shown."""

    def show_chain(self, *, records: int, checkpoint_at_ms: int | None) -> None:
        """Show where the chain stands, and when it was signed last (None for never)."""
        ...


class Notary:
    """Looks after the chain, for one thread; the store's errors pass through, the next look goes on.

    Args:
        chain: The store's.
        signer: Signs for the installation.
        clock: Tells when something is due.
        keeping: As the settings say.
        gauges: Where the chain's figures are shown, None for nowhere.
    """

    def __init__(
        self, chain: ChainStore, signer: Signer, *, clock: Clock, keeping: Keeping, gauges: Gauges | None = None
    ) -> None:
        self._chain = chain
        self._signer = signer
        self._clock = clock
        self._keeping = keeping
        self._gauges = gauges
        self._checkpoint_due_s = clock.monotonic_s()
        self._look_due_s = clock.monotonic_s()

    def run_if_due(self, *, is_last: bool = False) -> None:
        """Take acts in; make a checkpoint and let old segments go where that is due, or the ledger ends.

        Raises:
            hortus.ledger.ports.StoreUnavailable: What was not done is done next time.
        """
        while self._chain.take_acts():
            pass
        if self._keeping.receipts_days and self._clock.monotonic_s() >= self._look_due_s:
            self._let_go_of_old(self._keeping.receipts_days)
            self._look_due_s = self._clock.monotonic_s() + _LOOK_EVERY_S
        if is_last or self._clock.monotonic_s() >= self._checkpoint_due_s:
            self._make_checkpoint()
            self._checkpoint_due_s = self._clock.monotonic_s() + 60.0 * self._keeping.checkpoint_minutes
        if self._gauges is not None:
            standing = self._chain.standing()
            self._gauges.show_chain(records=standing.place.seq, checkpoint_at_ms=standing.checkpoint_at_ms)

    def _make_checkpoint(self) -> None:
        standing = self._chain.standing()
        if standing.has_news:
            record = self._signer.sign(
                Checkpoint(
                    self._signer.installation, standing.place.seq, standing.place.hash.hex(), self._clock.now_ms()
                )
            )
            self._chain.add_checkpoint(record, standing.place)

    def _let_go_of_old(self, days: int) -> None:
        before_ms = self._clock.now_ms() - days * _DAY_MS
        segments = receipts = 0
        while (leaving := self._chain.leaving(before_ms)) is not None:
            if leaving.fault is not None:
                _log.error("a segment of the chain stays although its time is over", extra={"why": leaving.fault})
                return
            stub = msgspec.structs.replace(
                leaving.stub, installation=self._signer.installation, at_ms=self._clock.now_ms()
            )
            self._chain.let_go(stub, self._signer.sign(stub))
            segments += 1
            receipts += stub.receipts
        if segments:
            _log.info("old receipts have left the store", extra={"segments": segments, "receipts": receipts})
