"""What does a policy know of an endpoint? Where it computes and stores, under whose law, on which terms, who says so.

None is unknown, and unknown is never allowed where a policy asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import msgspec

from hortus.catalog import residency
from hortus.catalog.rows import Confidence, State

Reach = residency.Reach
REVIEW_DAYS = residency.REVIEW_DAYS


CHAT = "chat"
"""The operation whose requests can pull levers."""


LEVER_MARK = "policy:"
"""Adaptations that a policy demands are called so in receipts: `policy:store=false`."""


class Gains(msgspec.Struct, frozen=True, omit_defaults=True):
    """What holds instead once a lever is pulled; None: as before."""

    compute: str | None = None
    storage: str | None = None
    retention_days: int | None = None
    state_days: int | None = None
    trains: bool | None = None


class Lever(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member or header by which a request itself changes how the host treats it.

    Attributes:
        name: How the adaptation is called in receipts, such as `store=false`.
        dialects: The wire formats in which it works.
        gains: What it brings.
        member: Path of the body's member, dots between names (`provider.data_collection`); None for a header.
        header: Name in lower case; None for a member.
        value: JSON of the member, or the header's text as a JSON string.
    """

    name: str
    dialects: tuple[str, ...]
    gains: Gains
    member: str | None = None
    header: str | None = None
    value: msgspec.Raw = msgspec.Raw(b"null")


KEEPING = frozenset(
    ("create_file", "create_upload", "add_upload_part", "complete_upload", "create_batch", "create_tuning_job")
)
"""Operations whose host keeps what it is given until that is deleted."""

UNTIL_DELETED_DAYS = 36_500


class Facts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of one endpoint, with source and day.

    Attributes:
        maker: Catalog id; `unknown` where the catalog does not know the model.
        host: Catalog id.
        is_own: The organisation itself runs it, on its own machines.
        compute: Where it computes: a country, `EU*` or `GLOBAL`.
        storage: Where the host keeps what it keeps, likewise.
        retention_days: How long requests and answers are kept (logs for abuse checks among them); 0: not at all.
        state_days: How long the host keeps an answer for later requests to refer to, unless told otherwise.
        trains: Whether requests are used for training.
        operator: Legal entity.
        home: Country whose law binds the operator.
        laws: Country -> whether its authorities can demand what is there; None: nothing is known.
        licence: Of the model.
        state: Where the model is in its life.
        retires: Day from which its maker no longer serves it.
        deprecated: Day on which that was announced.
        replacement: Model (catalog id) that its maker recommends instead.
        confidence: Of the weakest of these facts.
        source: Page or contract that says so.
        checked_on: Day on which it was read.
        review_days: For how long it counts as fresh.
        levers: What a request can change.
        undecided: What else would decide the place, such as `sku`; the endpoint does not say it.
    """

    maker: str
    host: str
    is_own: bool = False
    compute: str | None = None
    storage: str | None = None
    retention_days: int | None = None
    state_days: int | None = None
    trains: bool | None = None
    operator: str | None = None
    home: str | None = None
    laws: Mapping[str, Reach] | None = None
    licence: str | None = None
    open_weights: bool | None = None
    state: State | None = None
    retires: date | None = None
    confidence: Confidence = "recalled"
    source: str | None = None
    checked_on: date | None = None
    review_days: int = REVIEW_DAYS
    levers: tuple[Lever, ...] = ()
    undecided: tuple[str, ...] = ()
    deprecated: date | None = None
    replacement: str | None = None

    def for_operation(self, operation: str) -> Facts:
        """Return what holds for an operation: levers are members of chats; of others, what it says is kept is kept."""
        if operation == CHAT:
            return self
        days = UNTIL_DELETED_DAYS if operation in KEEPING else 0
        return msgspec.structs.replace(self, levers=(), state_days=days)

    def is_stale(self, on: date) -> bool:
        """Tell whether the facts are older than their review period, or bear no day at all."""
        return self.checked_on is None or on > self.checked_on + timedelta(days=self.review_days)
