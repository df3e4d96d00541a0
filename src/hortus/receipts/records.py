"""What the journal holds: `Opened` before the first byte goes upstream, `Settled` after, `Refused` for none sent.

Each attempt of a request has its own pair; together they make one receipt. The garbage collector need not look at any
of these (`gc=False`): frozen values cannot point at themselves, and the ledger holds thousands at once.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from hortus.canon.usage import Usage


class Caller(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Who asked, by ids only; None where the key was not recognised."""

    key_id: str | None = None
    project_id: str | None = None


class Hold(msgspec.Struct, frozen=True, gc=False):
    """Part of a budget: reserved by an attempt, or in the end taken by it.

    Attributes:
        pool: The budget in one period, `LIMIT@START_MS`.
        amount: In the budget's currency.
    """

    pool: str
    amount: Decimal


class Opened(msgspec.Struct, frozen=True, omit_defaults=True, gc=False, tag="opened", tag_field="kind"):
    """An attempt is about to send its first byte to the host.

    Attributes:
        attempt: 1 for the first endpoint tried, counting up.
        reserved: Upper bound of the cost in `currency`, None where the price is unknown.
        input_bytes: Size of the request body, for estimates.
        losses: What the host does not get of the request, as `weight:path`.
        host_dialect: In which dialect the host is asked, where it is not the client's.
        maker: Who trained the model.
        holds: What is reserved of budgets.
        rates: Ids of the currency rates by which that was reckoned.
        idempotency: Keyed digest of the client's `Idempotency-Key`.
        request_digest: HMAC of the body as the client sent it, by a key that only this receipt has: `SALT:DIGEST`.
        policy: Which let it go: `NAME~DIGEST`.
        rulings: What it says against other endpoints of the route, as `ENDPOINT:RULE`.
        shadow: What the shadow policy would have said against it, as `POLICY:ENDPOINT:RULE`; `*` for all of them.
        findings: What guards found, as `KIND:NUMBER`; never what it was.
        cached_from: Receipt of the answer that was given again; nothing was sent.
    """

    receipt_id: str
    attempt: int
    at_ms: int
    caller: Caller
    dialect: str
    operation: str
    route: str
    endpoint: str
    model: str
    host: str
    is_stream: bool
    request_id: str
    input_bytes: int
    snapshot_version: int
    traceparent: str | None = None
    model_version: str | None = None
    region: str | None = None
    reserved: Decimal | None = None
    currency: str | None = None
    price_id: str | None = None
    adaptations: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    host_dialect: str | None = None
    maker: str | None = None
    holds: tuple[Hold, ...] = ()
    rates: tuple[str, ...] = ()
    idempotency: str | None = None
    request_digest: str | None = None
    policy: str | None = None
    rulings: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    shadow: tuple[str, ...] = ()
    cached_from: str | None = None


class Settled(msgspec.Struct, frozen=True, omit_defaults=True, gc=False, tag="settled", tag_field="kind"):
    """An attempt is over.

    Attributes:
        status: `completed`, `failed`, `cancelled` (client gone) or `timed_out`; the ledger adds `interrupted`.
        is_last: No further attempt follows: the request is over.
        cost: True cost in the currency of its `Opened`; None where the price is unknown.
        losses: What the client does not get of the answer, as `weight:path`.
        first_byte_ms: Milliseconds from opening to the host's first byte.
        charges: What the attempt has taken of the budgets that its `Opened` holds parts of.
        answer_digest: Like `request_digest`, of what the client was sent.
        is_kept: Whether request and answer are kept, where that is asked for; None: it is not, or the end came first.
    """

    receipt_id: str
    attempt: int
    at_ms: int
    status: str
    is_last: bool
    http_status: int | None = None
    usage: Usage | None = None
    cost: Decimal | None = None
    error_code: str | None = None
    first_byte_ms: int | None = None
    output_bytes: int = 0
    host_request_id: str | None = None
    served_model: str | None = None
    losses: tuple[str, ...] = ()
    charges: tuple[Hold, ...] = ()
    answer_digest: str | None = None
    is_kept: bool | None = None


class Refused(msgspec.Struct, frozen=True, omit_defaults=True, gc=False, tag="refused", tag_field="kind"):
    """A request that was answered without any attempt.

    Attributes:
        policy: Which was asked: `NAME~DIGEST`.
        rulings: What it says against each endpoint, as `ENDPOINT:RULE`; `*` for all of them.
        findings: As in `Opened`; likewise `shadow`.
    """

    receipt_id: str
    at_ms: int
    caller: Caller
    http_status: int
    error_code: str
    request_id: str
    dialect: str | None = None
    operation: str | None = None
    route: str | None = None
    traceparent: str | None = None
    policy: str | None = None
    rulings: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    shadow: tuple[str, ...] = ()


JournalRecord = Opened | Settled | Refused


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One upstream call within a receipt.

    Attributes:
        host_dialect: In which dialect the host was asked, where the call was translated.
        losses: What the host did not get of the request, as `weight:path`; last `+N` where N more are not listed.
        answer_losses: What the client did not get of the answer, likewise.
        holds: What was reserved of budgets.
        charges: What was taken of them: all that was reserved, where the attempt was interrupted.
    """

    number: int
    endpoint: str
    model: str
    host: str
    status: str
    opened_at_ms: int
    settled_at_ms: int | None = None
    region: str | None = None
    model_version: str | None = None
    served_model: str | None = None
    http_status: int | None = None
    error_code: str | None = None
    usage: Usage | None = None
    reserved: Decimal | None = None
    cost: Decimal | None = None
    currency: str | None = None
    price_id: str | None = None
    first_byte_ms: int | None = None
    host_request_id: str | None = None
    adaptations: tuple[str, ...] = ()
    input_bytes: int = 0
    output_bytes: int = 0
    host_dialect: str | None = None
    losses: tuple[str, ...] = ()
    answer_losses: tuple[str, ...] = ()
    maker: str | None = None
    holds: tuple[Hold, ...] = ()
    charges: tuple[Hold, ...] = ()
    rates: tuple[str, ...] = ()
    answer_digest: str | None = None
    is_kept: bool | None = None


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The record of one request, as people and exports see it.

    Attributes:
        status: That of the last attempt, or `refused`.
        cost: Sum over attempts, None while any is unknown.
        maker: Of the last attempt's model.
        policy: Which judged it: `NAME~DIGEST`.
        rulings: What that says against endpoints of the route, as `ENDPOINT:RULE`; `*` for all of them.
        findings: What guards found, as `KIND:NUMBER`.
        shadow: What the shadow policy would have said, as `POLICY:ENDPOINT:RULE`.
        cached_from: Receipt of the answer that was given again.
    """

    receipt_id: str
    opened_at_ms: int
    status: str
    caller: Caller
    request_id: str
    settled_at_ms: int | None = None
    project: str | None = None
    dialect: str | None = None
    operation: str | None = None
    route: str | None = None
    model: str | None = None
    endpoint: str | None = None
    is_stream: bool = False
    http_status: int | None = None
    error_code: str | None = None
    usage: Usage | None = None
    cost: Decimal | None = None
    currency: str | None = None
    traceparent: str | None = None
    snapshot_version: int | None = None
    attempts: tuple[Attempt, ...] = ()
    maker: str | None = None
    idempotency: str | None = None
    request_digest: str | None = None
    policy: str | None = None
    rulings: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    shadow: tuple[str, ...] = ()
    cached_from: str | None = None
