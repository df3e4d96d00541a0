"""What the admin API answers about receipts: who asked, what each attempt used and cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from hortus.control.views import Instant, View


class UsageView(View):
    """What was used of a model: tokens, and what else is priced."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    reasoning_tokens: int = 0
    is_estimated: bool = False
    cache_write_tokens: int = 0
    cache_write_long_tokens: int = 0
    input_audio_tokens: int = 0
    cached_audio_tokens: int = 0
    output_audio_tokens: int = 0
    input_image_tokens: int = 0
    output_image_tokens: int = 0
    searches: int = 0
    images: int = 0
    seconds: int = 0
    pages: int = 0
    characters: int = 0
    search_units: int = 0
    service_tier: str | None = None
    region: Annotated[str | None, Field(description="Where the host says it computed, where that has a price.")] = None


class HoldView(View):
    """Part of a budget."""

    pool: Annotated[str, Field(description="The budget in one period, `LIMIT@START_MS`.")]
    amount: Annotated[Decimal, Field(description="In the budget's currency.")]


class AttemptView(View):
    """One upstream call within a receipt."""

    number: int
    endpoint: str
    model: str
    host: str
    status: str
    opened_at_ms: Instant
    settled_at_ms: Instant | None = None
    region: str | None = None
    model_version: str | None = None
    served_model: str | None = None
    http_status: int | None = None
    error_code: str | None = None
    usage: UsageView | None = None
    reserved: Decimal | None = None
    cost: Decimal | None = None
    currency: str | None = None
    price_id: str | None = None
    first_byte_ms: int | None = None
    host_request_id: str | None = None
    adaptations: tuple[str, ...] = ()
    host_dialect: Annotated[str | None, Field(description="The host's dialect, where the call was translated.")] = None
    losses: Annotated[tuple[str, ...], Field(description="What the host did not get, as `weight:path`.")] = ()
    answer_losses: Annotated[tuple[str, ...], Field(description="What the client did not get, as `weight:path`.")] = ()
    maker: str | None = None
    holds: Annotated[tuple[HoldView, ...], Field(description="What was reserved of budgets.")] = ()
    charges: Annotated[tuple[HoldView, ...], Field(description="What was taken of them.")] = ()
    rates: Annotated[tuple[str, ...], Field(description="Ids of the currency rates by which that was reckoned.")] = ()
    answer_digest: Annotated[str | None, Field(description="Salt and HMAC of what the client was sent.")] = None
    is_kept: Annotated[bool | None, Field(description="Whether the content is kept; none: nobody asked for it.")] = None


class CallerView(View):
    """Who asked, by ids."""

    key_id: str | None = None
    project_id: str | None = None


class ReceiptView(View):
    """The record of one request."""

    receipt_id: str
    opened_at_ms: Instant
    status: str
    caller: CallerView
    request_id: str
    settled_at_ms: Instant | None = None
    project: str | None = None
    dialect: str | None = None
    operation: str | None = None
    route: str | None = None
    model: str | None = None
    endpoint: str | None = None
    is_stream: bool = False
    http_status: int | None = None
    error_code: str | None = None
    usage: UsageView | None = None
    cost: Decimal | None = None
    currency: str | None = None
    traceparent: str | None = None
    snapshot_version: int | None = None
    attempts: tuple[AttemptView, ...] = ()
    maker: str | None = None
    idempotency: Annotated[str | None, Field(description="Keyed digest of the `Idempotency-Key`.")] = None
    request_digest: Annotated[str | None, Field(description="Salt and HMAC of the body as it was sent.")] = None
    policy: Annotated[str | None, Field(description="Which policy judged it: `NAME~DIGEST`.")] = None
    rulings: Annotated[tuple[str, ...], Field(description="What it says against endpoints: `ENDPOINT:RULE`.")] = ()
    findings: Annotated[tuple[str, ...], Field(description="What guards found: `KIND:NUMBER`.")] = ()
    shadow: Annotated[tuple[str, ...], Field(description="What the shadow policy says: `POLICY:ENDPOINT:RULE`.")] = ()
    cached_from: Annotated[str | None, Field(description="Receipt of the answer that was given again.")] = None


class ReceiptList(View):
    """Receipts, newest first."""

    receipts: list[ReceiptView]
